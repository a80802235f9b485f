"""Predict with one side of the benchmark, in the environment of that side; print JSON.

Imports nothing but the standard library until a side is opened: what a side
needs is what is measured.

    python benchmarks/predict_side.py mlkit FOLDER records 2000
    python benchmarks/predict_side.py pipeline FOLDER batch
    python benchmarks/predict_side.py mlflow FOLDER save
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic, perf_counter_ns
from typing import Any

Predict = Callable[[Any], Any]

HERE = Path(__file__).resolve().parent
#: The modules of the benchmark's featurizers.
FEATURIZERS = ("flights", "synthetic")
#: What a bundle of the Python runtime may use: the featurizers, and LightGBM,
#: whose fitted booster holds an OrderedDict.
TRUSTED = (*FEATURIZERS, "lightgbm", "collections")
WARM_UP = 50
#: Timed predictions of one process, unless their time is up sooner.
MOST_CALLS = 20_000
MOST_SECONDS = 3.0


def open_mlkit(folder: Path) -> tuple[Predict, Predict]:
    """Return what predicts a record, and what predicts a frame."""
    from mlkit import Predictor

    predict = Predictor.load(folder / "bundle", trusted=TRUSTED).predict
    return lambda record: predict(record).probability, lambda frame: predict(frame).probability


def open_pipeline(folder: Path) -> tuple[Predict, Predict]:
    """Return the same for the fitted pipeline."""
    import joblib

    pipeline = joblib.load(folder / "pipeline.joblib")
    return framed(folder, pipeline, pipeline.predict_proba)


def open_mlflow(folder: Path) -> tuple[Predict, Predict]:
    """Return the same for the pipeline behind MLflow's uniform interface."""
    import mlflow.pyfunc

    model = mlflow.pyfunc.load_model(str(folder / "mlflow"))
    return framed(folder, model.get_raw_model(), model.predict)


def framed(folder: Path, pipeline: Any, predict: Predict) -> tuple[Predict, Predict]:
    """Put each record into a frame of the dtypes that a pipeline was fitted on.

    A record is not shared out to threads, which would take it far longer.
    """
    import pandas as pd

    dtypes = json.loads((folder / "dtypes.json").read_text())
    n_jobs = {"n_jobs"} & pipeline[-1].get_params().keys()

    def one(record: dict[str, Any]) -> float:
        return predict(pd.DataFrame([record]).astype(dtypes))[0, 1]

    def many(frame: pd.DataFrame) -> Any:
        pipeline[-1].set_params(**dict.fromkeys(n_jobs, -1))
        return predict(frame)[:, 1]

    pipeline[-1].set_params(**dict.fromkeys(n_jobs, 1))
    return one, many


SIDES = {"mlkit": open_mlkit, "pipeline": open_pipeline, "mlflow": open_mlflow}


def save_for_mlflow(folder: Path) -> None:
    """Write the pipeline as MLflow does; runs in MLflow's environment."""
    import joblib
    import mlflow.sklearn
    import pandas as pd

    pipeline = joblib.load(folder / "pipeline.joblib")
    rows = pd.read_parquet(folder / "batch.parquet").iloc[:1000]
    mlflow.sklearn.save_model(
        pipeline,
        str(folder / "mlflow"),
        pyfunc_predict_fn="predict_proba",
        signature=mlflow.models.infer_signature(rows, pipeline.predict_proba(rows)),
        serialization_format="cloudpickle",
        # What serves it starts elsewhere.
        code_paths=[str(HERE / f"{module}.py") for module in FEATURIZERS],
        pip_requirements=mlflow.sklearn.get_default_pip_requirements(),
    )


def one_by_one(side: str, folder: Path, at_least: int) -> dict[str, Any]:
    """Predict single records; say when the first was answered, and how long each took.

    With `at_least` 0, the first is all. Every record is another one until all
    have had their turn.
    """
    with (folder / "records.jsonl").open() as lines:
        record = json.loads(lines.readline())
        predict, _ = SIDES[side](folder)
        predict(record)
        found: dict[str, Any] = {"answered": monotonic()}
        records = [record, *map(json.loads, lines)]
    if not at_least:
        return found
    for record in records[-WARM_UP:]:
        predict(record)
    nanoseconds: list[int] = []
    probabilities: list[float] = []
    deadline = monotonic() + MOST_SECONDS
    while len(nanoseconds) < at_least or (len(nanoseconds) < MOST_CALLS and monotonic() < deadline):
        record = records[len(nanoseconds) % len(records)]
        start = perf_counter_ns()
        probability = predict(record)
        nanoseconds.append(perf_counter_ns() - start)
        if len(probabilities) < at_least:
            probabilities.append(float(probability))
    nanoseconds.sort()
    return found | {
        "calls": len(nanoseconds),
        "p50": nanoseconds[len(nanoseconds) // 2] / 1e3,
        "p99": nanoseconds[len(nanoseconds) * 99 // 100] / 1e3,
        "resident": resident(),
        "probabilities": probabilities,
    }


def all_at_once(side: str, folder: Path) -> dict[str, Any]:
    """Predict a frame; say how long it took."""
    import pandas as pd

    frame = pd.read_parquet(folder / "batch.parquet")
    _, predict = SIDES[side](folder)
    predict(frame.iloc[:1000])
    start = perf_counter_ns()
    probabilities = predict(frame)
    seconds = (perf_counter_ns() - start) / 1e9
    return {"batch": seconds, "probabilities": [float(p) for p in probabilities[::100]]}


def resident() -> float:
    """Return the memory that this process holds, in MB (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError("/proc/self/status has no VmRSS.")


if __name__ == "__main__":
    side, folder, task, *rest = sys.argv[1:]
    if task == "save":
        save_for_mlflow(Path(folder))
    elif task == "batch":
        print(json.dumps(all_at_once(side, Path(folder))))
    else:
        print(json.dumps(one_by_one(side, Path(folder), int(rest[0]))))
