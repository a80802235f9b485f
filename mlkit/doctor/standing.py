"""Say which template and which mlkit a project has, and what of it is outdated."""

import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Literal

from mlkit.core.errors import ConfigError, DataError
from mlkit.core.extras import DISTRIBUTION
from mlkit.core.files import text_of
from mlkit.doctor.repositories import address_of, told
from mlkit.standards.ownership import ANSWERS, edited, owned

#: For how long the template's repository may be waited for, in s.
_PATIENCE = 30
_RELEASE = re.compile(r"v?(?P<numbers>\d+(\.\d+)*)")
#: How git describes a commit by the tag before it, and the commit's digits.
_SINCE = re.compile(r"-\d+-g(?P<hash>[0-9a-f]+)$")
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
    lines = text_of(path).splitlines()
    pairs = (line.partition(": ") for line in lines if line and not line[0].isspace())
    return {key: value.strip().strip("\"'") for key, _, value in pairs}


def _newest(source: str, version: str) -> tuple[State, str]:
    """Ask the template's repository what is newest in it."""
    if not source or not version:
        return "unknown", f"{ANSWERS} names no template, or no commit of it"
    try:
        found = _asked(address_of(source))
    except DataError as error:
        return "unknown", f"{source} cannot be asked: {error}"
    releases = {
        _numbers(name): (name, commit) for name, commit in found.items() if _RELEASE.fullmatch(name)
    }
    if not releases:
        head = found.get("HEAD", "")
        if head.startswith(_hash(version)):
            return "newest", ""
        return "behind", head[:12]
    newest = max(releases)
    tag, commit = releases[newest]
    last = _SINCE.sub("", version)
    # The digits of a commit that no tag leads to may read as a number.
    is_release = last in found or "." in last
    reached = _numbers(last) >= newest if is_release else commit.startswith(version)
    return ("newest", "") if reached else ("behind", tag)


def _asked(address: str) -> dict[str, str]:
    """Return the commits of HEAD and of the tags, by their names."""
    found = {}
    lines = told("ls-remote", "--", address, "HEAD", "refs/tags/*", patience=_PATIENCE)
    for line in lines.splitlines():
        commit, ref = line.split("\t")
        # Of an annotated tag, the commit that it stands for comes second.
        found[ref.removeprefix("refs/tags/").removesuffix("^{}")] = commit
    return found


def _numbers(version: str) -> tuple[int, ...]:
    found = _RELEASE.fullmatch(version)
    return tuple(int(part) for part in found["numbers"].split(".")) if found else ()


def _hash(version: str) -> str:
    found = _SINCE.search(version)
    return found["hash"] if found else version


def _required(path: Path) -> str:
    try:
        read = tomllib.loads(text_of(path))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} cannot be read: {error}.") from None
    project = read.get("project")
    dependencies = project.get("dependencies") if isinstance(project, dict) else None
    matches = (_REQUIRED.fullmatch(str(each).strip()) for each in dependencies or ())
    return next((found["asked"].strip() for found in matches if found), "")


def _commit(here: Distribution) -> str:
    """Return the commit that the installed mlkit came from; empty where that is not known."""
    text = here.read_text("direct_url.json")
    origin = json.loads(text) if text else {}
    return str(origin.get("vcs_info", {}).get("commit_id", ""))
