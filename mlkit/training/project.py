"""Turn names in a configuration into the project's own classes, and no others."""

import sys
from collections.abc import Iterable
from importlib import import_module
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator

from mlkit.core.errors import ConfigError, listed, nearest
from mlkit.core.schema import Schema

#: Packages whose estimators a configuration may name; a project adds its own.
ESTIMATOR_PACKAGES = ("mlkit", "sklearn", "lightgbm", "xgboost")


def find_schema(path: str, trusted: tuple[str, ...]) -> type[Schema]:
    """Return the schema class at a dotted path such as `flight_delay.schema.Flight`.

    Raises
    ------
    ConfigError
        If there is none, or its package is not trusted.
    """
    found = _find_class(
        path, trusted, "Write it from your data: mlkit schema infer FILE --target COLUMN."
    )
    if not issubclass(found, Schema):
        raise ConfigError(f"data.schema: {path} is no Schema.")
    return found


def build(node: dict[str, Any], trusted: tuple[str, ...], setting: str) -> Any:
    """Build the estimator or featurizer that a node of the configuration describes.

    Parameters
    ----------
    node
        `_target_` names its class, the other keys are its parameters; nodes
        within may do the same.
    trusted
        Packages that it may come from, beside those of `ESTIMATOR_PACKAGES`.
    setting
        The node's place, for messages.

    Raises
    ------
    ConfigError
        If a class is unknown, not trusted, no estimator, or refuses its parameters.
    """
    if "_target_" not in node:
        raise ConfigError(f"{setting} needs a _target_: the dotted path of a class.")
    return _built(node, (*ESTIMATOR_PACKAGES, *trusted), setting)


def _built(node: Any, packages: tuple[str, ...], setting: str) -> Any:
    # Not by Hydra's instantiate, which resolves interpolations as it goes: they can make a
    # `_target_` that no check before it has seen.
    if isinstance(node, list):
        return [_built(item, packages, setting) for item in node]
    if not isinstance(node, dict):
        return node
    parameters = {
        key: _built(value, packages, f"{setting}.{key}")
        for key, value in node.items()
        if key != "_target_"
    }
    if "_target_" not in node:
        return parameters
    path = str(node["_target_"])
    found = _find_class(path, packages)
    # A path may lead through a trusted module to what that module imported.
    if not issubclass(found, BaseEstimator) or found.__module__.split(".")[0] not in packages:
        raise ConfigError(f"{setting}: {path} is no estimator.")
    _check_names(found, parameters, f"{setting}: {path}")
    try:
        return found(**parameters)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{setting}: {path} refuses its parameters: {error}.") from error


def _check_names(kind: type, parameters: Iterable[str], where: str) -> None:
    """Raise a ConfigError for a parameter that the class does not take."""
    taken = signature(kind).parameters
    if any(parameter.kind is Parameter.VAR_KEYWORD for parameter in taken.values()):
        return
    for name in parameters:
        if name not in taken:
            raise ConfigError(
                f"{where} refuses its parameters: there is no {name}. {nearest(name, taken)}"
            )


def _find_class(path: str, packages: tuple[str, ...], where: str = "Check the path.") -> type:
    module_path, _, name = path.rpartition(".")
    package = module_path.split(".")[0]
    if package not in packages:
        raise ConfigError(
            f"{path} is not in a trusted package ({listed(packages)}). Add {package or path} to "
            "tool.mlkit.trusted in pyproject.toml if it is your own."
        )
    source = str(Path.cwd() / "src")
    if source not in sys.path and Path(source).is_dir():
        sys.path.insert(0, source)
    try:
        module = import_module(module_path)
    except ModuleNotFoundError as error:
        is_package = error.name and "." not in error.name
        advice = f"Is it installed? If not: uv add {error.name}." if is_package else where
        raise ConfigError(f"{path}: there is no module {error.name}. {advice}") from error
    found = getattr(module, name, None)
    if not isinstance(found, type):
        raise ConfigError(f"{path}: no such class. {nearest(name, _public(module))}")
    return found


def _public(module: Any) -> list[str]:
    return [name for name in dir(module) if not name.startswith("_")]
