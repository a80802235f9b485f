"""Tell which files of a project are the template's, and which of these were edited.

The answers that Copier keeps in a project hold the digest of each file that the
template owns, as it was rendered.
"""

import re
from pathlib import Path

from mlkit.core.errors import ConfigError
from mlkit.core.files import sha256, text_of

ANSWERS = ".copier-answers.yml"
#: The key of the answers under which the digests stand, a line each, further in.
_KEY = "_owned:"
_LINE = re.compile(r"""\s+(?P<quote>["']?)(?P<path>.+)(?P=quote):\s+["']?(?P<digest>\w{64})["']?""")


def owned(folder: Path) -> dict[str, str]:
    """Return the SHA-256, as rendered, of each file that the template owns, by its path.

    A project of no template, or of one that says nothing, has none.

    Raises
    ------
    ConfigError
        If the answers cannot be read.
    """
    path = folder / ANSWERS
    lines = text_of(path).splitlines() if path.is_file() else []
    found: dict[str, str] = {}
    is_within = False
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not line[0].isspace():
            is_within = line.rstrip() == _KEY
        elif is_within:
            entry = _LINE.fullmatch(line.rstrip())
            if entry is None:
                raise ConfigError(
                    f"{path}:{number} is no path with its SHA-256. Take the file from the "
                    "last commit, or have `copier update` write it again."
                )
            found[entry["path"]] = entry["digest"].lower()
    return found


def edited(folder: Path) -> list[str]:
    """Return the files that the template owns and that are not, or no longer, as rendered."""
    return sorted(
        name
        for name, digest in owned(folder).items()
        if not (folder / name).is_file() or sha256(folder / name) != digest
    )
