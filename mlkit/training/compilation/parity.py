"""Prove a graph equal to the pipeline that it was made from, or say how it is not."""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import onnx

from mlkit.core.bundle import Parity
from mlkit.core.decision import decide
from mlkit.core.log import get_logger
from mlkit.core.rows import ColumnRows
from mlkit.scoring.compiled import CompiledRuntime
from mlkit.training.compilation.compiler import Compiled, compile_model
from mlkit.training.compilation.errors import Untraceable
from mlkit.training.compilation.fuzzing import fuzzed
from mlkit.training.runtime import PythonRuntime
from mlkit.training.trainer import TrainedModel

log = get_logger(__name__)

#: Largest difference between two scores, of numbers above 1 as their share. Libraries
#: that add up trees in float32 differ from a sum in float64 by about a tenth of it.
TOLERANCE = 1e-5
N_FUZZED = 10_000
N_HUGE = 100
#: Rows that are scored at once; the last stands for all of them.
BATCHES = (1, 7, 1000, N_FUZZED)
_N_ALONE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of compiling a model: a graph with its certificate, or the reason for none."""

    graph: bytes | None = None
    inputs: dict[str, list[str]] = field(default_factory=dict)
    parity: Parity | None = None
    reason: str = ""


def compiled(model: TrainedModel, rows: ColumnRows, *, threshold: float) -> Outcome:
    """Compile a model, and certify the graph; whatever stops it becomes the reason.

    Parameters
    ----------
    model
        What to compile.
    rows
        Real rows that it is certified on, beside fuzzed ones.
    threshold
        From this probability on the positive class is chosen.
    """
    try:
        graph = compile_model(model)
        parity = certify(model, graph, rows, threshold=threshold)
    except (Untraceable, UnequalError) as error:
        reason = str(error)
    except Exception as error:  # noqa: BLE001
        # skl2onnx and ONNX Runtime raise what they like; a model ships all the same.
        first = (str(error).strip().splitlines() or [""])[0][:300]
        reason = f"{type(error).__name__}: {first}"
    else:
        reason = ""
    if reason:
        log.warning("model_not_compiled", reason=reason)
        return Outcome(reason=reason)
    log.info(
        "model_compiled",
        n_rows=sum(parity.n_rows.values()),
        largest_difference=parity.largest_difference,
    )
    return Outcome(graph=graph.graph, inputs=graph.inputs, parity=parity)


class UnequalError(Exception):
    """A graph that does not score as its pipeline does, and where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    """What two ways of scoring say of the same rows; rows that the pipeline refuses left out."""

    rows: ColumnRows
    expected: np.ndarray
    found: np.ndarray
    n_refused: int


def certify(
    model: TrainedModel,
    compiled: Compiled,
    rows: ColumnRows,
    *,
    threshold: float,
    n_real: int | None = N_FUZZED,
    n_fuzzed: int = N_FUZZED,
    seed: int = 0,
) -> Parity:
    """Compare graph and pipeline on real and fuzzed rows, in several batches and orders.

    Parameters
    ----------
    model, compiled
        What is compared.
    rows
        Real rows, which fuzzed ones are made from too.
    threshold
        From this probability on the positive class is chosen.
    n_real
        Most real rows that are compared; None for all of them.
    n_fuzzed
        Number of fuzzed rows.
    seed
        Of the fuzzed rows.

    Raises
    ------
    UnequalError
        If a score differs by more than `TOLERANCE`, a decision flips away from
        a tie, or a row's score depends on those beside it.
    """
    rng = np.random.default_rng(seed)
    near = _boundaries(compiled)
    groups = {
        "real": rows[:n_real],
        "fuzzed": fuzzed(model.schema, rows, n_fuzzed, boundaries=near, rng=rng),
        "huge": fuzzed(model.schema, rows, N_HUGE, boundaries=near, huge=True, rng=rng),
    }
    python, graph = (
        PythonRuntime(model),
        CompiledRuntime(compiled.graph, model.schema, compiled.inputs),
    )
    largest, n_flipped, n_refused = 0.0, 0, 0
    accepted = {}
    for origin, group in groups.items():
        compared = _compare(python, graph, group, origin)
        accepted[origin] = compared.rows
        apart = differences(compared.expected, compared.found)
        worst = float(apart.max(initial=0))
        flipped = flips(compared.expected, compared.found, threshold if model.classes else None)
        if worst > TOLERANCE or flipped:
            raise UnequalError(
                f"The graph differs from the pipeline by {worst:.3g} on {origin} rows: "
                f"{int((apart > TOLERANCE).sum())} of {len(apart):,} differ by more than "
                f"{TOLERANCE:g}, {flipped} are decided otherwise."
            )
        largest, n_flipped = max(largest, worst), n_flipped + flipped
        n_refused += compared.n_refused
    _check_batches(graph, accepted["fuzzed"], rng)
    return Parity(
        n_rows={origin: len(group) for origin, group in groups.items()},
        n_refused=n_refused,
        n_flipped=n_flipped,
        largest_difference=largest,
        tolerance=TOLERANCE,
        batches=[min(size, n_fuzzed) for size in BATCHES],
    )


def differences(expected: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Return how far each row's scores are apart; of numbers above 1, as their share."""
    apart: np.ndarray = np.abs(found - expected) / np.maximum(1, np.abs(expected))
    by_row: np.ndarray = apart.reshape(len(apart), -1).max(axis=1, initial=0)
    return by_row


def flips(expected: np.ndarray, found: np.ndarray, threshold: float | None) -> int:
    """Return how many decisions differ although they were no ties within the tolerance."""
    if threshold is None:
        return 0
    differs = decide(expected, threshold) != decide(found, threshold)
    if expected.ndim == 1:
        margin = np.abs(expected - threshold)
    else:
        best = np.sort(expected, axis=1)
        margin = best[:, -1] - best[:, -2]
    return int((differs & (margin > 2 * TOLERANCE)).sum())


def _compare(
    python: PythonRuntime, graph: CompiledRuntime, rows: ColumnRows, origin: str
) -> _Compared:
    with warnings.catch_warnings():
        # Of overflows, which huge numbers are there to cause.
        warnings.simplefilter("ignore")
        scored = list(_scored(python, rows))
    if not scored:
        raise UnequalError(f"The pipeline refuses all {origin} rows, so nothing can be compared.")
    accepted = ColumnRows(
        {name: np.concatenate([part.columns[name] for part, _ in scored]) for name in rows.columns}
    )
    try:
        found = graph.scores(accepted)
    except Exception as error:
        # ONNX Runtime's exceptions have no common base but Exception.
        first = str(error).strip().splitlines()[0][:200]
        raise UnequalError(
            f"The graph refuses {origin} rows that the pipeline scores: {first}"
        ) from error
    return _Compared(
        rows=accepted,
        expected=np.concatenate([scores for _, scores in scored]),
        found=found,
        n_refused=len(rows) - len(accepted),
    )


def _scored(python: PythonRuntime, rows: ColumnRows) -> Iterator[tuple[ColumnRows, np.ndarray]]:
    """Yield parts of the rows with their scores, without the rows that the pipeline refuses."""
    try:
        scores = python.scores(rows)
    except Exception:  # noqa: BLE001
        # A row that it cannot take fails all those beside it: look for it by halves.
        if len(rows) > 1:
            middle = len(rows) // 2
            yield from _scored(python, rows[:middle])
            yield from _scored(python, rows[middle:])
    else:
        yield rows, scores


def _check_batches(graph: CompiledRuntime, rows: ColumnRows, rng: np.random.Generator) -> None:
    """See that a row's score is the same alone, in any batch and in any order."""
    order = rng.permutation(len(rows))
    whole = graph.scores(rows)
    again = {f"batches of {size}": _joined(graph, rows, size) for size in BATCHES[:-1]}
    again["another order"] = graph.scores(rows[order])[np.argsort(order)]
    for how, scores in again.items():
        apart = differences(whole[: len(scores)], scores).max(initial=0)
        if apart > TOLERANCE:
            raise UnequalError(f"The graph scores rows otherwise in {how}: by up to {apart:.3g}.")


def _joined(graph: CompiledRuntime, rows: ColumnRows, size: int) -> np.ndarray:
    some = rows[: _N_ALONE * size]
    return np.concatenate([graph.scores(part) for part in _parts(some, size)])


def _parts(rows: ColumnRows, size: int) -> Iterator[ColumnRows]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _boundaries(compiled: Compiled) -> Mapping[str, set[float]]:
    """Return the thresholds of trees on features that are columns as they are."""
    found: dict[str, set[float]] = {}
    for node in onnx.load_model_from_string(compiled.graph).graph.node:
        if node.op_type != "TreeEnsemble":
            continue
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        splits = onnx.numpy_helper.to_array(attributes["nodes_splits"])
        for feature, split in zip(attributes["nodes_featureids"], splits, strict=True):
            source = compiled.sources[feature] if feature < len(compiled.sources) else None
            if source is not None:
                found.setdefault(source, set()).add(float(split))
    return found
