"""Run a project's settings: from its file to a packed and judged bundle."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import structlog

from mlkit.core.bundle import Bundle
from mlkit.core.errors import ConfigError
from mlkit.core.log import get_logger, stage
from mlkit.core.schema import Schema
from mlkit.core.trust import trusted_packages
from mlkit.training import lineage
from mlkit.training.config import Config
from mlkit.training.costs import Costs
from mlkit.training.data import read_frame
from mlkit.training.facts import Facts
from mlkit.training.judging.evaluation import Evaluation
from mlkit.training.judging.evaluator import Evaluator
from mlkit.training.judging.gates import Gate
from mlkit.training.packing import pack
from mlkit.training.project import build, find_schema
from mlkit.training.report.page import write_report
from mlkit.training.runtime import open_model
from mlkit.training.splitting import Splitter
from mlkit.training.target import Target
from mlkit.training.trainer import Trainer

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a training run left behind."""

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
    trainer = build_trainer(config)
    evaluator = build_evaluator(config)
    with structlog.contextvars.bound_contextvars(model=config.name):
        with stage(log, "reading", path=config.data.path):
            frame = trainer.schema.validate(read_frame(config.data.path, trainer.schema))
        model = trainer.fit(frame)
        holdout = model.holdout(frame)
        n_unlabelled = int(trainer.target.values(frame).isna().sum())
        evaluation = replace(
            evaluator.evaluate(model, holdout, held_out=True), n_unlabelled=n_unlabelled
        )
        bundle = pack(
            model,
            evaluation,
            holdout,
            Path(config.bundles) / config.name,
            name=config.name,
            lineage=lineage.describe(config, frame),
            description=config.description,
            trusted=trusted_packages(),
            reference=model.training(frame),
        )
        page = Path(config.reports) / f"{config.name}.html"
        with stage(log, "reporting", path=str(page)):
            write_report(evaluation, Facts.of(bundle.manifest, bundle.schema), page)
    return Run(bundle=bundle, evaluation=evaluation, report=page)


def evaluate(bundle: Bundle, path: str | Path, evaluator: Evaluator) -> Evaluation:
    """Judge a bundle on the rows of a file that its model has not seen."""
    model = open_model(bundle, trusted_packages())
    return evaluator.evaluate(model, read_frame(path, bundle.schema))


def schema_of(config: Config) -> type[Schema]:
    """Return the schema class that a project's data follow."""
    return find_schema(config.data.schema, trusted_packages())


def build_trainer(config: Config) -> Trainer:
    """Return the Trainer that the settings describe; raise a ConfigError if they cannot."""
    trusted = trusted_packages()
    schema = find_schema(config.data.schema, trusted)
    encoder = config.model.encoder
    return Trainer(
        schema=schema,
        target=_target(config, schema),
        featurizer=build(config.features, trusted, "features"),
        encoder=build(encoder, trusted, "model.encoder") if encoder else None,
        estimator=build(config.model.estimator, trusted, "model.estimator"),
        splitter=Splitter(
            kind=config.split.kind,  # type: ignore[arg-type]  # checked by Splitter
            test_fraction=config.split.test_fraction,
            cut=config.split.cut,
            gap=config.split.gap,
            seed=config.seed,
        ),
        seed=config.seed,
    )


def build_evaluator(config: Config) -> Evaluator:
    """Return the Evaluator that the settings describe; raise a ConfigError if they cannot."""
    evaluator = Evaluator(
        metrics=config.evaluation.metrics or None,
        n_resamples=config.evaluation.n_resamples,
        level=config.evaluation.level,
        seed=config.seed,
        slices=config.evaluation.slices,
        least_rows=config.evaluation.least_rows,
        gates=[Gate(**asdict(gate)) for gate in config.evaluation.gates],
    )
    evaluator.check_metrics(config.task)
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
