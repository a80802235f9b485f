"""What a reader of bundles and settings trusts: its own word, never the artifact's.

That word is the table `tool.mlkit` of a pyproject.toml: the first that has one, in the
current folder or above it, up to the root of the repository. The commands look there,
and so does the training side where it runs a project's settings, as `mlkit.train` does.
`Predictor.load` and `Bundle.open` read no pyproject.toml: they trust what they are given.
"""

import tomllib
from pathlib import Path
from typing import Any

from mlkit.core.errors import ConfigError, nearest

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
    here = Path.cwd()
    for folder in (here, *here.parents):
        path = folder / "pyproject.toml"
        table = _table(path) if path.is_file() else None
        if table is not None:
            return _listed(path, table, key)
        if (folder / ".git").exists():
            break
    return None


def _table(path: Path) -> dict[str, Any] | None:
    try:
        tool = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not readable TOML: {error}.") from None
    table = tool.get("mlkit") if isinstance(tool, dict) else tool
    if not isinstance(table, dict | None):
        raise ConfigError(f"tool and tool.mlkit in {path} must be tables.")
    # A misspelt `signers` would accept anybody's bundles.
    for key in table or ():
        if key not in _SETTINGS:
            raise ConfigError(
                f"{path}: there is no setting tool.mlkit.{key}. {nearest(key, _SETTINGS)}"
            )
    return table


def _listed(path: Path, table: dict[str, Any], key: str) -> tuple[str, ...] | None:
    found = table.get(key)
    if found is None:
        return None
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise ConfigError(f"tool.mlkit.{key} in {path} must be a list of {_SETTINGS[key]}.")
    return tuple(found)
