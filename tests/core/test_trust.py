"""What a reader trusts is read whole, from the nearest pyproject.toml that says it."""

import pytest

from mlkit.core.errors import ConfigError
from mlkit.core.trust import required_signers, trusted_packages


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Return a repository's folder; the current folder is two below it."""
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    (tmp_path / "repository" / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "repository" / "a" / "b")
    return tmp_path / "repository"


@pytest.mark.parametrize("place", [".", "a", "a/b"])
def test_settings_hold_in_the_folders_below(repository, place):
    """Whoever goes into a subfolder does not leave the signers behind."""
    text = '[tool.mlkit]\ntrusted = ["p"]\nsigners = ["k"]\n'
    (repository / place / "pyproject.toml").write_text(text)
    assert (trusted_packages(), required_signers()) == (("p",), ("k",))


def test_the_nearest_table_counts_alone(repository):
    """It hides all that is said above it; a file without the table hides nothing."""
    (repository / "pyproject.toml").write_text('[tool.mlkit]\nsigners = ["k"]\n')
    (repository / "a" / "b" / "pyproject.toml").write_text("[tool.ruff]\n")
    assert required_signers() == ("k",)
    (repository / "a" / "pyproject.toml").write_text('[tool.mlkit]\ntrusted = ["p"]\n')
    assert (trusted_packages(), required_signers()) == (("p",), None)


def test_nothing_is_read_above_the_repository(repository):
    """What lies beside the repository says nothing for it."""
    (repository.parent / "pyproject.toml").write_text('[tool.mlkit]\ntrusted = ["p"]\n')
    assert (trusted_packages(), required_signers()) == ((), None)


@pytest.mark.parametrize("read", [trusted_packages, required_signers])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[tool.mlkit]\nsigner = ["k"]', "tool.mlkit.signer. Did you mean signers"),
        ('[tool.mlkit]\ntrust = ["p"]', "tool.mlkit.trust. Did you mean trusted"),
        ("[tool.mlkit.registry]", "tool.mlkit.registry. Valid: check, signers, trusted"),
        ("[tool.mlkit", "is not readable TOML"),
        ("tool = 3", "must be tables"),
        ("[tool]\nmlkit = []", "must be tables"),
    ],
)
def test_what_cannot_be_understood_is_refused(repository, read, text, message):
    """A misspelt setting does not switch verification off, whichever is asked for."""
    (repository / "pyproject.toml").write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        read()
    assert str(repository / "pyproject.toml") in str(caught.value)
