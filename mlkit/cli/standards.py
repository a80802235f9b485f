"""The command that holds code against the team's standards."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlkit.core.errors import ConfigError, nearest
from mlkit.standards.checking import check as checked
from mlkit.standards.choosing import read_choice
from mlkit.standards.fixing import fix
from mlkit.standards.rules import RULES
from mlkit.standards.telling import FORMATS, explained, page


def check(arguments: argparse.Namespace) -> int:
    """Print what breaks the rules, and return 1 if something blocks."""
    if arguments.explain is not None:
        code = arguments.explain.upper()
        if code not in RULES:
            raise ConfigError(f"There is no rule {code}. {nearest(code, RULES)}")
        print(explained(code))
        return 0
    if arguments.rules:
        print(page())
        return 0
    choice = read_choice(Path())
    given: dict[str, Any] = {
        name: tuple(getattr(arguments, name).split(","))
        for name in ("select", "ignore")
        if getattr(arguments, name) is not None
    }
    choice = replace(choice, **given)
    paths = [Path(path) for path in arguments.paths or ["."]]
    fixed = fix(paths, choice) if arguments.fix else ()
    found = replace(checked(paths, choice), fixed=fixed)
    if told := FORMATS[arguments.format](found):
        print(told)
    return int(found.n_errors > 0)
