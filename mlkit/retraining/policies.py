"""Say whether a new model is due, and why: from what was found, and nothing else."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from mlkit.core.errors import listed
from mlkit.monitoring.findings import SEVERITIES, Kind, Monitoring
from mlkit.training.settings import RetrainingConfig

#: What each policy looks at. Rows that break the schema are no reason to learn from them, and
#: a slow answer or an age is not mended by other rows (for the age there is a policy).
_KINDS: dict[str, tuple[Kind, ...]] = {
    "drift": ("drift", "missing", "separation", "predictions"),
    "quality": ("quality", "estimate"),
}
#: Findings that are told of, at most.
_MOST_SHOWN = 3
_DAY = 86_400
#: How a moment is written so that two of one span are equal.
_SPANS = {"hourly": "%Y-%m-%dT%H", "daily": "%Y-%m-%d", "weekly": "%G-W%V", "monthly": "%Y-%m"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Champion:
    """What must be known of the model in use.

    Attributes
    ----------
    version, digest
        Which it is: NAME/NUMBER, and the SHA-256 of its bundle.
    created
        When it was registered, UTC.
    data_until
        The moment of the newest row that it was made from; None without times.
    """

    version: str
    digest: str
    created: datetime
    data_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Whether a new model is due.

    Attributes
    ----------
    due
        Whether to go on.
    reasons
        What speaks for it, a sentence each.
    held_back
        What speaks against acting on them now, a sentence each.
    """

    due: bool
    reasons: tuple[str, ...]
    held_back: tuple[str, ...]

    def summary(self) -> str:
        """Return it as lines."""
        head = "A new model is due." if self.due else "No new model is due."
        if not self.reasons:
            return f"{head} No policy asks for one."
        reasons = [f"- {reason}" for reason in self.reasons]
        lines = [head, *reasons] if self.due else [head, "It would be:", *reasons]
        if self.held_back:
            lines += ["Held back:", *(f"- {reason}" for reason in self.held_back)]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-able values."""
        return asdict(self)


def decide(
    settings: RetrainingConfig,
    found: Monitoring | None,
    *,
    champion: Champion | None,
    newest: datetime | None,
    n_new: int,
    now: datetime,
    forced: bool = False,
) -> Decision:
    """Hold what is known to the policies.

    Parameters
    ----------
    settings
        The policies.
    found
        What was found of the champion in use; None where nothing was looked at.
    champion
        The model in use; None if there is none, which is a reason by itself.
    newest
        When the newest version was registered, whatever became of it: the cool-down and the
        schedule count from it. None without any.
    n_new
        Rows with answers that have come since the champion was trained.
    now
        UTC.
    forced
        Whether the user demands it: a reason by itself, which nothing holds back.
    """
    reasons = [*_reasons(settings, found, champion, newest, n_new, now)]
    if forced:
        return Decision(due=True, reasons=("It was asked for (--force).", *reasons), held_back=())
    held_back = [*_held_back(settings, champion, newest, n_new, now)]
    return Decision(
        due=bool(reasons) and not held_back, reasons=(*reasons,), held_back=(*held_back,)
    )


def _reasons(
    settings: RetrainingConfig,
    found: Monitoring | None,
    champion: Champion | None,
    newest: datetime | None,
    n_new: int,
    now: datetime,
) -> Iterator[str]:
    when = settings.when
    if champion is None:
        yield "There is no champion."
        return
    for policy in ("drift", "quality"):
        least = getattr(when, policy)
        if found is not None and least != "never":
            yield from _of_findings(found, policy, least)
    since = champion.data_until or champion.created
    age = _days(since, now)
    if when.age_days is not None and age >= when.age_days:
        what = "The champion's newest row" if champion.data_until else "The champion"
        yield f"{what} is {age:,.1f} days old; retraining.when.age_days is {when.age_days:g}."
    if when.new_rows is not None and n_new >= when.new_rows:
        yield (
            f"{n_new:,} rows with answers have come since {champion.version} was trained; "
            f"retraining.when.new_rows is {when.new_rows:,}."
        )
    if when.schedule != "never":
        last, span = newest or champion.created, _SPANS[when.schedule]
        if _span(now, span) > _span(last, span):
            yield (
                f"The schedule is {when.schedule}: the newest version is of "
                f"{_span(last, span)}, and it is {_span(now, span)}."
            )


def _of_findings(found: Monitoring, policy: str, least: str) -> Iterator[str]:
    """Yield the findings from some severity on that a policy looks at, the gravest first."""
    order = SEVERITIES.index
    kinds = _KINDS[policy]
    counted = [each for each in found.of_kind(*kinds) if order(each.severity) >= order(least)]
    for each in counted[:_MOST_SHOWN]:
        yield f"{policy.capitalize()} ({each.severity}, {each.window}): {each.text}"
    if left_out := counted[_MOST_SHOWN:]:
        what = listed(dict.fromkeys(each.what or each.kind for each in left_out))
        yield f"{policy.capitalize()}, {len(left_out)} more: {what}."


def _held_back(
    settings: RetrainingConfig,
    champion: Champion | None,
    newest: datetime | None,
    n_new: int,
    now: datetime,
) -> Iterator[str]:
    if newest is not None and settings.cool_down_days > 0:
        age = _days(newest, now)
        if age < 0:
            yield (
                f"The newest version is of {_said(newest)}, later than {_said(now)}. To live "
                "through the past again, set retraining.cool_down_days=0."
            )
        elif age < settings.cool_down_days:
            yield (
                f"The newest version is {age:,.1f} days old; retraining.cool_down_days is "
                f"{settings.cool_down_days:g}."
            )
    if champion is not None and n_new < settings.least_rows:
        yield (
            f"{n_new:,} rows with answers have come since {champion.version} was trained; "
            f"retraining.least_rows is {settings.least_rows:,}."
        )


def _days(since: datetime, now: datetime) -> float:
    return (now - since).total_seconds() / _DAY


def _said(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(sep=" ", timespec="minutes")


def _span(moment: datetime, form: str) -> str:
    return moment.astimezone(UTC).strftime(form)
