"""Options that several commands share."""

import argparse
from dataclasses import dataclass
from typing import Any

#: A bundle, where a command takes one.
BUNDLE = "its folder, or NAME/VERSION or NAME@ALIAS of the registry"
#: What commands are added to; argparse has no public name for it.
Commands = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """Parents of commands: `argparse` gives a command the options of each that it names."""

    shared: argparse.ArgumentParser
    project: argparse.ArgumentParser
    stored: argparse.ArgumentParser
    trusting: argparse.ArgumentParser


def common() -> Common:
    """Return the options that several commands share."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--debug", action="store_true", help="show the traceback of an error")
    project = argparse.ArgumentParser(add_help=False)
    project.add_argument(
        "--conf", default="conf", metavar="FOLDER", help="the project's settings (default: conf)"
    )
    stored = argparse.ArgumentParser(add_help=False, parents=[project])
    stored.add_argument("--uri", help="of MLflow (default: tracking.uri of the project's settings)")
    trusting = argparse.ArgumentParser(add_help=False)
    trusting.add_argument(
        "--trust",
        action="append",
        default=[],
        metavar="PACKAGE",
        help="a package whose classes the bundle may use, beside tool.mlkit.trusted",
    )
    return Common(shared=shared, project=project, stored=stored, trusting=trusting)


def add_overrides(command: argparse.ArgumentParser, words: str = "as for train") -> None:
    """Let a command take settings to change."""
    command.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help=f"settings to change, {words}"
    )
