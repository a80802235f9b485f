"""Train every combination of several values, as Hydra's `--multirun` does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import nan
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from mlkit.core.bundle import Bundle
from mlkit.core.errors import ConfigError, MlkitError, first_line, listed
from mlkit.core.log import get_logger
from mlkit.core.table import Table
from mlkit.training.config import load_config
from mlkit.training.judging.evaluation import Evaluation
from mlkit.training.judging.findings import figure
from mlkit.training.settings import Config
from mlkit.training.workflow import Run, build_evaluator, build_trainer, train

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """One run of a sweep: what it changed, and what came of it.

    Attributes
    ----------
    changed
        The value of each swept key.
    error
        Why there is no bundle, if there is none.
    """

    changed: dict[str, str]
    bundle: Bundle | None = None
    evaluation: Evaluation | None = None
    error: str = ""


def sweep(
    overrides: Sequence[str],
    folder: str | Path = "conf",
    run: Callable[[Config], Run] = train,
) -> list[Swept]:
    """Train once for each combination of the values that `overrides` list.

    Bundles and reports go to folders of their own, numbered on from those that are there:
    `sweep/1`, `sweep/2` … within `bundles`. A run that fails stops no other.

    Parameters
    ----------
    overrides
        As on Hydra's command line: `model=logistic,ridge`, `seed=range(3)`; those
        with one value hold for all runs.
    folder
        Where the configuration lies.
    run
        What trains by some settings; it may record the run as well.

    Raises
    ------
    ConfigError
        If nothing is swept, or the settings of any combination make no sense.
    """
    runs = combinations(overrides)
    configs = [load_config(folder, said) for _, said in runs]
    for config in configs:
        build_trainer(config)
        build_evaluator(config)
    place = Path(configs[0].bundles) / "sweep"
    taken = [int(path.name) for path in place.glob("[0-9]*") if path.name.isdecimal()]
    swept = []
    for number, ((changed, _), config) in enumerate(
        zip(runs, configs, strict=True), start=max(taken, default=0) + 1
    ):
        log.info("sweep_continued", number=number, n_runs=len(runs), **changed)
        try:
            own = str(Path(config.bundles) / "sweep" / str(number))
            done = run(replace(config, bundles=own, reports=own))
        except MlkitError as error:
            swept.append(Swept(changed=changed, error=first_line(error)))
        else:
            swept.append(Swept(changed=changed, bundle=done.bundle, evaluation=done.evaluation))
    return swept


def combinations(overrides: Sequence[str]) -> list[tuple[dict[str, str], list[str]]]:
    """Return for each run the swept keys with their values, and all its overrides.

    Raises
    ------
    ConfigError
        If an override is not of Hydra's grammar, or none has several values.
    """
    swept: dict[str, list[str]] = {}
    fixed: list[str] = []
    try:
        for override in OverridesParser.create().parse_overrides(list(overrides)):
            if not override.is_sweep_override():
                fixed.append(str(override.input_line))
            elif override.is_discrete_sweep():
                swept[override.get_key_element()] = list(override.sweep_string_iterator())
            else:
                raise ConfigError(
                    f"{override.input_line} has no list of values. Write some, such as "
                    f"{override.get_key_element()}=1,2, or range(1,4); bounds are for mlkit tune."
                )
    except HydraException as error:
        raise ConfigError(first_line(error)) from None
    if not swept:
        raise ConfigError(
            f"--multirun has nothing to combine: {listed(overrides)} gives no key several "
            "values. Write some, such as model=logistic,random_forest seed=1,2."
        )
    runs = []
    for values in product(*swept.values()):
        changed = dict(zip(swept, values, strict=True))
        runs.append((changed, [*fixed, *(f"{key}={value}" for key, value in changed.items())]))
    return runs


def table(runs: Sequence[Swept]) -> str:
    """Return the runs as a table: what changed, the metrics, the bundle or the error."""
    keys = list(runs[0].changed)
    judged = next((run.evaluation for run in runs if run.evaluation), None)
    metrics = [score.metric for score in judged.scores] if judged else []
    rows = []
    for run in runs:
        scores = run.evaluation.scores if run.evaluation else ()
        values = {score.metric: score.value for score in scores}
        last = str(run.bundle.path) if run.bundle else f"none: {run.error}"
        figures = [figure(values.get(name, nan)) for name in metrics]
        rows.append((*run.changed.values(), *figures, last))
    head = (*keys, *metrics, "bundle")
    return Table(head=head, rows=tuple(rows), n_texts=len(keys), ends_in_text=True).plain()
