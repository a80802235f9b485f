"""Find what an argument names: the bundle, and the registry that may have it."""

import argparse
from pathlib import Path
from typing import Any

from mlkit.core.errors import ConfigError
from mlkit.core.extras import load
from mlkit.registry.references import Reference, is_reference


def find_bundle(text: str, arguments: argparse.Namespace) -> Path:
    """Return the folder that is named, or the one that NAME/VERSION or NAME@ALIAS is fetched to.

    A folder that is there goes first.

    Raises
    ------
    ConfigError
        If it is neither a folder nor in a registry that is known.
    """
    folder = Path(text)
    if folder.exists() or not is_reference(text):
        return folder
    try:
        uri = address(arguments)
    except ConfigError as error:
        raise ConfigError(f"There is no folder {text}, and no registry to ask. {error}") from None
    versions = load("mlkit.cli.versions", extra="registry", purpose="The registry")
    place: Path = versions.fetched(uri, Reference.parse(text)).path
    return place


def address(arguments: argparse.Namespace, config: Any = None) -> str:
    """Return the address of MLflow: the one that is given, else the project's own.

    Settings that were composed already are given as `config`.

    Raises
    ------
    ConfigError
        If there is neither.
    """
    uri: str | None = arguments.uri
    if uri is None and config is None and Path(arguments.conf, "config.yaml").is_file():
        reader = load("mlkit.training.config", extra="train", purpose="Reading tracking.uri")
        config = reader.load_config(arguments.conf)
    if uri is None and config is not None:
        uri = config.tracking.uri
    if uri is None:
        raise ConfigError(
            "No tracking store: set tracking.uri in conf/config.yaml, such as "
            "sqlite:///mlruns.db, or give --uri."
        )
    return uri
