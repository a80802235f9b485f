"""One commit and one lock file make one bundle, wherever they are."""

import os
from pathlib import Path

import pytest
from projects import ROOT, render, run

from mlkit.core.bundle import Bundle

pytestmark = [
    pytest.mark.slow,
    # Eight trainings and four environments; the pages of the docs make one anew in CI.
    pytest.mark.skipif(
        int(os.environ.get("SIMULATIONS", "0")) < 1000, reason="only with make simulate-registry"
    ),
]
MODELS = {
    "binary": ("hist_gradient_boosting", "random_forest", "logistic"),
    "regression": ("ridge",),
}


@pytest.mark.parametrize("task", MODELS)
def test_two_environments_make_the_same_bundles(task, tmp_path):
    """Every estimator of the template has one digest in two clones with an environment each."""
    first, second = tmp_path / "first", tmp_path / "second"
    requirement = f"mlkit-ship[train,registry] @ {ROOT.as_uri()}"
    render(first, task=task, mlkit_requirement=requirement)
    uv("lock", cwd=first)
    run("git", "init", "--quiet", cwd=first)
    run("git", "add", "--all", cwd=first)
    author = ("-c", "user.name=tests", "-c", "user.email=tests@localhost")
    run("git", *author, "commit", "--quiet", "--message", "Start", cwd=first)
    run("git", "clone", "--quiet", first, second, cwd=tmp_path)
    digests = {clone: trained(clone, MODELS[task]) for clone in (first, second)}
    print(digests[first])  # noqa: T201
    assert digests[first] == digests[second]
    assert len(set(digests[first].values())) == len(MODELS[task])


def trained(clone: Path, models: tuple[str, ...]) -> dict[str, str]:
    """Make a clone's environment, train, and return each model's digest."""
    uv("sync", "--frozen", "--quiet", cwd=clone)
    digests = {}
    for model in models:
        fast = "evaluation.n_resamples=20"
        uv("run", "--frozen", "mlkit", "train", f"model={model}", f"name={model}", fast, cwd=clone)
        digests[model] = Bundle.open(clone / "bundles" / model).manifest.digest
    return digests


def uv(*arguments: str, cwd: Path) -> None:
    """Run uv as a user would, outside of the environment of these tests."""
    # What was downloaded once is used again; the environments share nothing else.
    downloads = str(Path.home() / ".cache" / "uv")
    run("uv", *arguments, cwd=cwd, VIRTUAL_ENV="", PYTHONPATH="", UV_CACHE_DIR=downloads)
