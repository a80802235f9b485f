"""Read what a project's CI runs, and when: workflows of GitHub, and pipelines of GitLab."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from mlkit.core.errors import ConfigError
from mlkit.core.extras import load
from mlkit.core.files import text_of

_GITLAB = ".gitlab-ci.yml"
#: When a job of GitLab never begins by itself.
_BY_HAND = ("never", "manual")
_SOURCE = re.compile(r"\$CI_PIPELINE_SOURCE\s*(==|!=)\s*[\"'](\w+)[\"']")
_TARGET = re.compile(r"^(?P<names>[^\s:=#][^:=#]*)::?(?!=)(?P<needs>[^#]*)")
_MAKE = re.compile(r"\bmake\b(?P<words>[^\n;&|]*)")
#: What a line of a script has of commands without running them: remarks, texts, installations.
_ONLY_NAMED = re.compile(
    r"(^|\s)#.*|\becho\b[^;&|]*"
    r"|\b(pip3?|uv|pipx|poetry|conda|apt-get|pre-commit)( -\S+)* (install|add)\b[^;&|]*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What runs together.

    Attributes
    ----------
    file
        Where it stands, from the project's folder.
    commands
        The lines that it runs, and those of the Makefile's targets among them.
    is_scheduled
        Whether it runs by the clock.
    is_review
        Whether it runs on what is proposed: a pull or merge request.
    """

    file: str
    commands: tuple[str, ...]
    is_scheduled: bool
    is_review: bool

    def runs(self, command: str) -> bool:
        """Whether one of its lines has a command in it."""
        found = re.compile(rf"(?<![\w-]){re.escape(command)}(?![\w-])")
        return any(found.search(line) for line in self.commands)


def read_jobs(folder: Path) -> list[Job]:
    """Return all jobs of a project.

    Raises
    ------
    ConfigError
        If a file of them is not readable YAML.
    """
    files = sorted((folder / ".github" / "workflows").glob("*.y*ml"))
    gitlab = folder / _GITLAB
    if not files and not gitlab.is_file():
        return []
    yaml = load("yaml", extra="train", purpose="Reading workflows")
    recipes = _recipes(folder / "Makefile")
    found = []
    for file in files:
        name = file.relative_to(folder).as_posix()
        found += list(_of_github(_mapping(yaml, file), name, recipes))
    if gitlab.is_file():
        found += list(_of_gitlab(_mapping(yaml, gitlab), recipes))
    return found


def _mapping(yaml: ModuleType, file: Path) -> dict[Any, Any]:
    try:
        found = yaml.safe_load(text_of(file))
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{file} cannot be read: {' '.join(str(error).split())}.") from None
    return found if isinstance(found, dict) else {}


def _of_github(read: dict[Any, Any], file: str, recipes: dict[str, list[str]]) -> Iterator[Job]:
    # YAML 1.1 takes `on` for a truth.
    events = read.get(True, read.get("on"))
    events = events if isinstance(events, (list, dict)) else [events]
    # What somebody has to start is done by hand.
    if set(events) <= {"workflow_dispatch"}:
        return
    jobs = read.get("jobs")
    for job in jobs.values() if isinstance(jobs, dict) else ():
        if not isinstance(job, dict) or _is_off(job):
            continue
        steps = [s for s in _list(job.get("steps")) if isinstance(s, dict) and not _is_off(s)]
        yield Job(
            file=file,
            commands=tuple(_commands([step.get("run", "") for step in steps], recipes)),
            is_scheduled="schedule" in events,
            is_review="pull_request" in events,
        )


def _is_off(part: dict[Any, Any]) -> bool:
    """Whether a job or a step is switched off."""
    return str(part.get("if", "")).strip("${} ").lower() == "false"


def _list(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []


def _of_gitlab(read: dict[Any, Any], recipes: dict[str, list[str]]) -> Iterator[Job]:
    for name, job in read.items():
        # What begins with a dot is for others to extend, and runs not by itself.
        is_job = isinstance(job, dict) and "script" in job and not str(name).startswith(".")
        if not is_job or job.get("when") in _BY_HAND:
            continue
        script = job["script"]
        yield Job(
            file=_GITLAB,
            commands=tuple(_commands(script if isinstance(script, list) else [script], recipes)),
            is_scheduled=_is_run(read, job, "schedule"),
            is_review=_is_run(read, job, "merge_request_event"),
        )


def _is_run(read: dict[Any, Any], job: dict[Any, Any], source: str) -> bool:
    """Whether the rules of the pipeline and of a job let it run for a source of pipelines."""
    if "only" in job:
        return source.removesuffix("_event") in str(job["only"])
    workflow = read.get("workflow")
    shared = workflow.get("rules") if isinstance(workflow, dict) else None
    # By default there is no pipeline for a merge request.
    if shared is None and "rules" not in job and source != "schedule":
        return False
    return all(
        rules is None or any(_fits(rule, source) for rule in _list(rules))
        for rules in (shared, job.get("rules"))
    )


def _fits(rule: Any, source: str) -> bool:
    if not isinstance(rule, dict) or rule.get("when") in _BY_HAND:
        return False
    compared = _SOURCE.findall(str(rule.get("if", "")))
    if not compared:
        return "if" not in rule
    return any((how == "==") == (value == source) for how, value in compared)


def _commands(texts: Sequence[Any], recipes: dict[str, list[str]]) -> Iterator[str]:
    for line in _lines("\n".join(map(str, texts))):
        yield line
        for called in _MAKE.finditer(line):
            for word in called["words"].split():
                # Without itself: a target that needs itself would never end.
                others = {name: lines for name, lines in recipes.items() if name != word}
                yield from _commands(recipes.get(word, []), others)


def _lines(script: str) -> list[str]:
    """Return the lines of a script, without what they only name."""
    return [_ONLY_NAMED.sub("", line) for line in script.replace("\\\n", " ").splitlines()]


def _recipes(makefile: Path) -> dict[str, list[str]]:
    """Return the lines that each target of a Makefile runs, and what it needs as one of them."""
    found: dict[str, list[str]] = {}
    names: list[str] = []
    lines = text_of(makefile).splitlines() if makefile.is_file() else []
    for line in lines:
        if line.startswith("\t"):
            for name in names:
                found[name].append(line.strip())
        elif target := _TARGET.match(line):
            names = target["names"].split()
            for name in names:
                found.setdefault(name, []).append(f"make {target['needs']}")
    return found
