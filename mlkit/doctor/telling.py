"""Tell how one project fares: to people, and to programs."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from textwrap import indent

from mlkit.core.errors import listed
from mlkit.core.table import Table
from mlkit.doctor.points import SECTIONS
from mlkit.doctor.scoring import Score
from mlkit.doctor.standing import Library, Template

#: As the paper calls its sections.
HEADS = {
    "data": "Features and data",
    "model": "Model development",
    "infra": "Infrastructure",
    "monitor": "Monitoring",
}
#: Points that a section can have.
_MOST = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """All that is told of a project."""

    template: Template
    library: Library
    score: Score


def as_text(found: Diagnosis) -> str:
    """Return what the project is made of, the 28 points by section, and the score."""
    sums = found.score.sections()
    parts = ["\n".join(_made_of(found))]
    for section in SECTIONS:
        rows = tuple(
            ("+" if each.earned else "-", each.name, each.title, each.text)
            for each in found.score.points
            if each.section == section
        )
        table = Table(head=("", "", "", ""), rows=rows, n_texts=4).plain().strip("\n")
        parts.append(f"{HEADS[section]}: {sums[section]} of {_MOST}\n{indent(table, '  ')}")
    how = "whose tests passed now" if found.score.was_run else "by what is there; --run runs it"
    parts.append(f"ML Test Score: {found.score.total}, the smallest of the four ({how}).")
    return "\n\n".join(parts)


def as_json(found: Diagnosis) -> str:
    """Return everything as one JSON object."""
    score = {
        "total": found.score.total,
        "was_run": found.score.was_run,
        "sections": found.score.sections(),
        "points": [asdict(each) for each in found.score.points],
    }
    told = {"template": asdict(found.template), "library": asdict(found.library), "score": score}
    return json.dumps(told, indent=1, ensure_ascii=False)


def behind(template: Template) -> str:
    """Return whether a template is the newest, in words."""
    if template.state == "behind":
        return f"behind {template.text}: copier update"
    return "the newest" if template.state == "newest" else template.text


def _made_of(found: Diagnosis) -> Iterator[str]:
    template, library = found.template, found.library
    of = f"{template.version} of {template.source}: " if template.version else ""
    yield f"template  {of}{behind(template)}"
    required = library.required or "no mlkit"
    differs = ", another than is required: make setup" if library.differs else ""
    yield f"library   {library.installed or 'none'} is installed{differs}; required {required}"
    which = f": {listed(template.edited)}" if template.edited else ""
    whose = f"{template.n_owned} files that are the template's"
    yield f"edited    {len(template.edited)} of {whose}{which}"
