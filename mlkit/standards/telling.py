"""Tell what was found: to people, to programs, and to what shows it beside the code."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from mlkit.core.version import __version__
from mlkit.standards.checking import Checked
from mlkit.standards.findings import Finding
from mlkit.standards.rule import Standard
from mlkit.standards.rules import RULES

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
#: What a path in a URI may have as it is, beside letters and digits (RFC 3986, 3.3).
_PLAIN = "/!$&'()*+,;=@"

_INTRODUCTION = """# Rules

What `mlkit check` holds code, notebooks and projects against; [](../how-to/check-code.md) says
how it is used. The tests hold each example against its rule. This page is what
`mlkit check --rules` prints."""


def as_text(found: Checked) -> str:
    """Return a line for each fix and each finding, where to read on, and how many there are."""
    lines = [f"{each.place()}: {each.code} fixed" for each in found.fixed]
    lines += [f"{each.place()}: {each.code} {each.message}" for each in found.findings]
    ruled = (each.code for each in found.findings if each.code in RULES)
    if code := next(ruled, ""):
        lines.append(f"mlkit check --explain {code} says why, and what to do instead.")
    errors = _counted(found.n_errors, "error")
    warnings = _counted(len(found.findings) - found.n_errors, "warning")
    fixed = f"{len(found.fixed):,} fixed, " if found.fixed else ""
    last = f"{fixed}{errors}, {warnings} in {_counted(found.n_files, 'file')}."
    return "\n".join([*lines, last])


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def as_json(found: Checked) -> str:
    """Return everything as one JSON object."""
    told = {
        "n_files": found.n_files,
        "n_errors": found.n_errors,
        "findings": [asdict(each) for each in found.findings],
        "fixed": [asdict(each) for each in found.fixed],
    }
    return json.dumps(told, indent=1, ensure_ascii=False)


def as_annotations(found: Checked) -> str:
    """Return workflow commands, which GitHub shows beside the lines of a pull request."""
    return "\n".join(_annotation(each) for each in found.findings)


def as_sarif(found: Checked) -> str:
    """Return SARIF 2.1.0, as code scanners exchange it."""
    codes = sorted({each.code for each in found.findings})
    driver = {
        "name": "mlkit check",
        "version": __version__,
        "rules": [_described(code) for code in codes],
    }
    run = {"tool": {"driver": driver}, "results": [_result(each) for each in found.findings]}
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1)


FORMATS: Mapping[str, Callable[[Checked], str]] = {
    "text": as_text,
    "json": as_json,
    "github": as_annotations,
    "sarif": as_sarif,
}


def explained(code: str) -> str:
    """Return what a rule is, why, and what to do instead."""
    rule = RULES[code]
    return (
        f"{rule.code}: {rule.name} ({rule.severity})\n\n{rule.reason}\n{rule.fix}\n\n"
        f"Breaks it:\n{_indented(rule.bad)}\n\nDoes not:\n{_indented(rule.good)}"
    )


def page() -> str:
    """Return all rules as a page in Markdown."""
    return "\n\n".join([_INTRODUCTION, *map(_paragraphs, RULES.values())])


def _paragraphs(rule: Standard) -> str:
    return (
        f"## {rule.code}: {rule.name}\n\n"
        f"*{rule.severity.capitalize()}.* {rule.reason} {rule.fix}\n\n"
        f"Breaks it:\n\n{_fenced(rule.bad)}\n\nDoes not:\n\n{_fenced(rule.good)}"
    )


def _fenced(example: str) -> str:
    language = "text" if example.lstrip().startswith("==>") else "py"
    return f"```{language}\n{example.strip()}\n```"


def _indented(code: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in code.strip().splitlines())


def _annotation(found: Finding) -> str:
    fields = {
        "file": found.path,
        "line": found.line,
        "col": found.column,
        "title": found.code,
    }
    told = ",".join(f"{name}={_field(str(value))}" for name, value in fields.items())
    return f"::{found.severity} {told}::{_data(_in_cell(found))}"


def _in_cell(found: Finding) -> str:
    """Return the message, for what knows lines of files and no cells of notebooks."""
    return f"cell {found.cell}: {found.message}" if found.cell else found.message


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _field(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _described(code: str) -> dict[str, Any]:
    rule = RULES.get(code)
    if rule is None:
        return {"id": code}
    return {
        "id": code,
        "shortDescription": {"text": rule.name},
        "fullDescription": {"text": f"{rule.reason} {rule.fix}"},
        "defaultConfiguration": {"level": rule.severity},
    }


def _result(found: Finding) -> dict[str, Any]:
    return {
        "ruleId": found.code,
        "level": found.severity,
        "message": {"text": _in_cell(found)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {
                        "uri": quote(PurePath(found.path).as_posix(), safe=_PLAIN)
                    },
                    "region": {"startLine": found.line, "startColumn": found.column},
                }
            }
        ],
    }
