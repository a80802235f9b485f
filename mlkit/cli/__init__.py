"""The command line: parse once, call one function, turn the outcome into an exit code.

Nothing of a command is imported before it runs, so that help and errors of use
come at once.
"""

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

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
#: The commands that need nothing but the registry.
_ALONE = ("rollback", "models", "pull", "lineage")


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
    parser = _parser()
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mlkit",
        description="From a notebook's model to one verified function in production.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(module="commands", extra="")
    parser.add_argument("--version", action="version", version=f"mlkit {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
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

    bundle = "its folder, or NAME/VERSION or NAME@ALIAS of the registry"

    command = commands.add_parser(
        "train",
        parents=[shared, project],
        help="train, judge and pack a model as the settings say",
    )
    _add_overrides(command, "such as model=logistic split.test_fraction=0.3 seed=7")
    command.add_argument(
        "-m",
        "--multirun",
        action="store_true",
        help="train every combination of values such as model=logistic,random_forest seed=1,2",
    )
    command.set_defaults(function="train")

    command = commands.add_parser(
        "tune",
        parents=[shared, project],
        help="search for better settings, and write them as model=tuned",
    )
    _add_overrides(command, "such as tuning.trials=100 tuning.minutes=30 model=logistic")
    command.set_defaults(function="tune")

    command = commands.add_parser(
        "evaluate",
        parents=[shared, stored],
        help="judge a bundle on rows that its model has not seen",
    )
    command.add_argument(
        "arguments",
        nargs="*",
        metavar="BUNDLE DATA KEY=VALUE",
        help="its folder or NAME@ALIAS, and labelled rows (default: the project's own); settings "
        "to change",
    )
    command.add_argument(
        "--champion",
        metavar="BUNDLE",
        help="the bundle to compare with (default: evaluation.champion)",
    )
    command.add_argument("--report", metavar="FILE", help="write a page of what was found, too")
    command.set_defaults(function="evaluate")

    command = commands.add_parser(
        "freeze",
        parents=[shared, project],
        help="choose a holdout once, and keep it whatever rows come later",
    )
    command.add_argument("file", help="where its rows' fingerprints go (.npy)")
    _add_overrides(command)
    command.set_defaults(function="freeze")

    command = commands.add_parser(
        "report", parents=[shared, stored], help="write the page of a bundle's evaluation"
    )
    command.add_argument("bundle", help=bundle)
    command.add_argument("file", nargs="?", help="the page (default: reports/NAME.html)")
    command.set_defaults(function="report")

    command = commands.add_parser(
        "predict", parents=[shared, stored, trusting], help="score records or a table with a bundle"
    )
    command.add_argument("bundle", help=bundle)
    command.add_argument("input", help="records (.json, .jsonl, - for stdin) or .parquet, .csv")
    command.add_argument("output", nargs="?", help="where a scored table goes (.parquet, .csv)")
    command.set_defaults(function="predict")

    command = commands.add_parser(
        "explain", parents=[shared, stored, trusting], help="say what moved one prediction"
    )
    command.add_argument("bundle", help=bundle)
    command.add_argument("record", help="one record (.json, .jsonl, - for stdin)")
    command.add_argument("--json", action="store_true", help="print it as JSON, not as a table")
    command.set_defaults(function="explain")

    command = commands.add_parser(
        "serve", parents=[shared, trusting], help="answer predictions over HTTP"
    )
    command.add_argument(
        "bundles", nargs="*", metavar="BUNDLE", help=f"{bundle} (default: those in the settings)"
    )
    command.add_argument(
        "--config",
        metavar="FILE",
        help="the service's settings (default: conf/serving.yaml, where it is there)",
    )
    command.add_argument("--host", help="where to listen (default: 127.0.0.1, this machine alone)")
    command.add_argument("--port", type=int, help="0 takes a free one (default: 8000)")
    command.add_argument("--workers", type=int, help="processes that share the port (default: 1)")
    command.add_argument(
        "--log", metavar="FOLDER", help="where predictions leave receipts (default: predictions)"
    )
    command.add_argument("--uri", help="of the MLflow that names are looked up in")
    command.set_defaults(module="serving", function="serve")

    command = commands.add_parser(
        "replay",
        parents=[shared, stored, trusting],
        help="score a prediction log again, or compare the bundles that answered in it",
    )
    command.add_argument("log", help="the folder that mlkit serve writes")
    command.add_argument("bundle", nargs="?", help=f"{bundle} (default: none, compare)")
    command.add_argument("--name", help="only what was predicted under this name")
    command.add_argument("--since", metavar="TIME", help="only what was answered from then on")
    command.add_argument("--until", metavar="TIME", help="only what was answered before then")
    command.add_argument("--json", action="store_true", help="print JSON, not tables")
    command.set_defaults(module="history", function="replay")

    command = commands.add_parser(
        "monitor",
        parents=[shared, stored],
        help="watch a model in use: its data, its predictions, and what they are worth",
    )
    command.add_argument(
        "arguments",
        nargs="*",
        metavar="BUNDLE KEY=VALUE",
        help=f"{bundle} (default: the project's own), and settings to change, such as "
        "monitoring.level=0.001",
    )
    source = command.add_mutually_exclusive_group()
    source.add_argument(
        "--log",
        metavar="FOLDER",
        help="where the predictions left receipts (default: monitoring.log)",
    )
    source.add_argument("--data", metavar="FILE", help="a table of records, in place of a log")
    command.add_argument("--since", metavar="TIME", help="only what is from then on")
    command.add_argument("--until", metavar="TIME", help="only what is before then")
    command.add_argument(
        "--window", help="hour, day, week, month or all (default: monitoring.window)"
    )
    command.add_argument(
        "--reports", metavar="FOLDER", help="where the page and the figures go (default: reports)"
    )
    command.set_defaults(module="monitoring", function="monitor", extra="monitor")

    command = commands.add_parser(
        "labels", parents=[shared, project], help="keep the answers that came after predictions"
    )
    command.add_argument("file", help="a table of them (.parquet, .csv)")
    command.add_argument(
        "--log",
        metavar="FOLDER",
        help="where the predictions left receipts (default: monitoring.log)",
    )
    command.set_defaults(module="history", function="labels")

    command = commands.add_parser(
        "check-data", parents=[shared, project], help="hold a file against the project's schema"
    )
    command.add_argument("file", nargs="?", help="a table (default: the project's own)")
    command.set_defaults(function="check_data")

    command = commands.add_parser(
        "check", parents=[shared], help="hold code and layout against the team's standards"
    )
    command.add_argument("paths", nargs="*", metavar="PATH", help="files and folders (default: .)")
    command.add_argument(
        "--format",
        choices=("text", "json", "github", "sarif"),
        default="text",
        help="github: annotations of a pull request; sarif: for code scanners",
    )
    command.add_argument("--select", metavar="CODES", help="the rules that count: MLK1,MLK203")
    command.add_argument("--ignore", metavar="CODES", help="those of them that do not")
    command.add_argument("--fix", action="store_true", help="fix what is certain, and tell it")
    command.add_argument("--explain", metavar="CODE", help="say what a rule is, and why")
    command.add_argument("--rules", action="store_true", help="print all rules as Markdown")
    command.set_defaults(module="standards", function="check")

    command = commands.add_parser(
        "doctor", parents=[shared], help="say what of a project is outdated, or not automated yet"
    )
    command.add_argument("path", nargs="?", default=".", help="the project (default: .)")
    command.add_argument("--format", choices=("text", "json"), default="text", help="how")
    command.add_argument(
        "--run", action="store_true", help="run the tests that are evidence: all must pass"
    )
    command.add_argument(
        "--fail-under",
        type=int,
        default=0,
        metavar="N",
        help="exit with 1 if the ML Test Score is lower (default: 0)",
    )
    command.set_defaults(module="doctor", function="doctor")

    command = commands.add_parser(
        "fleet", parents=[shared], help="say of many projects what doctor and check say of one"
    )
    command.add_argument("file", help="folders and URLs of repositories, one a line")
    command.add_argument(
        "--format", choices=("text", "json", "markdown"), default="text", help="how"
    )
    command.set_defaults(module="doctor", function="fleet")

    schema = commands.add_parser("schema", help="write a first schema from data, or describe one")
    actions = schema.add_subparsers(metavar="ACTION", required=True)
    command = actions.add_parser(
        "infer",
        parents=[shared, project],
        help="guess a schema from a table, and write it as Python",
    )
    command.add_argument("file", help="a table (.parquet, .csv)")
    command.add_argument("--target", metavar="COLUMN", help="the column to predict")
    command.add_argument(
        "--output",
        metavar="FILE",
        help="where to write it (default: the project's schema; - for stdout)",
    )
    command.add_argument("--force", action="store_true", help="replace a schema that is there")
    command.set_defaults(module="schemas", function="infer")
    command = actions.add_parser(
        "describe",
        parents=[shared, project],
        help="write the data dictionary of the project's schema, as Markdown",
    )
    command.add_argument("file", nargs="?", default="-", help="where to (default: stdout)")
    command.set_defaults(module="schemas", function="describe")

    study = commands.add_parser("study", help="learn more about a model than one run tells")
    actions = study.add_subparsers(metavar="ACTION", required=True)
    for name, purpose in (
        ("ablation", "fit without each feature: what it is worth, and what it costs"),
        ("learning-curve", "say whether more rows would help"),
        ("staleness", "say how much worse a model gets per month of age"),
    ):
        command = actions.add_parser(name, parents=[shared, project], help=purpose)
        _add_overrides(command)
        command.set_defaults(function="study", study=name.replace("-", "_"))

    _add_registry(commands, [shared, stored])

    command = commands.add_parser(
        "retrain",
        parents=[shared, project],
        help="train a model anew when it is due, and promote it if every gate passes",
    )
    command.add_argument(
        "arguments",
        nargs="*",
        metavar="STEP KEY=VALUE",
        help="one step of decide, ingest, validate, tune, train, evaluate, register, promote "
        "(default: all that are due); settings to change",
    )
    command.add_argument("--force", action="store_true", help="whatever the policies say")
    command.add_argument("--dry-run", action="store_true", help="decide, and do nothing")
    command.add_argument(
        "--until", metavar="TIME", help="leave out later rows, and take this for now"
    )
    command.set_defaults(module="retraining", extra="train,registry,monitor", function="retrain")

    command = commands.add_parser(
        "keygen", parents=[shared], help="make a key to sign bundles with"
    )
    command.add_argument("file", help="where the private key goes; the public one is printed")
    command.set_defaults(function="keygen")

    command = commands.add_parser("sign", parents=[shared], help="sign a bundle")
    command.add_argument("bundle", help="its folder")
    command.add_argument(
        "--key", required=True, metavar="FILE", help="the private key that mlkit keygen wrote"
    )
    command.set_defaults(function="sign")
    return parser


def _add_overrides(command: argparse.ArgumentParser, words: str = "as for train") -> None:
    command.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help=f"settings to change, {words}"
    )


def _add_registry(commands: Any, parents: list[argparse.ArgumentParser]) -> None:
    """Add what works on the tracking store and the registry."""

    def added(name: str, purpose: str, *arguments: tuple[str, str]) -> argparse.ArgumentParser:
        command: argparse.ArgumentParser = commands.add_parser(name, parents=parents, help=purpose)
        for argument, words in arguments:
            command.add_argument(argument, help=words)
        module, extra = (
            ("versions", "registry") if name in _ALONE else ("registering", "train,registry")
        )
        command.set_defaults(module=module, extra=extra, function=name)
        return command

    model = ("reference", "NAME/VERSION or NAME@ALIAS")
    added("sync", "send the runs that the tracking store did not take")
    command = added("register", "make a bundle a version in the registry")
    command.add_argument("bundle", nargs="?", help="its folder (default: the project's own)")
    command = added("promote", "make a version the champion, if every gate passes", model)
    command.add_argument("data", nargs="?", help="labelled rows (default: the project's own)")
    command.add_argument("-m", "--message", default="", help="why, for the history")
    command = added("rollback", "make the champion before the present one champion again")
    command.add_argument("name", help="the model's name")
    command.add_argument("-m", "--message", default="", help="why, for the history")
    command = added("models", "list versions with their figures, aliases and age")
    command.add_argument("name", nargs="?", help="of one model, with its history of champions")
    added("pull", "fetch the bundle of a version", model, ("folder", "where it goes"))
    command = added("reproduce", "build a version again, and say how alike the two are", model)
    command.add_argument(
        "--here", action="store_true", help="use the active environment, not one of the lock file"
    )
    command = added(
        "lineage",
        "say what made a model or a prediction, or which models were made from some data",
        (
            "of",
            "NAME/VERSION, NAME@ALIAS, the model that a prediction names, a request's id, or "
            "digits of a bundle's digest or of the data's fingerprint",
        ),
    )
    command.add_argument(
        "--log",
        metavar="FOLDER",
        help="where requests are looked for (default: log.folder of conf/serving.yaml, or "
        "predictions)",
    )
