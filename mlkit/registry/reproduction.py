"""Build a version again from its commit, lock and data, and say how alike the two are."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import OmegaConf

from mlkit.core.bundle import Bundle
from mlkit.core.errors import DataError, RegistryError
from mlkit.core.log import get_logger, stage
from mlkit.core.trust import trusted_packages
from mlkit.registry import snapshots
from mlkit.registry.differences import differences
from mlkit.training.data import read_frame
from mlkit.training.lineage import column_prints
from mlkit.training.project import find_schema
from mlkit.training.report.page import read_evaluation
from mlkit.training.runtime import open_judged

log = get_logger(__name__)

#: What was reached, the best first.
LEVELS = ("bits", "predictions", "metrics", "none")
#: Variables that set the threads of each pool of `threadpoolctl`.
_THREADS = {
    "openmp": ("OMP_NUM_THREADS",),
    "blas": ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"),
}


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
    folder = folder or Path.cwd()
    lineage = bundle.manifest.lineage
    commit = (lineage.get("code") or {}).get("commit")
    if not commit:
        raise RegistryError("It cannot be built again: it was trained outside of git.")
    notes = []
    if lineage["code"].get("dirty"):
        notes.append("It was trained with changes that were never committed.")
    with _worktree(folder, commit) as (project, out):
        notes += _place_data(lineage, project, folder, data_folder)
        python = Path(sys.executable) if here else _environment(project, lineage)
        rebuilt = _train(project, out, lineage, python)
        frame = read_frame(project / lineage["config"]["data"]["path"], bundle.schema)
        return compare(bundle, rebuilt, frame, notes=tuple(notes))


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
        differ=tuple(differences(old.lineage, new.lineage)),
        apart=apart,
        notes=notes,
    )


def _by_metrics(bundle: Bundle, rebuilt: Bundle) -> str:
    old, new = (read_evaluation(each) for each in (bundle, rebuilt))
    values = {score.metric: score.value for score in new.scores}
    lies = [
        score.metric in values and score.low <= values[score.metric] <= score.high
        for score in old.scores
    ]
    return "metrics" if all(lies) else "none"


@contextmanager
def _worktree(folder: Path, commit: str) -> Iterator[tuple[Path, Path]]:
    """Yield the project's folder in a worktree of a commit, and an empty one outside of it."""
    prefix = _git(folder, "rev-parse", "--show-prefix")
    if _run(["git", "-C", str(folder), "cat-file", "-e", f"{commit}^{{commit}}"]).returncode:
        raise RegistryError(
            f"Commit {commit} is not in this repository. Fetch it (git fetch --all), or work in "
            "the repository that the model was trained in."
        )
    with tempfile.TemporaryDirectory(prefix="mlkit-reproduce-") as place:
        tree, out = Path(place) / "tree", Path(place) / "out"
        out.mkdir()
        _git(folder, "worktree", "add", "--detach", "--quiet", str(tree), commit)
        try:
            yield tree / prefix, out
        finally:
            _run(["git", "-C", str(folder), "worktree", "remove", "--force", str(tree)])


def _place_data(
    lineage: Mapping[str, Any], project: Path, folder: Path, data_folder: Path
) -> list[str]:
    """Put the data in their place; return how those at their location differ now."""
    path = Path(lineage["config"]["data"]["path"])
    place, present = project / path, folder / path
    # Data outside of the project are read where they lie, and nothing is written there.
    is_inside = place.resolve().is_relative_to(project.resolve())
    snapshot = snapshots.find(data_folder, lineage["data"]["fingerprint"]) if is_inside else None
    source = snapshot or (place if place.is_file() else present)
    if not source.is_file():
        raise RegistryError(
            f"The data are gone: there is no {present}, no snapshot, and none in the commit. Rows "
            f"with the fingerprint {lineage['data']['fingerprint']} are needed."
        )
    if is_inside and source != place:
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place)
    if source == present or not present.is_file():
        return []
    return [f"{path} is not what it was: {line}" for line in _changed_since(lineage, present)]


def _changed_since(lineage: Mapping[str, Any], present: Path) -> list[str]:
    schema = find_schema(lineage["config"]["data"]["schema"], trusted_packages())
    try:
        frame = schema.validate(read_frame(present, schema))
    except DataError as error:
        return [str(error)]
    now = {"data": {"n_rows": len(frame), "columns": column_prints(frame)}}
    return [f"{line}." for line in differences({"data": lineage["data"]}, now)]


def _environment(project: Path, lineage: Mapping[str, Any]) -> Path:
    """Return the Python of a new environment, made from the recorded lock file."""
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    lock = lineage.get("lock") or {}
    names = [name for name in ("uv.lock", "requirements.txt") if name in lock]
    if uv is None or not names or not (project / names[0]).is_file():
        what = "uv is not installed" if uv is None else "no lock file of uv or pip was committed"
        raise RegistryError(
            f"A new environment cannot be made: {what}. Use the active one: mlkit reproduce … "
            "--here"
        )
    version = str(lineage["python"])
    python = project / ".venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    with stage(log, "environment", lock=names[0]):
        if names[0] == "uv.lock":
            _must([uv, "sync", "--frozen", "--quiet", "--python", version], project)
        else:
            _must([uv, "venv", "--quiet", "--python", version], project)
            install = [uv, "pip", "install", "--quiet", "-r", names[0]]
            _must([*install, "--python", str(python)], project)
    return python


def _train(project: Path, out: Path, lineage: Mapping[str, Any], python: Path) -> Bundle:
    """Train in the worktree as the run did, write into `out`, and return the bundle."""
    conf = out / "conf"
    settings = {
        **lineage["config"],
        "bundles": str(out / "bundles"),
        "reports": str(out / "reports"),
        "tracking": {"uri": None},
    }
    conf.mkdir()
    (conf / "config.yaml").write_text(OmegaConf.to_yaml(settings), encoding="utf-8")
    threads = {
        variable: str(number)
        for pool, number in lineage["threads"].items()
        for variable in _THREADS.get(pool, ())
    }
    # The worktree's own package must be found before one that is installed.
    paths = [str(project / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, **threads, "PYTHONPATH": os.pathsep.join(paths)}
    with stage(log, "rebuilding"):
        _must([str(python), "-m", "mlkit", "train", "--conf", str(conf)], project, environment)
    return Bundle.open(out / "bundles" / lineage["config"]["name"])


def _git(folder: Path, *arguments: str) -> str:
    done = _run(["git", "-C", str(folder), *arguments])
    if done.returncode:
        raise RegistryError(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def _must(command: list[str], folder: Path, environment: Mapping[str, str] | None = None) -> None:
    done = _run(command, folder, environment)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        raise RegistryError(f"{Path(command[0]).name} {command[1]} failed: {last}")


def _run(
    command: list[str], folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
