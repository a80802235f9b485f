"""The package is light to import, says what it has, and keeps its fence."""

import importlib.metadata
import subprocess
import sys
import tomllib

import pytest
from projects import ROOT

import mlkit
from mlkit.core import extras
from mlkit.core.errors import MissingExtraError

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def python(code: str) -> str:
    """Run code in an interpreter of its own, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout.strip()


def test_the_public_names_are_these():
    """The map in the package's docstring lists exactly what can be imported."""
    assert sorted(mlkit.__all__) == [
        "Evaluator",
        "Featurizer",
        "Gate",
        "MlkitError",
        "Predictor",
        "Schema",
        "Splitter",
        "TableEncoder",
        "Target",
        "Trainer",
        "column",
        "get_logger",
        "load_config",
        "pack",
        "read_frame",
        "train",
    ]
    for name in mlkit.__all__:
        assert f"`{name}`" in mlkit.__doc__
        assert getattr(mlkit, name).__name__ == name
    assert set(mlkit.__all__) <= set(dir(mlkit))
    with pytest.raises(AttributeError, match="no attribute 'Trainner'"):
        mlkit.Trainner  # noqa: B018


@pytest.mark.parametrize(
    "code",
    ["import mlkit", "import mlkit; mlkit.Predictor, mlkit.Schema", "import mlkit.cli.commands"],
)
def test_the_scoring_side_loads_nothing_of_the_training_side(code):
    """Neither pandas nor scikit-learn nor Hydra is imported by it."""
    heavy = "{'pandas', 'sklearn', 'hydra', 'skops', 'scipy', 'pyarrow', 'mlkit.training'}"
    assert python(f"import sys; {code}; print({heavy} & set(sys.modules))") == "set()"


def test_importing_mlkit_loads_no_other_package():
    """`import mlkit` alone costs nothing but itself."""
    loaded = "{name.split('.')[0] for name in sys.modules}"
    code = f"import sys; before = {loaded}; import mlkit; print(sorted({loaded} - before))"
    assert "structlog" not in python(code)
    assert "numpy" not in python(code)


def test_a_missing_extra_is_named(monkeypatch):
    """Where a package of the training side is absent, the error says what to install."""
    monkeypatch.setitem(sys.modules, "skops", None)
    monkeypatch.delitem(sys.modules, "mlkit.training.storage", raising=False)
    with pytest.raises(MissingExtraError, match=r"pip install 'mlkit-ship\[train\]'"):
        extras.load("mlkit.training.storage", extra="train", purpose="Packing")


def test_a_missing_package_of_the_plain_install_is_named(monkeypatch):
    """Where what mlkit always needs is absent, the error names no extra."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.delitem(sys.modules, "mlkit.scoring.compiled", raising=False)
    with pytest.raises(MissingExtraError, match=r"onnxruntime.* pip install 'mlkit-ship'\.$"):
        extras.load("mlkit.scoring.compiled", purpose="Scoring")


def test_the_distribution_is_not_the_stranger_of_that_name():
    """No requirement, ours or the template's, names the unrelated package `mlkit`."""
    assert PYPROJECT["project"]["name"] == extras.DISTRIBUTION == "mlkit-ship"
    assert importlib.metadata.version("mlkit-ship") == mlkit.__version__
    for pins in (ROOT / "requirements").glob("*.txt"):
        assert not any(line.startswith("mlkit==") for line in pins.read_text().splitlines())


def test_pins_name_hashes_and_no_host():
    """Every pinned package has a hash, and no file names where it came from."""
    for pins in (ROOT / "requirements").glob("*.txt"):
        text = pins.read_text()
        assert "://" not in text
        assert "index-url" not in text
        packages = [line for line in text.splitlines() if "==" in line and line[0].isalpha()]
        assert packages
        assert all(line.endswith("\\") for line in packages)


def test_the_plain_install_is_the_scoring_side():
    """The dependencies without extras are few, and none of the training side's."""
    names = {line.split(">")[0] for line in PYPROJECT["project"]["dependencies"]}
    assert names == {"msgspec", "numpy", "onnxruntime", "structlog"}
