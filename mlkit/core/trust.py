"""What a reader of bundles and settings trusts: its own word, never the artifact's.

That word is the table `tool.mlkit` of a pyproject.toml: the first that has one, in the
current folder or above it, up to the root of the repository. The commands look there,
and so does the training side where it runs a project's settings, as `mlkit.train` does.
`Predictor.load` and `Bundle.open` read no pyproject.toml: they trust what they are given.
"""

from pathlib import Path
from typing import Any

from mlkit.core.errors import ConfigError
from mlkit.core.project import tool_table

#: What each setting lists.
_SETTINGS = {"trusted": "package names", "signers": "public keys"}


def trusted_packages() -> tuple[str, ...]:
    """Return `tool.mlkit.trusted`, or nothing.

    Raises
    ------
    ConfigError
        If a pyproject.toml is not TOML, has a setting that mlkit does not know, or one
        that is no list of texts.
    """
    return _setting("trusted") or ()


def required_signers() -> tuple[str, ...] | None:
    """Return `tool.mlkit.signers`, or None if it is not set.

    An empty list is set: nobody's bundles are accepted then.

    Raises
    ------
    ConfigError
        As `trusted_packages` does.
    """
    return _setting("signers")


def _setting(key: str) -> tuple[str, ...] | None:
    found = tool_table(Path.cwd())
    return _listed(*found, key) if found else None


def _listed(path: Path, table: dict[str, Any], key: str) -> tuple[str, ...] | None:
    found = table.get(key)
    if found is None:
        return None
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise ConfigError(f"tool.mlkit.{key} in {path} must be a list of {_SETTINGS[key]}.")
    return tuple(found)
