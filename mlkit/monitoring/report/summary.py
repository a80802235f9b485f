"""Tell a terminal what was found."""

from mlkit.monitoring.findings import Monitoring
from mlkit.monitoring.report.tables import finding_table, window_table
from mlkit.monitoring.report.verdict import verdict

#: Findings that are listed; the page has more, the JSON all.
_MOST_FINDINGS = 20


def summary(found: Monitoring) -> str:
    """Return the verdict, what counts now, and a table of the windows."""
    parts = [verdict(found)]
    if found.findings:
        parts.append(finding_table(found.findings[:_MOST_FINDINGS]).plain())
        if len(found.findings) > _MOST_FINDINGS:
            parts.append(f"and {len(found.findings) - _MOST_FINDINGS} more")
    if found.windows:
        parts.append(window_table(found).plain())
    # A name may hold what a terminal would obey.
    return "".join(c for c in "\n\n".join(parts) if c.isprintable() or c == "\n")
