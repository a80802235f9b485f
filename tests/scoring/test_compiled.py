"""The runtime of a graph: many rows at once, and nothing told to anybody."""

import os
import subprocess
import sys

import numpy as np
import pytest

from mlkit.core.bundle import GRAPH
from mlkit.core.rows import read_table
from mlkit.scoring import compiled
from mlkit.scoring.compiled import CompiledRuntime


@pytest.fixture
def runtime(predictor) -> CompiledRuntime:
    """Return the runtime of the default project's bundle."""
    bundle = predictor.bundle
    return CompiledRuntime(bundle.read(GRAPH), bundle.schema, bundle.manifest.inputs)


@pytest.mark.parametrize(
    ("limit", "value", "largest"), [("CHUNK", 7, 7), ("_MOST_CHARACTERS", 33, 11), ("CHUNK", 1, 1)]
)
def test_chunks_have_the_scores_of_the_whole(
    runtime, predictor, flights, monkeypatch, limit, value, largest
):
    """In their order, whether rows or characters bound a chunk; airports have three."""
    rows = read_table(predictor.schema, flights.head(100))
    whole = runtime.scores(rows)
    sizes = []
    score = runtime._score

    def counted(feed):
        (size,) = {len(block) for block in feed.values()}
        sizes.append(size)
        return score(feed)

    monkeypatch.setattr(runtime, "_score", counted)
    monkeypatch.setattr(compiled, limit, value)
    found = runtime.scores(rows)
    assert max(sizes) == largest
    assert len(sizes) == -(-100 // largest)
    # Trees may be added up in another order for one row than for many.
    np.testing.assert_allclose(found, whole, rtol=0, atol=1e-14)
    assert len(np.unique(whole)) > 50


def test_one_text_longer_than_a_chunk_may_be_is_scored(runtime, predictor, flights, monkeypatch):
    """Row by row then."""
    monkeypatch.setattr(compiled, "_MOST_CHARACTERS", 3)
    rows = read_table(predictor.schema, flights.head(5))
    assert runtime.scores(rows).shape == (5,)


def test_nothing_is_left_behind_or_told(packed, tmp_path):
    """ONNX Runtime would write an id of the machine to the home folder, and send it."""
    code = f"from mlkit import Predictor; Predictor.load({str(packed)!r})"
    environment = {**os.environ, "HOME": str(tmp_path)}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path, check=True)
    assert list(tmp_path.iterdir()) == []
