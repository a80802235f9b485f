"""Find what a project's pyproject.toml says of mlkit."""

import tomllib
from pathlib import Path
from typing import Any

from mlkit.core.errors import ConfigError, nearest

_KEYS = ("trusted", "signers", "check")


def tool_table(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """Return the nearest `tool.mlkit`, and the pyproject.toml that has it; None without one.

    It is looked for in the folder and above it, up to the root of the repository.

    Raises
    ------
    ConfigError
        If a pyproject.toml is not TOML, or has a setting that mlkit does not know.
    """
    here = folder.absolute()
    for each in (here, *here.parents):
        path = each / "pyproject.toml"
        table = _table(path) if path.is_file() else None
        if table is not None:
            return path, table
        if (each / ".git").exists():
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
        if key not in _KEYS:
            raise ConfigError(
                f"{path}: there is no setting tool.mlkit.{key}. {nearest(key, _KEYS)}"
            )
    return table
