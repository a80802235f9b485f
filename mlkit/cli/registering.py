"""What the commands do that work on the tracking store and the registry."""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlkit.cli.commands import project
from mlkit.cli.locating import open_registry, registry_side
from mlkit.core.bundle import Bundle
from mlkit.core.errors import ConfigError
from mlkit.core.extras import load
from mlkit.core.log import configure_logging
from mlkit.core.trust import required_signers

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def sync(arguments: argparse.Namespace) -> int:
    """Send every run that waits."""
    config, uri = _settings(arguments)
    folder = registry_side("recording").outbox_of(config)
    sent = registry_side("tracking").sync(uri, folder)
    print(f"{len(sent)} run{'s' * (len(sent) != 1)} sent." if sent else "No run waits.")
    return 0


def register(arguments: argparse.Namespace) -> int:
    """Make a bundle a version, and the challenger."""
    config, uri = _settings(arguments)
    bundle = Bundle.open(
        arguments.bundle or Path(config.bundles) / config.name, signers=required_signers()
    )
    # Its own run may be waiting.
    registry_side("tracking").sync(uri, registry_side("recording").outbox_of(config))
    registry = open_registry(uri)
    version = registry.register(bundle)
    registry.set_alias(version, registry_side("registry").CHALLENGER)
    print(f"{version} is {bundle.model}. Next: mlkit promote {version}")
    return 0


def promote(arguments: argparse.Namespace) -> int:
    """Judge a version beside the champion, and promote it if every gate passes."""
    config, uri = _settings(arguments)
    reference = registry_side("references").Reference.parse(arguments.reference)
    done = registry_side("promotion").promote(
        open_registry(uri),
        reference,
        config,
        data=arguments.data or config.data.path,
        why=arguments.message,
    )
    if done.evaluation is None:
        print(f"{done.version} is the champion already.")
        return 0
    print(done.evaluation.summary())
    before = f", after {done.before}" if done.before else ""
    if done.entry is None:
        print(f"\n{done.version} was not promoted: a gate failed.")
        return 1
    print(f"\n{done.version} is the champion{before}.")
    return 0


def rollback(arguments: argparse.Namespace) -> int:
    """Go back to the champion before."""
    uri = _uri(arguments)
    version = registry_side("promotion").rollback(
        open_registry(uri), arguments.name, why=arguments.message
    )
    print(f"{version} is the champion again.")
    return 0


def models(arguments: argparse.Namespace) -> int:
    """List versions, the newest first, and the history of one model's champions."""
    uri = _uri(arguments)
    registry = open_registry(uri)
    names = [arguments.name] if arguments.name else registry.names()
    versions = [version for name in names for version in registry.versions(name)]
    if not versions:
        print("No version was registered. Train, then: mlkit register")
        return 0
    for version in versions:
        figures = registry.metrics(version)
        shown = ", ".join(
            f"{name} {value:.4f}"
            for name, value in figures.items()
            if not name.endswith(("_low", "_high"))
        )
        aliases = "".join(f" @{alias}" for alias in version.aliases)
        print(f"{version}{aliases}  {version.digest[:12]}  {_age(version.created)} old  {shown}")
    for change in registry.history(arguments.name) if arguments.name else ():
        why = f": {change.why}" if change.why else ""
        at = change.at.isoformat(sep=" ", timespec="seconds")
        print(f"{at}  {change.kind} {arguments.name}/{change.version} by {change.by}{why}")
    return 0


def pull(arguments: argparse.Namespace) -> int:
    """Fetch the bundle of a version."""
    uri = _uri(arguments)
    reference = registry_side("references").Reference.parse(arguments.reference)
    registry = open_registry(uri)
    version = registry.get(reference)
    bundle = registry_side("fetching").pull(registry, version, Path(arguments.folder))
    print(f"{version} is {bundle.model}, in {bundle.path}")
    return 0


def reproduce(arguments: argparse.Namespace) -> int:
    """Build a version again; exit with 1 unless the bundle is the same."""
    config, uri = _settings(arguments)
    reference = registry_side("references").Reference.parse(arguments.reference)
    registry = open_registry(uri)
    bundle = registry_side("fetching").fetch(registry, registry.get(reference))
    reproduction = registry_side("reproduction")
    found = reproduction.reproduce(
        bundle,
        data_folder=registry_side("recording").snapshots_of(config),
        here=arguments.here,
    )
    print(found.summary())
    return 0 if found.level == "bits" else 1


def lineage(arguments: argparse.Namespace) -> int:
    """Print what made a model, as JSON, one document for each."""
    uri = _uri(arguments)
    provenance = registry_side("provenance")
    for found in provenance.trace(open_registry(uri), arguments.of, _log(arguments)):
        print(json.dumps(found.to_dict(), indent=2, ensure_ascii=False))
    return 0


def _settings(arguments: argparse.Namespace) -> tuple[Any, str]:
    """Return the project's settings, and the address of MLflow."""
    _, config = project(arguments, arguments.function)
    uri = arguments.uri or config.tracking.uri
    if uri is None:
        raise ConfigError(
            "No tracking store: set tracking.uri in conf/config.yaml, such as "
            "sqlite:///mlruns.db, or give --uri."
        )
    return config, uri


def _uri(arguments: argparse.Namespace) -> str:
    """Return the address of MLflow; where it is given, no project is needed."""
    if arguments.uri is None:
        return _settings(arguments)[1]
    configure_logging("warning")
    return str(arguments.uri)


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
