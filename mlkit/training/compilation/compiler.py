"""From a fitted pipeline to one ONNX graph: blocks of raw columns in, scores out."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
import spox
import spox.opset.ai.onnx.v20 as op
from onnx import ModelProto, TensorProto, helper
from spox import Tensor, Var, argument

from mlkit.core.column import Column
from mlkit.core.schema import Schema
from mlkit.training.compilation.encoders import check_encoder, encode, numbers, passed_through
from mlkit.training.compilation.estimators import scores
from mlkit.training.compilation.tracing import trace
from mlkit.training.compilation.values import NUMBERS, Value, cast
from mlkit.training.features import Featurizer
from mlkit.training.trainer import TrainedModel

#: Every ONNX Runtime that is admitted reads it; older than 1.24 add some trees up wrongly.
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
    check_encoder(encoder)
    sources: list[str | None] = []

    def outputs(features: Mapping[str, Value], inputs: _Inputs) -> dict[str, Var]:
        rounded = [
            place
            for place, name in enumerate(numbers(encoder))
            if _is_rounded(features[name], inputs)
        ]
        found = scores(estimator, encode(encoder, features, inputs.joined), rounded)
        sources.extend(features[name].source for name in passed_through(encoder))
        if model.target.task != "multiclass":
            found = op.reshape(found, op.const(np.array([-1])))
        return {"scores": found}

    return replace(_compiled(model.schema, featurizer, outputs), sources=sources)


def compile_features(featurizer: Featurizer, schema: type[Schema]) -> Compiled:
    """Return a fitted featurizer alone as a graph: an output `feature NAME` (n_rows, 1) for each.

    Numbers and booleans come as float64, NaN where missing, text as it is and
    datetimes as int64 (`Block` says what is missing).

    Raises
    ------
    Untraceable
        Naming the file, the line and the operation that does not compile.
    """

    def outputs(features: Mapping[str, Value], inputs: _Inputs) -> dict[str, Var]:
        return {
            f"feature {name}": (cast(v, "float64") if v.dtype in (*NUMBERS, "boolean") else v).var
            for name, v in features.items()
        }

    return _compiled(schema, featurizer, outputs)


class _Inputs:
    """The raw columns as inputs of a graph, each alone or several together."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = {column.name: column for column in columns}
        self.arguments: dict[tuple[str, ...], Var] = {}

    def joined(self, names: Sequence[str]) -> Var:
        """Return columns of one block as one variable (n_rows, n_names)."""
        block = _block(self.columns[names[0]])
        made = argument(Tensor(_DTYPES[block], ("n_rows", len(names))))
        return self.arguments.setdefault(tuple(names), made)

    def by_name(self) -> dict[str, Var]:
        """Return the inputs under names that tell their columns."""
        return {_input_name(names): var for names, var in self.arguments.items()}

    def used(self, graph: ModelProto) -> dict[str, list[tuple[str, ...]]]:
        """Return the inputs that a graph uses, by their block."""
        taken = {node.name for node in graph.graph.input}
        found = [names for names in self.arguments if _input_name(names) in taken]
        by_block = {b: [n for n in found if _block(self.columns[n[0]]) == b] for b in _DTYPES}
        return {block: names for block, names in by_block.items() if names}


def _input_name(names: Sequence[str]) -> str:
    return f"columns {json.dumps(names)}"


def _compiled(
    schema: type[Schema],
    featurizer: Featurizer,
    outputs: Callable[[Mapping[str, Value], _Inputs], dict[str, Var]],
) -> Compiled:
    columns = [column for column in schema.columns.values() if column.known_before]
    inputs = _Inputs(columns)
    values = {column.name: _value(column, inputs.joined([column.name])) for column in columns}
    some_input = inputs.joined([columns[0].name])
    features = {n: _spread(v, some_input) for n, v in trace(featurizer, values).items()}
    found = outputs(features, inputs)
    by_column = spox.build(inputs.by_name(), found, drop_unused_inputs=True)
    return _in_blocks(by_column, inputs.used(by_column))


def _in_blocks(by_column: ModelProto, inputs: Mapping[str, list[tuple[str, ...]]]) -> Compiled:
    """Take columns of one dtype as one input: ONNX Runtime spends a microsecond on each."""
    graph = by_column.graph
    splits, blocks = [], []
    for block, groups in inputs.items():
        sizes = [len(group) for group in groups]
        graph.initializer.append(
            helper.make_tensor(f"{block} sizes", TensorProto.INT64, [len(sizes)], sizes)
        )
        outputs = [_input_name(group) for group in groups]
        splits.append(helper.make_node("Split", [block, f"{block} sizes"], outputs, axis=1))
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(_DTYPES[block]))
        blocks.append(helper.make_tensor_value_info(block, kind, ["n_rows", sum(sizes)]))
    nodes = [*splits, *graph.node]
    for field, content in ((graph.node, nodes), (graph.input, blocks)):
        del field[:]
        field.extend(content)
    by_column.ir_version = _IR_VERSION
    by_column.producer_name = "mlkit"
    return Compiled(
        graph=by_column.SerializeToString(deterministic=True),
        inputs={block: list(chain.from_iterable(groups)) for block, groups in inputs.items()},
        sources=[],
    )


#: Operators whose last digits depend on the library, and on the processor.
_ROUNDED = {"Exp", "Log", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Tanh", "Pow"}


def _is_rounded(value: Value, inputs: _Inputs) -> bool:
    """Whether a feature is computed with an operator that is right but for its last digits."""
    if value.source is not None:
        return False
    graph = spox.build(inputs.by_name(), {"feature": value.var}, drop_unused_inputs=True).graph
    return any(node.op_type in _ROUNDED for node in graph.node)


def _block(column: Column) -> str:
    if column.kind == "string":
        return "texts"
    return "integers" if column.dtype in ("int64", "datetime64[us]") else "numbers"


def _value(column: Column, var: Var) -> Value:
    """Return a column as pandas holds it once it is validated."""
    if column.kind == "boolean":
        if not column.nullable:
            return Value(dtype="bool", var=op.cast(var, to=np.bool_))
        missing = op.isnan(var)
        true = op.equal(var, op.const(np.array([[1.0]])))
        return Value(dtype="boolean", var=true, can_miss=True, missing=missing)
    dtype = {"string": "str", "datetime": "datetime"}.get(column.kind, column.dtype)
    return Value(
        dtype=dtype,
        var=var,
        can_miss=column.nullable,
        tz=column.tz,
        source=column.name,
        low=column.bounds.get("ge", column.bounds.get("gt")),
    )


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
