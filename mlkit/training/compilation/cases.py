"""Upper and lower case as pandas changes it, character by character."""

import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from mlkit.training.frames import STRING

#: Most spellings that a table of texts is widened to, so that a look-up needs no change of case.
MOST_SPELLINGS = 20_000


@cache
def changed_by(name: str) -> dict[str, str]:
    """Return each character that `Series.str.upper`, or `lower`, writes otherwise."""
    every = every_character()
    changed = getattr(every.str, name)()
    differs = (changed != every).to_numpy(dtype=bool)
    return dict(zip(every[differs].tolist(), changed[differs].tolist(), strict=True))


@cache
def final_sigma() -> bool:
    """Whether pandas writes a sigma that ends a word as such, as Python does and pyarrow does not.

    It is the one letter whose case depends on those beside it.
    """
    return bool(pd.Series(["ΑΣ"], dtype=STRING).str.lower()[0] == "ας")


@cache
def around_sigma() -> tuple[str, str]:
    """Return the letters that make a sigma end a word behind them, and what is looked past."""
    near = [c for c in every_character() if f"A{c}Σ".lower().endswith("ς")]
    letters = [c for c in near if f"{c}Σ".lower().endswith("ς")]
    return "".join(letters), "".join(sorted(set(near) - set(letters)))


def every_character() -> pd.Series:
    """Return all characters of Unicode but surrogates, NUL and what blocks use themselves."""
    points = np.arange(1, sys.maxunicode + 1, dtype="uint32")
    is_surrogate = (points >= 0xD800) & (points < 0xE000)
    is_ours = (points >= 0xFDD0) & (points < 0xFDF0)
    characters = points[~(is_surrogate | is_ours)].view("U1").astype(object)
    return pd.Series(characters, dtype=STRING)


def widened(name: str, table: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the table of all spellings whose changed case is a key, or None if they are many."""
    wide: dict[str, Any] = {}
    for text, entry in table.items():
        spellings = _spellings(name, text, MOST_SPELLINGS - len(wide))
        if spellings is None:
            return None
        if name == "lower" and final_sigma():
            spellings = [spelling for spelling in spellings if spelling.lower() == text]
        wide.update(dict.fromkeys(spellings, entry))
    return wide


def _spellings(name: str, text: str, most: int) -> list[str] | None:
    """Return every text that changes into this one, from the end to the start of it."""
    origins = _origins(name)
    longest = max(map(len, origins))
    ways: list[list[str]] = [[] for _ in text] + [[""]]
    for start in reversed(range(len(text))):
        for size in range(1, min(longest, len(text) - start) + 1):
            image = text[start : start + size]
            for character in origins.get(image, [image] if _stays(name, image) else []):
                ways[start] += [character + rest for rest in ways[start + size]]
        if len(ways[start]) > most:
            return None
    return ways[0]


@cache
def _origins(name: str) -> dict[str, list[str]]:
    """Return the characters that become each text, itself among them where it stays."""
    origins: dict[str, list[str]] = {}
    for character, image in changed_by(name).items():
        origins.setdefault(image, [image] if _stays(name, image) else []).append(character)
    if name == "lower" and final_sigma():
        origins["ς"] = ["ς", "Σ"]
    return origins


def _stays(name: str, text: str) -> bool:
    return len(text) == 1 and text not in changed_by(name)
