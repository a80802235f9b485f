"""Say what differs between what made two bundles."""

from collections.abc import Mapping
from typing import Any

#: What these parts of a lineage are, in words.
_PARTS = {
    "python": "Python",
    "libraries": "library",
    "threads": "threads of",
    "seed": "seed",
    "lock": "lock file",
}


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each thing that differs between two lineages.

    The mlkit that wrote a bundle, and what runs it, may stand beside the lineage's own parts.
    """
    return [
        *_of_part("mlkit", old.get("mlkit"), new.get("mlkit")),
        *_of_part("runtime", old.get("runtime"), new.get("runtime")),
        *_of_data(old.get("data", {}), new.get("data", {})),
        *_of_code(old.get("code", {}), new.get("code", {})),
        *(
            line
            for part, words in _PARTS.items()
            for line in _of_part(words, old.get(part), new.get(part))
        ),
        *_of_part("setting", _flat(old.get("config", {})), _flat(new.get("config", {}))),
    ]


def _of_data(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    found = []
    if old.get("n_rows") != new.get("n_rows"):
        found.append(f"data changed: {old.get('n_rows'):,} rows, now {new.get('n_rows'):,}")
    was, now = old.get("columns", {}), new.get("columns", {})
    changed = [name for name in was if name in now and was[name] != now[name]]
    for words, names in (
        ("in column", changed if not found else []),
        ("without column", sorted(was.keys() - now.keys())),
        ("with new column", sorted(now.keys() - was.keys())),
    ):
        if names:
            found.append(f"data changed: {words}{'s' * (len(names) > 1)} {', '.join(names)}")
    return found


def _of_code(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    if old == new:
        return []
    if old.get("commit") != new.get("commit"):
        return [f"code changed: commit {old.get('commit')}, now {new.get('commit')}"]
    was, now = (", ".join(code.get("changes") or ["nothing"]) for code in (old, new))
    return [f"code changed: uncommitted were {was}, now {now}"]


def _of_part(words: str, old: Any, new: Any) -> list[str]:
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return [] if old == new else [f"{words} changed: {old}, now {new}"]
    return [
        f"{words} {key} changed: {old.get(key, 'none')}, now {new.get(key, 'none')}"
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
    ]


def _flat(node: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(node, Mapping):
        return {prefix.rstrip("."): node}
    return {
        key: value
        for name, child in node.items()
        for key, value in _flat(child, f"{prefix}{name}.").items()
    }
