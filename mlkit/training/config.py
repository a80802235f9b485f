"""Compose a run's settings with Hydra from `conf/`, and check them key by key."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mlkit.core.errors import ConfigError, first_line, nearest
from mlkit.training.settings import Config

_OVERRIDE = re.compile(r"^(?P<how>\+\+|\+|~)?(?P<key>[\w./@-]+)(=(?P<value>.*))?$", re.DOTALL)


def load_config(folder: str | Path = "conf", overrides: Sequence[str] = ()) -> Config:
    """Compose `config.yaml` of `folder` with `overrides`, and check every key.

    Parameters
    ----------
    folder
        Where the configuration lies.
    overrides
        As on Hydra's command line: `seed=7`, `model=logistic`, `split.cut=2013-10-01`.

    Raises
    ------
    ConfigError
        For an unknown key or group (naming the nearest valid one), a value of
        the wrong type, or one that is not set.
    """
    folder = Path(folder).resolve()
    if not (folder / "config.yaml").is_file():
        raise ConfigError(
            f"There is no {folder / 'config.yaml'}. Run this in a project's folder, or name its "
            "configuration with --conf."
        )
    try:
        composed = _compose(folder, _checked(folder, overrides))
        _check_keys(composed, Config, "")
        merged = OmegaConf.merge(OmegaConf.structured(Config), composed)
        config: Config = OmegaConf.to_object(merged)  # type: ignore[assignment]
    except OmegaConfBaseException as error:
        raise ConfigError(_with_key(error)) from None
    return config


def _compose(folder: Path, overrides: Sequence[str]) -> DictConfig:
    try:
        with initialize_config_dir(str(folder), version_base="1.3", job_name="mlkit"):
            return compose("config", overrides=list(overrides))
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(_with_key(error)) from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{folder} holds a file that is no UTF-8: {error}") from None
    except Exception as error:
        if type(error).__module__.startswith(("yaml", "antlr4")):
            raise ConfigError(f"{folder} is not readable YAML: {first_line(error)}") from None
        raise


def _checked(folder: Path, overrides: Sequence[str]) -> list[str]:
    """Return the overrides for Hydra, or name what Hydra would only call absent.

    A key that has a default, but stands in no file, is not absent: `++` says so.
    """
    groups = {
        entry.name: sorted(file.stem for file in entry.glob("*.yaml"))
        for entry in folder.iterdir()
        if entry.is_dir()
    }
    plain = _compose(folder, ())
    _check_keys(plain, Config, "")
    base = OmegaConf.merge(OmegaConf.structured(Config), plain)
    checked = []
    for override in overrides:
        parsed = _OVERRIDE.match(override)
        if parsed is None or (parsed["value"] is None and parsed["how"] != "~"):
            raise ConfigError(f"{override!r} is no override. Write key=value, such as seed=7.")
        key, value = parsed["key"], parsed["value"]
        if key in groups and value is not None:
            if value not in groups[key] and "{" not in value:
                raise ConfigError(f"conf/{key} has no {value!r}. {nearest(value, groups[key])}")
        elif parsed["how"] is None:
            _check_path(base, key, groups)
            override = f"++{override}"  # noqa: PLW2901
        checked.append(override)
    return checked


def _check_path(base: Any, key: str, groups: Iterable[str]) -> None:
    node, path = base, ""
    for part in key.split("."):
        if not isinstance(node, DictConfig) or part not in node:
            valid = (
                [f"{path}{name}" for name in map(str, node)] if isinstance(node, DictConfig) else []
            )
            meant = nearest(f"{path}{part}", [*valid, *(groups if not path else ())])
            where = f" Or add it with +{key}=…" if path.startswith(("model.", "features.")) else ""
            raise ConfigError(f"There is no setting {path}{part}. {meant}{where}")
        node, path = OmegaConf.select(node, part), f"{path}{part}."


def _check_keys(node: Any, declared: Any, path: str) -> None:
    names = [item.name for item in fields(declared)]
    hints = get_type_hints(declared)
    for key in map(str, node):
        if key not in names:
            raise ConfigError(f"There is no setting {path}{key}. {nearest(key, names)}")
        child = None if OmegaConf.is_missing(node, key) else node[key]
        within = get_args(hints[key])
        if within and is_dataclass(within[0]) and isinstance(child, ListConfig):
            for place, item in enumerate(child):
                if isinstance(item, DictConfig):
                    _check_keys(item, within[0], f"{path}{key}[{place}].")
        elif is_dataclass(hints[key]) and isinstance(child, DictConfig) and not within:
            _check_keys(child, hints[key], f"{path}{key}.")


def _with_key(error: Exception) -> str:
    key = getattr(error, "full_key", None)
    return f"Setting {key}: {first_line(error)}" if key else first_line(error)
