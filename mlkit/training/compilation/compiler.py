"""From a fitted pipeline to one ONNX graph: blocks of raw columns in, scores out."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import spox
import spox.opset.ai.onnx.v20 as op
from onnx import GraphProto, ModelProto, TensorProto, helper
from spox import Tensor, Var, argument

from mlkit.core.column import Column
from mlkit.core.errors import first_line
from mlkit.core.rows import BLOCKS, block_of
from mlkit.core.schema import Schema
from mlkit.training.compilation.encoders import encode, numbers, passed_through
from mlkit.training.compilation.errors import Untraceable
from mlkit.training.compilation.estimators import scores
from mlkit.training.compilation.tracing import trace
from mlkit.training.compilation.values import NUMBERS, Value, cast
from mlkit.training.features import Featurizer
from mlkit.training.model import TrainedModel

#: Every ONNX Runtime that is admitted reads it; older than 1.24 add some trees up wrongly.
_IR_VERSION = 10


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
    """Return the model's featurizer, encoder, selector and estimator as one graph.

    Its output `scores` is (n_rows, n_classes), or (n_rows, 1) but for several classes.

    Raises
    ------
    Untraceable
        Naming the operation that does not compile, and its file and line or
        the step of the pipeline.
    """
    featurizer, encoder, *selectors, estimator = (step for _, step in model.pipeline.steps)
    inputs, features = _traced(model.schema, featurizer)
    with _naming("encoder", encoder):
        matrix = encode(encoder, features, inputs.joined)
    rounded = _rounded(features, inputs)
    flags = [name in rounded for name in numbers(encoder)]
    sources = [features[name].source for name in passed_through(encoder)]
    for selector in selectors:
        chosen = np.flatnonzero(selector.get_support())
        matrix = op.gather(matrix, op.const(chosen), axis=1)
        # Both tell of the first columns, of which these are left.
        flags = [flags[place] for place in chosen if place < len(flags)]
        sources = [sources[place] for place in chosen if place < len(sources)]
    places = [place for place, is_rounded in enumerate(flags) if is_rounded]
    with _naming("estimator", estimator):
        found = scores(estimator, matrix, places)
    return _built({"scores": found}, inputs, sources)


def compile_features(featurizer: Featurizer, schema: type[Schema]) -> Compiled:
    """Return a fitted featurizer alone as a graph: an output `feature NAME` (n_rows, 1) for each.

    Numbers and booleans come as float64, NaN where missing, text as it is and
    datetimes as int64 (`Block` says what is missing).

    Raises
    ------
    Untraceable
        Naming the file, the line and the operation that does not compile.
    """
    inputs, features = _traced(schema, featurizer)
    outputs = {
        f"feature {name}": (cast(v, "float64") if v.dtype in (*NUMBERS, "boolean") else v).var
        for name, v in features.items()
    }
    return _built(outputs, inputs, [])


@contextmanager
def _naming(name: str, step: Any) -> Iterator[None]:
    """Say which step it is that does not compile."""
    line = f"the pipeline's {name}"
    try:
        yield
    except Untraceable as error:
        raise Untraceable(error.operation, error.advice, line=line) from error
    except Exception as error:
        # skl2onnx raises what it likes, and seldom says of what.
        said = f"{type(error).__name__}: {first_line(error)}"
        raise Untraceable(type(step).__name__, said, line=line) from error


class _Inputs:
    """The raw columns as inputs of a graph, each alone or several together."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = {column.name: column for column in columns}
        self.arguments: dict[tuple[str, ...], Var] = {}

    def joined(self, names: Sequence[str]) -> Var:
        """Return columns of one block as one variable (n_rows, n_names)."""
        group = tuple(names)
        if group not in self.arguments:
            dtype, _ = BLOCKS[block_of(self.columns[group[0]])]
            # spox calls texts by another dtype.
            element = np.str_ if dtype.kind == "O" else dtype
            self.arguments[group] = argument(Tensor(element, ("n_rows", len(group))))
        return self.arguments[group]

    def by_name(self) -> dict[str, Var]:
        """Return the inputs under names that tell their columns."""
        return {_input_name(names): var for names, var in self.arguments.items()}

    def used(self, graph: ModelProto) -> dict[str, list[tuple[str, ...]]]:
        """Return the inputs that a graph uses, by their block."""
        taken = {node.name for node in graph.graph.input}
        found = [names for names in self.arguments if _input_name(names) in taken]
        by_block = {b: [n for n in found if block_of(self.columns[n[0]]) == b] for b in BLOCKS}
        return {block: names for block, names in by_block.items() if names}


def _input_name(names: Sequence[str]) -> str:
    return f"columns {json.dumps(names)}"


def _traced(schema: type[Schema], featurizer: Featurizer) -> tuple[_Inputs, dict[str, Value]]:
    """Return the inputs, and each feature that the featurizer makes of them."""
    columns = [column for column in schema.columns.values() if column.known_before]
    inputs = _Inputs(columns)
    values = {column.name: _value(column, inputs.joined([column.name])) for column in columns}
    some_input = inputs.joined([columns[0].name])
    features = trace(featurizer, values, inputs.by_name())
    return inputs, {name: _spread(value, some_input) for name, value in features.items()}


def _built(outputs: Mapping[str, Var], inputs: _Inputs, sources: Sequence[str | None]) -> Compiled:
    model = spox.build(inputs.by_name(), dict(outputs), drop_unused_inputs=True)
    groups = inputs.used(model)
    _take_blocks(model.graph, groups)
    model.ir_version = _IR_VERSION
    model.producer_name = "mlkit"
    return Compiled(
        graph=model.SerializeToString(deterministic=True),
        inputs={block: list(chain.from_iterable(names)) for block, names in groups.items()},
        sources=list(sources),
    )


def _take_blocks(graph: GraphProto, inputs: Mapping[str, list[tuple[str, ...]]]) -> None:
    """Take columns of one dtype as one input: ONNX Runtime spends a microsecond on each."""
    splits, blocks = [], []
    for block, groups in inputs.items():
        sizes = [len(group) for group in groups]
        outputs = [_input_name(group) for group in groups]
        if len(groups) == 1:
            splits.append(helper.make_node("Identity", [block], outputs))
        else:
            initial = helper.make_tensor(f"{block} sizes", TensorProto.INT64, [len(sizes)], sizes)
            graph.initializer.append(initial)
            splits.append(helper.make_node("Split", [block, initial.name], outputs, axis=1))
        kind = helper.np_dtype_to_tensor_dtype(BLOCKS[block][0])
        blocks.append(helper.make_tensor_value_info(block, kind, ["n_rows", sum(sizes)]))
    nodes = [*splits, *graph.node]
    for field, content in ((graph.node, nodes), (graph.input, blocks)):
        del field[:]
        field.extend(content)


#: Operators whose last digits depend on the library, and on the processor.
_ROUNDED = {"Exp", "Log", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Tanh", "Pow"}


def _rounded(features: Mapping[str, Value], inputs: _Inputs) -> set[str]:
    """Return the features that take an operator which is right but for its last digits."""
    outputs = {f"feature {name}": value.var for name, value in features.items()}
    graph = spox.build(inputs.by_name(), outputs, drop_unused_inputs=True).graph
    rounded: set[str] = set()
    for node in graph.node:
        if node.op_type in _ROUNDED or not rounded.isdisjoint(node.input):
            rounded.update(node.output)
    return {name for name in features if f"feature {name}" in rounded}


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
    # Without what the one value was made of, which is not of every row.
    var = op.expand(value.var, rows)
    return Value(dtype=value.dtype, var=var, can_miss=value.can_miss, tz=value.tz)
