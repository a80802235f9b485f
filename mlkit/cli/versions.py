"""What the commands do that work on the registry alone: with --uri they need no project."""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path

from mlkit.cli.locating import address
from mlkit.core.bundle import Bundle
from mlkit.core.errors import RegistryError
from mlkit.core.extras import load
from mlkit.core.log import configure_logging
from mlkit.registry import fetching, journal
from mlkit.registry.provenance import trace
from mlkit.registry.references import Reference
from mlkit.registry.registry import Registry
from mlkit.registry.tracking import Tracker

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def rollback(arguments: argparse.Namespace) -> int:
    """Go back to the champion before."""
    version = journal.rollback(_registry(arguments), arguments.name, why=arguments.message)
    print(f"{version} is the champion again.")
    return 0


def models(arguments: argparse.Namespace) -> int:
    """List versions, the newest first, and the history of one model's champions."""
    registry = _registry(arguments)
    names = [arguments.name] if arguments.name else registry.names()
    versions = [version for name in names for version in registry.versions(name)]
    if arguments.name and not versions:
        raise RegistryError(
            f"No version of {arguments.name} was registered. {registry.known(arguments.name)}"
        )
    if not versions:
        print("No version was registered. Train, then: mlkit register")
    for version in versions:
        figures = registry.metrics(version)
        shown = ", ".join(
            f"{name} {value:.4f}"
            for name, value in figures.items()
            if not name.endswith(("_low", "_high"))
        )
        aliases = "".join(f" @{alias}" for alias in version.aliases)
        print(f"{version}{aliases}  {version.digest[:12]}  {_age(version.created)} old  {shown}")
    for change in journal.history(registry, arguments.name) if arguments.name else ():
        why = f": {change.why}" if change.why else ""
        at = change.at.isoformat(sep=" ", timespec="seconds")
        print(f"{at}  {change.kind} {arguments.name}/{change.version} by {change.by}{why}")
    return 0


def pull(arguments: argparse.Namespace) -> int:
    """Fetch the bundle of a version."""
    reference = Reference.parse(arguments.reference)
    registry = _registry(arguments)
    version = registry.get(reference)
    bundle = fetching.pull(registry, version, Path(arguments.folder))
    print(f"{version} is {bundle.model}, in {bundle.path}")
    return 0


def lineage(arguments: argparse.Namespace) -> int:
    """Print what made a model, as JSON, one document for each."""
    for found in trace(_registry(arguments), arguments.of, _log(arguments)):
        print(json.dumps(found.to_dict(), indent=2, ensure_ascii=False))
    return 0


def fetched(uri: str, reference: Reference) -> Bundle:
    """Return the bundle of a version, from the cache where it is there."""
    registry = Registry(Tracker(uri))
    return fetching.fetch(registry, registry.get(reference))


def _registry(arguments: argparse.Namespace) -> Registry:
    configure_logging("warning")
    return Registry(Tracker(address(arguments)))


def _log(arguments: argparse.Namespace) -> Path | None:
    """Return the folder of receipts that is named, or the service's if there is one."""
    if arguments.log is not None:
        return Path(arguments.log)
    settings = load("mlkit.serving.settings", extra="serve", purpose="Reading serving.yaml")
    folder = settings.read_settings(Path(arguments.conf) / "serving.yaml", {}).log.folder
    return Path(folder) if folder is not None and Path(folder).is_dir() else None


def _age(created: datetime) -> str:
    seconds = max((datetime.now(tz=UTC) - created).total_seconds(), 0)
    return next(
        (f"{int(seconds // size)} {unit}" for size, unit in _UNITS if seconds >= size), "0 s"
    )
