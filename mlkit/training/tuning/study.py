"""Keep what was tried in a database, so that a search goes on where it stopped."""

import fcntl
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from mlkit.core.errors import ConfigError, first_line

#: On a trial that failed by itself, not because the process was stopped: why.
REASON = "reason"
#: On the trial that took the settings as they stood.
AS_IS = "as_is"
#: Trials and folds before any is pruned: a median of fewer says little.
_UNPRUNED_TRIALS, _UNPRUNED_FOLDS = 5, 2
#: Seconds to wait for another reader of the database.
_PATIENCE = 60


def study_name(model: str, comparable: Mapping[str, Any]) -> str:
    """Return the model's name with a digest of all that makes trials comparable."""
    text = json.dumps(comparable, sort_keys=True, default=str)
    return f"{model}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


@contextmanager
def opened_study(
    database: Path, name: str, *, is_maximized: bool, seed: int, pruning: bool
) -> Iterator[optuna.Study]:
    """Yield the study of that name: a new one, or as far as it came before.

    Trials that a killed process left behind are marked as failed, and what they
    tried is tried first.

    Raises
    ------
    ConfigError
        If another process tunes in this database, or it is none.
    """
    database.parent.mkdir(parents=True, exist_ok=True)
    with _alone(database):
        optuna.logging.disable_default_handler()
        try:
            storage = optuna.storages.RDBStorage(
                f"sqlite:///{database}", engine_kwargs={"connect_args": {"timeout": _PATIENCE}}
            )
            study = optuna.create_study(
                storage=storage,
                study_name=name,
                direction="maximize" if is_maximized else "minimize",
                load_if_exists=True,
            )
        except (SQLAlchemyError, optuna.exceptions.OptunaError, RuntimeError) as error:
            raise ConfigError(
                f"{database} cannot be read by Optuna {optuna.__version__}: {first_line(error)}. "
                "Move it away, or set another tuning.folder."
            ) from error
        # The same seed again would propose what was tried before.
        study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.trials))
        study.pruner = (
            optuna.pruners.MedianPruner(_UNPRUNED_TRIALS, _UNPRUNED_FOLDS - 1)
            if pruning
            else optuna.pruners.NopPruner()
        )
        _recover(study)
        yield study


def finished(study: optuna.Study, *states: TrialState) -> list[FrozenTrial]:
    """Return the trials that came to an end of their own, of all or some states."""
    return [
        trial
        for trial in study.get_trials(deepcopy=False)
        if trial.state.is_finished()
        and (trial.state != TrialState.FAIL or REASON in trial.user_attrs)
        and (not states or trial.state in states)
    ]


def seconds_spent(study: optuna.Study) -> float:
    """Return how long the finished trials took together."""
    durations = [trial.duration for trial in finished(study)]
    return sum(duration.total_seconds() for duration in durations if duration)


def _recover(study: optuna.Study) -> None:
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        tried = {**trial.system_attrs.get("fixed_params", {}), **trial.params}
        if tried:
            study.enqueue_trial(tried, user_attrs=trial.user_attrs)


@contextmanager
def _alone(database: Path) -> Iterator[None]:
    """Hold a lock that the system gives back however the process ends."""
    path = database.with_suffix(".lock")
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(
                f"Another process tunes in {database}. Wait for it, or set another tuning.folder."
            ) from None
        yield
