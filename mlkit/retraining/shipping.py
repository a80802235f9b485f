"""Judge the challenger beside the champion, register it, and promote it through the gates."""

from pathlib import Path
from typing import Any

from mlkit.core.errors import RegistryError, UnreachableError, listed
from mlkit.core.files import sha256
from mlkit.core.log import get_logger
from mlkit.registry import journal, promotion
from mlkit.registry.fetching import fetch
from mlkit.registry.recording import outbox_of, record_training
from mlkit.registry.references import Reference
from mlkit.registry.registry import CHALLENGER
from mlkit.registry.tracking import DIGEST, KIND, sync
from mlkit.retraining.training import EVALUATION, TIMES, trained_by
from mlkit.retraining.work import Work, read_json, write_json
from mlkit.training import workflow
from mlkit.training.data import read_frame
from mlkit.training.judging.evaluation import Evaluation
from mlkit.training.report.page import write_report
from mlkit.training.settings import as_dict

log = get_logger(__name__)

HOLDOUT, PAGE = "holdout.parquet", "evaluation.html"
VERSION, PROMOTION = "version.json", "promotion.json"


def evaluate_inputs(work: Work) -> dict[str, Any]:
    """Return all that the comparison depends on."""
    return {
        "data": sha256(work.data()),
        "bundle": work.bundle().manifest.digest,
        "champion": work.decision()["champion"],
        "evaluation": as_dict(work.config)["evaluation"],
        "seed": work.config.seed,
    }


def evaluate(work: Work, draft: Path) -> str:
    """Judge the challenger on the rows that it held out; return which gates failed.

    Of these rows, the evaluator leaves out what the champion was trained on.
    """
    bundle, champion = work.bundle(), work.decision()["champion"]
    config = trained_by(work, draft)
    trainer = workflow.build_trainer(config)
    frame = trainer.schema.validate(read_frame(work.data(), trainer.schema))
    prepared = trainer.prepare(frame)
    holdout = frame.iloc[prepared.positions[prepared.split.holdout]]
    holdout.to_parquet(draft / HOLDOUT, index=False)
    other = None
    if champion is not None:
        version = work.registry.with_digest(work.config.name, champion["digest"])
        if version is None:
            raise RegistryError(
                f"The champion {champion['version']} is in the registry no more. Decide anew: "
                "mlkit retrain decide."
            )
        other = fetch(work.registry, version).path
    found = workflow.evaluate(config, bundle, draft / HOLDOUT, other)
    (draft / EVALUATION).write_text(found.to_json(), encoding="utf-8")
    write_report(found, draft / PAGE, bundle=bundle)
    return "" if found.passed else f"{found.verdict()} {listed(found.failed())}"


def register_inputs(work: Work) -> dict[str, Any]:
    """Return all that the version depends on."""
    return {
        "bundle": work.bundle().manifest.digest,
        "uri": work.config.tracking.uri,
        "newest": work.decision()["newest"],
    }


def register(work: Work, draft: Path) -> str:
    """Record the run, make its bundle a version, and the challenger.

    One whose gates failed is registered, too: the cool-down counts from it, so that the same
    rows are not asked night after night until a gate passes by chance.
    """
    uri, bundle = str(work.config.tracking.uri), work.bundle()
    try:
        # Of a run that was killed, it may be waiting.
        sync(uri, outbox_of(work.config))
    except UnreachableError:
        raise
    except RegistryError as error:
        log.warning("run_refused", reason=str(error))
    tags = {DIGEST: bundle.manifest.digest, KIND: "train"}
    runs = work.registry.tracker.search(work.config.name, tags)
    if not any(run.info.status == "FINISHED" for run in runs):
        place = work.done["train"]
        run = workflow.Run(
            bundle=bundle,
            evaluation=Evaluation.from_json((place / EVALUATION).read_bytes()),
            report=place / f"{work.config.name}.html",
        )
        started = read_json(place / TIMES)["started"]
        record_training(trained_by(work, place), run, started)
    version = work.registry.register(bundle)
    work.registry.set_alias(version, CHALLENGER)
    write_json(draft / VERSION, {"version": str(version), "digest": version.digest})
    return ""


def promote_inputs(work: Work) -> dict[str, Any]:
    """Return all that the promotion depends on."""
    return {
        **evaluate_inputs(work),
        "holdout": sha256(work.done["evaluate"] / HOLDOUT),
        "version": read_json(work.done["register"] / VERSION),
        "reasons": work.decision()["reasons"],
        "entry": work.decision()["entry"],
    }


def promote(work: Work, draft: Path) -> str:
    """Judge the version once more beside the champion of now, and promote it."""
    said = read_json(work.done["register"] / VERSION)
    evaluation = Evaluation.from_json((work.done["evaluate"] / EVALUATION).read_bytes())
    decision = work.decision()
    found: Evaluation | None = evaluation
    if evaluation.passed:
        _check_champion(work, said["digest"])
        done = promotion.promote(
            work.registry,
            Reference.parse(said["version"]),
            trained_by(work, draft),
            data=work.done["evaluate"] / HOLDOUT,
            why=" ".join(decision["reasons"]),
        )
        # None: a run that was killed had promoted it.
        found = done.evaluation
    stopped = "" if found is None or found.passed else f"{said['version']} was not promoted: "
    stopped += listed(found.failed()) if found is not None and stopped else ""
    champion = decision["champion"] and decision["champion"]["version"]
    write_json(
        draft / PROMOTION,
        {
            "version": said["version"],
            "promoted": not stopped,
            "before": champion,
            "reasons": decision["reasons"],
            "stopped": stopped,
        },
    )
    return stopped


def _check_champion(work: Work, challenger: str) -> None:
    """Raise a RegistryError if another model became the champion since it was decided."""
    before = work.decision()["champion"]
    now = journal.settle(work.registry, work.config.name)
    if now is not None and now.digest not in (challenger, before and before["digest"]):
        raise RegistryError(
            f"{now} became the champion meanwhile, and the challenger was not judged beside it. "
            "Decide anew: mlkit retrain decide."
        )
