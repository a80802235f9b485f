"""Make a bundle MLflow's model as well, with its signature and an example."""

import json
from pathlib import Path

import numpy as np

from mlkit.core.bundle import Bundle
from mlkit.core.extras import DISTRIBUTION
from mlkit.core.version import __version__
from mlkit.scoring.results import Predictions

#: MLflow's types; of numbers it would refuse whole ones for `double`, and missing ones for `long`.
_TYPES = {"string": "string", "boolean": "boolean", "datetime": "datetime"}


def describe_model(bundle: Bundle, folder: Path) -> None:
    """Write what makes `folder`, with the bundle in its `bundle`, a model of MLflow.

    `mlflow.pyfunc.load_model` then loads it, and MLflow's pages show its
    signature and an example.
    """
    from mlflow.models import Model, ModelSignature
    from mlflow.types import ColSpec, Schema
    from mlflow.types.schema import AnyType

    number = AnyType()  # type: ignore[no-untyped-call]
    columns = [c for c in bundle.schema.columns.values() if c.known_before]
    inputs = Schema(
        [ColSpec(_TYPES.get(c.kind, number), c.name, required=not c.nullable) for c in columns]
    )
    outputs = Schema([ColSpec(kind, name) for name, kind in _outputs(bundle).items()])
    example = {column.name: bundle.golden.records[0].get(column.name) for column in columns}
    text = json.dumps({"columns": list(example), "data": [list(example.values())]}, indent=1)
    (folder / "input_example.json").write_text(text + "\n", encoding="utf-8")
    runtime = bundle.manifest.runtime
    extra = "" if runtime == "onnx" else "[train]"
    requirement = f"{DISTRIBUTION}{extra}=={__version__}"
    (folder / "requirements.txt").write_text(f"{requirement}\npandas\n", encoding="utf-8")
    model = Model(
        signature=ModelSignature(inputs=inputs, outputs=outputs),
        saved_input_example_info={
            "artifact_path": "input_example.json",
            "type": "dataframe",
            "pandas_orient": "split",
        },
        metadata={"mlkit.bundle": bundle.manifest.digest},
    )
    model.add_flavor(
        "python_function",
        loader_module="mlkit.registry.pyfunc",
        data="bundle",
        env={"virtualenv": "requirements.txt"},
        python_version=bundle.manifest.lineage.get("python"),
    )
    model.save(str(folder / "MLmodel"))


def _outputs(bundle: Bundle) -> dict[str, str]:
    """Return the columns of `Predictions.columns`, with MLflow's types."""
    kinds = {bool: "boolean", int: "long", float: "double", str: "string"}
    scores = np.asarray(bundle.golden.scores[:1], dtype="float64")
    return {
        name: kinds[type(values.tolist()[0])]
        for name, values in Predictions(scores, bundle).columns().items()
    }
