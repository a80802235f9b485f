"""What a point of the ML Test Score takes, and how one sees that it is there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mlkit.core.errors import listed
from mlkit.doctor.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What came of looking.

    Attributes
    ----------
    holds
        Whether it is there.
    text
        Where it is; else what is missing, as the thing to do next.
    """

    holds: bool
    text: str


Need = Callable[[Project], Found]


def tested(name: str) -> Need:
    """Return the need of a test that is marked with a name, and that CI runs."""

    def look(project: Project) -> Found:
        ids = [test.id for test in project.tests if name in test.names]
        if not ids:
            return Found(holds=False, text=f'mark a test of it: @pytest.mark.ml_test("{name}")')
        if project.outcomes is not None:
            outcomes = [(each, project.outcomes.get(each, "not run")) for each in ids]
            lost = [f"{each} ({became})" for each, became in outcomes if became != "passed"]
            if lost:
                return Found(holds=False, text=f"mend {listed(lost)}")
        job = project.job("pytest")
        if job is None:
            return Found(holds=False, text=f"have CI run {listed(ids)}: make test")
        return Found(holds=True, text=listed(ids))

    return look


def gated(what: str, fits: Callable[[Any], bool]) -> Need:
    """Return the need of a gate that fits, in the settings of the evaluation."""

    def look(project: Project) -> Found:
        if project.settings is None:
            return Found(holds=False, text=project.unread)
        gates = project.settings.evaluation.gates
        found = next((gate for gate in gates if fits(gate)), None)
        if found is None:
            return Found(holds=False, text=f"add a gate {what} to conf/evaluation")
        return Found(holds=True, text=f"a gate {what}")

    return look


def watched(limit: str) -> Need:
    """Return the need of a limit from which on `mlkit monitor` alarms, and that it runs."""

    def look(project: Project) -> Found:
        if project.settings is None:
            return Found(holds=False, text=project.unread)
        value = getattr(project.settings.monitoring.alarm, limit)
        if value is None:
            return Found(holds=False, text=f"set monitoring.alarm.{limit}")
        job = project.job("mlkit monitor", scheduled=True)
        if job is None:
            return Found(holds=False, text="have a scheduled workflow run mlkit monitor")
        return Found(holds=True, text=f"monitoring.alarm.{limit}={value:g} in {job.file}")

    return look


def either(*needs: Need) -> Need:
    """Return the need of the first of some that holds; else the first is what to do."""

    def look(project: Project) -> Found:
        found = [need(project) for need in needs]
        return next((each for each in found if each.holds), found[0])

    return look


def reviewed(project: Project) -> Found:
    """Look for the checks and the tests of what is proposed: a pull or merge request."""
    job = project.job("pytest", review=True)
    if job is None:
        return Found(holds=False, text="have CI run make test on each pull request")
    hooks = project.job("pre-commit run", review=True) or project.job("mlkit check", review=True)
    if hooks is None:
        return Found(holds=False, text="have CI run make check on each pull request")
    return Found(holds=True, text=f"make check and make test on each proposal, in {job.file}")


def tuned(project: Project) -> Found:
    """Look for a search for better settings by the clock, by itself or before a retraining."""
    job = project.job("mlkit tune", scheduled=True)
    if job is not None:
        return Found(holds=True, text=f"mlkit tune in {job.file}")
    job = project.job("mlkit retrain", scheduled=True)
    if job is None:
        return Found(holds=False, text="have a scheduled workflow run mlkit retrain")
    asked = any("retraining.tune=true" in line for line in job.commands)
    if asked or (project.settings is not None and project.settings.retraining.tune):
        return Found(holds=True, text=f"retraining.tune=true in {job.file}")
    return Found(holds=False, text="set retraining.tune: true")


def renewed(project: Project) -> Found:
    """Look for a retraining by the clock, that an age or the calendar asks for."""
    if project.settings is None:
        return Found(holds=False, text=project.unread)
    job = project.job("mlkit retrain", scheduled=True)
    if job is None:
        return Found(holds=False, text="have a scheduled workflow run mlkit retrain")
    when = project.settings.retraining.when
    if when.age_days is not None:
        return Found(holds=True, text=f"retraining.when.age_days={when.age_days:g} in {job.file}")
    if when.schedule != "never":
        return Found(holds=True, text=f"retraining.when.schedule={when.schedule} in {job.file}")
    return Found(holds=False, text="set retraining.when.age_days or retraining.when.schedule")


def notified(project: Project) -> Found:
    """Look for what tells of newer packages."""
    if project.updater:
        return Found(holds=True, text=project.updater)
    job = project.job("lock --upgrade", scheduled=True)
    if job is not None:
        return Found(holds=True, text=f"lock --upgrade in {job.file}")
    return Found(holds=False, text="add .github/dependabot.yml, or a scheduled uv lock --upgrade")
