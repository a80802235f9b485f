"""The command that trains a model anew when it is due."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from mlkit.cli.commands import parted, project
from mlkit.cli.moments import moment
from mlkit.core.errors import ConfigError, listed
from mlkit.retraining.state import State
from mlkit.retraining.steps import Outcome, look, run_all, run_one
from mlkit.retraining.work import DECISION, Work, read_json


def retrain(arguments: argparse.Namespace) -> int:
    """Do one step, or all that are due; return 1 if one stopped the run."""
    plain, overrides = parted(arguments.arguments)
    if len(plain) > 1:
        raise ConfigError(f"mlkit retrain takes one step at most, got {listed(plain)}.")
    if arguments.dry_run and plain not in ([], ["decide"]):
        raise ConfigError("--dry-run stops after the decision: leave the step out.")
    _, config = project(arguments, "retrain", overrides)
    until = moment("until", arguments)
    work = Work(
        config=config,
        conf=Path(arguments.conf),
        state=State(Path(config.tracking.folder) / "retraining"),
        now=until or datetime.now(tz=UTC),
        until=until,
        forced=arguments.force,
    )
    with work.state.alone():
        if arguments.dry_run:
            return _told(look(work))
        if plain:
            return _told(run_one(work, plain[0]))
        return max([_told(outcome) for outcome in run_all(work)])


def _told(outcome: Outcome) -> int:
    """Print what became of a step, and return its exit code."""
    if outcome.step == "decide":
        print(read_json(outcome.place / DECISION)["summary"])
    how = "was done" if outcome.skipped else "done"
    print(f"{outcome.step}: {how}, {outcome.place}", flush=True)
    if outcome.stopped and outcome.step != "decide":
        print(outcome.stopped)
    return int(outcome.refused)
