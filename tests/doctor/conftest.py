"""What tests of the doctor share: a project to tamper with."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def copied(project: Path, tmp_path: Path) -> Path:
    """Return a copy of the default project, without its data."""
    left_out = shutil.ignore_patterns("bundles", "reports", "__pycache__", "*.parquet")
    return shutil.copytree(project, tmp_path / "flight-delay", ignore=left_out)
