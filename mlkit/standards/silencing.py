"""Read the comments that silence rules in their line."""

import re
from collections.abc import Iterator, Sequence

_IGNORE = re.compile(r"#\s*mlkit:\s*ignore\[(?P<codes>[^\]]*)\][\s:,-]*(?P<reason>.*)")


def comments(lines: Sequence[str]) -> Iterator[tuple[int, re.Match[str]]]:
    """Yield the comments that silence rules, with their lines from 1."""
    for number, line in enumerate(lines, start=1):
        if "mlkit" in line and (found := _IGNORE.search(line)):
            yield number, found


def silenced(comment: re.Match[str]) -> list[str]:
    """Return the codes that a comment silences: none without a reason."""
    if not comment["reason"].strip():
        return []
    return [code.strip() for code in comment["codes"].split(",")]
