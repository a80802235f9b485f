"""Look at many projects: a line each, and one that cannot be read stops no other."""

import json
import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from mlkit.core.errors import DataError, MlkitError
from mlkit.core.table import Table
from mlkit.doctor.diagnosing import diagnose
from mlkit.doctor.points import SECTIONS
from mlkit.doctor.repositories import address_of, told
from mlkit.doctor.telling import behind
from mlkit.standards.checking import check
from mlkit.standards.choosing import read_choice

#: For how long a repository may take to be cloned, in s.
_PATIENCE = 600
#: How the address of a repository elsewhere begins; all else is a folder.
_REMOTE = re.compile(r"\w+://|[\w.-]+@[\w.-]+:|g[hl]:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One project of many.

    Attributes
    ----------
    name
        The last part of its place.
    place
        As the list has it: a folder, or the URL of a repository.
    unread
        Why nothing is known of it; empty where the rest is.
    template, library
        The version of the one, and what is required of the other.
    behind
        Whether the template is the newest, in words.
    edited
        Files that are the template's and were changed.
    errors, warnings
        What `mlkit check` finds.
    sections
        The ML Test Score's sums, by section.
    """

    name: str
    place: str
    unread: str = ""
    template: str = ""
    library: str = ""
    behind: str = ""
    edited: int = 0
    errors: int = 0
    warnings: int = 0
    sections: Mapping[str, int] = field(default_factory=dict)


def read_list(file: Path) -> list[str]:
    """Return the places in a file: one a line, without comments (`#`).

    Raises
    ------
    DataError
        If there are none.
    """
    lines = (line.partition(" #")[0].strip() for line in file.read_text("utf-8").splitlines())
    places = [line for line in lines if line and not line.startswith("#")]
    if not places:
        raise DataError(f"{file} names no project. Write a folder or a repository's URL a line.")
    return places


def look_at(place: str, base: Path) -> Member:
    """Return how a project fares.

    Parameters
    ----------
    place
        Its folder, or its repository, of which the newest commit is looked at.
    base
        The folder that a relative place is in.
    """
    is_remote = _REMOTE.match(place) is not None
    # Of a person whom nobody knows, this leaves the tilde; that of pathlib raises.
    folder = (base / os.path.expanduser(place)).resolve()  # noqa: PTH111
    last = re.split(r"[/:]", place.rstrip("/"))[-1] if is_remote else folder.name
    name = last.removesuffix(".git")
    try:
        if is_remote:
            return _cloned(name, place, address_of(place))
        if not folder.is_dir():
            raise DataError("there is no such folder")
        if (folder / "HEAD").is_file() and (folder / "objects").is_dir():
            # Of a path, git would copy all there is; of a URL, it takes the newest commit alone.
            return _cloned(name, place, folder.as_uri())
        return _looked_at(name, place, folder)
    except (MlkitError, OSError) as error:
        why = str(error)
    except Exception as error:  # noqa: BLE001  # whatever is in one, the others are told
        why = f"{type(error).__name__}: {error}"
    return Member(name=name, place=place, unread=" ".join(why.split()))


def as_text(found: Sequence[Member]) -> str:
    """Return a line for each project that was read, and one for each that was not."""
    unread = [f"{each.name}: not read: {each.unread}" for each in found if each.unread]
    table = _table(found).plain()
    return "\n".join([*([table] if len(unread) < len(found) else []), *unread])


def as_markdown(found: Sequence[Member]) -> str:
    """Return the same, for a page."""
    unread = [f"- {each.name}: not read: {each.unread}" for each in found if each.unread]
    return "\n".join([_table(found).markdown(), *(["", *unread] if unread else [])])


def as_json(found: Sequence[Member]) -> str:
    """Return everything as JSON, a list."""
    return json.dumps([asdict(each) for each in found], indent=1, ensure_ascii=False)


FORMATS: Mapping[str, Callable[[Sequence[Member]], str]] = {
    "text": as_text,
    "json": as_json,
    "markdown": as_markdown,
}


def _looked_at(name: str, place: str, folder: Path) -> Member:
    found = diagnose(folder)
    checked = check([folder], read_choice(folder))
    return Member(
        name=name,
        place=place,
        template=found.template.version,
        behind=behind(found.template),
        library=found.library.version,
        edited=len(found.template.edited),
        errors=checked.n_errors,
        warnings=len(checked.findings) - checked.n_errors,
        sections=found.score.sections(),
    )


def _table(found: Sequence[Member]) -> Table:
    head = ("project", "template", "newest", "library", "edited", "errors", "warnings", *SECTIONS)
    rows = (
        (
            each.name,
            each.template or "none",
            each.behind,
            each.library or "none",
            str(each.edited),
            str(each.errors),
            str(each.warnings),
            *(str(each.sections[section]) for section in SECTIONS),
        )
        for each in found
        if not each.unread
    )
    return Table(head=head, rows=tuple(rows), n_texts=4)


def _cloned(name: str, place: str, address: str) -> Member:
    with tempfile.TemporaryDirectory() as clone:
        told("clone", "--quiet", "--depth", "1", "--", address, clone, patience=_PATIENCE)
        return _looked_at(name, place, Path(clone))
