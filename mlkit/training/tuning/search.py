"""Try values until the budget is spent."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from joblib import Parallel
from optuna import Study, Trial
from optuna.trial import FrozenTrial, TrialState
from tqdm import tqdm

from mlkit.core.errors import ConfigError, MlkitError, first_line
from mlkit.core.log import get_logger, stage
from mlkit.core.schema import Schema
from mlkit.training.judging.metrics import METRICS
from mlkit.training.settings import Config, TuningConfig
from mlkit.training.tuning.folded import FoldedRows
from mlkit.training.tuning.space import Dimension, applied
from mlkit.training.tuning.study import (
    AS_IS,
    REASON,
    finished,
    opened_study,
    seconds_spent,
    study_name,
)
from mlkit.training.tuning.tuned import Tuned
from mlkit.training.workflow import build_trainer, schema_of

log = get_logger(__name__)
#: As many failures, and nothing else in the study, end a run.
_MOST_FAILURES = 5


def search(
    config: Config,
    dimensions: Sequence[Dimension],
    rows: FoldedRows,
    comparable: Mapping[str, Any],
) -> Tuned:
    """Go on with the study of what is comparable until its budget is spent.

    Raises
    ------
    ConfigError
        If another process is at it, or every trial fails.
    """
    tuning = config.tuning
    with opened_study(
        Path(tuning.folder) / f"{config.name}.db",
        study_name(config.name, comparable),
        is_maximized=METRICS[config.task][rows.metric].more_is_better,
        seed=config.seed,
        pruning=tuning.pruning,
    ) as study:
        if not study.get_trials(deepcopy=False) and all(d.has_current for d in dimensions):
            study.enqueue_trial({d.key: d.current for d in dimensions}, user_attrs={AS_IS: True})
        n_before = len(finished(study))
        try:
            with (
                stage(log, "tuning", study=study.study_name, n_before=n_before),
                Parallel(n_jobs=tuning.jobs) as parallel,
                _Progress(study, tuning) as progress,
            ):
                while not _is_spent(study, tuning):
                    trial = study.ask()
                    _try(trial, config, dimensions, rows, parallel)
                    progress.tell(trial.number)
                    _check_any_good(study, n_before)
        except KeyboardInterrupt:
            best = _best(study)
            log.warning(
                "tuning_interrupted",
                n_trials=len(finished(study)),
                best=best and best.value,
                parameters=best and best.params,
                advice="the same command goes on from here",
            )
            raise
        return _found(study, dimensions, rows, n_before)


def _is_spent(study: Study, tuning: TuningConfig) -> bool:
    if tuning.trials is not None and len(finished(study)) >= tuning.trials:
        return True
    return tuning.minutes is not None and seconds_spent(study) >= 60 * tuning.minutes


def _try(
    trial: Trial,
    config: Config,
    dimensions: Sequence[Dimension],
    rows: FoldedRows,
    parallel: Parallel,
) -> None:
    """Judge one choice of values, and write down what came of it."""
    study, values = trial.study, []
    try:
        chosen = {dimension.key: dimension.suggest(trial) for dimension in dimensions}
        trainer = build_trainer(applied(config, chosen))
        for value in rows.values(trainer, parallel):
            values.append(value)
            trial.report(float(np.mean(values)), step=len(values))
            if len(values) < len(rows.splits) and trial.should_prune():
                study.tell(trial, state=TrialState.PRUNED)
                return
    except Exception as error:  # noqa: BLE001
        # Estimators raise what they like on values that do not go together.
        trial.set_user_attr(REASON, _said(error, schema_of(config)))
        study.tell(trial, state=TrialState.FAIL)
        return
    study.tell(trial, float(np.mean(values)))


def _said(error: Exception, schema: type[Schema]) -> str:
    if isinstance(error, MlkitError):
        return str(error)
    name = type(error).__name__
    return name if schema.pii() else f"{name}: {first_line(error)}"


def _check_any_good(study: Study, n_before: int) -> None:
    """Raise a ConfigError once this run has only had failures, and no run before it else."""
    new = finished(study)[n_before:]
    if len(new) >= _MOST_FAILURES and _best(study) is None:
        raise _no_good(new)


def _no_good(failed: Sequence[FrozenTrial]) -> ConfigError:
    first = failed[0]
    return ConfigError(
        f"All {len(failed)} trials failed, the first, with {first.params}: "
        f"{first.user_attrs[REASON]} Change tuning.space, or mend what it says."
    )


def _best(study: Study) -> FrozenTrial | None:
    return study.best_trial if finished(study, TrialState.COMPLETE) else None


def _found(study: Study, dimensions: Sequence[Dimension], rows: FoldedRows, n_before: int) -> Tuned:
    trials = finished(study)
    best = _best(study)
    if best is None or best.value is None:
        raise _no_good(trials)
    as_is = [trial.value for trial in trials if AS_IS in trial.user_attrs]
    return Tuned(
        metric=rows.metric,
        value=best.value,
        as_is=as_is[0] if as_is else None,
        parameters={dimension.key: best.params[dimension.key] for dimension in dimensions},
        n_trials=len(trials),
        n_pruned=len(finished(study, TrialState.PRUNED)),
        n_failed=len(finished(study, TrialState.FAIL)),
        n_folds=len(rows.splits),
        n_before=n_before,
    )


class _Progress:
    """A bar in a terminal, else an event for each trial."""

    def __init__(self, study: Study, tuning: TuningConfig) -> None:
        self.study = study
        self.is_shown = sys.stderr.isatty()
        self.bar = tqdm(
            total=tuning.trials,
            initial=len(finished(study)),
            unit="trial",
            disable=not self.is_shown,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.close()

    def tell(self, number: int) -> None:
        """Say what came of a trial."""
        trial, best = self.study.get_trials(deepcopy=False)[number], _best(self.study)
        self.bar.update()
        if best is not None:
            self.bar.set_postfix(best=best.value)
        # Lines would tear the bar.
        write = log.debug if self.is_shown else log.info
        write(
            "trial_finished",
            number=number,
            state=trial.state.name.lower(),
            value=trial.value,
            best=best and best.value,
            **trial.user_attrs,
        )
