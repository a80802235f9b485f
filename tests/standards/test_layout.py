"""Rules for a project's files: what they find beside their examples, and what they leave."""

import subprocess
from pathlib import Path

import pytest

from mlkit.standards.checking import check
from mlkit.standards.choosing import Choice

LARGE = "0\n" * 600_000
CONFLICT = f"{'<' * 7} HEAD\na\n=======\nb\n{'>' * 7} other\n"
FEATURIZER = "from mlkit import Featurizer\n\n\nclass Routes(Featurizer):\n    pass\n"


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """Return a project's folder, which is the present one, under git."""
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "--quiet"], check=True)
    return tmp_path


def write(folder: Path, **texts: str) -> None:
    """Write files."""
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def places(*paths: str) -> list[str]:
    """Return what is found where, among the files asked for."""
    found = check([Path(path) for path in paths or (".",)], Choice()).findings
    return [f"{each.path}:{each.line} {each.code}" for each in found]


def test_large_files_are_found_before_git_has_them_and_after(here):
    """Not those that it ignores, nor those of which it keeps a pointer."""
    write(here, **{"data/a.csv": LARGE, "data/b.csv": LARGE, "c.bin": LARGE, "é.csv": LARGE})
    write(here, **{".gitignore": "/data/b.csv\n", ".gitattributes": "*.bin filter=lfs\n"})
    assert places() == ["data/a.csv:1 MLK911", "é.csv:1 MLK911"]
    subprocess.run(["git", "add", "data/a.csv"], check=True)
    (first, _) = check([Path()], Choice()).findings
    assert first.message == "1.2 MB in git"
    assert places("data/a.csv", "data/b.csv") == ["data/a.csv:1 MLK911"]
    assert places("data") == ["data/a.csv:1 MLK911"]


def test_without_git_a_large_file_is_nobodys(tmp_path, monkeypatch):
    """What is kept and what is not, only a repository tells."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, **{"a.csv": LARGE, "b.txt": CONFLICT, ".github/c.yaml": CONFLICT})
    write(tmp_path, **{".venv/d.txt": CONFLICT})
    assert places() == [".github/c.yaml:1 MLK912", "b.txt:1 MLK912"]


def test_git_is_asked_about_this_repository_within_a_hook(here, monkeypatch):
    """Its hooks are told of an index by a path that is right in one folder alone."""
    write(here, **{"data/a.csv": LARGE})
    subprocess.run(["git", "add", "."], check=True)
    monkeypatch.setenv("GIT_INDEX_FILE", "nowhere/index")
    monkeypatch.setenv("GIT_DIR", "nowhere")
    (found,) = check([Path()], Choice()).findings
    assert found.message == "1.2 MB in git"


def test_conflicts_are_found_in_any_text(here):
    """Each once, also half solved ones; no heading underlined with =, no bytes, no link."""
    write(here, **{".github/workflows/check.yaml": f"on: push\n{CONFLICT}{CONFLICT}"})
    write(here, **{"half.txt": CONFLICT.partition("=")[2], "README.rst": "Title\n=======\n"})
    write(here, **{"conf.yaml.rej": "--- a\n", "x.bin": f"\0\n{CONFLICT}"})
    write(here, **{".venv/.gitignore": "*\n", ".venv/a.txt": CONFLICT})
    (here / "link.txt").symlink_to("half.txt")
    assert places() == [
        ".github/workflows/check.yaml:2 MLK912",
        ".github/workflows/check.yaml:7 MLK912",
        "conf.yaml.rej:1 MLK912",
        "half.txt:3 MLK912",
    ]


def test_a_folder_that_git_ignores_is_looked_at_when_it_is_named(here):
    """As if there were no repository; below another folder it is left alone."""
    write(here, **{".gitignore": "/made/\n", "made/a.txt": CONFLICT, "made/b.csv": LARGE})
    assert places() == []
    assert places("made") == ["made/a.txt:1 MLK912"]


def test_a_file_that_is_named_is_held_against_the_rules_for_files(here):
    """It need not be Python; scripts without a suffix are."""
    write(here, **{"conf/a.yaml": "a: 1\n", "b.yaml": CONFLICT, "run": "#!/bin/sh\nif\n"})
    write(here, script="#!/usr/bin/env python3\nimport joblib\njoblib.load('m')\n")
    assert places("conf/a.yaml", "b.yaml", "run") == ["b.yaml:1 MLK912"]
    assert places("script") == ["script:3 MLK401"]


def test_what_is_the_templates_is_told_among_what_is_asked_for(here):
    """One that is gone, where its folder is asked for; answers that were cut are told, too."""
    digest = "0" * 64
    write(here, **{".copier-answers.yml": f"_owned:\n  a/b.txt: {digest}\n  c.txt: {digest}\n"})
    write(here, **{"a/b.txt": "edited", "a/c.txt": ""})
    assert places() == ["a/b.txt:1 MLK913", "c.txt:1 MLK913"]
    assert places("a") == ["a/b.txt:1 MLK913"]
    assert places("a/c.txt") == []
    assert places("a/../a") == ["a/../a/b.txt:1 MLK913"]
    (here / "a" / "b.txt").unlink()
    assert places("a/../a") == ["a/../a/b.txt:1 MLK913"]
    write(here, **{".copier-answers.yml": "_owned:\n  a/b.txt: 1\n"})
    assert places(".copier-answers.yml") == [".copier-answers.yml:1 MLK913"]


def test_settings_lie_in_conf(here):
    """Where there is one: other files of these kinds are no settings, nor is what tools read."""
    write(here, **{"params.json": "{}", "src/p/rates.yaml": "a: 1\n", "src/p/names.json": "{}"})
    write(here, **{"notebooks/a.ini": "", "deploy/config.yaml": "", "pyproject.toml": ""})
    assert places() == []
    write(here, **{"conf/config.yaml": "", "mkdocs.yml": ""})
    assert places() == [
        "notebooks/a.ini:1 MLK901",
        "params.json:1 MLK901",
        "src/p/rates.yaml:1 MLK901",
    ]


def test_settings_in_code_are_those_of_the_model(here):
    """Where conf/ lies beside src/; what is passed on, and what is no parameter, is fine."""
    code = (
        "import yaml\nfrom sklearn.ensemble import RandomForestClassifier as Forest\n"
        "a = Forest(max_depth=-1, random_state=7, n_jobs=2, max_features=None)\n"
        "b = Forest(max_depth=depth, **options)\nc = yaml.safe_load(text)\n"
    )
    write(here, **{"src/p/model.py": code, "tests/test_model.py": code})
    assert places() == []
    write(here, **{"conf/config.yaml": ""})
    assert places() == ["src/p/model.py:3 MLK902", "src/p/model.py:5 MLK902"]


def test_a_comment_silences_in_any_file_that_has_comments(here):
    """With its reason, in the line that is told."""
    write(here, **{"conf/config.yaml": "", "src/p/features.py": FEATURIZER})
    write(here, **{"src/p/a.yaml": "# mlkit: ignore[MLK901] the library's own\na: 1\n"})
    assert places() == ["src/p/features.py:4 MLK921"]
    (here / "src/p/a.yaml").write_bytes(b"# mlkit: ignore[MLK901] theirs\na: \xff\n")
    assert places() == ["src/p/features.py:4 MLK921"]
    quiet = FEATURIZER.replace("zer):", "zer):  # mlkit: ignore[MLK921] tried elsewhere")
    write(here, **{"src/p/features.py": quiet})
    assert places() == []


def test_a_featurizer_is_tested_where_a_test_names_it(here):
    """In code: a comment is no test."""
    write(here, **{"src/p/features.py": FEATURIZER, "tests/test_a.py": "# Routes\n"})
    assert places("src/p/features.py") == ["src/p/features.py:4 MLK921"]
    for test in ("from p import Routes\n", "import p.features\np.features.Routes()\n"):
        write(here, **{"tests/deep/test_b.py": test})
        assert places("src/p/features.py") == []


def test_what_is_called_a_module_and_is_none_is_passed_over(here):
    """A folder, and a link that leads nowhere: the others are looked at."""
    write(here, **{"src/p/features.py": FEATURIZER})
    (here / "src/p/folder.py").mkdir()
    (here / "src/p/link.py").symlink_to("nowhere")
    assert places("src") == ["src/p/features.py:4 MLK921", "src/p/link.py:1 MLK000"]


def test_a_featurizer_may_be_one_by_way_of_another(here):
    """Of another module, asked for or not; one that is abstract is tested by those it makes."""
    base = FEATURIZER.replace("Routes(Featurizer)", "Routes(Featurizer, abc.ABC)")
    write(here, **{"src/p/base.py": f"import abc\n{base}", "src/p/broken.py": "def (:\n"})
    code = "from p import base\nclass Night(base.Routes): ...\nclass Late(Night): ...\n"
    write(here, **{"src/p/night.py": code, "tests/test_a.py": "from p.night import Night\n"})
    assert places("src/p/night.py") == ["src/p/night.py:3 MLK921"]
    assert places("src/p/base.py") == []


def test_excluded_folders_are_left_out(here):
    """With all that lies in them, in a repository as elsewhere."""
    write(here, **{"vendored/deep/a.txt": CONFLICT, "b.txt": CONFLICT})
    digests = f"_owned:\n  vendored/deep/a.txt: {'0' * 64}\n"
    write(here, **{".copier-answers.yml": digests})
    choice = Choice(exclude=("vendored",))
    assert [each.path for each in check([Path()], choice).findings] == ["b.txt"]
