"""Find where the values of a JSON text stand, to change one and leave each other byte."""

import re
from collections.abc import Iterator
from json.decoder import JSONDecoder

#: From, and to before.
Span = tuple[int, int]
_BETWEEN = re.compile(r"[ \t\r\n,:]*")
_DECODE = JSONDecoder().raw_decode


def members(text: str, start: int) -> dict[str, Span]:
    """Return the spans of an object's values, by their keys; of a key given twice, the last."""
    parts = _parts(text, start)
    return {_DECODE(text, key)[0]: value for (key, _), value in zip(parts, parts, strict=True)}


def items(text: str, start: int) -> list[Span]:
    """Return the spans of an array's values."""
    return list(_parts(text, start))


def _parts(text: str, start: int) -> Iterator[Span]:
    """Yield the spans of what stands between the brackets that open at `start`."""
    place = _skipped(text, start + 1)
    while text[place] not in "]}":
        _, end = _DECODE(text, place)
        yield place, end
        place = _skipped(text, end)


def _skipped(text: str, place: int) -> int:
    found = _BETWEEN.match(text, place)
    return found.end() if found else place
