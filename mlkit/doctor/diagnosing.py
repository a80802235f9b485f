"""Look at one project: what it is made of, and its score."""

from dataclasses import replace
from pathlib import Path

from mlkit.doctor.project import read_project
from mlkit.doctor.scoring import score
from mlkit.doctor.standing import library_of, template_of
from mlkit.doctor.telling import Diagnosis
from mlkit.doctor.tests import run_tests


def diagnose(folder: Path, *, run: bool = False) -> Diagnosis:
    """Return how the project in a folder fares.

    Parameters
    ----------
    folder
        The project's.
    run
        Whether the tests that are evidence are run, and count only if they pass.

    Raises
    ------
    MlkitError
        If there is no project, a file of it cannot be read, or its tests do not run.
    """
    project = read_project(folder)
    if run:
        project = replace(project, outcomes=run_tests(folder))
    return Diagnosis(template=template_of(folder), library=library_of(folder), score=score(project))
