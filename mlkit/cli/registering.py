"""What the commands do that work on the registry and a project: from a run to a champion."""

import argparse
import sys
from pathlib import Path

from mlkit.cli.commands import project
from mlkit.cli.locating import address
from mlkit.cli.versions import fetched
from mlkit.core.bundle import Bundle
from mlkit.core.errors import RegistryError, UnreachableError
from mlkit.core.trust import required_signers
from mlkit.registry import promotion, reproduction, tracking
from mlkit.registry.recording import outbox_of, snapshots_of
from mlkit.registry.references import Reference
from mlkit.registry.registry import CHALLENGER, Registry
from mlkit.registry.tracking import Tracker
from mlkit.training.lineage import gaps


def sync(arguments: argparse.Namespace) -> int:
    """Send every run that waits."""
    _, config = project(arguments, "sync")
    sent = tracking.sync(address(arguments, config), outbox_of(config))
    print(f"{len(sent)} run{'s' * (len(sent) != 1)} sent." if sent else "No run waits.")
    return 0


def register(arguments: argparse.Namespace) -> int:
    """Make a bundle a version, and the challenger."""
    _, config = project(arguments, "register")
    uri = address(arguments, config)
    bundle = Bundle.open(
        arguments.bundle or Path(config.bundles) / config.name, signers=required_signers()
    )
    try:
        # Its own run may be waiting.
        tracking.sync(uri, outbox_of(config))
    except UnreachableError:
        raise
    except RegistryError as error:
        print(f"mlkit: {error}", file=sys.stderr)
    registry = Registry(Tracker(uri))
    version = registry.register(bundle)
    registry.set_alias(version, CHALLENGER)
    lacking = gaps(bundle.manifest.lineage)
    todo = f"It cannot be promoted: {lacking}." if lacking else f"Next: mlkit promote {version}"
    print(f"{version} is {bundle.model}. {todo}")
    return 0


def promote(arguments: argparse.Namespace) -> int:
    """Judge a version beside the champion, and promote it if every gate passes."""
    _, config = project(arguments, "promote")
    reference = Reference.parse(arguments.reference)
    done = promotion.promote(
        Registry(Tracker(address(arguments, config))),
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


def reproduce(arguments: argparse.Namespace) -> int:
    """Build a version again; exit with 1 unless the bundle is the same."""
    _, config = project(arguments, "reproduce")
    bundle = fetched(address(arguments, config), Reference.parse(arguments.reference))
    found = reproduction.reproduce(bundle, data_folder=snapshots_of(config), here=arguments.here)
    print(found.summary())
    return 0 if found.level == "bits" else 1
