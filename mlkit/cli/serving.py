"""The command that puts bundles behind HTTP."""

import argparse
from pathlib import Path
from typing import Any

from mlkit.core.errors import ConfigError
from mlkit.core.extras import load
from mlkit.core.log import configure_logging
from mlkit.core.trust import required_signers, trusted_packages

#: Read where it is there.
_SETTINGS = Path("conf", "serving.yaml")


def serve(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT."""
    configure_logging()
    path = _SETTINGS if arguments.config is None else Path(arguments.config)
    if arguments.config is not None and not path.is_file():
        raise ConfigError(f"There is no file {path}. Give --config another, or leave it out.")
    settings = _serving_side("settings").read_settings(path, _changes(arguments))
    _serving_side("server").serve(
        settings,
        trusted=(*trusted_packages(), *arguments.trust),
        signers=required_signers(),
    )
    return 0


def _changes(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the settings that the command line names."""
    changes: dict[str, Any] = {
        name: value
        for name in ("host", "port", "workers", "uri")
        if (value := getattr(arguments, name)) is not None
    }
    if arguments.bundles:
        changes["models"] = [{"bundle": bundle} for bundle in arguments.bundles]
    if arguments.log is not None:
        changes["log"] = {"folder": arguments.log}
    return changes


def _serving_side(module: str) -> Any:
    return load(f"mlkit.serving.{module}", extra="serve", purpose="mlkit serve")
