"""Score a log again with any bundle, and say what differs from what was answered."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlkit.core.errors import DataError, listed
from mlkit.core.table import Table
from mlkit.history.columns import INPUT, PROBABILITY
from mlkit.scoring.prediction import Predictor

#: Of the records that differ, how many are named.
_MOST_SHOWN = 5
#: What the rows of one receipt have in common.
RECEIPT = ["id", "time", "name", "role", "digest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What one bundle answered, beside what the other says.

    Attributes
    ----------
    model, role
        Which bundle, and as what.
    n_records
        How many.
    n_changed
        How many get another label; of a regression, another number.
    mean_difference, largest_difference
        Between the two probabilities (of several classes, where they differ most) or numbers;
        None where there are none to compare.
    """

    model: str
    role: str
    n_records: int
    n_changed: int
    mean_difference: float | None
    largest_difference: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One record that the other bundle scores otherwise.

    Attributes
    ----------
    id, row, time, model
        Of the request and the record's place in it, when it was answered, and by which bundle.
    was, now
        The labels.
    difference
        Between the scores.
    """

    id: str
    row: int
    time: str
    model: str
    was: Any
    now: Any
    difference: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What a bundle says to a log.

    Attributes
    ----------
    bundle
        Its name and digest.
    n_receipts, n_records
        How many were scored.
    left_out
        Fields that the bundle knows and that receipts leave out as personal data.
    answers
        By the bundle that answered.
    worst
        The records that differ most, those with another label first.
    """

    bundle: str
    n_receipts: int
    n_records: int
    left_out: Sequence[str]
    answers: Sequence[Answers]
    worst: Sequence[Change]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-able values."""
        return asdict(self)

    def summary(self) -> str:
        """Return it as tables."""
        parts = [
            f"Scored again by {self.bundle}; receipts: {self.n_receipts:,}, "
            f"records: {self.n_records:,}."
        ]
        if self.left_out:
            parts.append(
                f"Missing in every record, since receipts hold no personal data: "
                f"{listed(self.left_out)}."
            )
        parts.append(
            Table(
                head=("answered by", "as", "records", "changed", "mean diff.", "largest diff."),
                rows=tuple(
                    (
                        each.model,
                        each.role,
                        f"{each.n_records:,}",
                        f"{each.n_changed:,}",
                        shown(each.mean_difference),
                        shown(each.largest_difference),
                    )
                    for each in self.answers
                ),
                n_texts=2,
            ).plain()
        )
        if self.worst:
            parts.append(
                Table(
                    head=("request", "row", "was", "now", "diff."),
                    rows=tuple(
                        (
                            each.id,
                            str(each.row),
                            str(each.was),
                            str(each.now),
                            shown(each.difference),
                        )
                        for each in self.worst
                    ),
                ).plain()
            )
        return "\n\n".join(parts)


def replay(predictor: Predictor, frame: pd.DataFrame) -> Replay:
    """Score the records of a log again.

    What the bundle itself answered is scored in the very lists in which it was asked, and so
    comes out the same to the last bit.

    Parameters
    ----------
    predictor
        The bundle.
    frame
        What `read_log` returned.

    Raises
    ------
    DataError
        If there are no receipts, they lack what the bundle needs, or break its schema.
    """
    columns = predictor.schema.columns.values()
    hidden = [column for column in columns if column.known_before and column.pii]
    needed = [column.name for column in hidden if not column.nullable]
    if needed:
        raise DataError(
            f"{predictor.bundle.model} cannot be replayed: it needs {listed(needed)}, personal "
            "data, which receipts leave out. Score a table that has it: mlkit predict."
        )
    if frame.empty:
        raise DataError("There are no receipts to replay. Look at --since, --until and --name.")
    frame = frame.reset_index(drop=True)
    now = _score_again(predictor, frame)
    difference, is_changed = differences(frame, now), are_changed(frame, now)
    by_answer = frame.groupby(["model", "role"], sort=False).indices.values()
    return Replay(
        bundle=predictor.bundle.model,
        n_receipts=frame.groupby(RECEIPT, sort=False).ngroups,
        n_records=len(frame),
        left_out=[column.name for column in hidden],
        answers=[
            Answers(
                model=frame["model"][places[0]],
                role=frame["role"][places[0]],
                n_records=len(places),
                n_changed=int(is_changed[places].sum()),
                mean_difference=known(np.nanmean, difference[places]),
                largest_difference=known(np.nanmax, difference[places]),
            )
            for places in by_answer
        ],
        worst=[
            Change(
                id=frame["id"][place],
                row=int(frame["row"][place]),
                time=frame["time"][place].isoformat(),
                model=frame["model"][place],
                was=_plain(frame["label"][place]),
                now=_plain(now["label"][place]),
                difference=known(np.max, difference[[place]]),
            )
            for place in np.lexsort((-np.nan_to_num(difference), ~is_changed))[:_MOST_SHOWN]
            if is_changed[place] or difference[place] > 0
        ],
    )


def _score_again(predictor: Predictor, frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return what the bundle says now, in columns that are called as in a log."""
    names = [name for name in map(str, frame) if name.startswith(INPUT)]
    fields = {name: name.removeprefix(INPUT) for name in names}
    table = frame[names].rename(columns=fields)
    columns = predictor.predict(table).columns()
    now = {name.replace("probability_", PROBABILITY): values for name, values in columns.items()}
    now["label"] = now.pop("prediction")
    is_own = (frame["digest"] == predictor.bundle.manifest.digest).to_numpy()
    is_odd = is_own & (are_changed(frame, now) | (differences(frame, now) > 0))
    # A table's last bits may differ from those of the records one by one.
    receipts = frame.groupby(RECEIPT, sort=False).ngroup()
    odd = receipts[receipts.isin(receipts[is_odd])]
    for places in odd.groupby(odd).groups.values():
        records = table.loc[places].to_dict("records")
        again = predictor.predict(records) if len(records) > 1 else [predictor.predict(records[0])]
        for place, prediction in zip(places, again, strict=True):
            now["label"][place] = prediction.label
            if prediction.probability is not None:
                now["probability"][place] = prediction.probability
            for label, share in (prediction.probabilities or {}).items():
                now[f"{PROBABILITY}{label}"][place] = share
    return now


def are_changed(frame: pd.DataFrame, now: Mapping[str, Any]) -> np.ndarray:
    """Return which records get another label; see `differences`."""
    was = frame["label"].to_numpy(dtype=object)
    changed: np.ndarray = was != np.asarray(now["label"], dtype=object)
    return changed


def differences(frame: pd.DataFrame, now: Mapping[str, Any]) -> np.ndarray:
    """Return how far apart two scores of each record are; NaN where they are of other kinds.

    Parameters
    ----------
    frame
        Rows of a log.
    now
        The `label` of the same records by another bundle, `probability` and
        `probability.CLASS` where it has them.
    """
    if "probability" not in now:
        # Of a regression, the label is the score.
        numbers = frame["label"].where(frame["probability"].isna())
        was = pd.to_numeric(numbers, errors="coerce").to_numpy("float64")
        number: np.ndarray = np.abs(was - np.asarray(now["label"]))
        return number
    names = [n for n in now if n.startswith(PROBABILITY) and n in frame]
    # That of the likeliest class is never further apart than those of all classes.
    apart = [
        np.abs(frame[name].to_numpy("float64") - np.asarray(now[name], dtype="float64"))
        for name in ("probability", *names)
    ]
    furthest: np.ndarray = np.fmax.reduce(apart)
    return furthest


def known(figure: Callable[[np.ndarray], Any], values: np.ndarray) -> float | None:
    """Return a figure of what is known of values; None where nothing is."""
    return None if np.isnan(values).all() else float(figure(values))


def shown(figure: float | None) -> str:
    """Write a figure into a table."""
    return "" if figure is None else f"{figure:.3g}"


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label
