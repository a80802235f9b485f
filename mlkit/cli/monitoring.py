"""The command that watches a model in use."""

import argparse
from pathlib import Path

from mlkit.cli.commands import parted
from mlkit.cli.locating import find_bundle
from mlkit.cli.moments import moment
from mlkit.core.bundle import Bundle
from mlkit.core.errors import ConfigError, listed
from mlkit.core.files import written_file
from mlkit.core.log import configure_logging
from mlkit.core.trust import required_signers
from mlkit.monitoring import watching
from mlkit.monitoring.findings import Monitoring
from mlkit.monitoring.report import exposition, page, summary
from mlkit.training.config import load_config
from mlkit.training.settings import Config, MonitoringConfig

#: By the gravest thing that counts now.
_CODES = {"ok": 0, "warning": 8, "alarm": 9}


def monitor(arguments: argparse.Namespace) -> int:
    """Watch a bundle, write what was found, and say it; exit by the gravest of it."""
    plain, overrides = parted(arguments.arguments)
    if len(plain) > 1:
        raise ConfigError(
            f"mlkit monitor takes one bundle, got {listed(plain)}. Settings are written KEY=VALUE, "
            "a table is named by --data."
        )
    config = _config(arguments, overrides)
    settings = config.monitoring
    folder = find_bundle(plain[0], arguments) if plain else Path(config.bundles, config.name)
    bundle = Bundle.open(folder, signers=required_signers())
    configure_logging("warning", redact=bundle.schema.pii())
    found = _watched(bundle, arguments, settings)
    reports = Path(arguments.reports or config.reports)
    written = page.write_page(found, _report(reports, bundle, "html"), settings)
    for suffix, text in (
        ("json", exposition.to_json(found)),
        ("prom", exposition.exposition(found)),
    ):
        with written_file(_report(reports, bundle, suffix)) as draft:
            draft.write_text(text, encoding="utf-8")
    print(summary.summary(found))
    print(f"\nReport in {written}, beside it as .json and .prom")
    return _CODES[found.severity]


def _watched(
    bundle: Bundle, arguments: argparse.Namespace, settings: MonitoringConfig
) -> Monitoring:
    since, until = moment("since", arguments), moment("until", arguments)
    if arguments.data is None:
        folder = Path(arguments.log or settings.log)
        return watching.watch_log(bundle, folder, settings, since=since, until=until)
    return watching.watch_table(bundle, Path(arguments.data), settings, since=since, until=until)


def _config(arguments: argparse.Namespace, overrides: list[str]) -> Config:
    window = {} if arguments.window is None else {"window": arguments.window}
    if Path(arguments.conf, "config.yaml").is_file():
        changes = [f"monitoring.{name}={value}" for name, value in window.items()]
        return load_config(arguments.conf, [*overrides, *changes])
    if overrides:
        raise ConfigError(
            f"There is no {arguments.conf}/config.yaml whose settings could be changed. Run this "
            "in a project's folder, or name its configuration with --conf."
        )
    return Config(name="model", monitoring=MonitoringConfig(**window))


def _report(folder: Path, bundle: Bundle, suffix: str) -> Path:
    return folder / f"{bundle.manifest.name}.monitoring.{suffix}"
