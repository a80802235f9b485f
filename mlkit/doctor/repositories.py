"""Ask git about repositories elsewhere; it never asks back."""

import subprocess

from mlkit.core.errors import DataError
from mlkit.standards import git

#: What Copier calls two hosts.
_HOSTS = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}


def address_of(source: str) -> str:
    """Return what git is given for a repository, which Copier may write in short."""
    for short, host in _HOSTS.items():
        if source.startswith(short):
            return f"{host}{source.removeprefix(short)}.git"
    return source.removeprefix("git+")


def told(*arguments: str, patience: float) -> str:
    """Return what a command of git prints.

    Parameters
    ----------
    *arguments
        The command's.
    patience
        For how long it may take, in s.

    Raises
    ------
    DataError
        If it fails, with what it says, or takes longer.
    """
    environment = git.environment()
    # An address may be what another project says: no `ext::`, say, which runs a command.
    environment.setdefault("GIT_ALLOW_PROTOCOL", "file:git:http:https:ssh")
    environment["GIT_TERMINAL_PROMPT"] = "0"
    environment["SSH_ASKPASS_REQUIRE"] = "never"
    try:
        done = subprocess.run(
            ["git", *arguments],
            capture_output=True,
            text=True,
            timeout=patience,
            check=False,
            env=environment,
            # Without a terminal ssh cannot ask either, whichever the user has git call.
            start_new_session=True,
        )
    except FileNotFoundError:
        raise DataError("there is no git here") from None
    except subprocess.TimeoutExpired:
        raise DataError(f"git {arguments[0]} takes longer than {patience:g} s") from None
    if done.returncode:
        said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise DataError(f"git {arguments[0]}: {said}")
    return done.stdout
