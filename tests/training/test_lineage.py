"""What made a model is written down as it was when the run began."""

from datetime import datetime

import pandas as pd
import pytest
from projects import run

from mlkit import Schema, column
from mlkit.training import lineage

AUTHOR = ("-c", "user.name=t", "-c", "user.email=t@localhost")


@pytest.fixture
def repository(tmp_path):
    """Return a project in git, with a lock file that git has, and one that it ignores."""
    (tmp_path / "uv.lock").write_text("version = 1\n")
    (tmp_path / "requirements.txt").write_text("numpy==2.0\n")
    (tmp_path / ".gitignore").write_text("requirements.txt\n")
    run("git", "init", "--quiet", cwd=tmp_path)
    run("git", "add", "--all", cwd=tmp_path)
    run("git", *AUTHOR, "commit", "--quiet", "-m", "Start", cwd=tmp_path)
    return tmp_path


def test_what_is_all_committed_is_clean(repository):
    """A commit, and the lock files that are in it."""
    found = lineage.sources(repository)
    commit = run("git", "rev-parse", "HEAD", cwd=repository).stdout.strip()
    assert found["code"] == {"commit": commit, "dirty": False}
    assert [*found["lock"]] == ["uv.lock"]


def test_outside_of_git_nothing_is_clean(tmp_path):
    """A lock file in no commit leads to no environment."""
    (tmp_path / "uv.lock").touch()
    found = lineage.sources(tmp_path)
    assert found == {"code": {"commit": None, "dirty": True}, "lock": {}}


def test_a_new_file_is_a_change(repository):
    """Also where a user's settings hide it."""
    run("git", "config", "status.showUntrackedFiles", "no", cwd=repository)
    (repository / "features.py").touch()
    code = lineage.code(repository)
    assert (code["dirty"], code["changes"]) == (True, ["features.py"])


def test_new_rows_are_no_change(repository):
    """Tables need no commit, new or changed, unless they lie beside the code."""
    for name in ("data/new rows.parquet", "answers.csv"):
        (repository / name).parent.mkdir(exist_ok=True)
        (repository / name).touch()
    assert lineage.code(repository)["dirty"] is False
    run("git", "add", ".", cwd=repository)
    run("git", "mv", "answers.csv", "src.csv", cwd=repository)
    assert lineage.code(repository)["dirty"] is False
    (repository / "src" / "flights").mkdir(parents=True)
    (repository / "src" / "flights" / "airports.csv").touch()
    assert lineage.code(repository)["changes"] == ["src/flights/airports.csv"]


def test_a_moved_file_is_one_change(repository):
    """By the name that it has now, whatever is in that."""
    (repository / "a file.py").write_text("one = 1\n" * 9)
    run("git", "add", ".", cwd=repository)
    run("git", *AUTHOR, "commit", "--quiet", "-m", "Add", cwd=repository)
    run("git", "mv", "a file.py", "ä file.py", cwd=repository)
    assert lineage.code(repository)["changes"] == ["ä file.py"]


def test_what_git_cannot_tell_is_a_change(repository):
    """A status that fails is no clean one."""
    (repository / ".git" / "index").write_bytes(b"damaged")
    assert lineage.code(repository)["dirty"]


class Parcel(Schema):
    """A parcel; when it was sent is not always known."""

    sent: datetime | None = column(role="event_time")


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (["2024-03-02", None, "2024-03-01"], ["2024-03-01T00:00:00", "2024-03-02T00:00:00"]),
        ([None, None], []),
        ([], []),
    ],
)
def test_a_range_is_of_the_times_that_are_known(sent, expected):
    """Where none is, there is no range, as without a column for it."""
    frame = Parcel.validate(pd.DataFrame({"sent": pd.to_datetime(sent)}))
    assert lineage.time_range(Parcel, frame) == expected
