"""What each command does, after its arguments were parsed."""

import argparse
import codecs
import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from mlkit.cli.locating import find_bundle
from mlkit.core import signing
from mlkit.core.bundle import SIGNATURE, Bundle
from mlkit.core.errors import ConfigError, DataError, listed
from mlkit.core.extras import load
from mlkit.core.log import configure_logging
from mlkit.core.trust import required_signers, trusted_packages
from mlkit.scoring.prediction import Predictor

_RECORDS = (".json", ".jsonl")


def _train_side(module: str, command: str) -> Any:
    return load(f"mlkit.training.{module}", extra="train", purpose=f"mlkit {command}")


def _recording() -> Any:
    # It imports MLflow only where a run is sent.
    return load("mlkit.registry.recording", extra="train", purpose="Tracking")


def train(arguments: argparse.Namespace) -> int:
    """Train, judge and pack; print what it is worth and where it lies."""
    if arguments.multirun:
        return _sweep(arguments)
    _, config = project(arguments, "train", arguments.overrides)
    run = _trained(config)
    print(f"{run.evaluation.summary()}\n\n{run.bundle.manifest.runs()}")
    print(f"\nBundle {run.bundle.model} in {run.bundle.path}")
    print(f"Report in {run.report}")
    if not run.evaluation.passed:
        print("It must not be promoted: a gate failed, as said above.")
    lacking = _train_side("lineage", "train").gaps(run.bundle.manifest.lineage)
    if lacking and config.tracking.uri is not None:
        print(f"It cannot be promoted: {lacking}.")
    return 0


def _trained(config: Any) -> Any:
    """Train as the settings say, and record the run."""
    recording = _recording()
    started = recording.begin(config)
    run = _train_side("workflow", "train").train(config)
    recording.record_training(config, run, started)
    return run


def _sweep(arguments: argparse.Namespace) -> int:
    """Train every combination of the overrides' values; print one table."""
    sweeping = _train_side("sweeping", "train --multirun")
    project(arguments, "train --multirun")
    runs = sweeping.sweep(arguments.overrides, arguments.conf, _trained)
    print(sweeping.table(runs))
    return 0 if all(run.bundle for run in runs) else 1


def tune(arguments: argparse.Namespace) -> int:
    """Search for better settings, write the best, and print how to train with what is better."""
    _, config = project(arguments, "tune", arguments.overrides)
    recording = _recording()
    started = recording.begin(config)
    tuned = _train_side("tuning", "tune").tune(config, arguments.conf)
    recording.record_tuning(
        config, metric=tuned.metric, value=tuned.value, files=tuned.files, started=started
    )
    print(tuned.summary())
    if not tuned.is_better:
        return 0
    # Under its own name, so that the bundle to compare with stays.
    chosen = [*tuned.choices, f"name={config.name}-tuned"]
    replaced = {"tuning", *(choice.split("=")[0] for choice in chosen)}
    kept = [
        override
        for override in arguments.overrides
        if override.lstrip("+~").split("=")[0].split(".")[0] not in replaced
    ]
    print(f"\nNext: {shlex.join(['mlkit', 'train', *chosen, *kept])}")
    return 0


def evaluate(arguments: argparse.Namespace) -> int:
    """Judge a bundle on rows that its model has not seen."""
    plain, overrides = parted(arguments.arguments)
    if len(plain) > 2:
        raise ConfigError(
            f"mlkit evaluate takes one bundle and one table, got {listed(plain)}. "
            "Settings are written KEY=VALUE."
        )
    workflow, config = project(arguments, "evaluate", overrides)
    folder = find_bundle(plain[0], arguments) if plain else Path(config.bundles) / config.name
    bundle = Bundle.open(folder, signers=required_signers())
    # The run that is recorded has the settings by which it was judged.
    config.task = bundle.manifest.task
    if arguments.champion:
        config.evaluation.champion = str(find_bundle(arguments.champion, arguments))
    data = plain[1] if len(plain) > 1 else config.data.path
    recording = _recording()
    started = recording.begin(config)
    evaluation = workflow.evaluate(config, bundle, data)
    recording.record_evaluation(config, bundle, evaluation, str(data), started)
    print(evaluation.summary())
    if arguments.report:
        page = _train_side("report.page", "evaluate")
        written = page.write_report(evaluation, arguments.report, bundle=bundle)
        print(f"\nReport in {written}")
    return 0 if evaluation.passed else 1


def freeze(arguments: argparse.Namespace) -> int:
    """Choose a holdout by the settings, and write its rows' fingerprints."""
    workflow, config = project(arguments, "freeze", arguments.overrides)
    split = workflow.freeze(config, arguments.file)
    print(
        f"{len(split.holdout):,} rows are frozen in {arguments.file} ({split.description}). "
        f"Hold them out from now on: split.holdout={arguments.file}"
    )
    return 0


def report(arguments: argparse.Namespace) -> int:
    """Write the page of what was found of a bundle's model when it was packed."""
    configure_logging("warning")
    page = _train_side("report.page", "report")
    bundle = Bundle.open(find_bundle(arguments.bundle, arguments), signers=required_signers())
    evaluation = page.read_evaluation(bundle)
    path = arguments.file or Path("reports", f"{bundle.manifest.name}.html")
    print(f"Report in {page.write_report(evaluation, path, bundle=bundle)}")
    return 0


def predict(arguments: argparse.Namespace) -> int:
    """Score records to stdout, or a table to a file."""
    configure_logging("warning")
    source = arguments.input
    is_table = _is_table(source)
    if is_table and arguments.output is None:
        raise ConfigError(f"Name the file for the scored rows: mlkit predict … {source} OUTPUT.")
    if not is_table and arguments.output is not None:
        raise ConfigError(f"Records go to stdout: mlkit predict … {source} > {arguments.output}")
    predictor = _predictor(arguments)
    if is_table:
        # It takes far less than training does.
        tables = load(
            "mlkit.training.tables",
            packages="pandas pyarrow",
            purpose="mlkit predict of a table",
        )
        count = tables.score_file(predictor, Path(source), Path(arguments.output))
        print(f"{count:,} rows scored by {predictor.bundle.model}: {arguments.output}")
        return 0
    records = list(_records(source))
    try:
        predictions = predictor.predict(records)
    except DataError as error:
        if len(records) == 1 or not source.lower().endswith(".jsonl"):
            raise
        place = "Record 0 is line 1; empty lines are not counted."
        raise DataError(f"{error} {place}", error.violations) from None
    for prediction in predictions:
        print(json.dumps(prediction.to_dict(), ensure_ascii=False))
    return 0


def explain(arguments: argparse.Namespace) -> int:
    """Print what moved the prediction of one record."""
    configure_logging("warning")
    if _is_table(arguments.record):
        raise ConfigError(
            f"mlkit explain takes one record ({listed(_RECORDS)}, or - for stdin), got "
            f"{arguments.record}. Write one row of a table as JSON."
        )
    predictor = _predictor(arguments)
    records = list(_records(arguments.record))
    if len(records) != 1:
        raise DataError(
            f"{arguments.record} holds {len(records):,} records, but one is explained at a time. "
            "Take one of them."
        )
    found = predictor.explain(records[0])
    print(json.dumps(found.to_dict(), ensure_ascii=False) if arguments.json else found.table())
    return 0


def _is_table(source: str) -> bool:
    return source != "-" and not source.lower().endswith(_RECORDS)


def _predictor(arguments: argparse.Namespace) -> Predictor:
    trusted = [*arguments.trust, *trusted_packages()]
    folder = find_bundle(arguments.bundle, arguments)
    return Predictor.load(folder, trusted=trusted, signers=required_signers())


def check_data(arguments: argparse.Namespace) -> int:
    """Hold a file against the schema, and list everything that it breaks."""
    workflow, config = project(arguments, "check-data")
    data = _train_side("data", "check-data")
    schema = workflow.schema_of(config)
    path = arguments.file or config.data.path
    try:
        frame = schema.validate(data.read_frame(path, schema))
    except DataError as error:
        for violation in error.violations:
            print(violation)
        raise
    print(f"{path}: {len(frame):,} rows hold to {schema.__name__} in all columns.")
    return 0


def study(arguments: argparse.Namespace) -> int:
    """Fit the project's model many times over, and print what that shows."""
    workflow, config = project(arguments, "study", arguments.overrides)
    trainer, evaluator = workflow.build_trainer(config), workflow.build_evaluator(config)
    frame = _train_side("data", "study").read_frame(config.data.path, trainer.schema)
    if arguments.study == "ablation":
        found = _train_side("studies", "study").ablate(trainer, evaluator, frame)
    else:
        metric = evaluator.check_metrics(config.task)[0]
        run = getattr(_train_side("studies", "study"), arguments.study)
        found = run(trainer, frame, metric=metric)
    print(found.summary())
    return 0


def keygen(arguments: argparse.Namespace) -> int:
    """Write a new private key, and print the public one."""
    print(signing.create_key(Path(arguments.file)))
    return 0


def sign(arguments: argparse.Namespace) -> int:
    """Sign a bundle whose digests fit."""
    bundle = Bundle.open(arguments.bundle)
    public = signing.sign(bundle.manifest.digest, bundle.path / SIGNATURE, key=Path(arguments.key))
    print(f"{bundle.model} in {bundle.path} is signed by {public}")
    return 0


def project(arguments: argparse.Namespace, command: str, overrides: Any = ()) -> tuple[Any, Any]:
    """Return the workflow and a project's settings, with logs as these and its schema say."""
    workflow = _train_side("workflow", command)
    config = _train_side("config", command).load_config(arguments.conf, overrides)
    personal = workflow.schema_of(config).pii()
    configure_logging(config.logging.level, config.logging.style, redact=personal)
    return workflow, config


def parted(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return what names files, and what changes settings: an `=` before which no folder stands."""
    overrides = [part for part in arguments if "=" in part and "/" not in part.split("=")[0]]
    return [part for part in arguments if part not in overrides], overrides


def _decoded(text: bytes, *, is_lines: bool, is_open: bool) -> Any:
    """Return what the JSON holds; what is open to both forms may be one document or many lines."""
    if not is_lines:
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            if not is_open:
                raise
    return msgspec.json.Decoder().decode_lines(text)


def _records(source: str) -> Iterator[dict[str, Any]]:
    """Yield the records of a JSON object, a JSON list, or of one JSON object a line."""
    try:
        text = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise DataError(f"{source} cannot be read: {error.strerror}.") from None
    text = text.removeprefix(codecs.BOM_UTF8)
    try:
        found = _decoded(text, is_lines=source.lower().endswith(".jsonl"), is_open=source == "-")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"{source} is not readable JSON: {error}.") from None
    yield from found if isinstance(found, list) else [found]
