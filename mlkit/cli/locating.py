"""Find the bundle that an argument names: a folder, or a model in the registry."""

import argparse
from pathlib import Path
from typing import Any

from mlkit.core.errors import ConfigError
from mlkit.core.extras import load


def find_bundle(text: str, arguments: argparse.Namespace) -> Path:
    """Return the folder that is named, or the one that NAME/VERSION or NAME@ALIAS is fetched to.

    A folder that is there goes first.

    Raises
    ------
    ConfigError
        If it is neither a folder nor in a registry that is known.
    """
    folder = Path(text)
    if folder.exists() or not registry_side("references").is_reference(text):
        return folder
    uri = arguments.uri or _uri_of(arguments.conf)
    if uri is None:
        raise ConfigError(
            f"There is no folder {text}, and no registry to take it from: set tracking.uri in "
            "conf/config.yaml, or give --uri."
        )
    registry = open_registry(uri)
    version = registry.get(registry_side("references").Reference.parse(text))
    place: Path = registry_side("fetching").fetch(registry, version).path
    return place


def registry_side(module: str) -> Any:
    """Return a module of the registry; say what to install if that cannot be imported."""
    return load(f"mlkit.registry.{module}", extra="registry", purpose="The registry")


def open_registry(uri: str) -> Any:
    """Return the registry at an address of MLflow."""
    return registry_side("registry").Registry(registry_side("tracking").Tracker(uri))


def _uri_of(conf: str) -> str | None:
    if not Path(conf, "config.yaml").is_file():
        return None
    config = load("mlkit.training.config", extra="train", purpose="Reading tracking.uri")
    uri: str | None = config.load_config(conf).tracking.uri
    return uri
