"""Write the examples of the rules to where they apply."""

import re
from pathlib import Path

_HEADING = re.compile(r"^==> (?P<path>.+?)(?:, (?P<size>\d+) MB)? <==\n", re.MULTILINE)


def planted(example: str, folder: Path) -> list[Path]:
    """Write the files of an example below a folder, and return them; a module is one file."""
    parts = _HEADING.split(example.lstrip("\n"))
    if len(parts) == 1:
        parts = ["", "src/flights/features.py", None, parts[0]]
    written = []
    for name, size, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("0\n" * (int(size) * 500_000) if size else text, encoding="utf-8")
        written.append(path)
    return written
