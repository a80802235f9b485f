"""`--multirun` trains every combination, each into a folder of its own."""

import pytest

from mlkit.cli import main
from mlkit.core.bundle import Bundle
from mlkit.core.errors import ConfigError
from mlkit.training.sweeping import combinations, sweep

SMALL = [
    "evaluation.n_resamples=0",
    "evaluation.n_repeats=0",
    "evaluation.compare_splits=false",
    "logging.level=error",
    "model.estimator.max_iter=3",
]


def test_every_combination_is_run_once():
    """Hydra's own grammar: lists and ranges are swept, everything else holds for all runs."""
    runs = combinations(["model=a,b", "seed=range(2)", "evaluation.metrics=[x,y]", "~split"])
    assert [changed for changed, _ in runs] == [
        {"model": model, "seed": seed} for model in "ab" for seed in "01"
    ]
    fixed = ["evaluation.metrics=[x,y]", "~split"]
    assert runs[0][1] == [*fixed, "model=a", "seed=0"]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["seed=1"], "nothing to combine: seed=1"),
        ([], "nothing to combine: nothing"),
        (["seed=interval(1,2)"], "has no list of values"),
        (["seed=[1"], "mismatched|viable"),
    ],
)
def test_what_is_no_sweep_is_refused(overrides, message):
    """Without several values, or without an end of them, there is nothing to run."""
    with pytest.raises(ConfigError, match=message):
        combinations(overrides)


@pytest.mark.slow
def test_a_sweep_prints_a_table_and_leaves_bundles_only(in_project, tmp_path, capsys):
    """One row a run with its metrics, the bundles numbered on, and no outputs folder."""
    before = sorted(in_project.iterdir())
    code = main(["train", "--multirun", "seed=1,2", f"bundles={tmp_path}", *SMALL])
    header, *rows = capsys.readouterr().out.splitlines()
    assert (code, len(rows)) == (0, 2)
    assert header.split()[:2] == ["seed", "roc_auc"]
    for number, row in enumerate(rows, start=1):
        folder = tmp_path / "sweep" / str(number) / "flight-delay"
        assert row.endswith(f" {folder}")
        assert Bundle.open(folder).manifest.lineage["seed"] == number
    assert sorted(in_project.iterdir()) == before


@pytest.mark.slow
def test_a_run_that_fails_stops_no_other(in_project, tmp_path, capsys):
    """Its row says why, the command exits with 1, and earlier sweeps are kept."""
    (tmp_path / "sweep" / "7").mkdir(parents=True)
    cuts = "split.cut=2013-06-01,2030-01-01"
    assert main(["train", "--multirun", cuts, f"bundles={tmp_path}", *SMALL]) == 1
    good, bad = capsys.readouterr().out.splitlines()[1:]
    assert str(tmp_path / "sweep" / "8") in good
    assert "none: The split" in bad


def test_a_wrong_combination_is_named_before_any_run(in_project, tmp_path):
    """All settings are checked first, so the good runs are not done in vain."""
    with pytest.raises(ConfigError, match="Did you mean logistic"):
        sweep(["model=hist_gradient_boosting,logstic", f"bundles={tmp_path}"])
    assert not (tmp_path / "sweep").exists()
