"""Ask git about a folder's files."""

import os
import subprocess
from pathlib import Path

#: Git sets these for its hooks, relative to another folder than the one asked about.
_OF_A_HOOK = ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE")


def environment() -> dict[str, str]:
    """Return this process's environment, without what would send git to another repository."""
    return {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK}


def answers(folder: Path, *arguments: str) -> list[str] | None:
    """Return what a command of git lists with -z; None in no repository, or without git."""
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, env=environment(), check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return [os.fsdecode(each) for each in done.stdout.split(b"\0") if each]


def tracked(folder: Path, *names: str) -> list[str] | None:
    """Return the files that git has, or is told to add; below the folder, or of these names."""
    return answers(folder, "ls-files", "--cached", "-z", "--", *names)


def untracked(folder: Path, *names: str) -> list[str] | None:
    """Return the files that git neither has nor ignores."""
    return answers(folder, "ls-files", "--others", "--exclude-standard", "-z", "--", *names)


def pointed(folder: Path, *names: str) -> set[str]:
    """Return those of the files of which git keeps but a pointer, by a filter such as LFS."""
    told = answers(folder, "check-attr", "-z", "filter", "--", *names) or []
    values = dict(zip(told[::3], told[2::3], strict=True))
    return {name for name, value in values.items() if value not in ("unspecified", "unset")}
