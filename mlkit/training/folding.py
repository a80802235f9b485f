"""Cross-validation that leaks as little as the split does: in time, by group or stratified."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from mlkit.core.errors import ConfigError, DataError
from mlkit.core.schema import Schema
from mlkit.training.splitting import Split, Splitter, event_times, gap_before, grouped, shared_key


def folds(
    splitter: Splitter,
    frame: pd.DataFrame,
    schema: type[Schema],
    codes: np.ndarray,
    n_folds: int = 5,
) -> list[Split]:
    """Cut rows into folds in the way that `splitter` holds rows out.

    In time, each fold is judged on one of the last `n_folds` of `n_folds + 1`
    spans with as many rows each, and trained on all that lies before it, less
    the gap. By group, whole keys are held out, else rows; both with the classes'
    proportions. To validate a choice within a choice, give the rows of a
    fold's `train`.

    Parameters
    ----------
    splitter
        Tells kind, gap and seed.
    frame
        Validated, labelled rows of `schema`, such as a split's training rows.
    schema
        Names the event time and the keys.
    codes
        The target of each row; integers are taken for classes.
    n_folds
        How many, at least 2.

    Returns
    -------
    list of Split
        Positions in `frame`: `holdout` is what the fold is judged on.

    Raises
    ------
    ConfigError
        If there are fewer than 2 folds, or the schema lacks what the kind needs.
    DataError
        If rows, moments, keys or classes are too few for as many folds.
    """
    if n_folds < 2:
        raise ConfigError(f"Cross-validation needs at least 2 folds, got {n_folds}.")
    kind = splitter.kind_for(frame, schema)
    if kind == "time":
        parts = _by_time(splitter, frame, schema, n_folds)
    elif kind == "group":
        parts = _by_group(splitter, frame, schema, codes, n_folds)
    else:
        parts = _stratified(splitter, codes, n_folds)
    found = []
    n_classes = len(np.unique(codes)) if codes.dtype.kind == "i" else 0
    for number, (train, holdout) in enumerate(parts, start=1):
        if not len(train) or not len(holdout):
            raise DataError(
                f"Fold {number} of {n_folds} has {len(train)} rows to train and {len(holdout)} "
                f"to judge on; there are {len(codes):,}. Ask for fewer folds, or bring more rows."
            )
        if n_classes and len(np.unique(codes[train])) < n_classes:
            raise DataError(
                f"The {len(train):,} training rows of fold {number} of {n_folds} lack a class. "
                "Ask for fewer folds, or bring more rows of each class."
            )
        description = f"fold {number} of {n_folds}, {kind}"
        found.append(Split(kind=kind, description=description, train=train, holdout=holdout))
    return found


def _by_time(
    splitter: Splitter, frame: pd.DataFrame, schema: type[Schema], n_folds: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    times = event_times(frame, schema)
    ordered = times.sort_values()
    starts = [ordered.iloc[len(ordered) * n // (n_folds + 1)] for n in range(1, n_folds + 1)]
    if len(frame) <= n_folds or len(set(starts)) < n_folds or starts[0] == ordered.iloc[0]:
        raise DataError(
            f"{len(frame):,} rows at {times.nunique():,} moments of {times.name} are too few for "
            f"{n_folds} folds in time. Ask for fewer folds, or bring more rows."
        )
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        is_judged = times >= start if end is None else (times >= start) & (times < end)
        is_before = times < start - gap_before(splitter.gap)
        yield np.flatnonzero(is_before), np.flatnonzero(is_judged)


def _by_group(
    splitter: Splitter,
    frame: pd.DataFrame,
    schema: type[Schema],
    codes: np.ndarray,
    n_folds: int,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    key = shared_key(frame, schema)
    groups = np.arange(len(frame)) if key is None else grouped(frame[key])
    if (n_groups := len(np.unique(groups))) < n_folds:
        raise DataError(
            f"{n_groups} values of {key} are too few for {n_folds} folds. Ask for fewer folds, "
            "or bring rows of other values."
        )
    is_class = codes.dtype.kind == "i"
    if is_class:
        _check_classes(codes, n_folds)
    kind = StratifiedGroupKFold if is_class else GroupKFold
    shuffled = kind(n_folds, shuffle=True, random_state=splitter.seed)
    yield from shuffled.split(codes, codes, groups)


def _stratified(
    splitter: Splitter, codes: np.ndarray, n_folds: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    if len(codes) < n_folds:
        raise DataError(f"{len(codes)} rows are too few for {n_folds} folds. Ask for fewer.")
    is_class = codes.dtype.kind == "i"
    if is_class:
        _check_classes(codes, n_folds)
    kind = StratifiedKFold if is_class else KFold
    yield from kind(n_folds, shuffle=True, random_state=splitter.seed).split(codes, codes)


def _check_classes(codes: np.ndarray, n_folds: int) -> None:
    fewest = int(np.unique(codes, return_counts=True)[1].min())
    if fewest < n_folds:
        raise DataError(
            f"The rarest class has {fewest:,} rows, too few for {n_folds} folds. Ask for fewer "
            "folds, or bring more rows of it."
        )
