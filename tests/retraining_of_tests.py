"""A tiny project whose model can be trained anew within seconds, and how that is done."""

import subprocess
from pathlib import Path
from textwrap import dedent

import numpy as np
import pandas as pd

from mlkit.cli import main
from mlkit.registry import journal
from mlkit.registry.registry import Registry
from mlkit.registry.tracking import Tracker
from mlkit.retraining.state import State
from mlkit.retraining.steps import STEP
from mlkit.retraining.work import read_json

NAME = "tiny"
START = pd.Timestamp("2024-01-01")
_FILES = {
    "pyproject.toml": """
        [tool.mlkit]
        trusted = ["tiny"]
        """,
    "uv.lock": "",
    ".gitignore": ".mlkit/\nmlruns*\ndata/\npredictions/\ncache/\n__pycache__/\n",
    "src/tiny/__init__.py": '"""A tiny project."""',
    "src/tiny/schema.py": '''
        """What a record is."""

        from datetime import datetime

        from mlkit import Schema, column


        class Order(Schema):
            """An order."""

            amount: float = column(ge=0)
            shop: str
            ordered: datetime = column(role="event_time")
            returned: bool | None = column(role="target")
        ''',
    "src/tiny/features.py": '''
        """Features of an order."""

        import numpy as np
        import pandas as pd

        from mlkit import Featurizer


        class OrderFeaturizer(Featurizer):
            """What is known of an order."""

            def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
                """Return its features."""
                return pd.DataFrame({"amount": np.log1p(frame["amount"]), "shop": frame["shop"]})
        ''',
    "conf/config.yaml": """
        name: tiny
        task: binary
        seed: 0
        data:
          path: data/orders.parquet
          schema: tiny.schema.Order
        features:
          _target_: tiny.features.OrderFeaturizer
        model:
          estimator:
            _target_: sklearn.linear_model.LogisticRegression
        evaluation:
          metrics: [roc_auc]
          n_resamples: 20
          n_repeats: 0
          compare_splits: false
          gates:
            - {metric: roc_auc, at_least: baseline}
            - {metric: roc_auc, champion: 0.2}
        tracking:
          uri: sqlite:///mlruns.db
        retraining:
          least_rows: 50
          cool_down_days: 0
          when: {new_rows: 100}
        """,
}


def orders(n_days: int, *, seed: int = 0) -> pd.DataFrame:
    """Return ten orders a day; of a day, they are the same however many days there are."""
    chance = np.random.default_rng(seed)
    n_rows = 10 * n_days
    amount = np.round(chance.lognormal(3, 1, n_rows), 2)
    shop = chance.choice(["a", "b", "c"], n_rows)
    chances = 1 / (1 + np.exp(3 - np.log1p(amount) + (shop == "b")))
    return pd.DataFrame(
        {
            "amount": amount,
            "shop": shop,
            "ordered": START + pd.to_timedelta(np.arange(n_rows) * 2.4, unit="h"),
            "returned": chance.random(n_rows) < chances,
        }
    )


def make_project(folder: Path, frame: pd.DataFrame) -> Path:
    """Write the project with its data, and commit it."""
    for name, text in _FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip())
    (folder / "data").mkdir()
    frame.to_parquet(folder / "data" / "orders.parquet", index=False)
    git = ["git", "-C", str(folder), "-c", "user.name=Me", "-c", "user.email=me@example.org"]
    for arguments in (["init", "-q"], ["add", "--all"], ["commit", "-qm", "Start"]):
        subprocess.run([*git, *arguments], check=True)
    return folder


def retrain(n_days: int | None, *arguments: str) -> int:
    """Run the command in the current folder, on the orders of the first days."""
    until = [] if n_days is None else ["--until", str(START + pd.Timedelta(days=n_days))]
    settings = ["logging.level=error", f"tracking.uri={_uri()}"]
    return main(["retrain", *until, *settings, *arguments])


def registry() -> Registry:
    """Return the registry of the project in the current folder."""
    return Registry(Tracker(_uri()))


def outcome() -> dict[str, object]:
    """Return all that must be the same of two runs, wherever one of them was killed."""
    found = registry()
    state = State(Path(".mlkit/retraining"))
    runs = state.runs()
    versions = found.versions(NAME)
    trained = found.tracker.search(NAME, {"mlkit.kind": "train"})
    return {
        "finished": runs.finished,
        "steps": {
            name: read_json(state.place(name, key) / STEP) for name, key in runs.steps.items()
        },
        "keys": dict(runs.steps),
        "versions": [[each.number, each.digest, list(each.aliases)] for each in versions],
        "journal": [
            [each.number, each.kind, each.version, each.after, each.why]
            for each in journal.history(found, NAME)
        ],
        "runs": sorted(run.data.tags["mlkit.bundle"] for run in trained),
        "unfinished": sum(run.info.status != "FINISHED" for run in trained),
    }


def _uri() -> str:
    # MLflow keeps open what it knows by its address, wherever it lies by now.
    return f"sqlite:///{Path.cwd() / 'mlruns.db'}"
