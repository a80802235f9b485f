"""Tree ensembles of scikit-learn, LightGBM and XGBoost, as sums of trees and a link."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from sklearn.base import is_classifier
from sklearn.dummy import DummyClassifier, DummyRegressor

from mlkit.training.compilation.errors import Untraceable
from mlkit.training.compilation.trees import LESS, Converted, Forest, Matrix, as_float32_decides
from mlkit.training.compilation.values import const


def mean_of_trees(estimator: Any, features: Matrix) -> Converted:
    """Convert a tree or a forest of scikit-learn's."""
    trees = [tree.tree_ for tree in getattr(estimator, "estimators_", [estimator])]
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


def gradient_boosting(estimator: Any, features: Matrix) -> Converted:
    """Convert scikit-learn's older gradient boosting."""
    grid, start = estimator.estimators_, estimator.init_
    is_constant = start == "zero" or type(start) in (DummyClassifier, DummyRegressor)
    if not is_constant or is_guess(start):
        raise Untraceable(
            f"gradient boosting from another estimator, {type(start).__name__},", "Leave out init."
        )
    forest = Forest(n_targets=grid.shape[1])
    forest.start(estimator._raw_predict_init(np.zeros((1, estimator.n_features_in_))))  # noqa: SLF001
    for trees in grid:
        for target, tree in enumerate(trees):
            value = tree.tree_.value[:, 0, 0] * estimator.learning_rate
            _add_scikit_learn(forest, tree.tree_, value, target)
    link = "sigmoid of twice" if estimator.loss == "exponential" else class_link(estimator)
    return forest.sums(features.var), link


def is_guess(estimator: Any) -> bool:
    """Whether a dummy answers at random."""
    return getattr(estimator, "strategy", None) == "stratified"


def class_link(estimator: Any) -> str:
    """Return what makes answers of the sums of a classifier, or of a regressor."""
    if not is_classifier(estimator):
        return "identity"
    return "sigmoid" if len(estimator.classes_) == 2 else "softmax"


def hist_gradient_boosting(estimator: Any, features: Matrix) -> Converted:
    """Convert scikit-learn's gradient boosting on histograms."""
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
        return raw, class_link(estimator)
    links = {"IdentityLink": "identity", "LogLink": "exp"}
    return raw, links[type(estimator._loss.link).__name__]  # noqa: SLF001


_LIGHTGBM_LINKS = {
    "binary": "sigmoid", "multiclass": "softmax", "multiclassova": "sigmoid",
    "cross_entropy": "sigmoid",
    "regression": "identity", "regression_l1": "identity", "huber": "identity",
    "fair": "identity", "quantile": "identity", "mape": "identity",
    "poisson": "exp", "gamma": "exp", "tweedie": "exp",
}  # fmt: skip


def lightgbm(estimator: Any, features: Matrix) -> Converted:
    """Convert a LightGBM model, as far as its best iteration."""
    model = estimator.booster_.dump_model()
    described = model.get("objective", "custom")
    objective, *settings = described.split()
    if "sqrt" in settings or objective not in _LIGHTGBM_LINKS:
        raise Untraceable(f"LightGBM's objective {described!r}", "Use a standard one.")
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
        if node.get("leaf_features"):
            raise Untraceable("a LightGBM tree with lines in its leaves", "Leave out linear_tree.")
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


def xgboost(estimator: Any, features: Matrix) -> Converted:
    """Convert an XGBoost model, as far as its best iteration; it adds up in float32."""
    if not np.isnan(estimator.missing):
        raise Untraceable(
            f"XGBoost with missing={estimator.missing!r}", "Leave it out, and keep NaN for missing."
        )
    booster = estimator.get_booster()
    learner = json.loads(booster.save_raw("json"))["learner"]
    settings, boosted = learner["learner_model_param"], learner["gradient_booster"]
    kind, objective = boosted["name"], learner["objective"]["name"]
    if callable(estimator.objective):
        objective = "custom"
    link = _XGBOOST_LINKS.get(objective)
    if kind == "gblinear" or link is None:
        raise Untraceable(
            f"XGBoost's booster {kind} with the objective {objective}",
            "Use trees and a standard objective.",
        )
    model = (boosted["gbtree"] if kind == "dart" else boosted)["model"]
    trees, targets = model["trees"], model["tree_info"]
    is_vector = any(int(tree["tree_param"]["size_leaf_vector"]) > 1 for tree in trees)
    if is_vector or int(settings["num_target"]) > 1:
        raise Untraceable("an XGBoost model with several outputs", "Train one for each.")
    if booster.attr("best_iteration"):
        trees = trees[: model["iteration_indptr"][booster.best_iteration + 1]]
    forest = Forest(n_targets=max(targets, default=0) + 1, mode=LESS, dtype="float32")
    base = np.atleast_1d(np.asarray(json.loads(settings["base_score"]), dtype="float32"))
    forest.start(np.broadcast_to(_XGBOOST_STARTS[link](base), (forest.n_targets,)))
    # Dart weighs its trees once more.
    weights = np.array(boosted.get("weight_drop", np.ones(len(trees))), dtype="float32")
    for tree, target, weight in zip(trees, targets, weights, strict=False):
        _add_xgboost(forest, tree, target, weight)
    return forest.sums(features.var), link


_XGBOOST_LINKS = {
    "binary:logistic": "sigmoid", "reg:logistic": "sigmoid", "multi:softprob": "softmax",
    "reg:squarederror": "identity", "reg:squaredlogerror": "identity",
    "reg:absoluteerror": "identity", "reg:pseudohubererror": "identity",
    "reg:quantileerror": "identity", "count:poisson": "exp", "reg:gamma": "exp",
    "reg:tweedie": "exp",
}  # fmt: skip


#: Sums start from the base score, as their link takes it.
_XGBOOST_STARTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sigmoid": lambda base: np.log(base / (1 - base)),
    "exp": np.log,
    "identity": np.asarray,
    "softmax": np.asarray,
}


def _add_xgboost(forest: Forest, tree: dict[str, Any], target: int, weight: np.float32) -> None:
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
        value=conditions * weight,
        missing_left=np.array(tree["default_left"]),
        target=target,
    )
