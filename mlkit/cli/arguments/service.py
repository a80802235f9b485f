"""What serves a model, and watches it in use, is given."""

from mlkit.cli.arguments.common import BUNDLE, Commands, Common


def add(commands: Commands, common: Common) -> None:
    """Add what works on a model in use."""
    command = commands.add_parser(
        "serve", parents=[common.shared, common.trusting], help="answer predictions over HTTP"
    )
    command.add_argument(
        "bundles", nargs="*", metavar="BUNDLE", help=f"{BUNDLE} (default: those in the settings)"
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
        parents=[common.shared, common.stored, common.trusting],
        help="score a prediction log again, or compare the bundles that answered in it",
    )
    command.add_argument("log", help="the folder that mlkit serve writes")
    command.add_argument("bundle", nargs="?", help=f"{BUNDLE} (default: none, compare)")
    command.add_argument("--name", help="only what was predicted under this name")
    command.add_argument("--since", metavar="TIME", help="only what was answered from then on")
    command.add_argument("--until", metavar="TIME", help="only what was answered before then")
    command.add_argument("--json", action="store_true", help="print JSON, not tables")
    command.set_defaults(module="history", function="replay")

    command = commands.add_parser(
        "monitor",
        parents=[common.shared, common.stored],
        help="watch a model in use: its data, its predictions, and what they are worth",
    )
    command.add_argument(
        "arguments",
        nargs="*",
        metavar="BUNDLE KEY=VALUE",
        help=f"{BUNDLE} (default: the project's own), and settings to change, such as "
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
        "labels",
        parents=[common.shared, common.project],
        help="keep the answers that came after predictions",
    )
    command.add_argument("file", help="a table of them (.parquet, .csv)")
    command.add_argument(
        "--log",
        metavar="FOLDER",
        help="where the predictions left receipts (default: monitoring.log)",
    )
    command.set_defaults(module="history", function="labels")
