"""Fix what breaks a rule, where what stands there instead is certain."""

import ast
import io
import shutil
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path

from mlkit.core.errors import DataError
from mlkit.core.files import written_file
from mlkit.standards.checking import broken
from mlkit.standards.choosing import Choice
from mlkit.standards.findings import Finding
from mlkit.standards.listing import code_files, is_code
from mlkit.standards.rule import Rule
from mlkit.standards.rules.notebooks import ORDER, OUTPUT
from mlkit.standards.source import Source, read_source
from mlkit.standards.spans import Span, items, members

_Hit = tuple[Rule, ast.AST, Finding]
#: Where a text changes, what it says there then, and what that fixes.
_Edit = tuple[Span, str, Sequence[Finding]]


def fix(paths: Iterable[Path], choice: Choice) -> tuple[Finding, ...]:
    """Fix files, and those below folders, and return what no longer breaks a rule.

    What is not at fault keeps each of its bytes; what is silenced stays as it is.
    """
    files = [path for path in code_files(paths, choice) if is_code(path)]
    return tuple(sorted(found for path in files for found in fix_file(path, choice)))


def fix_file(path: Path, choice: Choice) -> list[Finding]:
    """Fix a module or a notebook, and return what no longer breaks a rule there."""
    fixed: list[Finding] = []
    while True:
        try:
            source = read_source(path)
        except DataError:
            return fixed
        text = path.read_bytes().decode("utf-8")
        hits = list(broken(source, choice))
        edits = _cleared(text, hits) if path.suffix == ".ipynb" else _mended(source, text, hits)
        # One within another waits for the next turn.
        last, changed, count = len(text), text, len(fixed)
        for (start, end), new, findings in sorted(edits, reverse=True, key=lambda edit: edit[0]):
            if end <= last:
                last, changed = start, changed[:start] + new + changed[end:]
                fixed.extend(findings)
        if changed == text:
            return fixed[:count]
        _write(path.resolve(), changed)


def _write(path: Path, text: str) -> None:
    with written_file(path) as draft:
        draft.write_bytes(text.encode("utf-8"))
        shutil.copymode(path, draft)


def _mended(source: Source, text: str, hits: Iterable[_Hit]) -> Iterator[_Edit]:
    """Yield what a module's rules have in the place of their hits."""
    content = text.encode("utf-8")
    lines = [line.encode("utf-8") for line in io.StringIO(text, newline="")]
    mark = len(BOM_UTF8) if content.startswith(BOM_UTF8) else 0
    starts = [mark, *accumulate(map(len, lines))]
    for rule, node, finding in hits:
        new = rule.mended(source, node) if rule.mended else None
        if new is None or not isinstance(node, ast.expr) or node.end_lineno is None:
            continue
        first = starts[node.lineno - 1] + node.col_offset
        last = starts[node.end_lineno - 1] + (node.end_col_offset or 0)
        start = len(content[:first].decode("utf-8"))
        yield (start, start + len(content[first:last].decode("utf-8"))), new, [finding]


def _cleared(text: str, hits: Iterable[_Hit]) -> Iterator[_Edit]:
    """Yield what takes from a notebook the output, and the counts of what has none then."""
    found = [(rule.code, finding) for rule, _, finding in hits if rule.code in (OUTPUT, ORDER)]
    if not found:
        return
    told = {finding.cell: finding for code, finding in found if code == OUTPUT}
    order = [finding for code, finding in found if code == ORDER]
    cells, _ = members(text, text.index("{"))["cells"]
    for number, (start, _) in enumerate(items(text, cells), start=1):
        cell = members(text, start)
        output, count = cell.get("outputs"), cell.get("execution_count")
        has_output = output is not None and bool(items(text, output[0]))
        if output and number in told:
            yield output, "[]", [told[number]]
        is_kept = has_output and number not in told
        if count and text[slice(*count)] != "null" and (order or not is_kept):
            yield count, "null", [each for each in order if each.cell == number]
