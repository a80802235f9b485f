"""The commands that look back at what a service predicted."""

import argparse
import json
from pathlib import Path
from typing import Any

from mlkit.cli.commands import project
from mlkit.cli.locating import find_bundle
from mlkit.cli.moments import moment
from mlkit.core.extras import load
from mlkit.core.log import configure_logging
from mlkit.core.trust import required_signers, trusted_packages
from mlkit.scoring.prediction import Predictor


def replay(arguments: argparse.Namespace) -> int:
    """Score a log again with a bundle, or compare the bundles that answered in it."""
    configure_logging("warning")
    since, until = moment("since", arguments), moment("until", arguments)
    predictor = None
    if arguments.bundle is not None:
        trusted = [*arguments.trust, *trusted_packages()]
        folder = find_bundle(arguments.bundle, arguments)
        predictor = Predictor.load(folder, trusted=trusted, signers=required_signers())
    frame = _history("reading").read_log(
        arguments.log, name=arguments.name, since=since, until=until
    )
    if predictor is None:
        found = _history("comparing").compare(frame)
    else:
        found = _history("replaying").replay(predictor, frame)
    if arguments.json:
        print(json.dumps(found.to_dict(), ensure_ascii=False))
    else:
        print(found.summary())
    return 0


def labels(arguments: argparse.Namespace) -> int:
    """Keep the answers that came after the predictions, and say how many are still to come."""
    workflow, config = project(arguments, "labels")
    data, store = (
        load(module, extra="train", purpose="mlkit labels")
        for module in ("mlkit.training.data", "mlkit.monitoring.labels")
    )
    schema, folder = workflow.schema_of(config), Path(arguments.log or config.monitoring.log)
    added = store.add_labels(folder, data.read_frame(arguments.file, schema), schema)
    print(added.summary())
    columns = [schema.columns[name] for name in added.answers]
    n_records, counts = store.count_labels(folder, columns)
    for name, n_answered in zip(added.answers, counts, strict=True):
        print(
            f"{name}; records in {folder}: {n_records:,}, with an answer: {n_answered:,}, "
            f"without one yet: {n_records - n_answered:,}."
        )
    return 0


def _history(module: str) -> Any:
    return load(
        f"mlkit.history.{module}", packages="pandas pyarrow", purpose="Reading a prediction log"
    )
