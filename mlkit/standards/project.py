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
        for folder in self.folders:
            within = Path(os.path.relpath(self.folder / name, folder))
            if ".." not in within.parts:
                return folder / within
        return None


def named(folder: Path, paths: Iterable[Path]) -> dict[str, Path]:
    """Return paths by their names from a folder, with slashes."""
    return {Path(os.path.relpath(path, folder)).as_posix(): path for path in paths}
