"""Prove a graph equal to the pipeline that it was made from, or say how it is not."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import spox
from spox import Tensor, argument

from mlkit.core.agreement import TOLERANCE, differences, scale_of
from mlkit.core.bundle import Parity
from mlkit.core.decision import THRESHOLD, decide
from mlkit.core.errors import FeaturizerError, first_line
from mlkit.core.log import get_logger
from mlkit.core.rows import ColumnRows
from mlkit.scoring.compiled import CompiledRuntime
from mlkit.training.compilation.compiler import Compiled, compile_model
from mlkit.training.compilation.errors import Inconstant, Untraceable
from mlkit.training.compilation.estimators import scores
from mlkit.training.compilation.fuzzing import fuzzed
from mlkit.training.model import TrainedModel
from mlkit.training.runtime import PythonRuntime

log = get_logger(__name__)

N_FUZZED = 10_000
N_HUGE = 100
#: Share of the rows that the pipeline must score, for the others tell nothing of
#: the graph; of huge numbers it may refuse all, as scikit-learn's trees do.
LEAST_SCORED = {"real": 0.9, "fuzzed": 0.5, "huge": 0.0}
#: Rows that are scored at once, where there are more; all of them are as well.
BATCHES = (1, 7, 1000)
_N_ALONE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of compiling a model: a graph with its certificate, or the reason for none."""

    graph: bytes | None = None
    inputs: dict[str, list[str]] = field(default_factory=dict)
    parity: Parity | None = None
    reason: str = ""


def try_compile(model: TrainedModel, rows: ColumnRows) -> Outcome:
    """Compile a model, and certify the graph; whatever stops it becomes the reason.

    Parameters
    ----------
    model
        What to compile.
    rows
        Real rows that it is certified on, beside fuzzed ones.

    Raises
    ------
    FeaturizerError
        If the features depend on the clock or on chance, so that neither a
        graph nor the pipeline would give them again.
    """
    try:
        graph = compile_model(model)
        parity = certify(model, graph, rows)
    except Inconstant as error:
        raise FeaturizerError(str(error)) from error
    except (Untraceable, UnequalError) as error:
        reason = str(error)
    except Exception as error:  # noqa: BLE001
        # skl2onnx and ONNX Runtime raise what they like; a model ships all the same.
        reason = _said(error, model)
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
    n_real
        Most real rows that are compared, drawn at random; None for all of them.
    n_fuzzed
        Number of fuzzed rows.
    seed
        Of the real rows that are drawn, and of the fuzzed ones.

    Raises
    ------
    UnequalError
        If a score differs by more than `TOLERANCE`, a decision flips away from
        a tie, a row's score depends on those beside it, or the pipeline refuses
        so many rows that too few are left; see `LEAST_SCORED`.
    """
    rng = np.random.default_rng(seed)
    near = _boundaries(model.pipeline[-1], compiled.sources)
    groups = {
        "real": _some(rows, n_real, rng),
        "fuzzed": fuzzed(model.schema, rows, n_fuzzed, boundaries=near, rng=rng),
        "huge": fuzzed(model.schema, rows, N_HUGE, boundaries=near, huge=True, rng=rng),
    }
    python = PythonRuntime(model)
    graph = CompiledRuntime(compiled.graph, model.schema, compiled.inputs)
    found = {origin: _compare(python, graph, group, origin) for origin, group in groups.items()}
    scale = scale_of(found["real"].expected, is_regression=not model.classes)
    largest = 0.0
    for origin, compared in found.items():
        apart = differences(compared.expected, compared.found, scale)
        worst = float(apart.max(initial=0))
        flipped = flips(compared.expected, compared.found, model.threshold) if model.classes else 0
        if worst > TOLERANCE or flipped:
            raise UnequalError(
                f"The graph differs from the pipeline by {worst:.3g} on {origin} rows: "
                f"{int((apart > TOLERANCE).sum())} of {len(apart):,} differ by more than "
                f"{TOLERANCE:g}, {flipped} are decided otherwise. Try another estimator, or bound "
                "the columns in the schema."
            )
        largest = max(largest, worst)
    return Parity(
        n_rows={origin: len(compared.rows) for origin, compared in found.items()},
        n_refused=sum(compared.n_refused for compared in found.values()),
        n_flipped=0,
        largest_difference=largest,
        tolerance=TOLERANCE,
        scale=scale,
        batches=_check_batches(graph, found["fuzzed"], scale, rng),
    )


def flips(expected: np.ndarray, found: np.ndarray, threshold: float = THRESHOLD) -> int:
    """Return how many decisions differ although they were no ties within the tolerance."""
    differs = decide(expected, threshold) != decide(found, threshold)
    if expected.ndim == 1:
        margin = np.abs(expected - threshold)
    else:
        best = np.sort(expected, axis=1)
        margin = best[:, -1] - best[:, -2]
    return int((differs & (margin > 2 * TOLERANCE)).sum())


def _some(rows: ColumnRows, most: int | None, rng: np.random.Generator) -> ColumnRows:
    if most is None or len(rows) <= most:
        return rows
    return rows[np.sort(rng.choice(len(rows), most, replace=False))]


def _compare(
    python: PythonRuntime, graph: CompiledRuntime, rows: ColumnRows, origin: str
) -> _Compared:
    scored, n_refused = [(rows[:0], python.scores(rows[:0]))], 0
    with warnings.catch_warnings():
        # Of overflows, which huge numbers are there to cause.
        warnings.simplefilter("ignore")
        for part, found in _scored(python, rows):
            if isinstance(found, np.ndarray):
                scored.append((part, found))
                continue
            said = _said(found, python.model)
            n_refused += 1
            most = 1 - LEAST_SCORED[origin]
            if n_refused > most * len(rows):
                raise UnequalError(
                    f"The pipeline refuses more than {most:.0%} of the {origin} rows, which leaves "
                    f"too few to compare ({said}). Bound the columns in the schema, or let the "
                    "features take all that it allows."
                )
    accepted = ColumnRows(
        {name: np.concatenate([part.columns[name] for part, _ in scored]) for name in rows.columns}
    )
    try:
        by_graph = graph.scores(accepted)
    except Exception as error:
        # ONNX Runtime's exceptions have no common base but Exception.
        raise UnequalError(
            f"The graph refuses {origin} rows that the pipeline scores "
            f"({_said(error, python.model)}). Bound the columns in the schema."
        ) from error
    return _Compared(
        rows=accepted,
        expected=np.concatenate([scores for _, scores in scored]),
        found=by_graph,
        n_refused=n_refused,
    )


def _scored(
    python: PythonRuntime, rows: ColumnRows
) -> Iterator[tuple[ColumnRows, np.ndarray | Exception]]:
    """Yield parts of the rows with their scores, or one row and why the pipeline refuses it."""
    try:
        scores = python.scores(rows)
    except Exception as error:  # noqa: BLE001
        # A row that it cannot take fails all those beside it: look for it by halves.
        if len(rows) == 1:
            yield rows, error
            return
        middle = len(rows) // 2
        yield from _scored(python, rows[:middle])
        yield from _scored(python, rows[middle:])
    else:
        yield rows, scores


def _said(error: Exception, model: TrainedModel) -> str:
    """Return what an error says, or its type alone, for it may quote what is personal."""
    kind = type(error).__name__
    return kind if model.schema.pii() else f"{kind}: {first_line(error)}"


def _check_batches(
    graph: CompiledRuntime, compared: _Compared, scale: float, rng: np.random.Generator
) -> list[int]:
    """See that a row's score is the same in any batch and order; return the batches' sizes."""
    rows, whole = compared.rows, compared.found
    sizes = [size for size in BATCHES if size < len(rows)]
    order = rng.permutation(len(rows))
    again = {f"batches of {size}": _joined(graph, rows, size) for size in sizes}
    again["another order"] = graph.scores(rows[order])[np.argsort(order)]
    for how, found in again.items():
        apart = differences(whole[: len(found)], found, scale).max(initial=0)
        if apart > TOLERANCE:
            raise UnequalError(f"The graph scores rows otherwise in {how}: by up to {apart:.3g}.")
    return [*sizes, len(rows)]


def _joined(graph: CompiledRuntime, rows: ColumnRows, size: int) -> np.ndarray:
    some = rows[: _N_ALONE * size]
    starts = range(0, len(some), size)
    return np.concatenate([graph.scores(some[start : start + size]) for start in starts])


def _boundaries(estimator: Any, sources: Sequence[str | None]) -> Mapping[str, set[float]]:
    """Return the thresholds of an estimator's trees on features that are columns as they are."""
    found: dict[str, set[float]] = {source: set() for source in sources if source is not None}
    if not found:
        return {}
    # Alone, for the graph of the whole model has trees of other kinds too: clocks of time zones.
    features = argument(Tensor(np.float64, ("n_rows", estimator.n_features_in_)))
    graph = spox.build({"features": features}, {"scores": scores(estimator, features)}).graph
    for node in graph.node:
        if node.op_type != "TreeEnsemble":
            continue
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        splits = onnx.numpy_helper.to_array(attributes["nodes_splits"])
        places = np.array(attributes["nodes_featureids"])
        for place, source in enumerate(sources):
            if source is not None:
                found[source] |= set(splits[places == place].tolist())
    return found
