"""Find answers in other words, holes that lie where answers do, and rows on both sides."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from mlkit.core.schema import Schema
from mlkit.training.judging.findings import Leak
from mlkit.training.model import TrainedModel

#: Rows without which an agreement may be chance: of 20 rows of another value, all lie on one
#: side of 20 others once in 10^11 draws.
LEAST_ROWS = 20
#: Phi coefficient of two masks from which on they are taken for one.
SAME_HOLES = 0.8
#: Share of the holdout that must have a twin among the training rows to be named.
TWINS = 0.01
#: Of pairs of rows that are alike in all columns but one, the share that is alike in that one
#: too. Rows that are alike by chance differ in some column more often than that.
ALIKE = 0.9


def advice(name: str, schema: type[Schema]) -> str:
    """Return what to do about a suspicious column of the schema, or a feature."""
    where = (
        'give it role="outcome" in the schema'
        if name in schema.columns
        else "leave it out of the featurizer"
    )
    return (
        f"Check when its value is known: if only afterwards, {where}; if before, list it: "
        f"evaluation.honest=[{name}]."
    )


def answer_copies(model: TrainedModel, rows: pd.DataFrame, columns: pd.DataFrame) -> Iterator[Leak]:
    """Yield the columns that follow wholly from the target, or from an outcome.

    A number that rises, or falls, with the answer wherever both are known, be it
    in steps; text that is one for each of the answer's values.

    Parameters
    ----------
    model
        Names schema and target.
    rows
        Labelled rows of the schema.
    columns
        What is known before of the same rows, and features.
    """
    answers = [model.target.column, *model.schema.names(known_before=False)]
    for name in map(str, columns):
        for answer in dict.fromkeys(answers):
            if _follows(columns[name], rows[answer]):
                what = "the target" if answer == model.target.column else "the outcome"
                yield Leak(
                    kind="copy",
                    columns=(name,),
                    figure=1.0,
                    message=f"{name} follows wholly from {what} {answer}. "
                    f"{advice(name, model.schema)}",
                )
                break


def _follows(values: pd.Series, answer: pd.Series) -> bool:
    """Return whether the values are a function of the answer, and no chance or constant."""
    is_known = (values.notna() & answer.notna()).to_numpy()
    values, answer = values[is_known], answer[is_known]
    counts = values.value_counts()
    if len(counts) < 2 or len(values) - counts.iloc[0] < LEAST_ROWS:
        return False
    if _is_ordered(values) and _is_ordered(answer):
        if pd.api.types.is_datetime64_any_dtype(answer.dtype):
            # Numbers that are given out in turn rise with any moment: only the moment counts.
            same_kind = pd.api.types.is_datetime64_any_dtype(values.dtype)
            return same_kind and bool((values.to_numpy() == answer.to_numpy()).all())
        order = np.argsort(answer.to_numpy(dtype="float64"), kind="stable")
        steps = np.diff(values.to_numpy(dtype="float64")[order])
        if not ((steps >= 0).all() or (steps <= 0).all()):
            return False
    elif answer.nunique() * LEAST_ROWS > len(answer):
        # Of a text that is another in every row, everything is a function.
        return False
    return (
        not pd.DataFrame({"answer": answer, "value": values})
        .drop_duplicates()
        .duplicated("answer")
        .any()
    )


def _is_ordered(values: pd.Series) -> bool:
    dtype = values.dtype
    return pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_datetime64_any_dtype(dtype)


def missing_with_answer(
    model: TrainedModel, frame: pd.DataFrame, honest: set[str]
) -> Iterator[Leak]:
    """Yield the columns that are missing where the target is, or where it has one value.

    Parameters
    ----------
    model
        Names schema and target.
    frame
        Rows of the schema, those without a target too.
    honest
        Columns that are not looked at.
    """
    target = model.target
    answers = target.values(frame)
    masks = {f"{target.column} is missing": answers.isna().to_numpy()}
    masks |= {
        f"{target.column} is {label!r}": (answers == label).to_numpy(dtype=bool, na_value=False)
        for label in model.classes
        if not target.edges and not model.schema.columns[target.column].pii
    }
    for name in model.schema.names(known_before=True):
        holes = frame[name].isna().to_numpy()
        if name in honest or holes.sum() < LEAST_ROWS:
            continue
        for what, mask in masks.items():
            agreement = _phi(holes, mask)
            if (holes & mask).sum() >= LEAST_ROWS and agreement >= SAME_HOLES:
                yield Leak(
                    kind="missing",
                    columns=(name,),
                    figure=agreement,
                    message=f"{name} is missing almost only where {what} (phi "
                    f"{agreement:.2f}). {advice(name, model.schema)}",
                )
                break


def _phi(left: np.ndarray, right: np.ndarray) -> float:
    if left.all() or right.all() or not right.any():
        return 0.0
    return float(np.corrcoef(left, right)[0, 1])


def duplicates(
    model: TrainedModel, training: pd.DataFrame, holdout: pd.DataFrame
) -> Iterator[Leak]:
    """Yield at most one leak: held-out rows whose twins, answer and all, train the model.

    Rows of few columns with few values have twins by chance; those are told by
    their being as often alike in all columns but one.
    """
    names = [
        name
        for name in model.target.judged_columns(model.schema)
        # A number given out to every row tells twins apart, though they are twins.
        if training[name].dtype.kind == "f" or not training[name].is_unique
    ]
    prints = [
        {x: _hashed(rows[x]) * np.uint64(2 * n + 1) for n, x in enumerate(names)}
        for rows in (training, holdout)
    ]
    seen, asked = (np.add.reduce(list(columns.values())) for columns in prints)
    n_twins = int(np.isin(asked, seen).sum())
    if n_twins < max(LEAST_ROWS, TWINS * len(holdout)):
        return
    n_pairs = _pairs(seen, asked)
    if all(
        n_pairs >= ALIKE * _pairs(seen - prints[0][name], asked - prints[1][name]) for name in names
    ):
        yield Leak(
            kind="duplicates",
            columns=(),
            figure=n_twins,
            message=f"{n_twins:,} of the {len(holdout):,} held-out rows are trained on as well, "
            "with the same answer: the metrics flatter. Drop duplicates upstream.",
        )


def _hashed(values: pd.Series) -> np.ndarray:
    return pd.util.hash_pandas_object(values, index=False).to_numpy()


def _pairs(seen: np.ndarray, asked: np.ndarray) -> int:
    ordered = np.sort(seen)
    found = np.searchsorted(ordered, asked, "right") - np.searchsorted(ordered, asked, "left")
    return int(found.sum())
