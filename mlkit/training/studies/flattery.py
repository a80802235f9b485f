"""Say what a random split would have promised, where rows are not independent."""

import numpy as np
import pandas as pd
from scipy.stats import t as student
from sklearn.model_selection import train_test_split

from mlkit.core.errors import MlkitError
from mlkit.core.log import get_logger, stage
from mlkit.training.frames import spread_evenly
from mlkit.training.judging.findings import Flattery
from mlkit.training.model import TrainedModel
from mlkit.training.splitting import Split, Splitter, grouped, shared_key
from mlkit.training.studies.refitting import clusters_of, holds_all, measure_of, refit
from mlkit.training.trainer import Trainer

log = get_logger(__name__)

#: Rows that are fitted on at most, and judged on, by each of the two splits.
MOST_TRAIN = 20_000
MOST_HOLDOUT = 10_000
#: What is held together, where it is not the task's first metric. An absolute error is smaller
#: where the answers vary less: of the flights, one in a calm autumn, whatever the split.
METRIC = {"regression": "r2"}
#: Level of the one-sided test that tells a difference from noise.
CLEAR = 0.95


def compare_splits(trainer: Trainer, model: TrainedModel, frame: pd.DataFrame) -> Flattery | None:
    """Fit the same pipeline by the sound split and at random, and hold the metrics together.

    Both train on as many rows, and are judged on as many, out of the same rows: those
    that the sound split uses, evenly drawn where they are many (by group, whole
    groups are drawn, so that a row keeps its neighbours). The fewer rows are drawn,
    the less a random split flatters, so that the difference is rather too small.
    A warning is logged where the difference is no noise by a one-sided t-test at 95 %:
    the two holdouts differ, so that their errors add up, and the fewer days or groups
    they have, the wider is Student's t. Of the rows' errors, only the luck of the
    holdouts is in it, not that of the fits.

    Parameters
    ----------
    trainer
        Its parts are fitted again.
    model
        What it made of `frame`.
    frame
        The validated rows that it was given.

    Returns
    -------
    Flattery or None
        None where the schema knows no sounder split than at random, or where the
        rows are too few to compare.
    """
    answers = trainer.target.values(frame)
    labelled = answers.notna().to_numpy()
    frame = frame[labelled]
    codes = trainer.target.codes(answers[labelled], model.classes)
    split = _sound(trainer.splitter, model, frame, codes, labelled)
    if split is None:
        return None
    train, holdout = _drawn(split, frame, trainer)
    both = np.sort(np.concatenate([train, holdout]))
    is_class = codes.dtype.kind == "i"
    try:
        at_random = train_test_split(
            both,
            train_size=len(train),
            test_size=len(holdout),
            stratify=codes[both] if is_class else None,
            random_state=trainer.seed,
        )
    except ValueError:
        return None
    if not (holds_all(codes, train) and holds_all(codes, at_random[0])):
        return None
    name, measure = measure_of(trainer.target.task, METRIC.get(trainer.target.task))
    clusters = clusters_of(trainer, frame, split.kind)
    with stage(log, "split_comparison", n_rows=len(both)):
        (sound,), (random,) = (
            refit(trainer, frame, codes, np.sort(rows), [np.sort(judged)], measure, clusters)
            for rows, judged in ((train, holdout), at_random)
        )
        freedom = min(sound.resampler.n_units, random.resampler.n_units) - 1
        noise = student.ppf(CLEAR, freedom) * np.hypot(sound.error(), random.error())
    gain = measure.gain(random.value, sound.value)
    found = Flattery(metric=name, at_random=random.value, as_split=sound.value, n_rows=len(train))
    if gain > noise:
        is_sound = model.split is not None and model.split.kind == split.kind
        log.warning(
            "split_flatters" if not is_sound else "random_split_would_flatter",
            metric=name,
            at_random=round(random.value, 4),
            as_split=round(sound.value, 4),
            reason=f"{'a random split would have promised' if is_sound else 'this split promises'}"
            f" {name} {random.value:.3f}; "
            f"{'this split' if is_sound else f'one by {split.kind}'} says {sound.value:.3f}",
        )
    return found


def _sound(
    splitter: Splitter,
    model: TrainedModel,
    frame: pd.DataFrame,
    codes: np.ndarray,
    labelled: np.ndarray,
) -> Split | None:
    """Return the split by time or group, in positions among the labelled rows."""
    split = model.split
    if split is not None and split.kind != "stratified":
        place = np.cumsum(labelled) - 1
        return Split(
            kind=split.kind,
            description=split.description,
            train=place[split.train],
            holdout=place[split.holdout],
        )
    auto = Splitter(test_fraction=splitter.test_fraction, gap=splitter.gap, seed=splitter.seed)
    if auto.kind_for(frame, model.schema) == "stratified":
        return None
    try:
        return auto.split(frame, model.schema, codes)
    except MlkitError:
        # Asked for at random, the rows need not allow for a split in time or by group.
        return None


def _drawn(split: Split, frame: pd.DataFrame, trainer: Trainer) -> tuple[np.ndarray, np.ndarray]:
    key = shared_key(frame, trainer.schema) if split.kind == "group" else None
    if key is None:
        train, holdout = split.train, split.holdout
        return (
            train[spread_evenly(len(train), MOST_TRAIN)],
            holdout[spread_evenly(len(holdout), MOST_HOLDOUT)],
        )
    groups = grouped(frame[key])
    rng = np.random.default_rng(trainer.seed)
    return tuple(  # type: ignore[return-value]
        _whole(rows, groups[rows], most, rng)
        for rows, most in ((split.train, MOST_TRAIN), (split.holdout, MOST_HOLDOUT))
    )


def _whole(rows: np.ndarray, groups: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Return the rows of as many random groups as fit into `most`, at least of one."""
    order = rng.permutation(int(groups.max()) + 1)
    counts = np.bincount(groups, minlength=len(order))[order]
    n_fit = max(int(np.searchsorted(np.cumsum(counts), most, side="right")), 1)
    chosen: np.ndarray = rows[np.isin(groups, order[:n_fit])]
    return chosen
