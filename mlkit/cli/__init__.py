"""The command line: parse once, call one function, turn the outcome into an exit code.

Nothing of a command is imported before it runs, so that help and errors of use
come at once.
"""

import argparse
import os
import sys
import traceback
from collections.abc import Sequence

from mlkit.cli.arguments import modelling, project, registry, service
from mlkit.cli.arguments.common import common
from mlkit.core.errors import MlkitError
from mlkit.core.extras import load
from mlkit.core.version import __version__

EXIT_CODES = """exit codes:
  0    done
  1    refused, or a failure of no other kind
  2    the command, its settings or a schema's declaration make no sense
  3    data or a record break their schema
  4    a Featurizer breaks its contract
  5    a bundle is damaged, untrusted, or predicts what it did not
  6    an extra is not installed
  7    the tracking server or the registry refuses, or does not answer
  8    a watched model: something to look at (a warning)
  9    a watched model: something to act on (an alarm)
  70   an error in the project's or mlkit's own code
  130  interrupted"""
_FAILED = 1
_UNEXPECTED = 70
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parsed = _parsed(arguments)
    # Idle OpenMP threads spin by default: beside other work, a fit of 22 s took 128 s.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        commands = load(f"mlkit.cli.{parsed.module}", extra=parsed.extra, purpose="This command")
        code: int = getattr(commands, parsed.function)(parsed)
    except KeyboardInterrupt:
        print("mlkit: interrupted; nothing was left half-written.", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        return 0
    except Exception as error:
        if parsed.debug:
            traceback.print_exc()
        print(f"mlkit: {_one_line(error)}", file=sys.stderr)
        return _exit_code(error)
    return code


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return what a command was given; settings may stand before and after its options."""
    parser = build_parser()
    parsed, left = parser.parse_known_args(arguments)
    # To argparse, a list of arguments ends where an option stands in it.
    many = next(
        (name for name in ("arguments", "overrides", "bundles") if hasattr(parsed, name)), None
    )
    if left and (many is None or any(part.startswith("-") for part in left)):
        parser.error(f"unrecognized arguments: {' '.join(left)}")
    if many is not None:
        setattr(parsed, many, [*getattr(parsed, many), *left])
    return parsed


def _exit_code(error: Exception) -> int:
    if isinstance(error, MlkitError):
        return error.exit_code
    return _FAILED if isinstance(error, OSError) else _UNEXPECTED


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, MlkitError):
        return text
    if isinstance(error, OSError):
        place = error.filename2 or error.filename or "A file or a stream"
        text = error.strerror or text
        return f"{place} cannot be used: {text} (the command's --debug shows the traceback)"
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{last.filename}:{last.lineno}"
    if isinstance(error, SyntaxError):
        place, text = f"{error.filename}:{error.lineno}", str(error.msg)
    return f"{type(error).__name__} at {place}: {text} (the command's --debug shows the traceback)"


def build_parser() -> argparse.ArgumentParser:
    """Return what reads a command line."""
    parser = argparse.ArgumentParser(
        prog="mlkit",
        description="From a notebook's model to one verified function in production.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(module="commands", extra="")
    parser.add_argument("--version", action="version", version=f"mlkit {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for group in (modelling, service, project, registry):
        group.add(commands, common())
    return parser
