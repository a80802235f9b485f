"""What is tried: settings by their dotted key, each with its bounds or its choices."""

import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, is_dataclass
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import InvalidParameterError

from mlkit.core.errors import ConfigError, listed, nearest
from mlkit.core.trust import trusted_packages
from mlkit.training.project import build
from mlkit.training.settings import Config
from mlkit.training.workflow import build_trainer

_KEYS = ("low", "high", "log", "step", "choices")
_ROOTS = ("model", "features")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """One setting and its values: whole numbers or floats within bounds, or choices.

    Attributes
    ----------
    low, high
        The bounds, both included; whole numbers if both are.
    log
        Whether small values are tried as finely as large ones.
    step
        The distance between values, counted from `low`.
    choices
        Instead of bounds: text, numbers, booleans or null.
    current
        What the settings, or the class's defaults, say now.
    """

    key: str
    low: float = 0
    high: float = 0
    log: bool = False
    step: float | None = None
    choices: tuple[Any, ...] = ()
    current: Any = None

    def __post_init__(self) -> None:
        place = f"tuning.space.{self.key}"
        if self.choices:
            if len(self.choices) < 2 or len(set(map(repr, self.choices))) < len(self.choices):
                raise ConfigError(f"{place} needs choices that differ, at least two.")
            odd = [x for x in self.choices if not isinstance(x, str | int | float | None)]
            if odd:
                raise ConfigError(
                    f"{place}: choices are text, numbers, booleans or null, got {listed(odd)}."
                )
            return
        for name in ("low", "high", "step"):
            value = getattr(self, name)
            if name == "step" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ConfigError(f"{place}.{name} must be a number, got {value!r}.")
            if not math.isfinite(value):
                raise ConfigError(f"{place}.{name} must be finite, got {value}.")
        if self.low >= self.high:
            raise ConfigError(f"{place}: low ({self.low}) must lie below high ({self.high}).")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ConfigError(f"{place}: log needs low above 0, and takes no step.")
        if self.step is not None and not 0 < self.step <= self.high - self.low:
            raise ConfigError(f"{place}.step must lie above 0 and within the bounds.")
        if self.is_whole and isinstance(self.step, float):
            raise ConfigError(f"{place}.step must be whole, as low and high are.")

    @property
    def is_whole(self) -> bool:
        """Whether the values are whole numbers."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def ends(self) -> tuple[Any, ...]:
        """What an estimator that refuses any of the values would refuse."""
        return self.choices or (self.low, self.high)

    @property
    def has_current(self) -> bool:
        """Whether what the settings say now is among the values."""
        if self.choices:
            return any(repr(self.current) == repr(choice) for choice in self.choices)
        is_number = isinstance(self.current, int if self.is_whole else int | float)
        if not is_number or isinstance(self.current, bool):
            return False
        return self.step is None and bool(self.low <= self.current <= self.high)

    def suggest(self, trial: Any) -> Any:
        """Return the value that an Optuna trial takes."""
        if self.choices:
            return trial.suggest_categorical(self.key, self.choices)
        if self.is_whole:
            step = 1 if self.step is None else self.step
            return trial.suggest_int(self.key, self.low, self.high, step=step, log=self.log)
        return trial.suggest_float(self.key, self.low, self.high, step=self.step, log=self.log)


def read_space(config: Config) -> list[Dimension]:
    """Return the dimensions of `tuning.space`, each held against what it would set.

    Raises
    ------
    ConfigError
        If there are none, a key is no parameter, bounds make no sense, or a part
        of the model refuses an end of them.
    """
    space = config.tuning.space
    if not space:
        raise ConfigError(
            "tuning.space is empty: name settings to try in conf/tuning/default.yaml, such as "
            "model.estimator.learning_rate: {low: 0.01, high: 0.3, log: true}."
        )
    dimensions = [_dimension(config, str(key), said) for key, said in space.items()]
    for dimension in dimensions:
        for value in dimension.ends:
            try:
                check_parameters(applied(config, {dimension.key: value}))
            except ConfigError as error:
                raise ConfigError(
                    f"tuning.space.{dimension.key}: {value!r} does not fit. {error}"
                ) from None
    return dimensions


def applied(config: Config, values: Mapping[str, Any]) -> Config:
    """Return the settings with some values, by their dotted key, in place of others."""
    changed = deepcopy(config)
    for key, value in values.items():
        *path, name = key.split(".")
        _node(changed, path)[name] = value
    return changed


def check_parameters(config: Config) -> None:
    """Raise a ConfigError if a part of the model refuses its parameters; nothing is fitted.

    The parts of scikit-learn, and what is built on it, tell this of themselves;
    others only when they are fitted.
    """
    trainer = build_trainer(config)
    for part in (trainer.featurizer, trainer.encoder, trainer.estimator):
        for inner in (part, *part.get_params().values()):
            if isinstance(inner, BaseEstimator) and hasattr(inner, "_parameter_constraints"):
                try:
                    inner._validate_params()  # noqa: SLF001  # its only way without rows
                except InvalidParameterError as error:
                    raise ConfigError(str(error)) from None


def _dimension(config: Config, key: str, said: Any) -> Dimension:
    place = f"tuning.space.{key}"
    if not isinstance(said, dict):
        raise ConfigError(f"{place} needs {{low, high}} or {{choices}}, got {said!r}.")
    for name in said:
        if name not in _KEYS:
            raise ConfigError(f"{place} has no setting {name}. {nearest(str(name), _KEYS)}")
    wanted = {"choices"} if "choices" in said else {"low", "high"}
    if not wanted <= set(said) or ("choices" in said and len(said) > 1):
        raise ConfigError(f"{place} needs either low and high, or choices; it has {listed(said)}.")
    choices = said.get("choices", ())
    if "choices" in said and (not isinstance(choices, list) or not choices):
        raise ConfigError(f"{place}.choices must be a list of values, got {choices!r}.")
    return Dimension(**{**said, "choices": tuple(choices)}, key=key, current=_current(config, key))


def _current(config: Config, key: str) -> Any:
    """Return what a key is set to now, or raise a ConfigError if it is no parameter."""
    *path, name = key.split(".")
    if not path or path[0] not in _ROOTS:
        raise ConfigError(
            f"tuning.space.{key}: only settings under model and features can be tuned."
        )
    node = _node(config, path)
    if name in node:
        return node[name]
    parent = ".".join(path)
    parameters = build(node, trusted_packages(), parent).get_params(deep=False)
    if name not in parameters:
        meant = nearest(key, [f"{parent}.{parameter}" for parameter in parameters])
        raise ConfigError(
            f"tuning.space.{key} is no parameter of {node['_target_']}. {meant} A model of another "
            "kind takes a space of its own: a file in conf/tuning."
        )
    return parameters[name]


def _node(config: Config, path: Sequence[str]) -> dict[str, Any]:
    """Return the node whose `_target_` takes the parameters."""
    node: Any = config
    for depth, part in enumerate(path):
        inside = vars(node) if is_dataclass(node) else node
        if not isinstance(inside, dict) or part not in inside:
            there = inside if isinstance(inside, dict) else ()
            above = ".".join(path[:depth])
            raise ConfigError(
                f"tuning.space: there is no setting {above}.{part}. "
                f"{nearest(part, map(str, there))}"
            )
        node = inside[part]
    if not isinstance(node, dict) or "_target_" not in node:
        raise ConfigError(
            f"tuning.space: {'.'.join(path)} names no class whose parameters could be tuned. "
            "Give it a _target_ in conf."
        )
    return node
