"""What tests share: the rendered project, its flights, and one trained model."""

import logging
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pandas as pd
import pytest
from commands_of_tests import prepared_commands
from hypothesis import settings
from projects import render

from mlkit import Evaluator, Predictor, Splitter, Target, Trainer, load_config, pack, read_frame
from mlkit.core import bundle as layout
from mlkit.core.bundle import Bundle
from mlkit.core.log import configure_logging
from mlkit.registry.tracking import Tracker

# The same examples in every run: a failure is one of the change at hand.
settings.register_profile("seeded", derandomize=True, deadline=None)
settings.load_profile("seeded")


@pytest.fixture(autouse=True)
def _logging_is_restored() -> Iterator[None]:
    """Take off the handlers that a command put on, with its captured stderr."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    configure_logging(redact=[])
    root.handlers, root.level = handlers, level


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Render the default project, untracked, and make its package importable."""
    folder = render(tmp_path_factory.mktemp("project") / "flight-delay", tracking_uri="none")
    sys.path.insert(0, str(folder / "src"))
    return folder


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the folder of an `mlkit` and a `pytest` that start in no time."""
    with prepared_commands(tmp_path_factory.mktemp("commands")) as folder:
        yield folder


@pytest.fixture(scope="session")
def flights(project: Path) -> pd.DataFrame:
    """Return every fourth of the bundled flights, as they lie in the file."""
    return read_frame(project / "data" / "flights.parquet").iloc[::4].reset_index(drop=True)


@pytest.fixture(scope="session")
def trainer(project: Path) -> Trainer:
    """Return the default project's trainer, small enough for tests."""
    from flight_delay.features import FlightFeaturizer
    from flight_delay.schema import Flight
    from sklearn.ensemble import HistGradientBoostingClassifier

    return Trainer(
        schema=Flight,
        target=Target(task="binary", column="arr_delay", edges=(30,)),
        featurizer=FlightFeaturizer(),
        estimator=HistGradientBoostingClassifier(max_iter=20),
        splitter=Splitter(),
    )


@pytest.fixture(scope="session")
def build(trainer: Trainer) -> Callable[..., Trainer]:
    """Return what builds a trainer like the default project's, with some parts changed."""
    names = ("schema", "target", "featurizer", "estimator")
    parts = {name: getattr(trainer, name) for name in names}
    return lambda **changes: Trainer(**{**parts, **changes})


@pytest.fixture(scope="session")
def packed(trainer: Trainer, flights: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory):
    """Return the folder of a bundle of the default project."""
    model = trainer.fit(flights)
    holdout = model.holdout(flights)
    evaluation = Evaluator(n_resamples=20).evaluate(model, holdout)
    folder = tmp_path_factory.mktemp("bundles") / "flight-delay"
    pack(model, evaluation, holdout, folder, name="flight-delay")
    return folder


@pytest.fixture(scope="session")
def python_packed(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same bundle as it would be had it not compiled."""
    folder = tmp_path_factory.mktemp("python") / "flight-delay"
    shutil.copytree(packed, folder)
    (folder / layout.GRAPH).unlink()
    manifest = Bundle.open(packed).manifest
    changed = {"runtime": "python", "inputs": {}, "parity": None, "reason": "A test says so."}
    layout.seal(folder, msgspec.structs.replace(manifest, **changed))
    return folder


@pytest.fixture(scope="session")
def predictor(packed: Path) -> Predictor:
    """Return the loaded bundle."""
    return Predictor.load(packed, trusted=["flight_delay"])


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an empty database of MLflow, to be copied: its tables take seconds to make."""
    path = tmp_path_factory.mktemp("database") / "mlruns.db"
    Tracker(f"sqlite:///{path}")
    return path


@pytest.fixture
def in_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in the default project's folder."""
    monkeypatch.chdir(project)
    return project


@pytest.fixture
def write_module(in_project: Path) -> Iterator[Callable[[str, str], None]]:
    """Return what writes a module of the project's package, for one test."""
    written: list[Path] = []

    def write(name: str, text: str) -> None:
        written.append(in_project / "src" / "flight_delay" / name)
        written[-1].write_text(text)

    yield write
    for path in written:
        path.unlink()


@pytest.fixture
def config(in_project: Path, tmp_path: Path) -> Callable[..., object]:
    """Return what loads the project's settings with overrides, bundles kept apart."""
    apart = [f"bundles={tmp_path}", f"reports={tmp_path / 'reports'}"]
    return lambda *overrides: load_config(overrides=[*apart, *overrides])
