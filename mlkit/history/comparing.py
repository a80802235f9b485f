"""Hold what shadows and canaries said against the champion, by a log alone."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlkit.core.errors import DataError
from mlkit.core.table import Table
from mlkit.history.columns import PROBABILITY
from mlkit.history.replaying import RECEIPT, are_changed, differences, known, shown

_QUANTILES = [0.1, 0.5, 0.9]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one bundle answered.

    Attributes
    ----------
    name, role, model
        Under which name, as what, and which bundle.
    n_receipts, n_records
        How many.
    ms
        How long a receipt took, in ms: the median, and what 99 of 100 stay below.
    mean, quantiles
        Of the probabilities or the numbers; the quantiles are 0.1, 0.5 and 0.9.
    labels
        Each label's share of the records; empty for a regression.
    """

    name: str
    role: str
    model: str
    n_receipts: int
    n_records: int
    ms: Sequence[float]
    mean: float
    quantiles: Sequence[float]
    labels: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What a shadow and a champion said of the same records.

    Attributes
    ----------
    name, shadow, champion
        Under which name, and which bundles.
    n_records
        That both scored.
    agreement
        The share of the records that get the same label from both; of a regression, number.
    mean_difference, largest_difference
        Between their probabilities (of several classes, where they differ most) or numbers.
    """

    name: str
    shadow: str
    champion: str
    n_records: int
    agreement: float
    mean_difference: float | None
    largest_difference: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a log says of the bundles that answered in it.

    Attributes
    ----------
    sides
        Each bundle in each role.
    pairs
        Each shadow with each champion that answered the same requests.
    """

    sides: Sequence[Side]
    pairs: Sequence[Pair]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-able values."""
        return asdict(self)

    def summary(self) -> str:
        """Return it as tables."""
        sides = Table(
            head=(
                *("model", "as", "bundle", "receipts", "records", "ms p50", "p99"),
                *("mean", "p10", "p50", "p90", "labels"),
            ),
            rows=tuple(
                (
                    *(each.name, each.role, each.model),
                    *(f"{each.n_receipts:,}", f"{each.n_records:,}"),
                    *map(shown, (*each.ms, each.mean, *each.quantiles)),
                    ", ".join(f"{label} {share:.1%}" for label, share in each.labels.items()),
                )
                for each in self.sides
            ),
            n_texts=3,
            ends_in_text=True,
        )
        if not self.pairs:
            return sides.plain()
        pairs = Table(
            head=("shadow", "champion", "records", "same label", "mean diff.", "largest diff."),
            rows=tuple(
                (
                    *(each.shadow, each.champion),
                    *(f"{each.n_records:,}", f"{each.agreement:.2%}"),
                    *map(shown, (each.mean_difference, each.largest_difference)),
                )
                for each in self.pairs
            ),
            n_texts=2,
        )
        return f"{sides.plain()}\n\n{pairs.plain()}"


def compare(frame: pd.DataFrame) -> Comparison:
    """Compare the bundles of a log.

    Parameters
    ----------
    frame
        What `read_log` returned.

    Raises
    ------
    DataError
        If there are no receipts.
    """
    if frame.empty:
        raise DataError("There are no receipts to compare. Look at --since, --until and --name.")
    frame = frame.copy(deep=False)
    sides = [_side(rows) for _, rows in frame.groupby(["name", "role", "model"])]
    # An id that a caller sent twice names two requests: the first is paired with the first.
    parts = ["name", "id", "row"]
    frame["turn"] = frame.groupby([*parts, "role"]).cumcount()
    keys = [*parts, "turn", "model", "place"]
    frame["place"] = np.arange(len(frame))
    shadows, champions = (frame.loc[frame["role"] == role, keys] for role in ("shadow", "champion"))
    both = shadows.merge(
        champions,
        how="inner",
        on=[*parts, "turn"],
        suffixes=("", "_champion"),
        validate="one_to_one",
    )
    by_pair = both.groupby(["name", "model", "model_champion"])
    pairs = [
        _pair(frame.iloc[places["place"]], frame.iloc[places["place_champion"]])
        for _, places in by_pair
    ]
    return Comparison(sides=sides, pairs=pairs)


def _side(rows: pd.DataFrame) -> Side:
    first = rows.iloc[0]
    receipts = rows.drop_duplicates(RECEIPT)
    is_number = rows["probability"].isna().all()
    scores = rows["label" if is_number else "probability"].astype("float64")
    shares = rows["label"].value_counts(normalize=True)
    return Side(
        name=first["name"],
        role=first["role"],
        model=first["model"],
        n_receipts=len(receipts),
        n_records=len(rows),
        ms=receipts["ms"].quantile([0.5, 0.99]).tolist(),
        mean=float(scores.mean()),
        quantiles=scores.quantile(_QUANTILES).tolist(),
        labels={} if is_number else {str(label): float(s) for label, s in shares.items()},
    )


def _pair(said: pd.DataFrame, answered: pd.DataFrame) -> Pair:
    is_number = answered["probability"].isna().all()
    by_class = [name for name in map(str, answered) if name.startswith(PROBABILITY)]
    names = ["label"] if is_number else ["label", "probability", *by_class]
    now = {name: answered[name].to_numpy() for name in names}
    apart = differences(said, now)
    return Pair(
        name=said["name"].iloc[0],
        shadow=said["model"].iloc[0],
        champion=answered["model"].iloc[0],
        n_records=len(said),
        agreement=float(1 - are_changed(said, now).mean()),
        mean_difference=known(np.nanmean, apart),
        largest_difference=known(np.nanmax, apart),
    )
