"""What looks at a project's data, code and settings is given."""

from mlkit.cli.arguments.common import Commands, Common, add_overrides


def add(commands: Commands, common: Common) -> None:
    """Add what works on a project."""
    command = commands.add_parser(
        "check-data",
        parents=[common.shared, common.project],
        help="hold a file against the project's schema",
    )
    command.add_argument("file", nargs="?", help="a table (default: the project's own)")
    command.set_defaults(function="check_data")

    command = commands.add_parser(
        "check", parents=[common.shared], help="hold code and layout against the team's standards"
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
        "doctor",
        parents=[common.shared],
        help="say what of a project is outdated, or not automated yet",
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
        "fleet",
        parents=[common.shared],
        help="say of many projects what doctor and check say of one",
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
        parents=[common.shared, common.project],
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
        parents=[common.shared, common.project],
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
        command = actions.add_parser(name, parents=[common.shared, common.project], help=purpose)
        add_overrides(command)
        command.set_defaults(function="study", study=name.replace("-", "_"))
