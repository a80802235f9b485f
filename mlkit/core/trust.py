"""What a reader of bundles and settings trusts: its own word, never the artifact's."""

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
    path = (folder or Path.cwd()) / "pyproject.toml"
    if not path.is_file():
        return ()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not readable TOML: {error}.") from None
    trusted = table.get("tool", {}).get("mlkit", {}).get("trusted", [])
    if not isinstance(trusted, list) or not all(isinstance(name, str) for name in trusted):
        raise ConfigError(f"tool.mlkit.trusted in {path} must be a list of package names.")
    return tuple(trusted)
