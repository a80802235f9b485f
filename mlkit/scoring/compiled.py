"""Run a bundle's graph: raw columns in, scores out, without pandas or scikit-learn."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

# Else it writes an id of this machine to the home folder, and tells its maker of each model.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime as ort

from mlkit.core.bundle import GRAPH, Bundle
from mlkit.core.decision import check_finite
from mlkit.core.errors import BundleError, first_line, listed
from mlkit.core.rows import BLOCKS, Block, Rows
from mlkit.core.schema import Schema
from mlkit.scoring.wire import external_data

#: Rows that are scored at once: more wait on memory, fewer on the calls.
CHUNK = 20_000
#: Characters that they may have together; a graph that takes text apart needs
#: room for as many as the longest has, in every row.
_MOST_CHARACTERS = 4_000_000
_FATAL_ONLY = 4


class CompiledRuntime:
    """Scores rows with ONNX Runtime; safe to be called by several threads.

    Parameters
    ----------
    graph
        The ONNX model.
    schema
        What the rows are.
    inputs
        The columns of each of its inputs, by the kind of `Block` that it is.

    Raises
    ------
    ValueError
        If the graph's inputs are others, or it has not the one output `scores`.
    """

    def __init__(
        self, graph: bytes, schema: type[Schema], inputs: Mapping[str, Sequence[str]]
    ) -> None:
        options = ort.SessionOptions()
        # One row gains nothing from threads; many rows are shared out in chunks.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = _FATAL_ONLY
        # Else ONNX Runtime guesses from the first bytes, and reads a format of its own too.
        options.add_session_config_entry("session.load_model_format", "ONNX")
        session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        _check_ends(session, inputs)
        # What `run` calls once it has looked for inputs that are not given: two microseconds.
        self._call = getattr(session, "_sess", session).run
        self._blocks = {kind: Block(schema, kind, names) for kind, names in inputs.items()}
        (output,) = session.get_outputs()
        # A vector where there is one score, as Runtime.scores has it.
        self._is_vector = output.shape[1] == 1
        self._nothing = np.empty((0,) if self._is_vector else (0, output.shape[1]))
        has_affinity = hasattr(os, "sched_getaffinity")
        self._n_threads = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1

    def scores(self, rows: Rows) -> np.ndarray:
        """Score validated rows; see `Runtime.scores`."""
        if not len(rows):
            return self._nothing
        feed = {kind: rows.block(block) for kind, block in self._blocks.items()}
        n_rows = len(rows)
        return check_finite(self._score(feed) if n_rows == 1 else self._in_chunks(feed, n_rows))

    def _in_chunks(self, feed: Mapping[str, np.ndarray], n_rows: int) -> np.ndarray:
        texts = feed.get("texts")
        longest = 1 if texts is None else max(map(len, texts.ravel()))
        size = max(1, min(CHUNK, _MOST_CHARACTERS // max(1, longest)))
        parts = [
            {name: block[start : start + size] for name, block in feed.items()}
            for start in range(0, n_rows, size)
        ]
        if len(parts) == 1:
            return self._score(feed)
        # ONNX Runtime lets go of Python's lock while it computes.
        with ThreadPoolExecutor(self._n_threads) as threads:
            return np.concatenate(list(threads.map(self._score, parts)))

    def _score(self, feed: Mapping[str, np.ndarray]) -> np.ndarray:
        scores: np.ndarray = self._call(_OUTPUTS, feed, None)[0]
        return scores.ravel() if self._is_vector else scores


_OUTPUTS = ["scores"]


def _check_ends(session: ort.InferenceSession, inputs: Mapping[str, Sequence[str]]) -> None:
    found = {node.name: (node.type, node.shape[1:]) for node in session.get_inputs()}
    types = {kind: name for kind, (_, name) in BLOCKS.items()}
    expected = {kind: (types.get(kind), [len(columns)]) for kind, columns in inputs.items()}
    if found != expected:
        raise ValueError(f"its inputs are {found}, not {expected}")
    ends = [(node.name, node.type, len(node.shape)) for node in session.get_outputs()]
    if ends != [("scores", "tensor(double)", 2)]:
        raise ValueError(f"its outputs are {ends}, not the numbers called scores")


def open_runtime(bundle: Bundle, trusted: Sequence[str]) -> CompiledRuntime:  # noqa: ARG001
    """Return the runtime of a checked bundle; there is nothing in it to trust.

    Raises
    ------
    BundleError
        If the graph cannot be run, refers to data outside itself, or takes
        what the manifest or the schema does not name.
    """
    path = bundle.path / GRAPH
    known = set(bundle.schema.names(known_before=True))
    for columns in bundle.manifest.inputs.values():
        if unknown := sorted(set(columns) - known):
            raise BundleError(f"{path} takes {listed(unknown)}, which its schema does not know.")
    graph = bundle.read(GRAPH)
    if external_data(graph):
        raise BundleError(f"{path} refers to data outside itself, which no bundle of mlkit does.")
    try:
        return CompiledRuntime(graph, bundle.schema, bundle.manifest.inputs)
    except Exception as error:
        # ONNX Runtime's exceptions have no common base but Exception.
        raise BundleError(f"{path} cannot be run by ONNX Runtime: {first_line(error)}") from error
