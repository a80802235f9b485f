"""What the template owns is known by its bytes."""

from hashlib import sha256
from pathlib import Path

import pytest

from mlkit.core.errors import ConfigError
from mlkit.standards.ownership import ANSWERS, edited, owned

FILES = {"Makefile": b"all:\n", ".github/workflows/check.yaml": b"on: push\n", "a b.txt": b""}


def answers(**digests: str) -> str:
    """Return answers in which these files are the template's."""
    lines = [f"  {path}: {digest}" for path, digest in digests.items()]
    return "\n".join(
        [
            "_commit: v1",
            "_owned:",
            "# Files:",
            "",
            *lines,
            "  # Not these:",
            "data: flights",
            "  a: b",
            "",
        ]
    )


@pytest.fixture
def generated(tmp_path) -> Path:
    """Return a project whose files are as the template rendered them."""
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    digests = {name: sha256(content).hexdigest() for name, content in FILES.items()}
    (tmp_path / ANSWERS).write_text(answers(**digests))
    return tmp_path


def test_what_is_owned_is_read_from_the_answers(generated):
    """Paths with their digests, and no other answer."""
    assert owned(generated) == {name: sha256(each).hexdigest() for name, each in FILES.items()}
    assert edited(generated) == []


def test_one_changed_byte_is_an_edit(generated):
    """So is a file that is gone."""
    (generated / "Makefile").write_bytes(b"all: \n")
    (generated / "a b.txt").unlink()
    assert edited(generated) == ["Makefile", "a b.txt"]


def test_quotes_of_yaml_are_no_part_of_a_path(tmp_path):
    """Digests that look like numbers are quoted as well."""
    digest = "1" * 64
    (tmp_path / ANSWERS).write_text(answers(**{"'a: b'": f"'{digest}'", '"é c"': digest}))
    assert owned(tmp_path) == {"a: b": digest, "é c": digest}


def test_a_project_that_says_nothing_owns_all_its_files(tmp_path):
    """Without answers, and with answers that have no such key."""
    assert owned(tmp_path) == {}
    (tmp_path / ANSWERS).write_text("_commit: v1\ndata: flights\n")
    assert owned(tmp_path) == {}
    assert edited(tmp_path) == []


def test_answers_that_were_cut_are_refused(tmp_path):
    """By the line: files would pass that were edited."""
    (tmp_path / ANSWERS).write_text("_owned:\n  Makefile: 12ab\n")
    with pytest.raises(ConfigError, match=r"yml:2 is no path with its SHA-256"):
        edited(tmp_path)
