"""Say which template and which mlkit a project has, and what of it is outdated."""

import json
import os
import re
import subprocess
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Literal

from mlkit.core.errors import ConfigError
from mlkit.core.extras import DISTRIBUTION
from mlkit.standards.ownership import ANSWERS, edited, owned

#: For how long the template's repository may be waited for, in s.
_PATIENCE = 30
_HOSTS = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}
_RELEASE = re.compile(r"v?(?P<numbers>\d+(\.\d+)*)(-\d+-g(?P<hash>[0-9a-f]+))?")
_REQUIRED = re.compile(rf"{DISTRIBUTION}(\[.*?\])?\s*(?P<asked>[=<>~!@].*)")
_PINNED = re.compile(r"==\s*(?P<version>[\w.+!-]+)|@ .*@(?P<commit>[0-9a-f]{7,40})$")

State = Literal["newest", "behind", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """The template that a project is of.

    Attributes
    ----------
    source
        Its repository; empty for a project of no template.
    version
        The tag or the commit that the project was made from, or updated to last.
    state
        Whether there is a newer one.
    text
        The newer one; or why it is not known whether there is.
    n_owned
        Files that the template owns.
    edited
        Those of them that the project changed.
    """

    source: str
    version: str
    state: State
    text: str
    n_owned: int
    edited: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """The mlkit that a project asks for, and the one that is installed here.

    Attributes
    ----------
    required
        As pyproject.toml has it, without name and extras; empty where it asks for none.
    installed
        Its version, and its commit where it came from a repository.
    differs
        Whether another is installed than is asked for; only told of a version or a commit.
    """

    required: str
    installed: str
    differs: bool

    @property
    def version(self) -> str:
        """What is required, in short: a version, or the first digits of a commit."""
        pinned = _PINNED.search(self.required)
        if pinned is None:
            return self.required
        return pinned["version"] or pinned["commit"][:12]


def template_of(folder: Path) -> Template:
    """Return the template of a project; its repository is asked what is newest.

    Raises
    ------
    ConfigError
        If Copier's answers cannot be read.
    """
    answers = _answers(folder / ANSWERS)
    source, version = answers.get("_src_path", ""), answers.get("_commit", "")
    state, text = _newest(source, version)
    return Template(
        source=source,
        version=version,
        state=state,
        text=text,
        n_owned=len(owned(folder)),
        edited=edited(folder),
    )


def library_of(folder: Path) -> Library:
    """Return the mlkit that a project requires, and that is installed here.

    Raises
    ------
    ConfigError
        If pyproject.toml cannot be read.
    """
    required = _required(folder / "pyproject.toml")
    try:
        here = distribution(DISTRIBUTION)
        version, commit = here.version, _commit(here)
    except PackageNotFoundError:
        version, commit = "", ""
    pinned = _PINNED.search(required)
    differs = False
    if pinned and pinned["version"]:
        differs = version != pinned["version"]
    elif pinned and commit:
        differs = not commit.startswith(pinned["commit"])
    return Library(
        required=required,
        installed=f"{version} ({commit[:12]})" if commit else version,
        differs=differs,
    )


def _answers(path: Path) -> dict[str, str]:
    """Return the answers of a line each, as texts."""
    if not path.is_file():
        return {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.") from None
    pairs = (line.partition(": ") for line in lines if line and not line[0].isspace())
    return {key: value.strip().strip("\"'") for key, _, value in pairs}


def _newest(source: str, version: str) -> tuple[State, str]:
    """Ask the template's repository what is newest in it."""
    if not source or not version:
        return "unknown", f"{ANSWERS} names no template, or no commit of it"
    try:
        found = _asked(address_of(source))
    except (OSError, subprocess.TimeoutExpired) as error:
        return "unknown", f"{source} does not answer: {error}"
    if isinstance(found, str):
        return "unknown", f"{source} cannot be asked: {found}"
    releases = {
        _numbers(ref.removeprefix("refs/tags/")): (ref.removeprefix("refs/tags/"), commit)
        for ref, commit in found.items()
        if _RELEASE.fullmatch(ref.removeprefix("refs/tags/"))
    }
    if not releases:
        head = found.get("HEAD", "")
        if head.startswith(_hash(version)):
            return "newest", ""
        return "behind", head[:12]
    newest = max(releases)
    tag, commit = releases[newest]
    mine = _RELEASE.fullmatch(version)
    # Copier writes a commit that no tag leads to as its first digits.
    is_hash = mine is None or commit.startswith(version)
    reached = commit.startswith(version) if is_hash else _numbers(version) >= newest
    return ("newest", "") if reached else ("behind", tag)


def address_of(source: str) -> str:
    """Return what git is given for a repository; `gh:` and `gl:` are Copier's for two hosts."""
    for short, host in _HOSTS.items():
        if source.startswith(short):
            return f"{host}{source.removeprefix(short)}.git"
    return source.removeprefix("git+")


def _asked(address: str) -> dict[str, str] | str:
    """Return the commits of HEAD and of the tags, or what git says against it."""
    done = subprocess.run(
        ["git", "ls-remote", "--", address, "HEAD", "refs/tags/*"],
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
    )
    if done.returncode:
        return " ".join(done.stderr.split()) or f"git ends with {done.returncode}"
    found = {}
    for line in done.stdout.splitlines():
        commit, ref = line.split("\t")
        # Of an annotated tag, the commit that it stands for comes second.
        found[ref.removesuffix("^{}")] = commit
    return found


def _numbers(version: str) -> tuple[int, ...]:
    found = _RELEASE.fullmatch(version)
    return tuple(int(part) for part in found["numbers"].split(".")) if found else ()


def _hash(version: str) -> str:
    found = _RELEASE.fullmatch(version)
    return found["hash"] if found and found["hash"] else version


def _required(path: Path) -> str:
    try:
        read = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.") from None
    dependencies = read.get("project", {}).get("dependencies", ())
    matches = (_REQUIRED.fullmatch(str(each).strip()) for each in dependencies)
    return next((found["asked"].strip() for found in matches if found), "")


def _commit(here: Distribution) -> str:
    """Return the commit that the installed mlkit came from; empty where that is not known."""
    text = here.read_text("direct_url.json")
    origin = json.loads(text) if text else {}
    return str(origin.get("vcs_info", {}).get("commit_id", ""))
