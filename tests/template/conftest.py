"""What the template's tests share."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from projects import clone_here, run


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clean clone of this checkout, with uncommitted changes as a commit."""
    return clone_here(tmp_path_factory.mktemp("clone") / "mlkit")


@pytest.fixture(scope="session")
def run_in(commands: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return what runs a tool of this environment in a project, whose package is in src/."""

    def run_in(project: Path, command: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        prepared = commands / command
        asked = prepared if prepared.exists() else command
        return run(asked, *arguments, cwd=project, PYTHONPATH=str(project / "src"))

    return run_in
