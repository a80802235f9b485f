"""Decision trees as one TreeEnsemble node, deciding and adding up as their library does."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import spox.opset.ai.onnx.ml.v5 as ml
import spox.opset.ai.onnx.v20 as op
from spox import Var

LESS_OR_EQUAL, LESS = 0, 1
_SUM = 1
#: Far more than a logarithm or a sine errs by, far less than two values differ by.
_LAST_DIGITS = 1e-13


#: Sums, and the name of the function that makes answers of them.
Converted = tuple[Var, str]


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


@dataclass(kw_only=True)
class Forest:
    """Trees that are added up, target by target.

    Parameters
    ----------
    n_targets
        Number of sums that a row gets.
    mode
        How a node compares: `LESS_OR_EQUAL` to its threshold, or `LESS` than it.
    dtype
        What features, thresholds and sums are: float64, or float32 for a library
        that adds up in it, since what large numbers leave of each other shows it.
    """

    n_targets: int = 1
    mode: int = LESS_OR_EQUAL
    dtype: str = "float64"
    n_inner: int = 0
    n_leaves: int = 0
    roots: list[int] = field(default_factory=list)
    inner: list[tuple[np.ndarray, ...]] = field(default_factory=list)
    leaves: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)

    def add(
        self,
        *,
        feature: np.ndarray,
        threshold: np.ndarray,
        left: np.ndarray,
        right: np.ndarray,
        value: np.ndarray,
        missing_left: np.ndarray,
        target: int = 0,
    ) -> None:
        """Add a tree whose node 0 is the root; `left` is negative for leaves.

        Parameters
        ----------
        feature, threshold, left, right, missing_left
            Of each node (n_nodes,): a row goes left if its feature is at most
            (or below) the threshold, or missing and `missing_left`.
        value
            What a leaf adds (n_nodes,).
        target
            The sum that it is added to.
        """
        is_leaf = np.asarray(left) < 0
        if is_leaf[0]:
            # A node must be the root: both of its ways lead to the leaf.
            self._append(
                *(np.zeros(1) for _ in range(2)), *(np.full(1, self.n_leaves) for _ in range(2)),
                *(np.ones(1) for _ in range(3)), np.asarray(value)[:1], target,
            )  # fmt: skip
            return
        inner, leaves = np.flatnonzero(~is_leaf), np.flatnonzero(is_leaf)
        place = np.empty(len(is_leaf), dtype="int64")
        place[inner] = self.n_inner + np.arange(len(inner))
        place[leaves] = self.n_leaves + np.arange(len(leaves))
        left, right = np.asarray(left)[inner], np.asarray(right)[inner]
        self._append(
            np.asarray(feature)[inner], np.asarray(threshold)[inner], place[left], place[right],
            is_leaf[left], is_leaf[right], np.asarray(missing_left)[inner],
            np.asarray(value)[leaves], target,
        )  # fmt: skip

    def _append(self, *columns: np.ndarray | int) -> None:
        *inner, weights, target = columns
        self.roots.append(self.n_inner)
        self.inner.append(tuple(inner))  # type: ignore[arg-type]
        self.leaves.append((np.asarray(weights), np.full(len(weights), target)))  # type: ignore[arg-type]
        self.n_inner += len(inner[0])  # type: ignore[arg-type]
        self.n_leaves += len(weights)  # type: ignore[arg-type]

    def start(self, values: np.ndarray) -> None:
        """Begin each sum with a value (n_targets,): a tree of one leaf costs no node of its own."""
        nowhere = np.array([-1])
        for target, value in enumerate(np.ravel(values)):
            self.add(
                feature=np.zeros(1), threshold=np.zeros(1), left=nowhere, right=nowhere,
                value=np.array([value]), missing_left=np.zeros(1), target=target,
            )  # fmt: skip

    def sums(self, features: Var) -> Var:
        """Return the sums (n_rows, n_targets), float64, of the leaves that rows reach."""
        feature, threshold, yes, no, yes_leaf, no_leaf, missing_left = (
            np.concatenate(column) for column in zip(*self.inner, strict=True)
        )
        weights, targets = (np.concatenate(column) for column in zip(*self.leaves, strict=True))

        def ints(column: np.ndarray) -> list[int]:
            return [int(item) for item in column]

        if self.dtype != "float64":
            features = op.cast(features, to=np.dtype(self.dtype))
        found = ml.tree_ensemble(
            features,
            aggregate_function=_SUM,
            n_targets=self.n_targets,
            tree_roots=self.roots,
            nodes_featureids=ints(feature),
            nodes_splits=threshold.astype(self.dtype),
            nodes_modes=np.full(self.n_inner, self.mode, dtype="uint8"),
            nodes_truenodeids=ints(yes),
            nodes_falsenodeids=ints(no),
            nodes_trueleafs=ints(yes_leaf),
            nodes_falseleafs=ints(no_leaf),
            nodes_missing_value_tracks_true=ints(missing_left),
            leaf_weights=weights.astype(self.dtype),
            leaf_targetids=ints(targets),
        )
        return found if self.dtype == "float64" else op.cast(found, to=np.float64)


def as_float32_decides(threshold: np.ndarray) -> np.ndarray:
    """Return thresholds for float64 that decide as these do once a value is float32.

    The largest float64 that rounds, half to even, to a float32 at most the
    threshold: so nothing need be cast, and no row near a split changes sides.
    """
    below = threshold.astype("float32")
    below = np.where(
        below.astype("float64") > threshold, np.nextafter(below, np.float32(-np.inf)), below
    )
    above = np.nextafter(below, np.float32(np.inf))
    middle = (below.astype("float64") + above.astype("float64")) / 2
    is_even = below.view("uint32") % 2 == 0
    decides: np.ndarray = np.where(is_even, middle, np.nextafter(middle, -np.inf))
    return decides


def step_function(x: Var, edges: Sequence[float], values: Sequence[float]) -> Var:
    """Return `values[i]` for x from `edges[i - 1]` on and below `edges[i]`.

    Parameters
    ----------
    x
        float64 of shape (n_rows, 1).
    edges
        Ascending.
    values
        One more than there are edges.
    """
    columns: tuple[list[Any], ...] = tuple([] for _ in range(5))
    feature, threshold, left, right, leaf = columns

    def grow(low: int, high: int) -> int:
        place = len(feature)
        middle = (low + high) // 2
        for column in columns:
            column.append(0)
        if low == high:
            left[place], leaf[place] = -1, values[low]
        else:
            threshold[place] = edges[middle]
            left[place] = grow(low, middle)
            right[place] = grow(middle + 1, high)
        return place

    grow(0, len(edges))
    forest = Forest(mode=LESS)
    forest.add(
        feature=np.array(feature),
        threshold=np.array(threshold),
        left=np.array(left),
        right=np.array(right),
        value=np.array(leaf),
        missing_left=np.zeros(len(left)),
    )
    return forest.sums(x)
