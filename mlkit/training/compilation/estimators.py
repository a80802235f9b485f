"""Fitted estimators as a graph: exactly where their arithmetic is known, else by skl2onnx.

scikit-learn, LightGBM and XGBoost are told apart by name, so that nothing is
imported that the model does not need.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from sklearn.base import is_classifier
from spox import Var, inline

from mlkit.training.compilation.choices import const_axes
from mlkit.training.compilation.errors import Untraceable
from mlkit.training.compilation.trees import LESS, Forest, as_float32_decides
from mlkit.training.compilation.values import const


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
    convert = _CONVERTERS.get(_name(estimator), _by_skl2onnx)
    return _linked(*convert(estimator, Matrix(features, frozenset(rounded))))


@dataclass(frozen=True, slots=True)
class Matrix:
    """Features, and the positions of those whose last digits depend on who computes them."""

    var: Var
    rounded: frozenset[int]

    def thresholds(self, feature: np.ndarray, threshold: np.ndarray) -> np.ndarray:
        """Return thresholds that features equal to them do not pass by their last digits.

        A histogram's threshold may be the very value that training rows have.
        """
        is_rounded = np.isin(feature, list(self.rounded))
        return np.where(is_rounded, threshold + _LAST_DIGITS * np.abs(threshold), threshold)


def _name(estimator: Any) -> str:
    kind = type(estimator)
    return f"{kind.__module__.split('.')[0]}.{kind.__name__}"


def _linked(raw: Var, link: str) -> Var:
    if link == "softmax":
        return op.softmax(raw, axis=1)
    if link == "shares":
        total = op.reduce_sum(raw, const_axes(), keepdims=1)
        # Where nothing speaks for any class, scikit-learn lets them share alike.
        is_nothing = op.equal(total, const(0.0))
        ones = op.where(is_nothing, const(1.0), raw)
        return op.div(ones, op.reduce_sum(ones, const_axes(), keepdims=1))
    if link == "identity":
        return raw
    return op.sigmoid(raw) if link == "sigmoid" else op.exp(raw)


#: Far more than a logarithm or a sine errs by, far less than two values differ by.
_LAST_DIGITS = 1e-13

Converted = tuple[Var, str]


def _linear_classifier(estimator: Any, features: Matrix) -> Converted:
    if len(estimator.classes_) == 2:
        return _linear(estimator, features)[0], "sigmoid"
    raw = _linear(estimator, features)[0]
    if estimator.solver == "liblinear":
        return op.sigmoid(raw), "shares"
    return raw, "softmax"


def _linear(estimator: Any, features: Matrix) -> Converted:
    weights = np.atleast_2d(np.asarray(estimator.coef_, dtype="float64"))
    offset = np.broadcast_to(
        np.asarray(estimator.intercept_, dtype="float64").ravel(), (len(weights),)
    )
    return op.gemm(features.var, op.const(weights.T.copy()), op.const(offset.copy())), "identity"


def _trees_of(estimator: Any) -> list[Any]:
    return list(getattr(estimator, "estimators_", [estimator]))


def _mean_of_trees(estimator: Any, features: Matrix) -> Converted:
    trees = [tree.tree_ for tree in _trees_of(estimator)]
    if trees[0].value.shape[1] != 1:
        raise Untraceable("an estimator with several outputs", "Train one for each.")
    n_classes = trees[0].value.shape[2] if is_classifier(estimator) else 1
    # A leaf adds to one sum: a binary target needs only that of the positive class.
    kept = [n_classes - 1] if n_classes <= 2 else list(range(n_classes))
    forest = Forest(n_targets=len(kept))
    for target, place in enumerate(kept):
        for tree in trees:
            _add_scikit_learn(forest, tree, tree.value[:, 0, place] / len(trees), target)
    return forest.sums(features.var), "identity"


def _add_scikit_learn(forest: Forest, tree: Any, value: np.ndarray, target: int = 0) -> None:
    forest.add(
        feature=tree.feature,
        threshold=as_float32_decides(tree.threshold),
        left=tree.children_left,
        right=tree.children_right,
        value=value,
        missing_left=tree.missing_go_to_left,
        target=target,
    )


def _gradient_boosting(estimator: Any, features: Matrix) -> Converted:
    grid = estimator.estimators_
    if not (estimator.init_ == "zero" or type(estimator.init_).__name__.startswith("Dummy")):
        raise Untraceable("gradient boosting from another estimator", "Leave out init.")
    forest = Forest(n_targets=grid.shape[1])
    forest.start(estimator._raw_predict_init(np.zeros((1, estimator.n_features_in_))))  # noqa: SLF001
    for trees in grid:
        for target, tree in enumerate(trees):
            value = tree.tree_.value[:, 0, 0] * estimator.learning_rate
            _add_scikit_learn(forest, tree.tree_, value, target)
    raw = forest.sums(features.var)
    if estimator.loss == "exponential":
        raw = op.mul(raw, const(2.0))
    return raw, _class_link(estimator)


def _class_link(estimator: Any) -> str:
    if not is_classifier(estimator):
        return "identity"
    return "sigmoid" if len(estimator.classes_) == 2 else "softmax"


def _hist_gradient_boosting(estimator: Any, features: Matrix) -> Converted:
    grid = estimator._predictors  # noqa: SLF001
    forest = Forest(n_targets=len(grid[0]))
    forest.start(estimator._baseline_prediction)  # noqa: SLF001
    for trees in grid:
        for target, tree in enumerate(trees):
            nodes = tree.nodes
            if nodes["is_categorical"].any():
                raise Untraceable(
                    "a tree that splits on categories", "Leave out categorical_features."
                )
            feature = nodes["feature_idx"].astype("int64")
            forest.add(
                feature=feature,
                threshold=features.thresholds(feature, nodes["num_threshold"]),
                left=np.where(nodes["is_leaf"], -1, nodes["left"].astype("int64")),
                right=nodes["right"].astype("int64"),
                value=nodes["value"],
                missing_left=nodes["missing_go_to_left"],
                target=target,
            )
    raw = forest.sums(features.var)
    if is_classifier(estimator):
        return raw, _class_link(estimator)
    links = {"IdentityLink": "identity", "LogLink": "exp"}
    return raw, links[type(estimator._loss.link).__name__]  # noqa: SLF001


_LIGHTGBM_LINKS = {
    "binary": "sigmoid", "multiclass": "softmax", "multiclassova": "sigmoid",
    "regression": "identity", "regression_l1": "identity", "huber": "identity",
    "fair": "identity", "quantile": "identity", "mape": "identity",
    "poisson": "exp", "gamma": "exp", "tweedie": "exp",
}  # fmt: skip


def _lightgbm(estimator: Any, features: Matrix) -> Converted:
    model = estimator.booster_.dump_model()
    objective, *settings = model["objective"].split()
    if "sqrt" in settings or objective not in _LIGHTGBM_LINKS:
        raise Untraceable(f"LightGBM's objective {model['objective']!r}", "Use a standard one.")
    n_targets = model["num_tree_per_iteration"]
    forest = Forest(n_targets=n_targets)
    trees = model["tree_info"]
    scale = n_targets / len(trees) if model["average_output"] else 1.0
    for number, tree in enumerate(trees):
        _add_lightgbm(forest, tree["tree_structure"], scale, number % n_targets)
    raw, link = forest.sums(features.var), _LIGHTGBM_LINKS[objective]
    steepness = next((float(s[8:]) for s in settings if s.startswith("sigmoid:")), 1.0)
    if link == "sigmoid" and steepness != 1:
        raw = op.mul(raw, const(steepness))
    return raw, link


#: What lies no further from zero, LightGBM reads as zero.
_LIGHTGBM_ZERO = float(np.float32(1e-35))


def _as_lightgbm_decides(threshold: float) -> float:
    if not abs(threshold) <= _LIGHTGBM_ZERO:
        return threshold
    return _LIGHTGBM_ZERO if threshold >= 0 else float(np.nextafter(-_LIGHTGBM_ZERO, -np.inf))


def _add_lightgbm(forest: Forest, root: dict[str, Any], scale: float, target: int) -> None:
    rows: list[list[float]] = []

    def grow(node: dict[str, Any]) -> int:
        place = len(rows)
        if "split_feature" not in node:
            rows.append([0, 0, -1, -1, node["leaf_value"] * scale, 0])
            return place
        if node["decision_type"] != "<=" or node["missing_type"] == "Zero":
            raise Untraceable(
                "a LightGBM tree that splits on categories or on zeros as missing",
                "Leave out categorical_feature and zero_as_missing.",
            )
        # Without missing values in training, LightGBM takes them for zero.
        is_zero = node["missing_type"] == "None"
        missing_left = node["threshold"] >= 0 if is_zero else node["default_left"]
        threshold = _as_lightgbm_decides(node["threshold"])
        rows.append([node["split_feature"], threshold, 0, 0, 0, missing_left])
        rows[place][2] = grow(node["left_child"])
        rows[place][3] = grow(node["right_child"])
        return place

    grow(root)
    _add_rows(forest, rows, target)


def _add_rows(forest: Forest, rows: list[list[float]], target: int) -> None:
    feature, threshold, left, right, value, missing_left = np.array(rows, dtype="float64").T
    forest.add(
        feature=feature.astype("int64"),
        threshold=threshold,
        left=left.astype("int64"),
        right=right.astype("int64"),
        value=value,
        missing_left=missing_left,
        target=target,
    )


def _xgboost(estimator: Any, features: Matrix) -> Converted:
    if not np.isnan(estimator.missing):
        raise Untraceable(
            f"XGBoost with missing={estimator.missing!r}", "Leave it out, and keep NaN for missing."
        )
    booster = estimator.get_booster()
    learner = json.loads(booster.save_raw("json"))["learner"]
    name = learner["objective"]["name"]
    link = _XGBOOST_LINKS.get(name)
    if learner["gradient_booster"]["name"] != "gbtree" or link is None:
        raise Untraceable(f"XGBoost's {name} or booster", "Use gbtree and a standard objective.")
    model = learner["gradient_booster"]["model"]
    n_targets = max(model["tree_info"], default=0) + 1
    best = getattr(booster, "best_iteration", None) if booster.attr("best_iteration") else None
    n_trees = len(model["trees"])
    if best is not None:
        n_trees = model["iteration_indptr"][best + 1]
    stored = json.loads(learner["learner_model_param"]["base_score"])
    base = np.atleast_1d(np.asarray(stored, dtype="float32"))
    if link == "sigmoid":
        base = np.log(base / (1 - base))
    elif link == "exp":
        base = np.log(base)
    forest = Forest(n_targets=n_targets, mode=LESS, dtype="float32")
    forest.start(np.broadcast_to(base, (n_targets,)))
    for tree, target in zip(model["trees"][:n_trees], model["tree_info"], strict=False):
        _add_xgboost(forest, tree, target)
    return forest.sums(features.var), link


_XGBOOST_LINKS = {
    "binary:logistic": "sigmoid", "multi:softprob": "softmax", "reg:squarederror": "identity",
    "reg:absoluteerror": "identity", "reg:pseudohubererror": "identity",
    "reg:quantileerror": "identity", "count:poisson": "exp", "reg:gamma": "exp",
    "reg:tweedie": "exp",
}  # fmt: skip


def _add_xgboost(forest: Forest, tree: dict[str, Any], target: int) -> None:
    if tree["categories_nodes"]:
        raise Untraceable("an XGBoost tree that splits on categories", "Encode them.")
    left = np.array(tree["left_children"])
    # Of a leaf, its value.
    conditions = np.array(tree["split_conditions"], dtype="float32")
    forest.add(
        feature=np.array(tree["split_indices"]),
        threshold=conditions,
        left=left,
        right=np.array(tree["right_children"]),
        value=conditions,
        missing_left=np.array(tree["default_left"]),
        target=target,
    )


def _calibrated(estimator: Any, features: Matrix) -> Converted:
    members = [_calibrated_member(m, features) for m in estimator.calibrated_classifiers_]
    total = members[0]
    for member in members[1:]:
        total = op.add(total, member)
    return op.div(total, const(float(len(members)))), "identity"


def _calibrated_member(member: Any, features: Matrix) -> Var:
    inner = member.estimator
    raw, link = _CONVERTERS.get(_name(inner), _by_skl2onnx)(inner, features)
    if not hasattr(inner, "decision_function"):
        raw = _linked(raw, link)
    n_columns = len(member.calibrators)
    columns = op.split(raw, num_outputs=n_columns, axis=1) if n_columns > 1 else [raw]
    fitted = [_calibrator(c, x) for c, x in zip(member.calibrators, columns, strict=True)]
    if n_columns == 1:
        return fitted[0]
    return _linked(op.concat(fitted, axis=1), "shares")


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
        if estimator.strategy not in ("prior", "most_frequent", "constant"):
            raise Untraceable("a classifier that guesses", "Use strategy=prior.")
        found = estimator.predict_proba(answers)
        found = found[:, 1:] if found.shape[1] == 2 else found
    else:
        found = np.reshape(estimator.predict(answers), (1, 1))
    nothing = op.reduce_sum(
        op.mul(op.cast(op.isnan(features.var), to=np.float64), const(0.0)), const_axes(), keepdims=1
    )
    return op.add(nothing, op.const(found.astype("float64"))), "identity"


def _by_skl2onnx(estimator: Any, features: Matrix) -> Converted:
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import DoubleTensorType
    from skl2onnx.common.exceptions import MissingShapeCalculator

    options = {id(estimator): {"zipmap": False}} if is_classifier(estimator) else None
    kind = DoubleTensorType([None, estimator.n_features_in_])
    try:
        model = to_onnx(
            estimator, initial_types=[("features", kind)], options=options,
            target_opset={"": 20, "ai.onnx.ml": 3},
        )  # fmt: skip
    except (MissingShapeCalculator, NotImplementedError, RuntimeError, NameError) as error:
        raise Untraceable(
            f"the estimator {type(estimator).__name__}",
            f"skl2onnx says: {str(error).strip().splitlines()[0][:200]}",
        ) from error
    if any(node.op_type.startswith("TreeEnsemble") for node in model.graph.node):
        raise Untraceable(
            f"the estimator {type(estimator).__name__}, which holds trees",
            "skl2onnx compares them in float32, and so decides otherwise near their splits.",
        )
    outputs = inline(model)(features=features.var)
    found = op.cast(list(outputs.values())[-1], to=np.float64)
    if is_classifier(estimator) and len(estimator.classes_) == 2:
        last = op.const(np.array([1]))
        found = op.slice(found, last, op.const(np.array([2])), last)
    return (
        found if is_classifier(estimator) else op.reshape(found, op.const(np.array([-1, 1])))
    ), "identity"


_FORESTS = ("DecisionTree", "ExtraTree", "RandomForest", "ExtraTrees")
_CONVERTERS: dict[str, Callable[[Any, Matrix], Converted]] = {
    "sklearn.LogisticRegression": _linear_classifier,
    "sklearn.LogisticRegressionCV": _linear_classifier,
    **{
        f"sklearn.{name}": _linear
        for name in (
            "LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet",
            "ElasticNetCV", "HuberRegressor", "BayesianRidge", "SGDRegressor", "LinearSVR",
            "QuantileRegressor", "Lars", "LassoLars", "TheilSenRegressor", "ARDRegression",
        )
    },
    **{f"sklearn.{name}Classifier": _mean_of_trees for name in _FORESTS},
    **{f"sklearn.{name}Regressor": _mean_of_trees for name in _FORESTS},
    "sklearn.GradientBoostingClassifier": _gradient_boosting,
    "sklearn.GradientBoostingRegressor": _gradient_boosting,
    "sklearn.HistGradientBoostingClassifier": _hist_gradient_boosting,
    "sklearn.HistGradientBoostingRegressor": _hist_gradient_boosting,
    "sklearn.CalibratedClassifierCV": _calibrated,
    "sklearn.DummyClassifier": _dummy,
    "sklearn.DummyRegressor": _dummy,
    **dict.fromkeys(
        ("lightgbm.LGBMClassifier", "lightgbm.LGBMRegressor", "lightgbm.LGBMModel"), _lightgbm
    ),
    **dict.fromkeys(
        ("xgboost.XGBClassifier", "xgboost.XGBRegressor", "xgboost.XGBRFClassifier",
         "xgboost.XGBRFRegressor"), _xgboost,
    ),
}  # fmt: skip
