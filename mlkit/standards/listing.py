"""List the files that are looked at."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from mlkit.core.errors import ConfigError
from mlkit.standards import git
from mlkit.standards.choosing import Choice
from mlkit.standards.project import Project, named
from mlkit.standards.source import SUFFIXES

#: Folders that hold what others wrote, or tools made.
_FOREIGN = frozenset({"__pycache__", "build", "dist", "node_modules", "site-packages"})
#: Those that look like a tool's and hold files of the project.
_OWN = (".github", ".gitlab", ".devcontainer")


def code_files(paths: Iterable[Path], choice: Choice) -> list[Path]:
    """Return the modules and notebooks below folders, and the files that are named.

    Raises
    ------
    ConfigError
        If there is no such file.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            every = _below(path, choice)
            found.update(dict.fromkeys(each for each in every if each.suffix in SUFFIXES))
        elif path.is_file():
            found[path] = None
        else:
            raise ConfigError(f"There is no file or folder {path}. Check the path.")
    return list(found)


def is_code(path: Path) -> bool:
    """Whether a file is Python: by its suffix, or by the first line of a script without one."""
    if path.suffix:
        return path.suffix in (*SUFFIXES, ".pyi")
    with path.open("rb") as file:
        first = file.readline(200)
    return first.startswith(b"#!") and b"python" in first


def project_of(paths: Iterable[Path], choice: Choice) -> Project:
    """Return the project, with the files that are named, and those below folders.

    In a repository these are what git has or would add; elsewhere, and in a folder that git
    ignores, what no tool made.
    """
    folders = [path for path in paths if path.is_dir()]
    files = [path for path in paths if path.is_file()]
    for folder in folders:
        known = {*(git.tracked(folder) or ()), *(git.untracked(folder) or ())}
        if known:
            listed = map(Path, sorted(known))
            files.extend(folder / name for name in listed if not _is_left_out(folder, name, choice))
        else:
            files.extend(_below(folder, choice, hidden=_OWN))
    kept = (path for path in files if path.is_file() and not path.is_symlink())
    return Project(folder=choice.folder, files=named(choice.folder, kept), folders=folders)


def _below(folder: Path, choice: Choice, hidden: tuple[str, ...] = ()) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        here = Path(place)
        folders[:] = sorted(
            name
            for name in folders
            if (not name.startswith(".") or name in hidden)
            and name not in _FOREIGN
            and not _is_excluded(here / name, choice)
        )
        for name in sorted(files):
            path = here / name
            if not _is_excluded(path, choice):
                yield path


def _is_left_out(folder: Path, name: Path, choice: Choice) -> bool:
    """Whether a file, or a folder that it lies in, is excluded."""
    return any(_is_excluded(folder / each, choice) for each in (name, *name.parents[:-1]))


def _is_excluded(path: Path, choice: Choice) -> bool:
    return any(path.match(pattern) for pattern in choice.exclude)
