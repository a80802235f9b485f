"""The documentation is executed: what it tells people to type works, and prints what it shows.

Each page runs from its first block to its last, in a fresh project rendered from
this checkout, or in an empty folder beside a link `mlkit` to it. What is
substituted, so that no network and no new environment is needed:

- `uv sync` links the environment of the tests as the project's, and writes an empty
  `uv.lock`; `uv run X` runs X from it; the project's package is found under `src`
  (PYTHONPATH);
- `pip install X` and `uv add X` install nothing: they fail unless X is there already;
- `mlkit` and `pytest` run in copies of a process that has imported what they import;
- Python blocks run in this process, as `python` would run them in the page's folder;
- a project that is there already has every third of its flights;
- git commits under a made-up identity; estimators get one thread;
- the README's placeholder for the repository is this checkout, as it stands.

A text or json block right after an executed one shows what that printed; numbers,
digests and keys are compared in shape only, since libraries, processors or chance move them.
"""

import contextlib
import dataclasses
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from markdown_it import MarkdownIt
from projects import BIN, ROOT, render
from threadpoolctl import threadpool_limits

from mlkit.cli import EXIT_CODES, build_parser
from mlkit.training.settings import Config

DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = sorted(page for page in DOCS.rglob("*.md") if "_build" not in page.parts)
#: These make their project themselves.
FROM_NOTHING = {"tutorial.md", "own-data.md", "template.md", "upgrade.md", "README.md"}
#: Their runs are kept, which takes each command some seconds more.
TRACKED = {"propose.md", "registry.md", "reproduce.md", "retrain.md"}
#: What the README has people run in the repository itself, and CI runs for them.
RUN_BY_CI = {"make demo", "make test", "make check"}
REPOSITORY = "FULL_PATH_OR_URL_OF_THIS_REPOSITORY"
HOSTS = {"docs.astral.sh", "copier.readthedocs.io", "kserve.github.io"}
UV = f"""#!/bin/bash
case "$1" in
  sync) mkdir -p .venv && ln -sfn {shlex.quote(str(BIN.parent))}/* .venv && touch uv.lock ;;
  add) shift; exec pip install "$@" ;;
  run) shift; while [[ "$1" == --* ]]; do shift; done; exec "$@" ;;
  *) echo "uv $1: not substituted" >&2; exit 64 ;;
esac
"""
PIP = f"""#!{sys.executable}
import sys
from importlib.metadata import version

command, *names = sys.argv[1:]
if command != "install" or not names:
    sys.exit(f"pip {{command}}: not substituted")
for name in names:
    version(name.partition("[")[0])
"""


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its text, its line in the page."""

    language: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page, in their order."""
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    return [
        Block(token.info.strip(), token.content, token.map[0] + 1)
        for token in tokens
        if token.type == "fence"
    ]


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the project that the template makes by its default answers, tracked."""
    return render(tmp_path_factory.mktemp("rendered") / "flight-delay")


def executed(page: Path) -> bool:
    """Whether a page has anything to execute."""
    return any(block.language in ("bash", "python") for block in blocks(page))


@pytest.fixture
def folder(page: Path, commands: Path, tmp_path: Path, request, monkeypatch) -> Path:
    """Return the folder that a page starts in, with the stand-ins first on PATH."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, script in (("uv", UV), ("pip", PIP), ("pip3", PIP)):
        (tools / name).write_text(script)
        (tools / name).chmod(0o755)
    for name in [*os.environ]:
        if name.startswith(("COPIER_", "GIT_", "MAKE", "PYTEST_", "UV_", "VIRTUAL_ENV")):
            monkeypatch.delenv(name)
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "reader")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "reader@example.com")
    monkeypatch.setenv(
        "PATH", os.pathsep.join([*map(str, (tools, commands, BIN)), os.environ["PATH"]])
    )
    monkeypatch.setenv("PYTHONPATH", "src")
    # Bundles that are fetched go there; matplotlib's list of fonts too, which takes seconds.
    cache = request.getfixturevalue("tmp_path_factory").getbasetemp() / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    # Whatever slips past the stand-ins reaches no index, and no other environment.
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_REQUIRE_VIRTUALENV", "1")
    monkeypatch.setenv("UV_OFFLINE", "1")
    # Beside other tests, more threads only wait for each other.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    start = tmp_path / "reader"
    if page.name in FROM_NOTHING:
        start.mkdir()
        (start / "mlkit").symlink_to(ROOT)
    else:
        own = request.getfixturevalue("rendered" if page.name in TRACKED else "project")
        left_out = shutil.ignore_patterns("bundles", "reports", "__pycache__")
        shutil.copytree(own, start, ignore=left_out)
        data = start / "data" / "flights.parquet"
        pd.read_parquet(data).iloc[::3].reset_index(drop=True).to_parquet(data)
    return start


def run_bash(script: str, folder: Path) -> tuple[str, Path]:
    """Run one block, and return what it printed and the folder that it ended in."""
    end = folder.parent / "folder"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"{script}\npwd > {shlex.quote(str(end))}"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"exit code {done.returncode}\n{script}\n{done.stdout}"
    return done.stdout, Path(end.read_text().strip())


def run_python(source: str, namespace: dict[str, Any]) -> str:
    """Run one block in the page's namespace, and return what it printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), threadpool_limits(1):
        exec(compile(source, "<page>", "exec"), namespace)  # noqa: S102
    return printed.getvalue()


def shapes(text: str) -> list[str]:
    """Return the lines with digests and numbers masked."""
    masked = re.sub(r"[\w+/]{43}=", "<key>", text)
    # One digest in 280 has no letter: behind a model's name it is one all the same.
    masked = re.sub(r"(?<=[a-z]/)[0-9a-f]{12}\b", "<digest>", masked)
    masked = re.sub(r"\b(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{12}\b", "<digest>", masked)
    masked = re.sub(r"-?\d[\d,]*(\.\d+)?(e[-+]\d+)?", "0", masked)
    return [" ".join(line.split()) for line in masked.splitlines() if line.strip()]


def absent(shown: str, printed: str) -> Iterator[str]:
    """Yield the shown lines that were not printed, in this order."""
    lines = iter(shapes(printed))
    for line in shapes(shown):
        if not any(line in found for found in lines):
            yield line
            return


@pytest.mark.slow
@pytest.mark.parametrize("page", [*filter(executed, PAGES)], ids=lambda page: page.stem)
def test_what_a_page_says_can_be_typed(page: Path, folder: Path, monkeypatch):
    """Every bash and Python block of a page succeeds, and prints what the page shows."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    namespace: dict[str, Any] = {"__name__": "__main__"}
    printed = None
    for block in blocks(page):
        monkeypatch.chdir(folder)
        if block.language == "bash":
            printed, folder = run_bash(block.text, folder)
        elif block.language == "python":
            printed = run_python(block.text, namespace)
        elif block.language in ("text", "json") and printed is not None:
            missing = [*absent(block.text, printed)]
            assert not missing, f"{page.name}:{block.line} shows {missing}, printed was\n{printed}"
            printed = None


@pytest.mark.slow
@pytest.mark.parametrize("page", [README], ids=["README"])
def test_what_the_readme_says_can_be_typed(page: Path, folder: Path, monkeypatch):
    """The README's blocks run: what is for the repository itself in CI, all else here."""
    automation = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for block in blocks(page):
        monkeypatch.chdir(folder)
        if block.language == "python":
            run_python(block.text, {"__name__": "__main__"})
        elif block.language == "bash":
            script = block.text.replace(REPOSITORY, f"--vcs-ref HEAD {shlex.quote(str(ROOT))}")
            commands = {line: line.split("#")[0].strip() for line in script.splitlines()}
            for command in RUN_BY_CI.intersection(commands.values()):
                called = re.search(rf"^[^#]*\b{command}$", automation, re.M)
                assert called, f"CI never runs {command}"
            rest = [line for line, command in commands.items() if command not in RUN_BY_CI]
            _, folder = run_bash("\n".join(rest), folder)


def test_pages_name_no_machine_and_no_other_host():
    """No page holds a path of the machine that it was written on, or a host that is not listed."""
    places = {str(ROOT), str(Path.home()), tempfile.gettempdir()} - {"/"}
    for page in [*PAGES, *DOCS.rglob("*.rst")]:
        text = page.read_text(encoding="utf-8")
        assert not [place for place in places if place in text], page
        hosts = set(re.findall(r"\b(?:[a-z0-9-]+\.)+(?:org|com|io|net|dev|sh)\b", text))
        assert hosts <= HOSTS, page


def test_settings_are_all_documented():
    """The table of settings has every key with its default, and no other."""
    rows = re.findall(r"^\| `([\w.]+)` \| (?:`(.*?)`|required) \|", _reference("config"), re.M)
    documented = {key: default for key, default in rows if key not in _METRIC_ROWS}
    assert documented == dict(_settings(Config))


_METRIC_ROWS = {"binary", "multiclass", "regression"}


def _settings(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    for item in dataclasses.fields(node):
        has_default = item.default_factory is dataclasses.MISSING
        default = item.default if has_default else item.default_factory()
        # Of two nodes of one class, each may have defaults of its own.
        default = default if isinstance(node, type) else getattr(node, item.name)
        if dataclasses.is_dataclass(default):
            yield from _settings(default, f"{path}{item.name}.")
        else:
            yield f"{path}{item.name}", "" if default == "???" else repr(default)


def test_commands_are_all_documented():
    """The page of commands names every command, option and exit code."""
    page = _reference("cli")
    codes = re.findall(r"^  (\d+) +(.*)$", EXIT_CODES, re.M)
    assert re.findall(r"^\| (\d+) \| (.*) \|$", page, re.M) == codes
    second = "infer|describe|ablation|learning-curve|staleness"
    documented = set(re.findall(rf"`mlkit ([a-z][a-z-]+(?: (?:{second}))?)", page))
    found = dict(_commands(build_parser()))
    assert documented == set(found)
    options = {option for options in found.values() for option in options}
    assert set(re.findall(r"^\| `(--[a-z-]+)", page, re.M)) == options


def _commands(parser: Any, name: str = "") -> Iterator[tuple[str, set[str]]]:
    actions = parser._actions
    inner = [action for action in actions if isinstance(action.choices, dict)]
    if not inner:
        options = {option for action in actions for option in action.option_strings}
        yield name, {option for option in options if option.startswith("--")}
    for action in inner:
        for command, parsed in action.choices.items():
            yield from _commands(parsed, f"{name} {command}".strip())


@pytest.mark.slow
def test_files_of_a_project_are_all_documented(project: Path):
    """The table of the template's files lists exactly what it renders."""
    listed = re.findall(r"^\| `([\w./-]+)` \| .* \| .* \|$", _reference("template"), re.M)
    answers = {"project_name", "package_name", "description", "task", "data", "size", "ci", "owner"}
    answers |= {"tracking_uri"}
    made = {"bundles", "reports", "__pycache__", ".pytest_cache", ".ruff_cache", ".venv", ".git"}
    files = {
        str(file.relative_to(project))
        for file in project.rglob("*")
        if file.is_file() and not made.intersection(file.relative_to(project).parts)
    }
    assert set(listed) - answers == files


def _reference(page: str) -> str:
    return (DOCS / "reference" / f"{page}.md").read_text(encoding="utf-8")
