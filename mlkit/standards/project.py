"""See a project as the rules of its layout do: which files it has, and where they lie."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project, and what of it is asked for.

    Attributes
    ----------
    folder
        Its root, which has its settings in pyproject.toml.
    files
        What is asked for, as it is told, by the path from the root with slashes.
    folders
        The folders that are asked for as a whole.
    """

    folder: Path
    files: Mapping[str, Path]
    folders: Sequence[Path]

    def gone(self, name: str) -> Path | None:
        """Return a path, as it is told, where no file is left; None where none is asked for."""
        path = self.folder.absolute() / name
        for folder in self.folders:
            if path.is_relative_to(folder.absolute()):
                return folder / path.relative_to(folder.absolute())
        return None


def named(folder: Path, paths: Iterable[Path]) -> dict[str, Path]:
    """Return paths by their names from a folder, with slashes."""
    root = folder.absolute()
    return {Path(os.path.relpath(path.absolute(), root)).as_posix(): path for path in paths}
