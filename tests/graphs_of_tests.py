"""What a compiled featurizer computes, for tests."""

from collections.abc import Callable

import numpy as np
import onnxruntime
import pandas as pd

from mlkit import Featurizer, Schema
from mlkit.core.rows import Block, ColumnRows, read_table
from mlkit.training.compilation.compiler import compile_features


def featurizer(transform: Callable[[Featurizer, pd.DataFrame], object]) -> Featurizer:
    """Return a featurizer with that transform."""
    return type("Features", (Featurizer,), {"transform": transform})()


def graph_of(
    made: Featurizer, schema: type[Schema]
) -> Callable[[ColumnRows], dict[str, np.ndarray]]:
    """Return what gives the features of rows, each (n_rows,), by the compiled graph."""
    compiled = compile_features(made, schema)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        compiled.graph, options, providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    blocks = [Block(schema, kind, columns) for kind, columns in compiled.inputs.items()]

    def features(rows: ColumnRows) -> dict[str, np.ndarray]:
        found = session.run(names, {block.kind: rows.block(block) for block in blocks})
        pairs = zip(names, found, strict=True)
        return {name.removeprefix("feature "): values[:, 0] for name, values in pairs}

    return features


def by_graph(made: Featurizer, schema: type[Schema], frame: pd.DataFrame) -> dict[str, list]:
    """Return the features of a frame by the compiled graph."""
    features = graph_of(made, schema)(read_table(schema, frame))
    return {name: values.tolist() for name, values in features.items()}
