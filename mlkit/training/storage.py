"""Keep a fitted pipeline without pickle: skops, made the same byte for byte each time."""

import io
import json
import zipfile
from collections.abc import Sequence
from importlib import import_module
from itertools import count
from pathlib import Path
from types import FunctionType
from typing import Any

import skops.io
from sklearn.pipeline import Pipeline

from mlkit.core.errors import BundleError, FeaturizerError, first_line, listed
from mlkit.training.archive import SCHEMA, check_archive
from mlkit.training.inspection import check_built

#: Types that scikit-learn's, LightGBM's, XGBoost's and mlkit's own estimators hold
#: beside what skops trusts already; none of them runs code that the file brings: what
#: a partial calls must be trusted as well. Each Booster hands its state to a compiled
#: parser; a reader who had to trust it could only trust its whole package.
_TRUSTED = {
    "collections.OrderedDict",
    "collections.defaultdict",
    "functools.partial",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRegressor",
    "mlkit.training.encoding.MomentParts",
    "mlkit.training.encoding.TableEncoder",
    "numpy.dtype",
    "sklearn._loss.loss.HalfTweedieLossIdentity",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.feature_selection._univariate_selection.f_classif",
    "sklearn.feature_selection._univariate_selection.f_regression",
    "sklearn.metrics._scorer._PassthroughScorer",
    "sklearn.model_selection._split.KFold",
    "sklearn.model_selection._split.StratifiedKFold",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
    "sklearn.utils.validation.check_array",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
    "xgboost.sklearn.XGBRFClassifier",
    "xgboost.sklearn.XGBRFRegressor",
    "xgboost.sklearn.XGBRegressor",
}
_EPOCH = (1980, 1, 1, 0, 0, 0)


def save_pipeline(pipeline: Pipeline, path: Path) -> None:
    """Write a fitted pipeline; the same pipeline always gives the same bytes.

    Raises
    ------
    FeaturizerError
        If a class lives in `__main__` or in a function, where nobody else can find it.
    BundleError
        If the pipeline holds what skops cannot store, or cannot read back;
        naming the step and the attribute, where one is at fault.
    """
    for step in pipeline.named_steps.values():
        kind = type(step)
        if kind.__module__ == "__main__" or "<locals>" in kind.__qualname__:
            where = "__main__" if kind.__module__ == "__main__" else "a function"
            raise FeaturizerError(
                f"{kind.__name__} is defined in {where}, where a bundle cannot find it. "
                "Move it to a module of your package."
            )
    try:
        stored = _stored(pipeline)
    except Exception as error:
        # skops raises whatever the object that it cannot store raises.
        raise BundleError(_refusal(pipeline, error)) from error
    path.write_bytes(_canonical(stored))


def _stored(value: Any) -> bytes:
    """Return what skops makes of a value, if it can make the value of that again."""
    stored: bytes = skops.io.dumps(value)
    skops.io.loads(stored, trusted=skops.io.get_untrusted_types(data=stored))
    return stored


def _refusal(pipeline: Pipeline, error: Exception) -> str:
    """Say what cannot be stored: the first attribute that cannot alone, if there is one."""
    for step in pipeline.named_steps.values():
        for attribute, held in vars(step).items():
            try:
                _stored(held)
            except Exception as reason:  # noqa: BLE001
                return f"{type(step).__name__}.{attribute} {_why(reason)} {_advice(held)}"
    return f"The pipeline {_why(error)} {_advice(pipeline)}"


def _why(error: Exception) -> str:
    return f"cannot be stored ({type(error).__name__}: {first_line(error)})."


def _advice(value: Any) -> str:
    """Say what to keep instead of a value that cannot be stored."""
    if type(value).__module__.partition(".")[0] == "pandas":
        return "Keep what its to_dict() or to_numpy() returns."
    if isinstance(value, dict) and any(isinstance(key, tuple) for key in value):
        return "Join the parts of its keys as one text."
    if isinstance(value, FunctionType):
        return "Keep a function that a module of your package defines by its name."
    return "Keep only numbers, text, arrays and estimators in fitted attributes."


def load_pipeline(stored: bytes, trusted: Sequence[str], path: Path) -> Pipeline:
    """Read what `save_pipeline` wrote, if it uses only types that are trusted.

    Parameters
    ----------
    stored
        What the file holds.
    trusted
        Packages whose types may be used beside those of scikit-learn and mlkit,
        and the models of LightGBM and XGBoost.
    path
        The file, for messages.

    Raises
    ------
    BundleError
        If it uses other types, or a class that is not installed, or is not
        what `save_pipeline` writes.
    """
    try:
        check_archive(stored)
        pipeline = skops.io.loads(stored, trusted=check_types(stored, trusted, path))
    except BundleError:
        raise
    except (ImportError, AttributeError) as error:
        raise BundleError(
            f"{path} needs a class that is not installed: {error}. Install the project that "
            "trained it."
        ) from error
    except Exception as error:
        # skops raises whatever the objects that it builds raise.
        raise BundleError(f"{path} is not a readable pipeline: {first_line(error)}") from error
    if not isinstance(pipeline, Pipeline):
        raise BundleError(f"{path} holds a {type(pipeline).__name__}, not a pipeline.")
    try:
        check_built(pipeline)
    except Exception as error:
        raise BundleError(f"{path} is not a pipeline that was fitted: {error}.") from error
    return pipeline


def check_types(stored: bytes, trusted: Sequence[str], path: Path) -> list[str]:
    """Return the types that a stored pipeline uses beside those that skops trusts.

    Raises
    ------
    BundleError
        If `load_pipeline` would not trust one of them.
    """
    found: list[str] = skops.io.get_untrusted_types(data=stored)
    refused = [name for name in found if not _is_trusted(name, trusted)]
    if refused:
        packages = sorted({name.split(".")[0] for name in refused})
        raise BundleError(
            f"{path} uses types that are not trusted: {listed(refused)}. If these are your "
            f"own, trust {listed(packages)} (tool.mlkit.trusted in pyproject.toml, --trust, "
            "or Predictor.load(..., trusted=[...]))."
        )
    return found


def _is_trusted(name: str, packages: Sequence[str]) -> bool:
    if name in _TRUSTED:
        return True
    if not any(name.startswith(f"{package}.") for package in packages):
        return False
    # What a trusted module only imported from elsewhere is not that package's own.
    module, _, attribute = name.rpartition(".")
    home = getattr(getattr(import_module(module), attribute), "__module__", "")
    return any(home == package or home.startswith(f"{package}.") for package in packages)


def _without_addresses(node: Any) -> str:
    """Return a member of a set as text that is the same in every process."""
    if isinstance(node, dict):
        node = {k: _without_addresses(v) for k, v in node.items() if k not in ("__id__", "file")}
    elif isinstance(node, list):
        node = [_without_addresses(item) for item in node]
    return json.dumps(node, sort_keys=True)


def _canonical(stored: bytes) -> bytes:
    """Replace memory addresses and clock times, which skops writes, by counts."""
    with zipfile.ZipFile(io.BytesIO(stored)) as archive:
        schema = json.loads(archive.read(SCHEMA))
        members = {name: archive.read(name) for name in archive.namelist() if name != SCHEMA}
    addresses: dict[Any, int] = {}
    numbers = count(1)
    files: dict[str, str] = {}

    def renumber(node: Any) -> None:
        if isinstance(node, list):
            for item in node:
                renumber(item)
        elif isinstance(node, dict):
            if isinstance(node.get("__id__"), int):
                # Whether equal constants share an address is the interpreter's whim.
                is_constant = node.get("__loader__") == "JsonNode"
                known = None if is_constant else addresses.get(node["__id__"])
                number = next(numbers) if known is None else known
                if not is_constant:
                    addresses[node["__id__"]] = number
                node["__id__"] = number
            if isinstance(node.get("file"), str) and node["file"] in members:
                name = node["file"]
                suffix = Path(name).suffix
                node["file"] = files.setdefault(name, f"{len(files) + 1}{suffix}")
            if node.get("__loader__") == "SetNode":
                node["content"].sort(key=_without_addresses)
            for item in node.values():
                renumber(item)

    renumber(schema)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, new in files.items():
            archive.writestr(zipfile.ZipInfo(new, _EPOCH), members[name])
        archive.writestr(zipfile.ZipInfo(SCHEMA, _EPOCH), json.dumps(schema))
    return buffer.getvalue()
