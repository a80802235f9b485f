"""Look at what a file built, before any of it runs.

Types are checked before they are built; what is in them is not. Here is what
scikit-learn's own estimators do with numbers and settings that it never checks:
trees index into memory, and text vectorizers open files.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble._forest import BaseForest
from sklearn.ensemble._gb import BaseGradientBoosting
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from sklearn.tree._tree import Tree

_LEAF = -1
#: These hand rows to their trees without a look at how many columns these expect.
_FORESTS = (BaseForest, BaseGradientBoosting)


def check_built(pipeline: Any) -> None:
    """Refuse trees that lead outside themselves, and vectorizers that open files.

    The other compiled estimators of scikit-learn are not looked into.

    Raises
    ------
    ValueError
        Saying what was found.
    """
    seen: set[tuple[int, int]] = set()
    waiting: list[tuple[Any, Any]] = [(pipeline, None)]
    while waiting:
        item, owner = waiting.pop()
        if (id(item), id(owner)) in seen:
            continue
        seen.add((id(item), id(owner)))
        if isinstance(item, Tree):
            _check_tree(item, owner)
        elif isinstance(item, TreePredictor):
            _check_predictor(item, owner)
        elif isinstance(item, BaseEstimator):
            _check_estimator(item, owner)
            owner = item
        waiting += [(part, owner) for part in _parts(item)]


def _parts(item: Any) -> Iterator[Any]:
    if isinstance(item, dict):
        yield from item.values()
    elif isinstance(item, (list, tuple, set)):
        yield from item
    elif isinstance(item, np.ndarray) and item.dtype == object:
        yield from item.ravel()
    elif hasattr(item, "__dict__") and not isinstance(item, type):
        yield from vars(item).values()


def _check_estimator(estimator: BaseEstimator, owner: Any) -> None:
    own = vars(estimator)
    name = type(estimator).__name__
    if type(estimator).__module__.startswith("sklearn.") and own.get("input", "content") != (
        "content"
    ):
        raise ValueError(f"a {name} reads the files that its input names")
    if isinstance(owner, _FORESTS) and "tree_" in own and _width(owner) != _width(estimator):
        raise ValueError(f"a {name} expects other columns than its {type(owner).__name__}")


def _width(estimator: Any) -> Any:
    return getattr(estimator, "__dict__", {}).get("n_features_in_")


def _check_tree(tree: Any, owner: Any) -> None:
    # The attributes below read as many nodes as `node_count` says.
    if not 0 < tree.node_count <= tree.capacity or tree.n_features != _width(owner):
        raise ValueError("a tree has other nodes or columns than it says")
    splits = np.flatnonzero(tree.children_left != _LEAF)
    _check_nodes(
        tree.node_count,
        splits,
        [tree.children_left[splits], tree.children_right[splits]],
        tree.feature[splits],
        tree.n_features,
    )


def _check_predictor(predictor: Any, owner: Any) -> None:
    nodes, width = predictor.nodes, _width(owner)
    is_categorical = np.asarray(getattr(vars(owner).get("_bin_mapper"), "is_categorical_", ()))
    if nodes.ndim != 1 or not len(nodes) or is_categorical.shape != (width,):
        raise ValueError("a tree has other nodes or columns than it says")
    splits = np.flatnonzero(nodes["is_leaf"] == 0)
    features = nodes["feature_idx"][splits]
    children = [nodes[side][splits].astype("int64") for side in ("left", "right")]
    _check_nodes(len(nodes), splits, children, features, width)
    chosen = splits[nodes["is_categorical"][splits] != 0]
    bitsets = predictor.raw_left_cat_bitsets
    if len(chosen) and not (
        bitsets.ndim == 2
        and bitsets.shape[1] == 8
        and (nodes["bitset_idx"][chosen] < len(bitsets)).all()
        and is_categorical[nodes["feature_idx"][chosen]].all()
    ):
        raise ValueError("a tree refers to categories that it does not have")


def _check_nodes(
    count: int, splits: np.ndarray, children: list[np.ndarray], features: np.ndarray, width: int
) -> None:
    # Children come after their parents, so that every way down ends.
    inside = all(((side > splits) & (side < count)).all() for side in children)
    if not inside or not ((features >= 0) & (features < width)).all():
        raise ValueError("a tree leads outside itself")
