"""Measure an evaluation with bootstrap intervals beside a loop over scikit-learn's metrics.

Exits with 1 if a bound is missed or the sides disagree. README.md says what is compared.

    python benchmarks/evaluate.py
"""

import argparse
import json
import resource
import subprocess
import sys
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pandas as pd
import sklearn.metrics as reference
from reporting import ENVIRONMENT, machine, say
from sklearn.linear_model import LogisticRegression

from mlkit import Evaluator, Featurizer, Schema, Splitter, Target, Trainer

N_ROWS, N_RESAMPLES = 300_000, 1_000
#: The loop takes seconds for each resample; its time is scaled to N_RESAMPLES.
N_LOOP = 4
#: Resamples of the run that shows that memory does not grow with them.
N_FEW = 50
SLICES = {"region": 6, "channel": 4}
MOST_SECONDS = 10.0
MOST_MIB = 64


class Numbers(Featurizer):
    """The numbers alone."""

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features of `frame`, with its index."""
        return frame[["a", "b", "c"]]


def rows(n_rows: int, seed: int) -> pd.DataFrame:
    """Return rows of a binary target, a quarter of them positive, and of two columns to cut by."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(n_rows, 3))
    chance = 1 / (1 + np.exp(1.5 - numbers @ [1.0, 0.5, -0.5]))
    parts = {name: rng.integers(0, n, n_rows).astype(str) for name, n in SLICES.items()}
    return pd.DataFrame(numbers, columns=["a", "b", "c"]).assign(
        **parts, answer=rng.random(n_rows) < chance
    )


def own(n_resamples: int) -> dict[str, Any]:
    """Evaluate with mlkit; validation, scores and both baselines are part of it."""
    evaluator = Evaluator(n_resamples=n_resamples, slices=list(SLICES))
    model, frame = prepared()
    start, cpu = perf_counter(), process_time()
    evaluation = evaluator.evaluate(model, frame, held_out=True)
    wall, cpu = perf_counter() - start, process_time() - cpu
    found = [score.value for part in (evaluation, *evaluation.slices) for score in part.scores]
    return {"wall": wall, "cpu": cpu, "figures": found}


def loop() -> dict[str, Any]:
    """Do what most do: draw rows, and ask scikit-learn for each metric of each part."""
    model, frame = prepared()
    codes, scores = frame["answer"].to_numpy("int64"), model.scores(model.schema.validate(frame))
    labels = {name: frame[name].to_numpy() for name in SLICES}
    parts = [(name, value) for name in SLICES for value in np.unique(labels[name])]

    def figures(drawn: np.ndarray) -> list[float]:
        groups = [drawn, *(drawn[labels[name][drawn] == value] for name, value in parts)]
        return [figure for group in groups for figure in metrics(codes[group], scores[group])]

    found = figures(np.arange(N_ROWS))
    rng = np.random.default_rng(0)
    start, cpu = perf_counter(), process_time()
    for _ in range(N_LOOP):
        figures(rng.integers(0, N_ROWS, N_ROWS))
    wall, cpu = perf_counter() - start, process_time() - cpu
    scale = N_RESAMPLES / N_LOOP
    return {"wall": wall * scale, "cpu": cpu * scale, "figures": found}


def metrics(codes: np.ndarray, scores: np.ndarray) -> list[float]:
    """Return what mlkit computes by default, from scikit-learn; it has no calibration error."""
    decided = scores >= 0.5
    places = np.minimum((scores * 10).astype(int), 9)
    gaps = pd.Series(scores - codes).groupby(places).sum()
    return [
        reference.roc_auc_score(codes, scores),
        reference.average_precision_score(codes, scores),
        reference.log_loss(codes, scores),
        reference.brier_score_loss(codes, scores),
        float(gaps.abs().sum() / len(codes)),
        reference.accuracy_score(codes, decided),
        reference.f1_score(codes, decided),
    ]


def prepared() -> tuple[Any, pd.DataFrame]:
    """Return a model, and the rows that it is judged on."""
    seen, frame = rows(20_000, 0), rows(N_ROWS, 1)
    trainer = Trainer(
        schema=Schema.infer(seen, target="answer"),
        target=Target(task="binary", column="answer"),
        featurizer=Numbers(),
        estimator=LogisticRegression(),
        splitter=Splitter(kind="stratified"),
    )
    return trainer.fit(seen), frame


def side(name: str) -> dict[str, Any]:
    """Run one side in a process of its own."""
    say(f"Running: {name}")
    command = [sys.executable, __file__, "--side", name]
    ran = subprocess.run(command, check=True, capture_output=True, text=True, env=ENVIRONMENT)
    return json.loads(ran.stdout.splitlines()[-1])


def main() -> int:
    """Measure, print the table, and return 1 if a bound is missed or the sides disagree."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", help="run one side alone: loop, or a number of resamples")
    if name := parser.parse_args().side:
        found = loop() if name == "loop" else own(int(name))
        mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({**found, "mib": mib}))
        return 0
    few, many, peer = side(str(N_FEW)), side(str(N_RESAMPLES)), side("loop")
    labels = {f"mlkit, {N_RESAMPLES:,}": many, f"mlkit, {N_FEW}": few, "loop, scaled": peer}
    print("| resamples | wall | CPU | peak memory | wall, times mlkit's |")
    print("|---|--:|--:|--:|--:|")
    for label, found in labels.items():
        print(
            f"| {label} | {found['wall']:,.1f} s | {found['cpu']:,.1f} s | {found['mib']:,.0f} MiB "
            f"| {found['wall'] / many['wall']:,.1f} |"
        )
    apart = float(np.abs(np.subtract(many["figures"], peer["figures"])).max())
    faults = {
        f"{many['wall']:.1f} s, at most {MOST_SECONDS:g}": many["wall"] > MOST_SECONDS,
        f"{many['mib'] - few['mib']:.0f} MiB more for more resamples, at most {MOST_MIB}": (
            many["mib"] - few["mib"] > MOST_MIB
        ),
        f"figures differ by {apart:.2g}, at most 1e-12": apart > 1e-12,
    }
    print(f"\nFigures differ by {apart:.2g}. The loop ran {N_LOOP} resamples.")
    print(machine(["mlkit-ship", "scikit-learn", "numpy"]))
    for fault, is_missed in faults.items():
        if is_missed:
            print(f"Missed: {fault}")
    return int(any(faults.values()))


if __name__ == "__main__":
    sys.exit(main())
