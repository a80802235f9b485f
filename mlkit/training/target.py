"""Say what is predicted, and how it follows from the data."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import msgspec
import numpy as np
import pandas as pd

from mlkit.core.bundle import MANIFEST, Bundle
from mlkit.core.errors import BundleError, ConfigError, DataError, listed
from mlkit.core.schema import Schema, check_name
from mlkit.training.costs import Costs

Task = Literal["binary", "multiclass", "regression"]
TASKS: tuple[str, ...] = get_args(Task)
#: More classes than this in a multiclass target are taken for a mistake.
MAX_CLASSES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is predicted: a column, or the side of some edges that it lies on.

    Attributes
    ----------
    task
        binary, multiclass or regression.
    column
        The column that holds the answer; its role is `target` or `outcome`.
    edges
        Ascending bounds, in the column's unit, that cut a number into classes:
        a value equal to an edge belongs to the class above it. One edge makes
        a binary target: False below it, True from it on.
    labels
        Names of the classes between the edges, one more than there are edges.
    positive
        The label whose probability a binary model predicts; by default the
        last in sorted order, so True, 1 and "yes".
    costs
        What wrong decisions on a binary target cost: the probability from which on
        a model chooses the positive class follows from them, else it is 0.5.

    Raises
    ------
    ConfigError
        If these do not fit together.
    """

    task: Task
    column: str
    edges: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()
    positive: Any = None
    costs: Costs | None = None

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise ConfigError(f"task must be one of {listed(TASKS)}, got {self.task!r}.")
        if self.edges and self.task == "regression":
            raise ConfigError("A regression predicts the column itself: leave out target.edges.")
        if list(self.edges) != sorted(set(self.edges)):
            raise ConfigError(f"target.edges must ascend, got {listed(self.edges)}.")
        if self.edges and self.task == "binary" and len(self.edges) != 1:
            raise ConfigError(f"A binary target has one edge, got {listed(self.edges)}.")
        if len(set(self.labels)) < len(self.labels):
            raise ConfigError(f"target.labels must differ, got {listed(self.labels)}.")
        expected = len(self.edges) + 1 if self.edges else 0
        if self.labels and len(self.labels) != expected:
            raise ConfigError(
                f"{len(self.edges)} edges make {expected} classes, "
                f"but target.labels names {len(self.labels)}."
            )
        if self.costs and self.task != "binary":
            raise ConfigError(
                f"target.costs choose a binary threshold, but the task is {self.task}. "
                "Leave them out."
            )
        if self.task == "multiclass" and self.edges and not self.labels:
            raise ConfigError("Name the classes between target.edges in target.labels.")

    def check_schema(self, schema: type[Schema]) -> None:
        """Raise a ConfigError if `schema` would let a Featurizer see the answer."""
        column = schema.columns[check_name(schema, self.column)]
        if column.known_before:
            raise ConfigError(
                f"The target {self.column} has the role {column.role} in {schema.__name__}, so "
                'features could read the answer. Give it role="target" or role="outcome".'
            )
        if self.edges and column.kind not in ("number", "integer"):
            raise ConfigError(f"target.edges cut a number, but {self.column} is a {column.kind}.")

    def judged_columns(self, schema: type[Schema]) -> list[str]:
        """Return the columns that tell a row from another: the known ones and the answer.

        Other outcomes may arrive later, and do not make another row of it.
        """
        return [*schema.names(known_before=True), self.column]

    def values(self, frame: pd.DataFrame) -> pd.Series:
        """Return the answer for each row of a validated frame; missing where unlabelled."""
        found = frame[self.column]
        if not self.edges:
            return found
        names: list[Any] = list(self.labels) or [False, True]
        sides = np.searchsorted(self.edges, found.to_numpy(dtype="float64"), side="right")
        answers = pd.Series([names[side] for side in sides], index=frame.index, dtype=object)
        return answers.where(found.notna(), None)

    def classes(self, answers: pd.Series) -> tuple[Any, ...]:
        """Return the labels in the order of their codes; the positive one comes last.

        Parameters
        ----------
        answers
            The labelled rows that a model is trained on.

        Raises
        ------
        DataError
            If the answers do not fit the task: none, all alike, too many kinds.
        """
        if answers.empty:
            raise DataError(f"No row has a value in the target {self.column}. Label some.")
        found = sorted(answers.unique().tolist())
        if self.task != "regression" and all(isinstance(x, float) and x % 1 == 0 for x in found):
            # A whole number that may be missing is held as a float.
            found = [int(label) for label in found]
        if len(found) == 1:
            raise DataError(
                f"The target {self.column} is constant: {found[0]!r} in all {len(answers):,} "
                "rows. A model needs rows of both kinds."
            )
        if self.task == "regression":
            if not pd.api.types.is_any_real_numeric_dtype(answers.dtype):
                raise DataError(
                    f"A regression needs numbers, but {self.column} holds {found[0]!r}."
                )
            return ()
        if self.task == "binary" and len(found) > 2:
            raise DataError(
                f"A binary target has two labels, but {self.column} has {len(found)}: "
                f"{listed(found)}. Set target.edges, or task=multiclass or task=regression."
            )
        is_fractional = any(isinstance(label, float) for label in found)
        if len(found) > (20 if is_fractional else MAX_CLASSES):
            raise DataError(
                f"The target {self.column} has {len(found)} distinct values, which looks like a "
                "regression. Set task=regression, or cut it with target.edges."
            )
        if self.labels:
            found = [label for label in self.labels if label in found]
        if self.positive is not None:
            if self.positive not in found:
                raise DataError(
                    f"The positive label {self.positive!r} is not among those of "
                    f"{self.column}: {listed(found)}."
                )
            found.sort(key=lambda label: label == self.positive)
        return tuple(found)

    def known_codes(self, answers: pd.Series, classes: tuple[Any, ...]) -> np.ndarray:
        """Return `codes` in float64, NaN where the answer is missing or none of `classes`."""
        codes = np.full(len(answers), np.nan)
        is_known = (answers.isin(classes) if classes else answers.notna()).to_numpy()
        codes[is_known] = self.codes(answers[is_known], classes)
        return codes

    def codes(self, answers: pd.Series, classes: tuple[Any, ...]) -> np.ndarray:
        """Return what an estimator is fitted on: class codes (int64), or numbers (float64).

        Raises
        ------
        DataError
            If a label is none of `classes`.
        """
        if not classes:
            return answers.to_numpy(dtype="float64")
        codes = answers.map({label: code for code, label in enumerate(classes)})
        if codes.isna().any():
            unknown = answers[codes.isna()].unique()
            raise DataError(
                f"The target {self.column} has the unknown labels {listed(unknown)}; the model "
                f"knows {listed(classes)}."
            )
        return codes.to_numpy(dtype="int64")


def target_of(bundle: Bundle) -> Target:
    """Return what the model of a bundle predicts.

    Raises
    ------
    BundleError
        If the manifest does not say it in a way that this mlkit reads.
    """
    try:
        return msgspec.convert(bundle.manifest.target, Target)
    except (msgspec.ValidationError, ConfigError) as error:
        raise BundleError(f"{bundle.path / MANIFEST} has no readable target: {error}") from None
