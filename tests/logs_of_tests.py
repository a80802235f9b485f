"""Prediction logs, written by a service in this process."""

import asyncio
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from mlkit.core import bundle as layout
from mlkit.core.bundle import Bundle
from mlkit.serving.service import Service
from mlkit.serving.settings import Log, Model, Settings

#: What makes a row of a log that one.
ROW = ["name", "role", "model", "id", "row"]


def logged(log: Path, requests: Mapping[str, Sequence[dict]], *models: Model) -> None:
    """Answer requests, by their ids, with each model, and leave their receipts."""
    texts = {text for each in models for text in each.bundles()}

    async def answer() -> None:
        settings = Settings(models=models, log=Log(folder=str(log)))
        places = {text: Path(text) for text in texts}
        service = Service(settings, places, trusted=(), signers=None)
        for request, records in requests.items():
            for model in service.models.values():
                await service.answer(model, records, request)
        await service.close()

    asyncio.run(answer())


def altered(packed: Path, folder: Path, *, pii: str | None = None, **manifest: Any) -> Path:
    """Copy a bundle with another manifest, and with a column that is personal data."""
    shutil.copytree(packed, folder)
    (folder / layout.SIGNATURE).unlink(missing_ok=True)
    if pii is not None:
        form = json.loads((folder / layout.SCHEMA).read_text(encoding="utf-8"))
        for column in form["columns"]:
            column["pii"] = column["name"] == pii
        (folder / layout.SCHEMA).write_text(json.dumps(form), encoding="utf-8")
    layout.seal(folder, msgspec.structs.replace(Bundle.open(packed).manifest, **manifest))
    return folder
