"""What the Open Inference Protocol asks and answers, as records and predictions.

https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from mlkit.core.column import Column
from mlkit.core.errors import listed
from mlkit.scoring.results import Prediction
from mlkit.serving.deployment import Deployment, Record
from mlkit.serving.refusals import check_count
from mlkit.serving.tensors import BYTES, Input, Output, Tail, invalid, read_column, write_column

#: How each kind of column is asked for; other datatypes are read as well.
DATATYPES = {
    "string": BYTES,
    "number": "FP64",
    "integer": "INT64",
    "boolean": "BOOL",
    "datetime": BYTES,
}
_LABELS = {bool: "BOOL", int: "INT64", float: "FP64", str: BYTES}


class Requested(msgspec.Struct, kw_only=True):
    """An output that is asked for."""

    name: str
    parameters: dict[str, Any] = {}


class InferRequest(msgspec.Struct, kw_only=True):
    """What `infer` is asked."""

    inputs: list[Input]
    id: str = ""
    parameters: dict[str, Any] = {}
    outputs: list[Requested] = []


class InferResponse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What `infer` answers."""

    model_name: str
    model_version: str
    id: str
    outputs: list[Output]


def describe_inputs(deployment: Deployment) -> dict[str, Column]:
    """Return the columns that may be inputs, by their names."""
    schema = deployment.predictor.schema
    return {column.name: column for column in schema.columns.values() if column.known_before}


def describe_outputs(deployment: Deployment) -> dict[str, tuple[str, list[int]]]:
    """Return each output's datatype and shape, by its name."""
    classes = deployment.predictor.bundle.manifest.classes
    if not classes:
        return {"prediction": ("FP64", [-1])}
    outputs = {"prediction": (_LABELS[type(classes[0])], [-1]), "probability": ("FP64", [-1])}
    if deployment.predictor.bundle.manifest.task == "multiclass":
        outputs["probabilities"] = ("FP64", [-1, len(classes)])
    return outputs


def read_records(
    asked: InferRequest, deployment: Deployment, tail: Tail, most: int
) -> list[Record]:
    """Return the records whose columns are a request's inputs.

    Raises
    ------
    Refused
        If an input is no column, comes twice, is of another length, or is not what it
        says; or if there are more than `most` records.
    """
    columns = describe_inputs(deployment)
    names = [tensor.name for tensor in asked.inputs]
    unknown = [name for name in names if name not in columns]
    if unknown or len(set(names)) < len(names) or not names:
        raise invalid(
            f"Inputs are columns of {deployment.predictor.schema.__name__}, each once: "
            f"{listed(columns, most=40)}. Found {listed(n[:60] for n in unknown or names)}."
        )
    for tensor in asked.inputs:
        check_count(max(tensor.shape[:1], default=0), most)
    values = {tensor.name: read_column(tensor, tail) for tensor in asked.inputs}
    tail.check_empty()
    lengths = {name: len(column) for name, column in values.items()}
    if len(set(lengths.values())) > 1:
        raise invalid(f"Inputs must be equally long; found {lengths}.")
    return [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]


def wanted_outputs(asked: InferRequest, deployment: Deployment) -> dict[str, bool]:
    """Return the outputs to send, and whether as bytes.

    Raises
    ------
    Refused
        If there is no such output.
    """
    described = describe_outputs(deployment)
    by_default = asked.parameters.get("binary_data_output", False)
    if not asked.outputs:
        return dict.fromkeys(described, by_default is True)
    wanted = {}
    for output in asked.outputs:
        if output.name not in described:
            raise invalid(f"No output {output.name[:60]!r}; valid: {listed(described)}.")
        if output.parameters.get("classification", 0):
            raise invalid("The classification extension is not supported. Ask for probabilities.")
        wanted[output.name] = output.parameters.get("binary_data", by_default) is True
    return wanted


def write_outputs(
    wanted: dict[str, bool], deployment: Deployment, predictions: Sequence[Prediction]
) -> tuple[list[Output], bytes]:
    """Return the outputs, and the bytes that go behind their JSON."""
    described = describe_outputs(deployment)
    outputs, tails = [], []
    for name, is_binary in wanted.items():
        datatype, shape = described[name]
        output = Output(name=name, datatype=datatype, shape=[len(predictions), *shape[1:]])
        tails.append(write_column(output, _values(name, predictions), is_binary=is_binary))
        outputs.append(output)
    return outputs, b"".join(tails)


def _values(name: str, predictions: Sequence[Prediction]) -> list[Any]:
    if name == "prediction":
        return [prediction.label for prediction in predictions]
    if name == "probability":
        return [prediction.probability for prediction in predictions]
    return [share for each in predictions for share in (each.probabilities or {}).values()]
