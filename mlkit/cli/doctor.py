"""The commands that say how a project fares, and how many do."""

import argparse
import sys
from pathlib import Path

from mlkit.core.log import configure_logging
from mlkit.doctor import fleet as many
from mlkit.doctor.diagnosing import diagnose
from mlkit.doctor.telling import as_json, as_text


def doctor(arguments: argparse.Namespace) -> int:
    """Print what is outdated and what is not automated; return 1 below the score asked for."""
    configure_logging()
    found = diagnose(Path(arguments.path), run=arguments.run)
    print(as_json(found) if arguments.format == "json" else as_text(found))
    if found.score.total < arguments.fail_under:
        print(
            f"mlkit: the score is {found.score.total}, at least {arguments.fail_under} is asked "
            "for (--fail-under).",
            file=sys.stderr,
        )
        return 1
    return 0


def fleet(arguments: argparse.Namespace) -> int:
    """Print a line for each project of a list, and return 1 if one could not be read."""
    file = Path(arguments.file)
    found = [many.look_at(place, file.parent) for place in many.read_list(file)]
    print(many.FORMATS[arguments.format](found))
    return int(any(each.unread for each in found))
