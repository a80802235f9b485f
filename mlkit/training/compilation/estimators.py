"""Fitted estimators as a graph: exactly where their arithmetic is known, else by skl2onnx.

scikit-learn, LightGBM and XGBoost are told apart by name, so that nothing is
imported that the model does not need.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from sklearn.base import is_classifier
from spox import Var, inline

from mlkit.training.compilation.ensembles import (
    class_link,
    gradient_boosting,
    hist_gradient_boosting,
    is_guess,
    lightgbm,
    mean_of_trees,
    xgboost,
)
from mlkit.training.compilation.errors import Untraceable
from mlkit.training.compilation.trees import Converted, Matrix
from mlkit.training.compilation.values import const, const_axes


def scores(estimator: Any, features: Var, rounded: Sequence[int] = ()) -> Var:
    """Return what a fitted estimator says of rows of features.

    Parameters
    ----------
    estimator
        A classifier or regressor.
    features
        float64 (n_rows, n_features), as `fit` saw them.
    rounded
        Positions of features that are known but for their last digits.

    Returns
    -------
    Var
        float64: the predicted number or the positive class's probability
        (n_rows, 1), or each class's (n_rows, n_classes).

    Raises
    ------
    Untraceable
        If the estimator does not compile.
    """
    return _answers(estimator, Matrix(features, frozenset(rounded)))


def _answers(estimator: Any, features: Matrix) -> Var:
    raw, link = _CONVERTERS.get(_name(estimator), _by_skl2onnx)(estimator, features)
    return _LINKS[link](raw)


def _decisions(estimator: Any, features: Matrix) -> Var:
    """Return what a calibrator learns from: decisions where there are some, else answers."""
    if not hasattr(estimator, "decision_function"):
        return _answers(estimator, features)
    if convert := _CONVERTERS.get(_name(estimator)):
        return convert(estimator, features)[0]
    return _by_skl2onnx(estimator, features, raw_scores=True)[0]


def _name(estimator: Any) -> str:
    kind = type(estimator)
    return f"{kind.__module__.split('.')[0]}.{kind.__name__}"


_LINKS: dict[str, Callable[[Var], Var]] = {
    "identity": lambda raw: raw,
    "exp": op.exp,
    "sigmoid": op.sigmoid,
    "sigmoid of twice": lambda raw: op.sigmoid(op.mul(raw, const(2.0))),
    "softmax": lambda raw: op.softmax(raw, axis=1),
}


def _linear_classifier(estimator: Any, features: Matrix) -> Converted:
    raw, _ = _linear(estimator, features)
    return raw, class_link(estimator)


def _linear(estimator: Any, features: Matrix) -> Converted:
    weights = np.atleast_2d(np.asarray(estimator.coef_, dtype="float64"))
    offset = np.broadcast_to(
        np.asarray(estimator.intercept_, dtype="float64").ravel(), (len(weights),)
    )
    return op.gemm(features.var, op.const(weights.T.copy()), op.const(offset.copy())), "identity"


def _calibrated(estimator: Any, features: Matrix) -> Converted:
    members = [_calibrated_member(m, features) for m in estimator.calibrated_classifiers_]
    total = members[0]
    for member in members[1:]:
        total = op.add(total, member)
    return op.div(total, const(float(len(members)))), "identity"


def _calibrated_member(member: Any, features: Matrix) -> Var:
    raw = _decisions(member.estimator, features)
    n_columns = len(member.calibrators)
    columns = op.split(raw, num_outputs=n_columns, axis=1) if n_columns > 1 else [raw]
    fitted = [_calibrator(c, x) for c, x in zip(member.calibrators, columns, strict=True)]
    if n_columns == 1:
        return fitted[0]
    found = op.concat(fitted, axis=1)
    total = op.reduce_sum(found, const_axes(), keepdims=1)
    # Where nothing speaks for any class, scikit-learn lets them share alike.
    is_nothing = op.equal(total, const(0.0))
    ones = op.where(is_nothing, const(1.0), found)
    return op.div(ones, op.reduce_sum(ones, const_axes(), keepdims=1))


def _calibrator(calibrator: Any, x: Var) -> Var:
    kind = type(calibrator).__name__
    if kind == "_SigmoidCalibration":
        slope, offset = const(-float(calibrator.a_)), const(-float(calibrator.b_))
        return op.sigmoid(op.add(op.mul(x, slope), offset))
    if kind != "IsotonicRegression":
        raise Untraceable(f"the calibrator {kind}", "Use sigmoid or isotonic.")
    xs = np.asarray(calibrator.X_thresholds_, dtype="float64")
    ys = np.asarray(calibrator.y_thresholds_, dtype="float64")
    if len(xs) == 1:
        return op.add(op.mul(x, const(0.0)), const(ys[0]))
    x = op.min([op.max([x, const(xs[0])]), const(xs[-1])])
    reached = op.cast(op.greater_or_equal(x, op.const(xs[None, 1:-1])), to=np.int64)
    place = op.reduce_sum(reached, const_axes(), keepdims=1)
    slopes = np.diff(ys) / np.diff(xs)
    start, low, slope = (op.gather(op.const(t), place) for t in (xs[:-1], ys[:-1], slopes))
    return op.add(low, op.mul(op.sub(x, start), slope))


def _dummy(estimator: Any, features: Matrix) -> Converted:
    answers = np.zeros((1, estimator.n_features_in_))
    if is_classifier(estimator):
        if is_guess(estimator):
            raise Untraceable("a classifier that guesses", "Use strategy=prior.")
        found = estimator.predict_proba(answers)
        found = found[:, 1:] if found.shape[1] == 2 else found
    else:
        found = np.reshape(estimator.predict(answers), (1, 1))
    nothing = op.reduce_sum(
        op.mul(op.cast(op.isnan(features.var), to=np.float64), const(0.0)), const_axes(), keepdims=1
    )
    return op.add(nothing, op.const(found.astype("float64"))), "identity"


def _by_skl2onnx(estimator: Any, features: Matrix, *, raw_scores: bool = False) -> Converted:
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import DoubleTensorType

    classifies = is_classifier(estimator)
    options = {"zipmap": False, **({"raw_scores": True} if raw_scores else {})}
    kind = DoubleTensorType([None, estimator.n_features_in_])
    model = to_onnx(
        estimator, initial_types=[("features", kind)],
        options={id(estimator): options} if classifies else None,
        target_opset={"": 20, "ai.onnx.ml": 3},
    )  # fmt: skip
    if any(node.op_type.startswith("TreeEnsemble") for node in model.graph.node):
        raise Untraceable(
            f"the estimator {type(estimator).__name__}, which holds trees,",
            "skl2onnx compares them in float32, and so decides otherwise near their splits.",
        )
    outputs = inline(model)(features=features.var)
    found = op.cast(list(outputs.values())[-1], to=np.float64)
    if not classifies:
        found = op.reshape(found, op.const(np.array([-1, 1])))
    elif len(estimator.classes_) == 2:
        last = op.const(np.array([1]))
        found = op.slice(found, last, op.const(np.array([2])), last)
    return found, "identity"


_FORESTS = ("DecisionTree", "ExtraTree", "RandomForest", "ExtraTrees")
_CONVERTERS: dict[str, Callable[[Any, Matrix], Converted]] = {
    "sklearn.LogisticRegression": _linear_classifier,
    "sklearn.LogisticRegressionCV": _linear_classifier,
    **{
        f"sklearn.{name}": _linear
        for name in (
            "LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet",
            "ElasticNetCV", "HuberRegressor", "BayesianRidge", "SGDRegressor", "LinearSVC",
            "LinearSVR", "QuantileRegressor", "Lars", "LassoLars", "TheilSenRegressor",
            "ARDRegression",
        )
    },
    **{f"sklearn.{name}Classifier": mean_of_trees for name in _FORESTS},
    **{f"sklearn.{name}Regressor": mean_of_trees for name in _FORESTS},
    "sklearn.GradientBoostingClassifier": gradient_boosting,
    "sklearn.GradientBoostingRegressor": gradient_boosting,
    "sklearn.HistGradientBoostingClassifier": hist_gradient_boosting,
    "sklearn.HistGradientBoostingRegressor": hist_gradient_boosting,
    "sklearn.CalibratedClassifierCV": _calibrated,
    "sklearn.DummyClassifier": _dummy,
    "sklearn.DummyRegressor": _dummy,
    "lightgbm.LGBMClassifier": lightgbm,
    "lightgbm.LGBMRegressor": lightgbm,
    **dict.fromkeys(
        ("xgboost.XGBClassifier", "xgboost.XGBRegressor", "xgboost.XGBRFClassifier",
         "xgboost.XGBRFRegressor"), xgboost,
    ),
}  # fmt: skip
