"""Train a version again, in a worktree of its commit with its lock, data and settings."""

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

from omegaconf import OmegaConf

from mlkit.core.bundle import TUNING_ROWS, Bundle
from mlkit.core.errors import DataError, RegistryError
from mlkit.core.log import get_logger, stage
from mlkit.core.schema import Schema
from mlkit.registry import snapshots
from mlkit.registry.differences import differences
from mlkit.training.data import read_frame
from mlkit.training.lineage import LOCKS, column_prints

log = get_logger(__name__)

#: Variables that set the threads of each pool of `threadpoolctl`.
_THREADS = {
    "openmp": ("OMP_NUM_THREADS",),
    "blas": ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """A bundle that was built again, as long as its worktree is there.

    Attributes
    ----------
    bundle
        The new one.
    data
        The file that it was trained on.
    notes
        What could not be as it was, a sentence each.
    """

    bundle: Bundle
    data: Path
    notes: tuple[str, ...]


@contextmanager
def rebuild(bundle: Bundle, data_folder: Path, folder: Path, *, here: bool) -> Iterator[Rebuilt]:
    """Build a bundle again in a worktree of its commit; see `reproduce`."""
    lineage = bundle.manifest.lineage
    commit = (lineage.get("code") or {}).get("commit")
    if not commit:
        raise RegistryError(
            f"{bundle.model} cannot be built again: it was trained outside of git. Put the project "
            "under git, commit it, and train anew."
        )
    settings = lineage["config"]
    data = Path(settings["data"]["path"])
    notes = []
    if lineage["code"].get("dirty"):
        notes.append("It was trained with changes that were never committed.")
    with _worktree(folder, commit, data.parts.count("..")) as (project, out):
        notes += _place_data(bundle, project, out, folder, data_folder)
        _place_tuning_rows(bundle, project, out)
        champion = settings["evaluation"]["champion"]
        if champion is not None and not (project / champion).is_dir():
            settings = {**settings, "evaluation": {**settings["evaluation"], "champion": None}}
            notes.append(
                f"It was compared with the champion in {champion}, which is in no commit: the new "
                "one was compared with none."
            )
        python = Path(sys.executable) if here else _environment(project, lineage)
        made = _train(project, out, settings, lineage["threads"], python)
        yield Rebuilt(bundle=made, data=project / data, notes=tuple(notes))


@contextmanager
def _worktree(folder: Path, commit: str, n_above: int) -> Iterator[tuple[Path, Path]]:
    """Yield the project's folder in a worktree of a commit, and an empty one outside of it.

    `n_above` folders above the worktree are made with it, and taken away with it.
    """
    prefix = _git(folder, "rev-parse", "--show-prefix")
    if _run(["git", "-C", str(folder), "cat-file", "-e", f"{commit}^{{commit}}"]).returncode:
        raise RegistryError(
            f"Commit {commit} is not in this repository. Fetch it (git fetch --all), or work in "
            "the repository that the model was trained in."
        )
    with tempfile.TemporaryDirectory(prefix="mlkit-reproduce-") as place:
        out = Path(place, "out")
        tree = Path(place, *["above"] * n_above, "tree")
        out.mkdir()
        # Those of rebuilds that were killed, whose folders are gone.
        _git(folder, "worktree", "prune")
        _git(folder, "worktree", "add", "--detach", "--quiet", str(tree), commit)
        try:
            yield tree / prefix, out
        finally:
            _run(["git", "-C", str(folder), "worktree", "remove", "--force", str(tree)])


def _place_data(
    bundle: Bundle, project: Path, out: Path, folder: Path, data_folder: Path
) -> list[str]:
    """Put the data in their place; return how those at their location differ now."""
    lineage = bundle.manifest.lineage
    path, fingerprint = Path(lineage["config"]["data"]["path"]), lineage["data"]["fingerprint"]
    place, present = project / path, folder / path
    # By a full path, or behind a link, they are read where they lie, and nothing is written there.
    is_ours = place.resolve().is_relative_to(out.parent.resolve())
    snapshot = snapshots.find(data_folder, fingerprint) if is_ours else None
    source = snapshot or (place if place.is_file() else present)
    if not source.is_file():
        absent = ", no snapshot, and none in the commit" if is_ours else ""
        raise RegistryError(
            f"The data are gone: there is no {present}{absent}. Put rows with the fingerprint "
            f"{fingerprint} there."
        )
    if is_ours and source != place:
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place)
    if source == present or not present.is_file():
        return []
    changed = _changed_since(lineage["data"], present, bundle.schema)
    return [f"{path} is not what it was: {line}" for line in changed]


def _place_tuning_rows(bundle: Bundle, project: Path, out: Path) -> None:
    """Put what the settings were chosen on in its place, where that is in no commit."""
    path = (bundle.manifest.lineage["config"].get("model") or {}).get("tuning_rows")
    if path is None:
        return
    place = project / path
    if not place.is_file() and place.resolve().is_relative_to(out.parent.resolve()):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(bundle.read(TUNING_ROWS))


def _changed_since(data: Mapping[str, Any], present: Path, schema: type[Schema]) -> list[str]:
    try:
        frame = schema.validate(read_frame(present, schema))
    except DataError as error:
        return [str(error)]
    now = {"n_rows": len(frame), "columns": column_prints(frame)}
    return [f"{line}." for line in differences({"data": data}, {"data": now})]


def _environment(project: Path, lineage: Mapping[str, Any]) -> Path:
    """Return the Python of a new environment, made from the recorded lock file."""
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    lock = lineage.get("lock") or {}
    names = [name for name in LOCKS if name in lock]
    if uv is None or not names or not (project / names[0]).is_file():
        what = "uv is not installed" if uv is None else "no lock file of uv or pip was committed"
        raise RegistryError(
            f"A new environment cannot be made: {what}. Use the active one: mlkit reproduce … "
            "--here"
        )
    version = str(lineage["python"])
    home = project / ".venv"
    python = home / "bin" / "python"
    # Where it names the user's own environment, that one must stay as it is.
    environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(home)}
    commands = [[uv, "sync", "--frozen", "--quiet", "--python", version]]
    if names[0] != "uv.lock":
        install = [uv, "pip", "install", "--quiet", "-r", names[0], "--python", str(python)]
        commands = [[uv, "venv", "--quiet", "--python", version, str(home)], install]
    with stage(log, "environment", lock=names[0]):
        for command in commands:
            _must(f"Making an environment from {names[0]}", command, project, environment)
    return python


def _train(
    project: Path,
    out: Path,
    settings: Mapping[str, Any],
    n_threads: Mapping[str, int],
    python: Path,
) -> Bundle:
    """Train in the worktree as the run did, write into `out`, and return the bundle."""
    conf = out / "conf"
    settings = {
        **settings,
        "bundles": str(out / "bundles"),
        "reports": str(out / "reports"),
        "tracking": {"uri": None},
    }
    conf.mkdir()
    (conf / "config.yaml").write_text(OmegaConf.to_yaml(settings), encoding="utf-8")
    threads = {
        variable: str(number)
        for pool, number in n_threads.items()
        for variable in _THREADS.get(pool, ())
    }
    # The worktree's own package must be found before one that is installed.
    paths = [str(project / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, **threads, "PYTHONPATH": os.pathsep.join(paths)}
    with stage(log, "rebuilding"):
        command = [str(python), "-m", "mlkit", "train", "--conf", str(conf)]
        _must("Training it again", command, project, environment)
    return Bundle.open(out / "bundles" / settings["name"])


def _git(folder: Path, *arguments: str) -> str:
    done = _run(["git", "-C", str(folder), *arguments])
    if done.returncode:
        raise RegistryError(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def _must(what: str, command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    done = _run(command, folder, environment)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        raise RegistryError(f"{what} failed: {last}")


def _run(
    command: list[str], folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
