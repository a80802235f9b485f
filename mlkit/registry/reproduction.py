"""Build a version again from its commit, lock and data, and say how alike the two are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlkit.core.bundle import Bundle, Manifest
from mlkit.core.trust import trusted_packages
from mlkit.registry.differences import differences
from mlkit.registry.rebuilding import rebuild
from mlkit.training.data import read_frame
from mlkit.training.report.page import read_evaluation
from mlkit.training.runtime import open_judged


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """How alike a bundle and the one built again are.

    Attributes
    ----------
    level
        `bits`: the same digest. `predictions`: every row of the data scores exactly
        the same. `metrics`: each metric of the new one lies in the old one's
        interval. `none`: not even that.
    digest
        Of the new bundle.
    differ
        What differs between what made them, a sentence each.
    apart
        The largest difference between two scores of the same row.
    notes
        What else the reader should know.
    """

    level: str
    digest: str
    differ: tuple[str, ...]
    apart: float
    notes: tuple[str, ...] = ()

    def summary(self) -> str:
        """Return the level, and what differs, in a few lines."""
        words = {
            "bits": "bits: the bundle is the same, byte for byte",
            "predictions": "predictions: every row scores exactly the same, but the bundles differ",
            "metrics": "metrics: each lies in the interval of the old one",
            "none": "none: a metric lies outside of the interval of the old one",
        }
        lines = [f"Reached {words[self.level]}."]
        if self.apart:
            lines.append(f"Scores of the same row differ by up to {self.apart:.3g}.")
        lines += [f"- {line}" for line in self.differ]
        if self.level != "bits" and not self.differ:
            lines.append(
                "- nothing that is recorded differs: the estimator or the features depend on "
                "chance, the clock, or the processor"
            )
        return "\n".join([*lines, *self.notes])


def reproduce(
    bundle: Bundle, *, data_folder: Path, folder: Path | None = None, here: bool = False
) -> Reproduction:
    """Build a bundle again in a worktree of its commit, and compare the two.

    Parameters
    ----------
    bundle
        What to build again.
    data_folder
        Of the snapshots of small data.
    folder
        The project's, in a git repository; by default the current one.
    here
        Whether to use the environment that is active; by default one is made
        anew from the lock file that was recorded.

    Raises
    ------
    RegistryError
        If the commit, the lock or the data are not there any more, or the training fails.
    """
    with rebuild(bundle, data_folder, folder or Path.cwd(), here=here) as rebuilt:
        frame = read_frame(rebuilt.data, bundle.schema)
        return compare(bundle, rebuilt.bundle, frame, notes=rebuilt.notes)


def compare(
    bundle: Bundle, rebuilt: Bundle, frame: Any, notes: tuple[str, ...] = ()
) -> Reproduction:
    """Say how alike two bundles are, by their digests or by their scores of the same rows."""
    old, new = bundle.manifest, rebuilt.manifest
    if old.digest == new.digest:
        return Reproduction(level="bits", digest=new.digest, differ=(), apart=0, notes=notes)
    frame = bundle.schema.validate(frame)
    scores = [open_judged(each, trusted_packages()).scores(frame) for each in (bundle, rebuilt)]
    apart = float(np.abs(scores[0] - scores[1]).max(initial=0))
    return Reproduction(
        level="predictions" if apart == 0 else _by_metrics(bundle, rebuilt),
        digest=new.digest,
        differ=tuple(differences(_made_by(old), _made_by(new))),
        apart=apart,
        notes=notes,
    )


def _made_by(manifest: Manifest) -> dict[str, Any]:
    return {**manifest.lineage, "mlkit": manifest.mlkit, "runtime": manifest.runtime}


def _by_metrics(bundle: Bundle, rebuilt: Bundle) -> str:
    old, new = (read_evaluation(each) for each in (bundle, rebuilt))
    values = {score.metric: score.value for score in new.scores}
    lies = [
        score.metric in values and score.low <= values[score.metric] <= score.high
        for score in old.scores
    ]
    return "metrics" if all(lies) else "none"
