"""Many projects are a table, and one that cannot be read is a line."""

import json

import pytest
from projects import run

from mlkit.cli import main
from mlkit.doctor.fleet import Member, look_at

AUTHOR = ("-c", "user.name=t", "-c", "user.email=t@localhost")


@pytest.fixture
def listed(copied, tmp_path):
    """Return a list of a folder, a bare repository, its URL, and what cannot be read."""
    (copied / "Makefile").write_text("mine:\n")
    (copied / "src" / "flight_delay" / "bad.py").write_text("import joblib\njoblib.dump(1, 'm')\n")
    run("git", "init", "--quiet", cwd=copied)
    run("git", "add", "--all", "--force", cwd=copied)
    run("git", *AUTHOR, "commit", "--quiet", "-m", "All", cwd=copied)
    bare = tmp_path / "bare.git"
    run("git", "clone", "--quiet", "--bare", copied, bare, cwd=tmp_path)
    (tmp_path / "empty").mkdir()
    file = tmp_path / "fleet.txt"
    file.write_text(
        f"# Ours\n\nflight-delay  # on a laptop\nbare.git\n{bare.as_uri()}\nempty\nnowhere\n"
        f"{(tmp_path / 'gone.git').as_uri()}\n"
    )
    return file


def test_each_project_is_a_line(listed, capsys):
    """Of a folder and of a repository alike; the others do not stop for what cannot be read."""
    assert main(["fleet", str(listed), "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    names = ["flight-delay", "bare", "bare", "empty", "nowhere", "gone"]
    assert [each["name"] for each in found] == names
    read, unread = found[:3], found[3:]
    for each in read:
        assert each["unread"] == ""
        assert (each["edited"], each["errors"]) == (1, read[0]["errors"])
        # What was in the Makefile ran the tests.
        assert each["sections"] == {"data": 0, "model": 0, "infra": 0, "monitor": 1}
    assert read[0]["errors"] >= 1
    assert unread[0]["unread"].endswith("is no project: it has no pyproject.toml. Check the path.")
    assert unread[1]["unread"] == "there is no such folder"
    assert unread[2]["unread"].startswith("git clone: fatal: ")


def test_the_table_is_for_people_and_for_pages(listed, capsys):
    """A row for each that was read, and below it a line for each that was not."""
    assert main(["fleet", str(listed)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:5] == ["project", "template", "newest", "library", "edited"]
    assert [line.split()[0] for line in lines[1:]] == [
        *("flight-delay", "bare", "bare", "empty:", "nowhere:", "gone:"),
    ]
    assert main(["fleet", str(listed), "--format", "markdown"]) == 1
    assert capsys.readouterr().out.startswith("| project | template |")


def test_a_fleet_that_is_all_read_is_well(listed, capsys):
    """The exit code is 0; a list without a line is refused."""
    listed.write_text("flight-delay\n")
    assert main(["fleet", str(listed)]) == 0
    listed.write_text("# none\n")
    assert main(["fleet", str(listed)]) == 3
    assert "names no project" in capsys.readouterr().err


@pytest.mark.parametrize("file", ["Makefile", "pyproject.toml", ".github/dependabot.yml"])
def test_a_file_that_is_no_text_is_named(copied, tmp_path, file):
    """The project is a line with the reason, not the end of the list."""
    (copied / file).write_bytes(b"\xff")
    assert look_at(copied.name, tmp_path).unread.startswith(f"{copied / file} ")


def test_a_home_of_nobody_is_a_folder_that_is_not_there(tmp_path):
    """As any other path that leads nowhere."""
    place = "~nobody-has-this-name/project"
    assert look_at(place, tmp_path) == Member(
        name="project", place=place, unread="there is no such folder"
    )


def test_what_nobody_thought_of_is_a_line_too(copied, tmp_path):
    """YAML as deep as this ends in an error of no kind of mlkit's."""
    deep = copied / "conf" / "config.yaml"
    deep.write_text("seed: " + "[" * 5000)
    assert look_at(copied.name, tmp_path).unread.startswith("RecursionError: ")
