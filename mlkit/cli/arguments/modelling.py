"""What trains, judges and asks a model is given."""

from mlkit.cli.arguments.common import BUNDLE, Commands, Common, add_overrides


def add(commands: Commands, common: Common) -> None:
    """Add what works on a model."""
    command = commands.add_parser(
        "train",
        parents=[common.shared, common.project],
        help="train, judge and pack a model as the settings say",
    )
    add_overrides(command, "such as model=logistic split.test_fraction=0.3 seed=7")
    command.add_argument(
        "-m",
        "--multirun",
        action="store_true",
        help="train every combination of values such as model=logistic,random_forest seed=1,2",
    )
    command.set_defaults(function="train")

    command = commands.add_parser(
        "tune",
        parents=[common.shared, common.project],
        help="search for better settings, and write them as model=tuned",
    )
    add_overrides(command, "such as tuning.trials=100 tuning.minutes=30 model=logistic")
    command.set_defaults(function="tune")

    command = commands.add_parser(
        "evaluate",
        parents=[common.shared, common.stored],
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
        parents=[common.shared, common.project],
        help="choose a holdout once, and keep it whatever rows come later",
    )
    command.add_argument("file", help="where its rows' fingerprints go (.npy)")
    add_overrides(command)
    command.set_defaults(function="freeze")

    command = commands.add_parser(
        "report",
        parents=[common.shared, common.stored],
        help="write the page of a bundle's evaluation",
    )
    command.add_argument("bundle", help=BUNDLE)
    command.add_argument("file", nargs="?", help="the page (default: reports/NAME.html)")
    command.set_defaults(function="report")

    command = commands.add_parser(
        "predict",
        parents=[common.shared, common.stored, common.trusting],
        help="score records or a table with a bundle",
    )
    command.add_argument("bundle", help=BUNDLE)
    command.add_argument("input", help="records (.json, .jsonl, - for stdin) or .parquet, .csv")
    command.add_argument("output", nargs="?", help="where a scored table goes (.parquet, .csv)")
    command.set_defaults(function="predict")

    command = commands.add_parser(
        "explain",
        parents=[common.shared, common.stored, common.trusting],
        help="say what moved one prediction",
    )
    command.add_argument("bundle", help=BUNDLE)
    command.add_argument("record", help="one record (.json, .jsonl, - for stdin)")
    command.add_argument("--json", action="store_true", help="print it as JSON, not as a table")
    command.set_defaults(function="explain")
