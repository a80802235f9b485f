"""The template is tested as the projects that it makes."""

import json
import re
import shutil
import sys
import tomllib
from pathlib import Path

import pandas as pd
import pytest
from projects import BIN, ROOT, render, run

from mlkit.standards.ownership import edited, owned

pytestmark = pytest.mark.slow

UV = shutil.which("uv", path=BIN) or "uv"
#: What a full project asks for.
FULL = "mlkit-ship[train,tune,registry,serve,monitor]"


def copy(source: Path, project: Path, *options: str) -> dict:
    """Render as a user would, and return the project's pyproject.toml."""
    copier = [sys.executable, "-m", "copier", "copy", "--defaults", "--quiet", *options]
    run(*copier, source, project, cwd=source.parent)
    return tomllib.loads((project / "pyproject.toml").read_text())


def test_a_new_project_runs_its_two_commands_and_its_hooks(clone, tmp_path):
    """In an empty home: it installs the very commit that it came from, trains, tests, is clean."""
    project = tmp_path / "flight-delay"
    commit = run("git", "rev-parse", "HEAD", cwd=clone).stdout.strip()
    (requirement,) = copy(clone, project)["project"]["dependencies"]
    assert requirement == f"{FULL} @ git+file://{clone}@{commit}"

    (tmp_path / "home").mkdir()
    cache = run(UV, "cache", "dir", cwd=tmp_path).stdout.strip()
    environment = {"HOME": str(tmp_path / "home"), "UV_CACHE_DIR": cache, "VIRTUAL_ENV": ""}
    run("git", "init", "--quiet", cwd=project)
    run("git", "add", "--all", cwd=project)
    run("make", "train", f"UV={UV}", cwd=project, **environment)
    assert (project / "bundles" / "flight-delay" / "manifest.json").is_file()
    assert " passed" in run("make", "test", f"UV={UV}", cwd=project, **environment).stdout
    run("git", "add", "--all", cwd=project)
    hooks = run("make", "check", f"UV={UV}", cwd=project, **environment).stdout
    assert hooks.count("Passed") == (project / ".pre-commit-config.yaml").read_text().count("- id: ")
    assert run("git", "diff", "--name-only", cwd=project).stdout == ""

    installed = project.glob(".venv/lib/*/site-packages/mlkit_ship-*/direct_url.json")
    origin = json.loads(next(installed).read_text())
    assert origin["vcs_info"]["commit_id"] == commit


def test_a_hook_finds_what_it_is_for(clone, tmp_path):
    """A badly formatted file, an unused import, and a conflict marker stop a commit."""
    project = tmp_path / "p"
    copy(clone, project)
    (project / ".venv").symlink_to(BIN.parent)
    (project / "src" / "flight_delay" / "bad.py").write_text('"""Bad."""\nimport os\nx  = 1 \n')
    (project / "README.md").write_text("<<<<<<< HEAD\na\n=======\nb\n>>>>>>> other\n")
    run("git", "init", "--quiet", cwd=project)
    run("git", "add", "--all", "--force", "src", "README.md", ".pre-commit-config.yaml", cwd=project)
    done = run("pre-commit", "run", "--all-files", cwd=project, code=1)
    failed = [line.split("...")[0] for line in done.stdout.splitlines() if "Failed" in line]
    assert {"ruff check", "ruff format", "mlkit check"} <= {f.rstrip(".") for f in failed}


@pytest.mark.parametrize(
    ("options", "requirement"),
    [
        (["--vcs-ref", "v0.9.0"], FULL + " @ git+file://{clone}@{tag}"),
        (
            ["--data", f"mlkit_requirement={FULL}==0.1.0"],
            f"{FULL}==0.1.0",
        ),
    ],
)
def test_a_tag_or_an_index_can_be_the_source(clone, tmp_path, options, requirement):
    """A tag is pinned by its commit; a release of an index by its version; never a stranger."""
    run("git", "tag", "--force", "v0.9.0", cwd=clone)
    tag = run("git", "rev-parse", "v0.9.0", cwd=clone).stdout.strip()
    (found,) = copy(clone, tmp_path / "p", *options)["project"]["dependencies"]
    assert found == requirement.format(clone=clone, tag=tag)


def test_a_plain_folder_can_be_the_source(clone, tmp_path):
    """Without git, the project installs from the folder itself."""
    plain = tmp_path / "plain"
    shutil.copytree(clone, plain, ignore=shutil.ignore_patterns(".git"))
    (found,) = copy(plain, tmp_path / "p")["project"]["dependencies"]
    assert found == f"{FULL} @ file://{plain}"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"package_name": "9lives"}, "lower-case letter"),
        ({"package_name": "a__b"}, "lower-case letter"),
        ({"package_name": "class"}, "taken, by Python"),
        ({"package_name": "mlkit"}, "taken, by Python"),
        ({"package_name": "a" * 41}, "at most 40"),
        ({"project_name": "50% off"}, "Start with a letter"),
        ({"data": "table.xlsx"}, "Type flights"),
        ({"task": "ranking"}, "ranking"),
        ({"size": "huge"}, "huge"),
        ({"ci": "jenkins"}, "jenkins"),
        ({"owner": "somebody"}, "Write @USER"),
    ],
)
def test_answers_that_cannot_be_are_refused(tmp_path, answer, message):
    """Copier says what is wrong, and writes nothing."""
    data = [part for item in answer.items() for part in ("--data", "=".join(item))]
    done = run(
        *(sys.executable, "-m", "copier", "copy", "--defaults", "--vcs-ref", "HEAD"),
        *(*data, ROOT, tmp_path / "p"),
        cwd=ROOT,
        code=None,
    )
    assert done.returncode != 0
    assert message in done.stderr
    assert not (tmp_path / "p" / "pyproject.toml").exists()


def test_odd_answers_are_quoted(run_in, tmp_path):
    """Quotes, backslashes and colons in the description survive into valid TOML and YAML."""
    text = 'A "late" flight ✈ 🛬: 100 % {sure}, path C:\\x'
    project = render(tmp_path / "p", description=text)
    assert tomllib.loads((project / "pyproject.toml").read_text())["project"]["description"] == text
    done = run_in(project, "mlkit", "train", "evaluation.n_resamples=10", "evaluation.n_repeats=0")
    assert "Bundle" in done.stdout
    manifest = json.loads((project / "bundles" / "flight-delay" / "manifest.json").read_text())
    assert manifest["lineage"]["config"]["description"] == text


def test_the_shipped_flights_are_what_their_script_makes(tmp_path, project):
    """Every twentieth flight of the public data, joined with the weather before it."""
    script = ROOT / "examples" / "prepare_flights.py"
    run(sys.executable, script, tmp_path / "flights.parquet", "--every", 20, cwd=ROOT)
    made = pd.read_parquet(tmp_path / "flights.parquet")
    pd.testing.assert_frame_equal(made, pd.read_parquet(project / "data" / "flights.parquet"))


@pytest.mark.parametrize("ci", ["github", "gitlab"])
def test_a_project_passes_the_review_of_scientific_python(tmp_path, ci):
    """What it leaves out stands in its pyproject.toml, each with the reason."""
    project = render(tmp_path / "p", ci=ci)
    found = run(BIN / "repo-review", project, cwd=tmp_path).stdout
    assert "PP002" in found
    assert "❌" not in found


@pytest.mark.parametrize("size", ["full", "lite"])
@pytest.mark.parametrize("ci", ["github", "gitlab", "none"])
def test_the_digests_of_owned_files_are_those_of_their_bytes(tmp_path, size, ci):
    """Those in the answers file, by which an edit is found; each of the files is there."""
    project = render(tmp_path / "p", size=size, ci=ci)
    assert {"Makefile", ".pre-commit-config.yaml", "docs/ways-of-working.md"} <= owned(project).keys()
    assert edited(project) == []


def test_a_champion_is_judged_by_its_own_columns(run_in, tmp_path):
    """Though the model that is held against it no longer knows all of them."""
    project = render(tmp_path / "p", size="lite")
    settings = ("evaluation.n_resamples=100", "evaluation.n_repeats=0", "model=logistic")
    run_in(project, "mlkit", "train", *settings, f"bundles={tmp_path}")
    [own] = re.findall(r"\| roc_auc \| (0\.\d+) \|", (tmp_path / "flight-delay/README.md").read_text())
    schema, features = (project / "src" / "flight_delay" / f"{name}.py" for name in ("schema", "features"))
    schema.write_text(re.sub(r"    humid: .*\n", "", schema.read_text()))
    features.write_text(features.read_text().replace('"humid", ', ""))
    champion = f"evaluation.champion={tmp_path / 'flight-delay'}"
    done = run_in(project, "mlkit", "train", *settings, champion)
    [compared] = re.findall(r"^roc_auc +all rows +[\d,]+ +[\d.]+ +([\d.]+)", done.stdout, re.M)
    assert compared == own
