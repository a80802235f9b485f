"""Hold the ingested rows to the schema, and to what the champion was made from."""

from pathlib import Path
from typing import Any

from mlkit.core.errors import DataError
from mlkit.core.files import sha256
from mlkit.registry.fetching import fetch
from mlkit.retraining.work import Work, write_json
from mlkit.training.data import read_frame
from mlkit.training.lineage import column_prints, settings_of, time_range
from mlkit.training.workflow import build_trainer

VALIDATION = "validation.json"


def validate_inputs(work: Work) -> dict[str, Any]:
    """Return all that the verdict depends on."""
    settings = settings_of(work.config)
    return {
        "data": sha256(work.data()),
        "settings": {key: settings[key] for key in ("data", "split", "task", "seed")},
        "schema": build_trainer(work.config).schema.to_json(),
        "champion": work.decision()["champion"],
    }


def validate(work: Work, draft: Path) -> str:
    """Write what breaks the schema, and what changed; return why the rows cannot train."""
    trainer = build_trainer(work.config)
    raw = read_frame(work.data(), trainer.schema)
    said: dict[str, Any] = {"n_rows": len(raw), "stopped": "", "violations": []}
    try:
        frame = trainer.schema.validate(raw)
        prepared = trainer.prepare(frame)
    except DataError as error:
        said |= {"stopped": str(error), "violations": [str(each) for each in error.violations]}
        write_json(draft / VALIDATION, said)
        return "\n".join([str(error), *said["violations"]])
    said |= {
        "n_labelled": len(prepared.frame),
        "n_holdout": len(prepared.split.holdout),
        "time_range": time_range(trainer.schema, frame),
        "columns": column_prints(frame),
    }
    said["champion"] = _champion_data(work)
    if said["champion"]:
        before = said["champion"]["columns"]
        said["changed"] = {
            "added": sorted({*said["columns"]} - {*before}),
            "removed": sorted({*before} - {*said["columns"]}),
            "n_rows": said["n_rows"] - said["champion"]["n_rows"],
            "values": sorted(
                name
                for name, print_ in said["columns"].items()
                if before.get(name, print_) != print_
            ),
        }
    write_json(draft / VALIDATION, said)
    return ""


def _champion_data(work: Work) -> dict[str, Any] | None:
    champion = work.decision()["champion"]
    version = champion and work.registry.with_digest(work.config.name, champion["digest"])
    if not version:
        return None
    data: dict[str, Any] = fetch(work.registry, version).manifest.lineage["data"]
    return {key: data[key] for key in ("n_rows", "time_range", "columns")}
