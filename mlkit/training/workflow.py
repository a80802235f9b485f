"""Run a project's settings: from its file to a packed and judged bundle."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from logging import DEBUG
from pathlib import Path

import numpy as np
import pandas as pd
import structlog

from mlkit.core.bundle import EVALUATION, Bundle
from mlkit.core.errors import BundleError, ConfigError
from mlkit.core.log import get_logger, stage
from mlkit.core.schema import Schema
from mlkit.core.trust import required_signers, trusted_packages
from mlkit.training import freezing, lineage
from mlkit.training.archive import load_prints
from mlkit.training.costs import Costs
from mlkit.training.data import read_frame
from mlkit.training.frames import no_rows
from mlkit.training.judging.evaluation import Evaluation
from mlkit.training.judging.evaluator import Evaluator
from mlkit.training.judging.findings import Leak
from mlkit.training.judging.gates import LEAKS, Gate
from mlkit.training.judging.verdicts import bundle_verdicts
from mlkit.training.leaks.hunt import hunt_leaks
from mlkit.training.model import TrainedModel
from mlkit.training.packing import pack
from mlkit.training.project import build, find_schema
from mlkit.training.report.page import read_evaluation, write_report
from mlkit.training.runtime import open_judged
from mlkit.training.settings import Config
from mlkit.training.splitting import Split, Splitter
from mlkit.training.studies.flattery import compare_splits
from mlkit.training.target import Target
from mlkit.training.trainer import Trainer

log = get_logger(__name__)

#: Draws without which there is no spread.
_LEAST_DRAWS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a training run left behind.

    Attributes
    ----------
    bundle
        What was packed.
    evaluation
        What the bundle holds, and the gates on the bundle itself.
    report
        The page that shows it.
    """

    bundle: Bundle
    evaluation: Evaluation
    report: Path


def train(config: Config) -> Run:
    """Read, validate, split, fit, judge, pack and report, as `config` says.

    Raises
    ------
    MlkitError
        Whatever is wrong with the settings or the data; no bundle is written then.
    """
    # What is edited, or committed, during a long run made no part of it.
    sources = lineage.sources(Path.cwd())
    trainer = build_trainer(config)
    evaluator = build_evaluator(config)
    champion = find_champion(config.evaluation.champion)
    with structlog.contextvars.bound_contextvars(model=config.name):
        with stage(log, "reading", path=config.data.path):
            frame = trainer.schema.validate(read_frame(config.data.path, trainer.schema))
        model = trainer.fit(frame)
        holdout = model.holdout(frame)
        leaks = hunt_leaks(model, frame, honest=config.evaluation.honest)
        compares = config.evaluation.compare_splits
        flattery = compare_splits(trainer, model, frame) if compares else None
        n_unlabelled = int(trainer.target.values(frame).isna().sum())
        judged = _with_columns_of(champion, holdout, config.data.path)
        evaluation = replace(
            evaluator.evaluate(model, judged, held_out=True, champion=champion, leaks=leaks),
            n_unlabelled=n_unlabelled,
            flattery=flattery,
        )
        bundle = pack(
            model,
            evaluation,
            holdout,
            Path(config.bundles) / config.name,
            name=config.name,
            lineage=lineage.describe(config, trainer.schema, frame, sources),
            description=config.description,
            trusted=trusted_packages(),
            reference=model.training(frame),
        )
        evaluation = _with_bundle(evaluation, evaluator, bundle)
        page = Path(config.reports) / f"{config.name}.html"
        with stage(log, "reporting", level=DEBUG, path=str(page)):
            write_report(evaluation, page, bundle=bundle)
    return Run(bundle=bundle, evaluation=evaluation, report=page)


def evaluate(
    config: Config, bundle: Bundle, path: str | Path, champion: str | Path | None = None
) -> Evaluation:
    """Judge a bundle on the rows of a file that neither its model nor the champion has seen.

    What may leak was found on the rows that it was trained on, and is taken from the bundle.

    Parameters
    ----------
    config
        How it is judged; the task is the bundle's.
    bundle
        What is judged.
    path
        A table of labelled rows.
    champion
        The folder of the bundle to compare with; None: the one that the settings name, if any.

    Raises
    ------
    ConfigError
        If the settings do not fit the bundle's task, or the schema.
    BundleError
        If a gate counts the leaks, and the bundle's evaluation cannot be read; and as
        `open_judged` does.
    """
    judging = config.evaluation
    if champion is not None:
        judging = replace(judging, champion=str(champion))
    evaluator = build_evaluator(replace(config, task=bundle.manifest.task, evaluation=judging))
    other = find_champion(judging.champion)
    leaks = _leaks_of(bundle, evaluator.gates)
    model = open_judged(bundle, trusted_packages())
    frame = read_frame(path, bundle.schema)
    found = evaluator.evaluate(model, frame, champion=other, leaks=leaks)
    return _with_bundle(found, evaluator, bundle)


def _with_columns_of(
    champion: TrainedModel | None, holdout: pd.DataFrame, path: str | Path
) -> pd.DataFrame:
    """Return the rows with what the champion takes, and the model's schema no longer has."""
    if champion is None or champion.schema.columns.keys() <= {*holdout}:
        return holdout
    rows = read_frame(path, champion.schema).loc[holdout.index]
    gone = [name for name in champion.schema.columns if name in rows and name not in holdout]
    return holdout.assign(**{name: rows[name] for name in gone})


def find_champion(folder: str | Path | None) -> TrainedModel | None:
    """Return the model of the champion's bundle, if one is named."""
    if folder is None:
        return None
    return open_judged(Bundle.open(folder, signers=required_signers()), trusted_packages())


def freeze(config: Config, path: str | Path) -> Split:
    """Hold rows out as the settings say, and keep their fingerprints for good.

    Returns
    -------
    Split
        Which of the labelled rows were held out.
    """
    trainer = build_trainer(replace(config, split=replace(config.split, holdout=None)))
    prepared = trainer.prepare(read_frame(config.data.path, trainer.schema))
    holdout = prepared.frame.iloc[prepared.split.holdout]
    freezing.freeze(path, holdout, trainer.schema)
    return prepared.split


def _leaks_of(bundle: Bundle, gates: Sequence[Gate]) -> tuple[Leak, ...]:
    try:
        return read_evaluation(bundle).leaks
    except BundleError as error:
        if any(gate.metric == LEAKS for gate in gates):
            raise BundleError(
                f"{bundle.path / EVALUATION} cannot be read, which has the leaks that training "
                f"found: the gate on {LEAKS} cannot be judged. Train again, or take that gate out "
                "of evaluation.gates."
            ) from error
        # Another mlkit wrote it: the model can be judged for all that.
        log.warning("leaks_unknown", reason=str(error))
        return ()


def _with_bundle(evaluation: Evaluation, evaluator: Evaluator, bundle: Bundle) -> Evaluation:
    """Add what became of the gates on the bundle; timed, so that none of it goes into one."""
    found = bundle_verdicts(evaluator.gates, bundle, trusted_packages())
    return replace(evaluation, gates=(*evaluation.gates, *found))


def schema_of(config: Config) -> type[Schema]:
    """Return the schema class that a project's data follow."""
    return find_schema(config.data.schema, trusted_packages())


def build_trainer(config: Config) -> Trainer:
    """Return the Trainer that the settings describe; raise a ConfigError if they cannot."""
    trusted = trusted_packages()
    schema = find_schema(config.data.schema, trusted)
    encoder, selector = config.model.encoder, config.model.selector
    return Trainer(
        schema=schema,
        target=_target(config, schema),
        featurizer=build(config.features, trusted, "features"),
        encoder=build(encoder, trusted, "model.encoder") if encoder else None,
        selector=build(selector, trusted, "model.selector") if selector else None,
        calibration=config.model.calibration,
        estimator=build(config.model.estimator, trusted, "model.estimator"),
        splitter=Splitter(
            kind=config.split.kind,  # type: ignore[arg-type]  # checked by Splitter
            test_fraction=config.split.test_fraction,
            cut=config.split.cut,
            gap=config.split.gap,
            holdout=config.split.holdout,
            seed=config.seed,
        ),
        seed=config.seed,
        tuning_rows=tuning_rows(config.model.tuning_rows),
    )


def tuning_rows(path: str | None) -> np.ndarray:
    """Return the fingerprints of the rows that settings were chosen on, as `tune` wrote them.

    Raises
    ------
    ConfigError
        If the file that `model.tuning_rows` names is absent, or holds other than those.
    """
    if path is None:
        return no_rows()
    try:
        return load_prints(Path(path).read_bytes())
    except OSError as error:
        raise ConfigError(
            f"model.tuning_rows: {path} cannot be read: {error.strerror}. It tells which rows "
            "these settings were chosen on: keep it beside them, or run mlkit tune again."
        ) from None
    except ValueError as error:
        raise ConfigError(f"model.tuning_rows: {path} is no file of mlkit tune: {error}.") from None


def build_evaluator(config: Config) -> Evaluator:
    """Return the Evaluator that the settings describe; raise a ConfigError if they cannot."""
    evaluator = Evaluator(
        metrics=config.evaluation.metrics or None,
        n_resamples=config.evaluation.n_resamples,
        level=config.evaluation.level,
        seed=config.seed,
        slices=config.evaluation.slices,
        least_rows=config.evaluation.least_rows,
        banned=config.evaluation.banned,
        gates=[Gate(**asdict(gate)) for gate in config.evaluation.gates],
        n_repeats=config.evaluation.n_repeats,
    )
    evaluator.check_metrics(config.task)
    evaluator.check_columns(schema_of(config))
    if config.evaluation.champion is not None and config.evaluation.n_resamples < _LEAST_DRAWS:
        raise ConfigError(
            "To compare with a champion, evaluation.n_resamples must be at least "
            f"{_LEAST_DRAWS}, got {config.evaluation.n_resamples}."
        )
    return evaluator


def _target(config: Config, schema: type[Schema]) -> Target:
    node = config.data.target
    column = node.column or next(iter(schema.names(role="target")), None)
    if column is None:
        raise ConfigError(
            f'No target: give a column of {schema.__name__} role="target", or set '
            "data.target.column."
        )
    costs = node.costs
    return Target(
        task=config.task,  # type: ignore[arg-type]  # checked by Target
        column=column,
        edges=tuple(node.edges),
        labels=tuple(node.labels),
        positive=node.positive,
        costs=None if costs.false_positive is None else Costs(**asdict(costs)),
    )
