"""Hold rows out for evaluation so that none of them leaks into training."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from mlkit.core.errors import ConfigError, DataError, listed
from mlkit.core.log import get_logger
from mlkit.core.schema import Schema

log = get_logger(__name__)

Kind = Literal["auto", "time", "group", "stratified"]
KINDS: tuple[str, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Which rows train and which are held out, as positions in the frame that was split.

    Rows that lie in the gap between the two are in neither.
    """

    kind: str
    description: str
    train: np.ndarray
    holdout: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Splitter:
    """Hold out the latest rows, whole groups, or a stratified share.

    Attributes
    ----------
    kind
        `time` holds out the latest rows by the schema's event time, `group`
        whole keys, `stratified` a random share with the classes' proportions.
        `auto` takes time where the schema has an event time, group where it
        has a key that several rows share, else stratified.
    test_fraction
        Share of the rows (groups, for `group`) to hold out, between 0 and 1.
    cut
        For `time`: hold out all rows from this moment on, as ISO 8601 text,
        instead of a share.
    gap
        For `time`: rows less than this long before the held-out ones do not train
        either, as text such as `7D` or `12h`. It keeps out what would not be known
        yet, where answers take that long to arrive.
    seed
        Seed of the random kinds.

    Raises
    ------
    ConfigError
        If a setting is out of its range.
    """

    kind: Kind = "auto"
    test_fraction: float = 0.2
    cut: str | None = None
    gap: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError(f"split.kind must be one of {listed(KINDS)}, got {self.kind!r}.")
        if not 0 < self.test_fraction < 1:
            raise ConfigError(
                f"split.test_fraction must lie between 0 and 1, got {self.test_fraction}."
            )
        gap_before(self.gap)

    def split(self, frame: pd.DataFrame, schema: type[Schema], codes: np.ndarray) -> Split:
        """Split validated, labelled rows.

        Parameters
        ----------
        frame
            Rows of `schema`.
        schema
            Names the event time and the keys.
        codes
            The target of each row; integers are taken for classes.

        Raises
        ------
        DataError
            If either side would be empty.
        ConfigError
            If the schema lacks what `kind` needs.
        """
        kind = self.kind_for(frame, schema)
        if kind == "time":
            split = self._by_time(frame, schema)
        elif kind == "group":
            split = self._by_group(frame, schema)
        else:
            split = self._stratified(codes)
        if not len(split.train) or not len(split.holdout):
            raise DataError(
                f"The split ({split.description}) leaves {len(split.train)} rows to train and "
                f"{len(split.holdout)} to evaluate; it was given {len(frame)}. Change split.cut "
                "or split.test_fraction, or bring more rows."
            )
        log.info(
            "split_decided",
            kind=split.kind,
            description=split.description,
            n_train=len(split.train),
            n_holdout=len(split.holdout),
        )
        return split

    def kind_for(self, frame: pd.DataFrame, schema: type[Schema]) -> Kind:
        """Return how rows of the schema are split: the kind, or what `auto` stands for."""
        if self.kind != "auto":
            return self.kind
        if schema.event_time():
            return "time"
        return "group" if shared_key(frame, schema) else "stratified"

    def _by_time(self, frame: pd.DataFrame, schema: type[Schema]) -> Split:
        times = event_times(frame, schema)
        if self.cut is None:
            cut = times.sort_values().iloc[int(len(times) * (1 - self.test_fraction))]
        else:
            try:
                cut = pd.Timestamp(self.cut)
            except ValueError:
                raise ConfigError(f"split.cut must be ISO 8601, got {self.cut!r}.") from None
            if cut.tzinfo is not None and times.dt.tz is None:
                raise ConfigError(f"split.cut has a time zone, but {times.name} has none.")
            if times.dt.tz is not None and cut.tzinfo is None:
                cut = cut.tz_localize(times.dt.tz)
        description = f"{times.name} from {cut} on is held out"
        if self.gap is not None:
            description += f", and the {self.gap} before it left out"
        return Split(
            kind="time",
            description=description,
            train=np.flatnonzero(times < cut - gap_before(self.gap)),
            holdout=np.flatnonzero(times >= cut),
        )

    def _by_group(self, frame: pd.DataFrame, schema: type[Schema]) -> Split:
        key = shared_key(frame, schema)
        if key is None:
            raise ConfigError(
                f'split.kind=group needs a column of {schema.__name__} with role="key" whose '
                "values several rows share."
            )
        codes = grouped(frame[key])
        if codes.max() == 0:
            raise DataError(
                f"All rows share one {key}, so none can be held out by group. Bring rows of "
                "others, or set split.kind=stratified."
            )
        shuffle = GroupShuffleSplit(
            n_splits=1, test_size=self.test_fraction, random_state=self.seed
        )
        train, holdout = next(shuffle.split(codes, groups=codes))
        description = f"a random {self.test_fraction:.0%} of the values of {key} is held out"
        return Split(
            kind="group", description=description, train=np.sort(train), holdout=np.sort(holdout)
        )

    def _stratified(self, codes: np.ndarray) -> Split:
        is_class = codes.dtype.kind == "i"
        counts = np.bincount(codes) if is_class else np.array([len(codes)])
        if counts[counts > 0].min() < 2:
            raise DataError(
                "The target has a class with a single row, which cannot be on both sides of a "
                "split. Bring more rows of it, leave it out, or set task=regression."
            )
        try:
            train, holdout = train_test_split(
                np.arange(len(codes)),
                test_size=self.test_fraction,
                stratify=codes if is_class else None,
                random_state=self.seed,
            )
        except ValueError as error:
            raise DataError(f"{len(codes)} rows are too few to split: {error}") from None
        description = f"a random {self.test_fraction:.0%} is held out"
        if is_class:
            description += ", stratified by class"
        return Split(
            kind="stratified",
            description=description,
            train=np.sort(train),
            holdout=np.sort(holdout),
        )


def event_times(frame: pd.DataFrame, schema: type[Schema]) -> pd.Series:
    """Return when each row happened.

    Raises
    ------
    ConfigError
        If the schema has no event time.
    DataError
        If a row has none.
    """
    name = schema.event_time()
    if name is None:
        raise ConfigError(
            f'split.kind=time needs a column with role="event_time" in {schema.__name__}.'
        )
    times = frame[name]
    if times.isna().any():
        raise DataError(
            f"{int(times.isna().sum()):,} rows have no {name}, so they cannot be split in "
            "time. Drop them upstream."
        )
    return times


def gap_before(gap: str | None) -> pd.Timedelta:
    """Return how long before the held-out rows none may train."""
    try:
        found = pd.Timedelta(gap or 0)
    except ValueError:
        found = pd.Timedelta(-1)
    if not found >= pd.Timedelta(0):
        raise ConfigError(f"split.gap must be a time such as 7D or 12h, got {gap!r}.")
    return found


def shared_key(frame: pd.DataFrame, schema: type[Schema]) -> str | None:
    """Return the first key that groups rows; one value a row tells no groups."""
    return next((k for k in schema.names(role="key") if not frame[k].dropna().is_unique), None)


def grouped(keys: pd.Series) -> np.ndarray:
    """Return the number of each row's group; each row without a key is a group of its own."""
    codes, distinct = pd.factorize(keys)
    alone = codes < 0
    codes[alone] = len(distinct) + np.arange(alone.sum())
    return codes
