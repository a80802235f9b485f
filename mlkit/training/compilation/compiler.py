"""From a fitted pipeline to one ONNX graph: blocks of raw columns in, scores out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import spox
import spox.opset.ai.onnx.v20 as op
from onnx import ModelProto
from spox import Tensor, Var, argument

from mlkit.core.column import Column
from mlkit.core.schema import Schema
from mlkit.training.compilation.encoders import encode, numbers, passed_through
from mlkit.training.compilation.estimators import scores
from mlkit.training.compilation.tracing import trace
from mlkit.training.compilation.values import NUMBERS, Value, cast
from mlkit.training.features import Featurizer
from mlkit.training.trainer import TrainedModel

#: ONNX Runtime 1.20 and later read it.
_IR_VERSION = 10
_DTYPES: dict[str, Any] = {"numbers": np.float64, "integers": np.int64, "texts": np.str_}


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A model as one graph.

    Attributes
    ----------
    graph
        The ONNX model, serialized.
    inputs
        The columns of each of its input blocks, by the block's name.
    sources
        The column that each feature of the estimator's is, where it is one, of
        the first that are numbers.
    """

    graph: bytes
    inputs: dict[str, list[str]]
    sources: list[str | None]


def compile_model(model: TrainedModel) -> Compiled:
    """Return the model's featurizer, encoder and estimator as one graph with the output `scores`.

    Raises
    ------
    Untraceable
        Naming the file, the line and the operation that does not compile.
    """
    featurizer, encoder, estimator = (step for _, step in model.pipeline.steps)

    sources: list[str | None] = []

    def outputs(features: Mapping[str, Value], arguments: Mapping[str, Var]) -> dict[str, Var]:
        sources.extend(features[name].source for name in passed_through(encoder))
        matrix = encode(encoder, features)
        names = numbers(encoder)
        rounded = [
            place for place, name in enumerate(names) if _is_rounded(features[name], arguments)
        ]
        found = scores(estimator, matrix, rounded)
        if model.target.task != "multiclass":
            found = op.reshape(found, op.const(np.array([-1])))
        return {"scores": found}

    return replace(_compiled(model.schema, featurizer, outputs), sources=sources)


def compile_features(featurizer: Featurizer, schema: type[Schema]) -> Compiled:
    """Return a fitted featurizer alone as a graph: an output `feature NAME` (n_rows, 1) for each.

    Numbers and booleans come as float64, NaN where missing, text as it is and
    datetimes as int64 (`Rows.texts` and `Rows.integers` say what is missing).

    Raises
    ------
    Untraceable
        Naming the file, the line and the operation that does not compile.
    """

    def outputs(features: Mapping[str, Value], _: Mapping[str, Var]) -> dict[str, Var]:
        return {
            f"feature {name}": (cast(v, "float64") if v.dtype in (*NUMBERS, "boolean") else v).var
            for name, v in features.items()
        }

    return _compiled(schema, featurizer, outputs)


def _compiled(
    schema: type[Schema],
    featurizer: Featurizer,
    outputs: Callable[[Mapping[str, Value], Mapping[str, Var]], dict[str, Var]],
) -> Compiled:
    known = {c.name: c for c in schema.columns.values() if c.known_before}
    columns = {n: argument(Tensor(_DTYPES[_block(c)], ("n_rows", 1))) for n, c in known.items()}
    values = {name: _value(column, columns[name]) for name, column in known.items()}
    some_column = next(iter(columns.values()))
    features = {n: _spread(v, some_column) for n, v in trace(featurizer, values).items()}
    arguments = {f"column {name}": var for name, var in columns.items()}
    by_column = spox.build(arguments, outputs(features, arguments), drop_unused_inputs=True)
    used = {node.name for node in by_column.graph.input}
    return _in_blocks(by_column, [c for name, c in known.items() if f"column {name}" in used])


def _in_blocks(by_column: ModelProto, columns: Sequence[Column]) -> Compiled:
    """Take columns of one dtype as one input: ONNX Runtime spends a microsecond on each."""
    inputs = {
        block: names
        for block in _DTYPES
        if (names := [column.name for column in columns if _block(column) == block])
    }
    blocks = {
        block: argument(Tensor(_DTYPES[block], ("n_rows", len(names))))
        for block, names in inputs.items()
    }
    split = {
        f"column {name}": var
        for block, names in inputs.items()
        for name, var in zip(names, _columns(blocks[block], len(names)), strict=True)
    }
    outputs = spox.inline(by_column)(**split)
    graph = spox.build(blocks, dict(outputs))
    graph.ir_version = _IR_VERSION
    graph.producer_name = "mlkit"
    return Compiled(graph=graph.SerializeToString(deterministic=True), inputs=inputs, sources=[])


#: Operators whose last digits depend on the library, and on the processor.
_ROUNDED = {"Exp", "Log", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Tanh", "Pow"}


def _is_rounded(value: Value, arguments: Mapping[str, Var]) -> bool:
    """Whether a feature is computed with an operator that is right but for its last digits."""
    if value.source is not None:
        return False
    graph = spox.build(dict(arguments), {"feature": value.var}, drop_unused_inputs=True).graph
    return any(node.op_type in _ROUNDED for node in graph.node)


def _block(column: Column) -> str:
    if column.kind == "string":
        return "texts"
    return "integers" if column.dtype in ("int64", "datetime64[us]") else "numbers"


def _columns(block: Var, n_columns: int) -> Sequence[Var]:
    return [block] if n_columns == 1 else op.split(block, num_outputs=n_columns, axis=1)


def _value(column: Column, var: Var) -> Value:
    """Return a column as pandas holds it once it is validated."""
    if column.kind == "boolean":
        if not column.nullable:
            return Value(dtype="bool", var=op.cast(var, to=np.bool_))
        missing = op.isnan(var)
        true = op.equal(var, op.const(np.array([[1.0]])))
        return Value(dtype="boolean", var=true, can_miss=True, missing=missing)
    dtype = {"string": "str", "datetime": "datetime"}.get(column.kind, column.dtype)
    return Value(dtype=dtype, var=var, can_miss=column.nullable, tz=column.tz, source=column.name)


def _spread(value: Value, some_input: Var) -> Value:
    """Return a feature of every row, where it is one value for all."""
    shape = value.var.unwrap_tensor().shape
    if shape is None or shape[0] != 1:
        return value
    rows = op.concat([op.shape(some_input, end=1), op.const(np.array([1]))], axis=0)
    if value.dtype == "boolean" or value.dtype == "bool":
        number = op.expand(op.cast(value.var, to=np.int64), rows)
        return Value(dtype="bool", var=op.cast(number, to=np.bool_))
    return Value(dtype=value.dtype, var=op.expand(value.var, rows), can_miss=value.can_miss)
