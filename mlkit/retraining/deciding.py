"""Gather what the policies are held to: the champion, what is found of it, the new rows."""

from pathlib import Path
from typing import Any

import msgspec

from mlkit.core.bundle import Bundle
from mlkit.core.errors import DataError
from mlkit.core.log import get_logger
from mlkit.monitoring.findings import Monitoring
from mlkit.monitoring.watching import watch_log
from mlkit.registry import journal
from mlkit.registry.fetching import fetch
from mlkit.registry.versions import Version
from mlkit.retraining.ingesting import digest_of, files_of, is_within, log_of, logged_rows
from mlkit.retraining.policies import Champion, decide
from mlkit.retraining.work import DECISION, Work, write_json
from mlkit.training.data import read_frame
from mlkit.training.report.page import read_evaluation
from mlkit.training.settings import as_dict
from mlkit.training.workflow import build_trainer

log = get_logger(__name__)

MONITORING = "monitoring.json"


def decide_inputs(work: Work) -> dict[str, Any]:
    """Return all that a decision depends on."""
    settings = as_dict(work.config)
    versions = work.registry.versions(work.config.name)
    champion = journal.settle(work.registry, work.config.name)
    entries = journal.history(work.registry, work.config.name)
    return {
        "entry": entries[-1].number if entries else 0,
        "settings": {key: settings[key] for key in ("name", "data", "monitoring", "retraining")},
        "champion": champion and champion.digest,
        "newest": versions[0].created if versions else None,
        "data": digest_of(Path(work.config.data.path)),
        "log": files_of(log_of(work.config)),
        "now": work.now,
        "until": work.until,
        "forced": work.forced,
    }


def make_decision(work: Work, draft: Path) -> str:
    """Decide, and write it; return why nothing is to be done, or nothing."""
    name = work.config.name
    versions = work.registry.versions(name)
    version = journal.settle(work.registry, name)
    entries = journal.history(work.registry, name)
    found, champion, n_new = None, None, 0
    if version is not None:
        bundle = fetch(work.registry, version)
        champion = champion_of(version, bundle)
        n_new = count_new(work, bundle, champion)
        found = watched(work, bundle)
    decision = decide(
        work.config.retraining,
        found,
        champion=champion,
        newest=versions[0].created if versions else None,
        n_new=n_new,
        now=work.now,
        forced=work.forced,
    )
    write_json(
        draft / DECISION,
        {
            **decision.to_dict(),
            "summary": decision.summary(),
            "now": work.now.isoformat(),
            "until": work.until and work.until.isoformat(),
            "champion": champion and {"version": champion.version, "digest": champion.digest},
            "n_new": n_new,
            # What was in the registry: a later run must not take what this one does for its own.
            "newest": versions[0].number if versions else 0,
            "entry": entries[-1].number if entries else 0,
        },
    )
    if found is not None:
        (draft / MONITORING).write_bytes(msgspec.json.encode(found.to_dict()))
    return "" if decision.due else decision.summary()


def champion_of(version: Version, bundle: Bundle) -> Champion:
    """Return what policies must know of a version."""
    return Champion(
        version=str(version),
        digest=version.digest,
        created=version.created,
        data_until=bundle.manifest.data_until(),
    )


def watched(work: Work, bundle: Bundle) -> Monitoring | None:
    """Return what is found of the champion in the prediction log, if there is one."""
    folder = log_of(work.config)
    if folder is None:
        return None
    try:
        return watch_log(bundle, folder, work.config.monitoring, until=work.until)
    except DataError as error:
        # A champion of today has answered nothing yet; other policies still count.
        log.warning("champion_unwatched", reason=str(error))
        return None


def count_new(work: Work, bundle: Bundle, champion: Champion) -> int:
    """Return how many rows have an answer that the champion's data did not have.

    With times, these are the rows later than its newest one; without, as many as there are
    more than it was given. An answer that came late to an earlier row is not counted.
    """
    trainer = build_trainer(work.config)
    frame = trainer.schema.validate(read_frame(work.config.data.path, trainer.schema))
    frames = [frame]
    if work.config.retraining.source == "log":
        frames.append(logged_rows(work, trainer, frame))
    time = trainer.schema.event_time()
    count = 0
    for each in frames:
        is_labelled = trainer.target.values(each).notna()
        if time is not None:
            is_labelled &= is_within(each[time], champion.data_until, work.until)
        count += int(is_labelled.sum())
    if time is not None:
        return count
    evaluation = read_evaluation(bundle)
    before = int(bundle.manifest.lineage["data"]["n_rows"]) - evaluation.n_unlabelled
    return max(count - before, 0)
