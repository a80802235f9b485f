"""What keeps models, renews and signs them is given."""

import argparse

from mlkit.cli.arguments.common import Commands, Common

#: The commands that need nothing but the registry.
_ALONE = ("rollback", "models", "pull", "lineage")


def add(commands: Commands, common: Common) -> None:
    """Add what works on the tracking store, the registry, and bundles for others."""
    _add_versions(commands, [common.shared, common.stored])

    command = commands.add_parser(
        "retrain",
        parents=[common.shared, common.project],
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
        "keygen", parents=[common.shared], help="make a key to sign bundles with"
    )
    command.add_argument("file", help="where the private key goes; the public one is printed")
    command.set_defaults(function="keygen")

    command = commands.add_parser("sign", parents=[common.shared], help="sign a bundle")
    command.add_argument("bundle", help="its folder")
    command.add_argument(
        "--key", required=True, metavar="FILE", help="the private key that mlkit keygen wrote"
    )
    command.set_defaults(function="sign")


def _add_versions(commands: Commands, parents: list[argparse.ArgumentParser]) -> None:

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
