"""The steps in their order: what is there under the digest of all that goes in is done."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mlkit.core.errors import ConfigError, nearest
from mlkit.core.files import sha256, written_folder
from mlkit.core.log import get_logger
from mlkit.core.version import __version__
from mlkit.registry import journal
from mlkit.retraining import deciding, ingesting, shipping, training, validating
from mlkit.retraining.state import digest, started
from mlkit.retraining.work import DECISION, Work, read_json, write_json

log = get_logger(__name__)

#: What a step leaves of itself; without it, a folder is no output.
STEP = "step.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a retraining.

    Attributes
    ----------
    name
        As in `mlkit retrain NAME`.
    inputs
        Returns all that its output depends on, as JSON-able values.
    make
        Writes the output into an empty folder, and returns why the run stops, or nothing.
    outputs
        The files whose digests tell two outputs apart.
    """

    name: str
    inputs: Callable[[Work], dict[str, Any]]
    make: Callable[[Work, Path], str]
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a step.

    Attributes
    ----------
    step
        Its name.
    place
        Its output.
    stopped
        Why the run stops; empty where it goes on.
    skipped
        Whether the output was there.
    refused
        Whether it stops since something is not as it must be; else there is nothing to do.
    """

    step: str
    place: Path
    stopped: str
    skipped: bool
    refused: bool


STEPS = {
    step.name: step
    for step in (
        Step(
            name="decide",
            inputs=deciding.decide_inputs,
            make=deciding.make_decision,
            outputs=(DECISION,),
        ),
        Step(
            name="ingest",
            inputs=ingesting.ingest_inputs,
            make=ingesting.ingest,
            outputs=(ingesting.COUNTS,),
        ),
        Step(
            name="validate",
            inputs=validating.validate_inputs,
            make=validating.validate,
            outputs=(validating.VALIDATION,),
        ),
        Step(
            name="tune",
            inputs=training.tune_inputs,
            make=training.tune,
            outputs=(training.TUNED,),
        ),
        Step(
            name="train",
            inputs=training.train_inputs,
            make=training.train,
            outputs=("{name}/manifest.json",),
        ),
        Step(
            name="evaluate",
            inputs=shipping.evaluate_inputs,
            make=shipping.evaluate,
            outputs=(shipping.HOLDOUT,),
        ),
        Step(
            name="register",
            inputs=shipping.register_inputs,
            make=shipping.register,
            outputs=(shipping.VERSION,),
        ),
        Step(
            name="promote",
            inputs=shipping.promote_inputs,
            make=shipping.promote,
            outputs=(shipping.PROMOTION,),
        ),
    )
}


def chain(work: Work) -> list[Step]:
    """Return the steps of a run, in their order."""
    is_tuned = work.config.retraining.tune
    return [step for step in STEPS.values() if step.name != "tune" or is_tuned]


def look(work: Work) -> Outcome:
    """Decide, and let the present run be."""
    return _made(work, STEPS["decide"])[0]


def run_one(work: Work, name: str) -> Outcome:
    """Do one step of the present run, after those before it; `decide` begins a new run.

    Raises
    ------
    ConfigError
        If there is no such step, or one before it was not done, or stopped the run.
    """
    names = [step.name for step in chain(work)]
    if name not in names:
        raise ConfigError(f"A retraining has no step {name}. {nearest(name, names)}")
    runs = work.state.runs()
    for before in names[: names.index(name)]:
        place = work.state.place(before, runs.steps.get(before, ""))
        if before not in runs.steps or not (place / STEP).is_file():
            raise ConfigError(
                f"{name} comes after {before}, which was not done: mlkit retrain {before}"
            )
        stopped = read_json(place / STEP)["stopped"]
        # What did not pass the gates is registered, and told again by promote.
        if stopped and before != "evaluate":
            raise ConfigError(f"{before} stopped this run: {stopped}")
        work.done[before] = place
    outcome = _perform(work, STEPS[name])
    if name == names[-1]:
        finish(work)
    return outcome


def run_all(work: Work) -> Iterator[Outcome]:
    """Do all steps that are due, and yield what became of each.

    A run that was killed goes on, as long as the champion is the one that it began with.
    """
    decision = _unfinished(work)
    if decision is None:
        decision = _perform(work, STEPS["decide"])
    yield decision
    work.done["decide"] = decision.place
    outcome = decision
    for step in chain(work)[1:] if not decision.stopped else ():
        outcome = _perform(work, step)
        yield outcome
        if outcome.stopped and step.name != "evaluate":
            break
        if step.name == "train" and (same := _same(work)):
            yield replace(outcome, stopped=same, skipped=True, refused=False)
            break
    finish(work)


def finish(work: Work) -> None:
    """Note that the present run came to its end, and remove what is no longer kept."""
    work.state.write(replace(work.state.runs(), finished=True))
    work.state.clean()


def _perform(work: Work, step: Step) -> Outcome:
    outcome, key = _made(work, step)
    runs = started(work.state.runs(), step.name, key, is_first=step.name == "decide")
    work.state.write(runs)
    work.done[step.name] = outcome.place
    return outcome


def _made(work: Work, step: Step) -> tuple[Outcome, str]:
    key = digest({"step": step.name, "mlkit": __version__, **step.inputs(work)})
    place = work.state.place(step.name, key)
    skipped = (place / STEP).is_file()
    if not skipped:
        log.info("step_started", step=step.name, key=key[:12])
        with written_folder(place) as draft:
            stopped = step.make(work, draft)
            files = [name.format(name=work.config.name) for name in step.outputs]
            made = {name: sha256(draft / name) for name in files}
            write_json(draft / STEP, {"step": step.name, "stopped": stopped, "outputs": made})
    stopped = read_json(place / STEP)["stopped"]
    refused = bool(stopped) and step.name != "decide"
    outcome = Outcome(
        step=step.name, place=place, stopped=stopped, skipped=skipped, refused=refused
    )
    return outcome, key


def _same(work: Work) -> str:
    """Say that the challenger is the champion, if it is: the same rows, settings and code."""
    champion = work.decision()["champion"]
    if champion is None or champion["digest"] != work.bundle().manifest.digest:
        return ""
    return f"The same rows, settings and code make {champion['version']} again, the champion."


def _unfinished(work: Work) -> Outcome | None:
    """Return the decision of a run that was killed, if it is still to be acted on."""
    runs = work.state.runs()
    if runs.finished or "decide" not in runs.steps:
        return None
    place = work.state.place("decide", runs.steps["decide"])
    if not (place / STEP).is_file() or read_json(place / STEP)["stopped"]:
        return None
    champion = journal.settle(work.registry, work.config.name)
    known = {(read_json(place / DECISION)["champion"] or {}).get("digest")}
    if "train" in runs.steps:
        manifest = work.state.place("train", runs.steps["train"]) / work.config.name
        # The very run may have promoted it before it was killed.
        known.add(read_json(manifest / "manifest.json")["digest"])
    if (champion and champion.digest) not in known:
        return None
    return Outcome(step="decide", place=place, stopped="", skipped=True, refused=False)
