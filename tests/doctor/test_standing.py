"""What a project is made of is told, and what of it is outdated."""

import itertools
from importlib.metadata import version

import pytest
from projects import run

from mlkit.core.extras import DISTRIBUTION
from mlkit.doctor.standing import library_of, template_of
from mlkit.standards.ownership import ANSWERS

AUTHOR = ("-c", "user.name=t", "-c", "user.email=t@localhost")


@pytest.fixture
def template(tmp_path):
    """Return the repository of a template, with one commit."""
    folder = tmp_path / "template"
    folder.mkdir()
    run("git", "init", "--quiet", cwd=folder)
    commit(folder)
    return folder


def commit(folder) -> str:
    """Make a commit, and return its digits."""
    run("git", *AUTHOR, "commit", "--quiet", "--allow-empty", "-m", "More", cwd=folder)
    return run("git", "rev-parse", "HEAD", cwd=folder).stdout.strip()


def tag(folder, name: str, *options: str) -> None:
    """Name the newest commit."""
    run("git", *AUTHOR, "tag", *options, name, cwd=folder)


@pytest.fixture
def made(tmp_path, template):
    """Return what makes a project of a version of the template, and tells how it stands."""

    def state(version: str, source: object = template) -> tuple[str, str]:
        (tmp_path / ANSWERS).write_text(f"_commit: {version}\n_src_path: {source}\nsize: full\n")
        found = template_of(tmp_path)
        return found.state, found.text

    return state


def test_without_tags_the_newest_commit_counts(template, made):
    """The digits that Copier writes are enough to tell."""
    first = commit(template)
    assert made(first[:7]) == ("newest", "")
    second = commit(template)
    assert made(first[:7]) == ("behind", second[:12])


def test_with_tags_the_newest_release_counts(template, made):
    """By its numbers, not its letters; a commit after it is not behind it, one before is."""
    first = commit(template)
    tag(template, "v0.9.0")
    commit(template)
    tag(template, "v0.10.0", "--annotate", "--message", "Ten")
    tenth = commit(template)
    tag(template, "nightly")
    assert made("v0.10.0") == ("newest", "")
    assert made(f"v0.10.0-1-g{tenth[:7]}") == ("newest", "")
    assert made("v0.9.0") == ("behind", "v0.10.0")
    assert made(f"v0.9.0-1-g{first[:7]}") == ("behind", "v0.10.0")
    assert made(first[:7]) == ("behind", "v0.10.0")
    # Of a tag with a message the commit is asked for, not the tag's own digits.
    assert made(run("git", "rev-parse", "v0.10.0^{}", cwd=template).stdout[:7]) == ("newest", "")


def test_digits_that_read_as_a_number_are_a_commit(template, made):
    """Of a commit no letter may be among the first seven; it is no release for that."""
    tree = run("git", "rev-parse", "HEAD^{tree}", cwd=template).stdout.strip()
    write = ("git", *AUTHOR, "commit-tree", tree, "-m")
    hashes = (run(*write, str(n), cwd=template).stdout.strip() for n in itertools.count())
    commit = next(each for each in hashes if each[:7].isdigit())
    run("git", "reset", "--quiet", "--hard", commit, cwd=template)
    assert made(commit[:7]) == ("newest", "")
    tag(template, "v2.0")
    assert made(commit[:7]) == ("newest", "")
    run("git", *AUTHOR, "commit", "--quiet", "--allow-empty", "-m", "More", cwd=template)
    tag(template, "v3.0")
    assert made(commit[:7]) == ("behind", "v3.0")


def test_a_template_that_cannot_be_asked_is_said(tmp_path, made):
    """With the reason, and without a question for a password."""
    state, text = made("v1", tmp_path / "gone")
    assert state == "unknown"
    assert text.startswith(f"{tmp_path / 'gone'} cannot be asked: git ls-remote: fatal: ")
    (tmp_path / ANSWERS).unlink()
    assert template_of(tmp_path).state == "unknown"


def setting(monkeypatch, name: str, value: str) -> None:
    """Have a user's git be set so."""
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", name)
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", value)


def test_an_address_runs_no_command(tmp_path, made, monkeypatch):
    """Whoever wrote the answers: not even where git is set to run some."""
    setting(monkeypatch, "protocol.ext.allow", "always")
    state, text = made("v1", f"ext::touch {tmp_path / 'ran'}")
    assert (state, "transport 'ext' not allowed" in text) == ("unknown", True)
    assert not (tmp_path / "ran").exists()


def test_git_reaches_a_host_as_its_user_has_set(made, monkeypatch):
    """With the ssh of theirs, which may bring a key of its own."""
    setting(monkeypatch, "core.sshCommand", "echo the key of the team >&2; false")
    assert "the key of the team" in made("v1", "git@host.example:team/template.git")[1]


def test_edited_files_are_counted(copied):
    """Of those that the template owns, and no others."""
    untouched = template_of(copied)
    assert (untouched.n_owned > 5, untouched.edited) == (True, [])
    (copied / "README.md").write_text("Ours")
    (copied / "Makefile").write_text("mine:\n")
    assert template_of(copied).edited == ["Makefile"]


@pytest.mark.parametrize(
    ("requirement", "short", "differs"),
    [
        (f"{DISTRIBUTION}[train]=={version(DISTRIBUTION)}", version(DISTRIBUTION), False),
        (f"{DISTRIBUTION}==99.0", "99.0", True),
        (f"{DISTRIBUTION}>=0.1", ">=0.1", False),
        (f"{DISTRIBUTION}[train] @ git+https://h/r.git@{'a1' * 20}", "a1" * 6, False),
        (f"{DISTRIBUTION} @ file:///mlkit", "@ file:///mlkit", False),
        (f"{DISTRIBUTION}-extra==1", "", False),
    ],
)
def test_the_library_that_is_asked_for_is_told(tmp_path, requirement, short, differs):
    """Another version than is installed differs; of a range, or where no commit is known, none."""
    text = f'[project]\nname = "p"\ndependencies = ["numpy", "{requirement}"]\n'
    (tmp_path / "pyproject.toml").write_text(text)
    found = library_of(tmp_path)
    assert (found.version, found.differs) == (short, differs)
    assert found.installed.split()[0] == version(DISTRIBUTION)
