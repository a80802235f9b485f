"""Hold a project against the ML Test Score."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlkit.core.errors import listed
from mlkit.doctor.points import POINTS, SECTIONS
from mlkit.doctor.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What became of one of the 28 points.

    Attributes
    ----------
    name, title
        See `Point`.
    earned
        Whether everything is there that the point takes.
    text
        The evidence; without the point, what to do next.
    """

    name: str
    title: str
    earned: bool
    text: str

    @property
    def section(self) -> str:
        """The first part of the name."""
        return self.name.partition("-")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The ML Test Score of a project.

    Attributes
    ----------
    points
        All 28, in the paper's order.
    was_run
        Whether the tests among the evidence ran, and passed.
    """

    points: Sequence[Scored]
    was_run: bool

    def sections(self) -> dict[str, int]:
        """Return the sum of each section."""
        return {
            section: sum(each.earned for each in self.points if each.section == section)
            for section in SECTIONS
        }

    @property
    def total(self) -> int:
        """The smallest sum of a section."""
        return min(self.sections().values())


def score(project: Project) -> Score:
    """Look for what each point takes."""
    points = []
    for point in POINTS:
        found = [need(project) for need in point.needs]
        missing = [each.text for each in found if not each.holds]
        points.append(
            Scored(
                name=point.name,
                title=point.title,
                earned=not missing,
                text=listed(missing or [each.text for each in found]),
            )
        )
    return Score(points=tuple(points), was_run=project.outcomes is not None)
