"""Print what a bundle predicts and refuses, so that two environments can be compared.

Usage: smoke_scoring.py BUNDLE [absent]; with `absent`, the training side must not be there.
"""

import json
import shutil
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from mlkit import MlkitError, Predictor

bundle = Path(sys.argv[1])
if "absent" in sys.argv:
    for package in ("pandas", "sklearn", "scipy", "hydra", "skops", "onnx", "spox"):
        assert find_spec(package) is None, package

predictor = Predictor.load(bundle)
records = predictor.bundle.golden.records
good = records[0]
columns = {name: [record[name] for record in records] for name in good}


def refusal(*data: object) -> str:
    """Return what is said of what is refused: of a record, or of a bundle."""
    try:
        predictor.predict(*data) if data else Predictor.load(broken)
    except MlkitError as error:
        return f"{type(error).__name__}: {error}".replace(str(broken), "BUNDLE")
    raise SystemExit(f"{data or 'a broken bundle'} was not refused")


with tempfile.TemporaryDirectory() as folder:
    broken = Path(shutil.copytree(bundle, Path(folder) / "broken"))
    with (broken / "model.onnx").open("ab") as file:
        file.write(b"x")
    refused = [
        refusal(),
        refusal({}),
        refusal(good | {"distance": -1}),
        refusal(good | {"distance": "far", "carrier": None}),
        refusal(good | {"scheduled_departure": "soon"}),
        refusal([good, good | {"distance": float("nan")}]),
        refusal(columns | {"distance": [-1.0] * len(records)}),
        refusal("UA"),
    ]
found = {
    "one": [predictor.predict(record).to_dict() for record in records],
    "many": [prediction.to_dict() for prediction in predictor.predict(records)],
    "columns": [prediction.to_dict() for prediction in predictor.predict(columns)],
    "refused": refused,
}
print(json.dumps(found, indent=1))
