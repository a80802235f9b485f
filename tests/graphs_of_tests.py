"""What a compiled featurizer computes, for tests."""

from collections.abc import Callable

import onnxruntime
import pandas as pd

from mlkit import Featurizer, Schema
from mlkit.core.rows import Block, read_table
from mlkit.training.compilation.compiler import compile_features


def featurizer(transform: Callable[[Featurizer, pd.DataFrame], object]) -> Featurizer:
    """Return a featurizer with that transform."""
    return type("Features", (Featurizer,), {"transform": transform})()


def graph_of(made: Featurizer, schema: type[Schema]) -> Callable[[pd.DataFrame], dict[str, list]]:
    """Return what gives the features of a frame by the compiled graph."""
    compiled = compile_features(made, schema)
    session = onnxruntime.InferenceSession(compiled.graph, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    blocks = [Block(schema, kind, columns) for kind, columns in compiled.inputs.items()]

    def features(frame: pd.DataFrame) -> dict[str, list]:
        rows = read_table(schema, frame)
        feed = {block.kind: rows.block(block) for block in blocks}
        found = zip(names, session.run(names, feed), strict=True)
        return {name.removeprefix("feature "): values[:, 0].tolist() for name, values in found}

    return features


def by_graph(made: Featurizer, schema: type[Schema], frame: pd.DataFrame) -> dict[str, list]:
    """Return the features of a frame by the compiled graph."""
    return graph_of(made, schema)(frame)
