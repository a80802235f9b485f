"""What a reader of bundles and settings trusts: its own word, never the artifact's.

The commands look here, and so does the training side where it runs a project's
settings, as `mlkit.train` does. `Predictor.load` and `Bundle.open` read no
pyproject.toml: they trust what they are given.
"""

import tomllib
from pathlib import Path

from mlkit.core.errors import ConfigError


def trusted_packages(folder: Path | None = None) -> tuple[str, ...]:
    """Return `tool.mlkit.trusted` of the pyproject.toml in `folder`, or nothing.

    Raises
    ------
    ConfigError
        If the file is not TOML, or the setting is no list of names.
    """
    return _setting(folder, "trusted", "package names") or ()


def required_signers(folder: Path | None = None) -> tuple[str, ...] | None:
    """Return `tool.mlkit.signers` of the pyproject.toml in `folder`, or None if it has none.

    An empty list is one: nobody's bundles are accepted then.

    Raises
    ------
    ConfigError
        If the file is not TOML, or the setting is no list of texts.
    """
    return _setting(folder, "signers", "public keys")


def _setting(folder: Path | None, key: str, what: str) -> tuple[str, ...] | None:
    path = (folder or Path.cwd()) / "pyproject.toml"
    if not path.is_file():
        return None
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not readable TOML: {error}.") from None
    try:
        found = table.get("tool", {}).get("mlkit", {}).get(key)
    except AttributeError:
        raise ConfigError(f"tool and tool.mlkit in {path} must be tables.") from None
    if found is None:
        return None
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise ConfigError(f"tool.mlkit.{key} in {path} must be a list of {what}.")
    return tuple(found)
