"""A reader sees all of what is written, or none of it."""

import pytest

from mlkit.core.files import written_file, written_folder


def names(folder) -> list[str]:
    """Return what lies in a folder, hidden files too."""
    return sorted(entry.name for entry in folder.iterdir())


def test_a_folder_replaces_the_former_as_a_whole(tmp_path):
    """The new folder is there with its files alone, and no draft."""
    for content in ("one", "two"):
        with written_folder(tmp_path / "a") as draft:
            (draft / f"{content}.txt").write_text(content)
    assert names(tmp_path) == ["a"]
    assert names(tmp_path / "a") == ["two.txt"]


def test_a_kill_between_the_renames_is_mended(tmp_path):
    """A former folder that was moved aside is back when the next one is written, or fails."""
    (tmp_path / ".a.previous").mkdir()
    (tmp_path / ".a.previous" / "one.txt").write_text("one")

    def fail():
        with written_folder(tmp_path / "a"):
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert names(tmp_path / "a") == ["one.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_changes_nothing(tmp_path, error):
    """What was there stays, and no draft is left, for folders and files."""
    with written_folder(tmp_path / "a") as draft:
        (draft / "one.txt").write_text("one")
    (tmp_path / "f.txt").write_text("one")

    def fail(folder):
        with written_folder(folder / "a") as draft, written_file(folder / "f.txt") as file:
            (draft / "two.txt").write_text("two")
            file.write_text("two")
            raise error

    with pytest.raises(error):
        fail(tmp_path)
    assert names(tmp_path) == ["a", "f.txt"]
    assert names(tmp_path / "a") == ["one.txt"]
    assert (tmp_path / "f.txt").read_text() == "one"
