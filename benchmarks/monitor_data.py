"""Wide tables of mixed columns, and a model of them, for the benchmarks of monitoring."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.ensemble import HistGradientBoostingClassifier

from mlkit import Evaluator, Featurizer, Schema, Splitter, Target, Trainer, pack

N_TRAINED = 20_000
#: Rows that are made and written at once: the making of a table shall not be its measure.
N_AT_ONCE = 50_000
START = np.datetime64("2026-01-05", "us")
#: The table's rows are spread over so many days.
N_DAYS = 10
MISSING = 0.05
#: Distinct values of the columns of text, in turns.
CARDINALITIES = (2, 5, 12, 40, 300, 2_000)


class Moments(Featurizer):
    """All columns, but the hour of a moment instead of the moment."""

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features of `frame`, with its index."""
        hour = frame["moment"].dt.hour
        return frame.drop(columns=["moment"]).assign(hour=hour)


def rows(n_rows: int, n_columns: int, seed: int, *, shift: float = 0.0) -> pd.DataFrame:
    """Return rows in random order of time, and the answer to each.

    Of ten columns six are numbers, one is of whole numbers with many ties, one of yes and
    no, two are text with a long tail; every third one misses one value in twenty. The first
    is a datetime.
    """
    rng = np.random.default_rng(seed)
    microseconds = rng.integers(0, N_DAYS * 86_400_000_000, n_rows)
    found: dict[str, object] = {"moment": START + microseconds.astype("timedelta64[us]")}
    score = np.zeros(n_rows)
    for place in range(1, n_columns):
        name, kind = f"c{place:03}", place % 10
        is_missing = rng.random(n_rows) < (MISSING if place % 3 == 0 else 0)
        if kind < 6:
            numbers = rng.normal(size=n_rows) + shift * (place % 7 == 0)
            score += numbers / place
            values = np.exp(numbers) if kind % 2 else numbers
            found[name] = np.where(is_missing, np.nan, values)
        elif kind == 6:
            counts = rng.poisson(30, n_rows)
            found[name] = pd.array(counts, dtype="Int64")
            found[name][is_missing] = pd.NA
        elif kind == 7:
            found[name] = rng.random(n_rows) < 0.3
        else:
            n_values = CARDINALITIES[place // 10 % len(CARDINALITIES)]
            drawn = (n_values * rng.random(n_rows) ** 2).astype("int64")
            labels = np.array([f"value {n}" for n in range(n_values)])
            texts = pa.DictionaryArray.from_arrays(
                pa.array(drawn, mask=is_missing), pa.array(labels)
            ).cast(pa.string())
            found[name] = texts.to_pandas()
    found["answer"] = rng.random(n_rows) < 1 / (1 + np.exp(-score))
    return pd.DataFrame(found)


def write(path: Path, n_rows: int, n_columns: int, seed: int, *, shift: float = 0.0) -> None:
    """Write rows as Parquet, some at a time."""
    writer = None
    for start in range(0, n_rows, N_AT_ONCE):
        frame = rows(min(N_AT_ONCE, n_rows - start), n_columns, seed + start, shift=shift)
        table = pa.Table.from_pandas(frame, preserve_index=False)
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    assert writer is not None
    writer.close()


def bundle(frame: pd.DataFrame, path: Path) -> None:
    """Train a small model on a frame, and pack it."""
    trainer = Trainer(
        schema=Schema.infer(frame, target="answer"),
        target=Target(task="binary", column="answer"),
        featurizer=Moments(),
        estimator=HistGradientBoostingClassifier(max_iter=30, max_leaf_nodes=15),
        splitter=Splitter(kind="stratified"),
    )
    model = trainer.fit(frame)
    evaluation = Evaluator(n_resamples=0, n_repeats=0).evaluate(model, model.holdout(frame))
    pack(model, evaluation, model.holdout(frame), path, name="wide", reference=frame)


def make(folder: Path, n_rows: int, n_columns: int) -> None:
    """Write `reference.parquet`, `current.parquet`, and the bundle of a model of the former."""
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "reference.parquet", N_TRAINED, n_columns, 0)
    bundle(pd.read_parquet(folder / "reference.parquet"), folder / "bundle")
    write(folder / "current.parquet", n_rows, n_columns, 1_000_000, shift=0.2)
