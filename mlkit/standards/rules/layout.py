"""MLK91: what lies in a repository, and what must not."""

import re
from collections.abc import Iterator

from mlkit.core.errors import ConfigError
from mlkit.standards import git
from mlkit.standards.ownership import ANSWERS, edited
from mlkit.standards.project import Project
from mlkit.standards.rule import FileHit, ProjectRule

_MB = 1_000_000
#: Bytes of a file that is no longer code, nor what its tests need.
_LARGE = 1 * _MB
#: Written in parts: this file has no conflict.
_OPENS, _CLOSES = "<" * 7, ">" * 7
_MARKER = re.compile(rb"^(?:<{7}|>{7}) [^\r\n]*", re.MULTILINE)


def _large(project: Project) -> Iterator[FileHit]:
    sizes = {
        name: path.stat().st_size
        for name, path in project.files.items()
        if not name.startswith("../") and path.stat().st_size > _LARGE
    }
    if not sizes:
        return
    has = git.tracked(project.folder, *sizes)
    adds = git.untracked(project.folder, *sizes)
    for name in sorted({*(has or ()), *(adds or ())} - git.pointed(project.folder, *sizes)):
        whose = "that git neither has nor ignores" if name in (adds or ()) else "in git"
        yield project.files[name], 1, f"{sizes[name] / _MB:,.1f} MB {whose}"


def _conflicts(project: Project) -> Iterator[FileHit]:
    for path in project.files.values():
        if path.suffix == ".rej":
            yield path, 1, "holds what an update could not change"
            continue
        if path.stat().st_size > _LARGE:
            continue
        content = path.read_bytes()
        if b"\0" in content[:8000]:
            continue
        is_open = False
        for found in _MARKER.finditer(content):
            opens = found.group().startswith(b"<")
            if opens or not is_open:
                line = content.count(b"\n", 0, found.start()) + 1
                yield path, line, "a conflict that nobody has solved"
            is_open = opens


def _owned(project: Project) -> Iterator[FileHit]:
    try:
        names = edited(project.folder)
    except ConfigError as error:
        if answers := project.files.get(ANSWERS):
            yield answers, 1, str(error)
        return
    for name in names:
        if path := project.files.get(name):
            yield path, 1, "is the template's, and was edited"
        elif not (project.folder / name).exists() and (path := project.gone(name)):
            yield path, 1, "is the template's, and is gone"


RULES = (
    ProjectRule(
        code="MLK911",
        name="a large file in git, or about to be",
        severity="error",
        reason="Each clone has it for ever, and of data that only one machine has, nobody knows "
        "what a model was trained on.",
        fix="Keep it where data are kept, name its path in conf/data and the folder in "
        ".gitignore; what must be in git, keep with git LFS.",
        bad="""
==> data/flights.csv, 2 MB <==
""",
        good="""
==> .gitignore <==
/data/
==> data/flights.csv, 2 MB <==
""",
        hits=_large,
    ),
    ProjectRule(
        code="MLK912",
        name="a conflict that nobody solved",
        severity="error",
        reason="git and copier update mark in the file what they could not join, or leave it "
        "beside in a .rej file: with that, neither version works.",
        fix="Choose of both, and take the marks, or the .rej file, away.",
        bad=f"""
==> conf/config.yaml <==
{_OPENS} before updating
seed: 7
=======
seed: 0
{_CLOSES} after updating
""",
        good="""
==> conf/config.yaml <==
seed: 7
""",
        hits=_conflicts,
    ),
    ProjectRule(
        code="MLK913",
        name="a file of the template that was edited",
        severity="error",
        reason="The template changes it with each copier update: the edit is then in conflict, "
        "or lost, and the other projects never get it.",
        fix="Undo the edit (`git log FILE` has the version before), and change the template; "
        "targets that only this project needs go into `project.mk`.",
        bad=f"""
==> {ANSWERS} <==
_owned:
  Makefile: {"0" * 64}
==> Makefile <==
all:
""",
        good=f"""
==> {ANSWERS} <==
_owned: {{}}
==> Makefile <==
all:
""",
        hits=_owned,
    ),
)
