"""Read what a project has that can be held against the ML Test Score."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlkit.core.errors import ConfigError
from mlkit.core.extras import load
from mlkit.core.files import text_of
from mlkit.doctor.tests import MarkedTest, marked_tests
from mlkit.doctor.workflows import Job, read_jobs

_ECOSYSTEM = re.compile(r"(?m)^[\s-]*package-ecosystem:\s*[\"']?(uv|pip)\b")
_ANYTHING = re.compile("")
#: Files by which a service looks for newer packages, and a text that tells that it does.
_UPDATERS = {
    ".github/dependabot.yml": _ECOSYSTEM,
    ".github/dependabot.yaml": _ECOSYSTEM,
    "renovate.json": _ANYTHING,
    ".github/renovate.json": _ANYTHING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What is there.

    Attributes
    ----------
    tests
        Those that say what they automate.
    outcomes
        What became of them, by id; None where they were not run.
    jobs
        What CI runs.
    settings
        `Config` of the training side; None where there are none that can be read.
    unread
        Why there are no settings; empty where there are.
    updater
        The file by which a service looks for newer packages; empty without one.
    """

    folder: Path
    tests: Sequence[MarkedTest]
    outcomes: Mapping[str, str] | None
    jobs: Sequence[Job]
    settings: Any
    unread: str
    updater: str

    def job(self, command: str, *, scheduled: bool = False, review: bool = False) -> Job | None:
        """Return the first job that runs a command, by the clock or on what is proposed."""
        for job in self.jobs:
            fits = (job.is_scheduled or not scheduled) and (job.is_review or not review)
            if fits and job.runs(command):
                return job
        return None


def read_project(folder: Path) -> Project:
    """Read a project's tests, workflows and settings; see `Project`.

    Raises
    ------
    ConfigError
        If the folder holds no project, or its workflows cannot be read.
    """
    if not (folder / "pyproject.toml").is_file():
        raise ConfigError(f"{folder} is no project: it has no pyproject.toml. Check the path.")
    settings, unread = _settings(folder / "conf")
    updaters = (
        name
        for name, told in _UPDATERS.items()
        if (folder / name).is_file() and told.search(text_of(folder / name))
    )
    return Project(
        folder=folder,
        tests=marked_tests(folder),
        outcomes=None,
        jobs=read_jobs(folder),
        settings=settings,
        unread=unread,
        updater=next(updaters, ""),
    )


def _settings(conf: Path) -> tuple[Any, str]:
    config = load("mlkit.training.config", extra="train", purpose="Reading a project's settings")
    try:
        return config.load_config(conf), ""
    except ConfigError as error:
        return None, str(error)
