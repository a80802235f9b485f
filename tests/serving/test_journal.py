"""The segment of one process: when it is written, closed, and begun anew."""

import asyncio
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from mlkit.core.receipts import Receipt, closed_segments, read_receipts
from mlkit.serving.journal import Journal
from mlkit.serving.settings import Log


@pytest.fixture
def closed() -> list[int]:
    """Return what a journal adds to when it closes a segment."""
    return []


@pytest.fixture
def open_journal(tmp_path, closed):
    """Return what opens a journal in `log`."""

    def opened(**settings) -> Journal:
        told = {"lost": closed.clear, "closed": lambda: closed.append(1)}
        return Journal(tmp_path / "log", Log(**settings), **told)

    return opened


def line(number: int) -> Callable[[], Receipt]:
    """Return what makes a receipt of some 300 bytes."""
    return partial(
        Receipt,
        id=str(number),
        time=0.5,
        name="m",
        model="m/1",
        digest="d",
        schema="s",
        ms=0.1,
        records=[{"text": "x" * 150}],
        label=[True],
    )


def ids(folder: Path) -> list[str]:
    """Return the receipts of a log in their order, segment by segment."""
    found = []
    for path in sorted(folder.glob("*.jsonl")):
        with path.open("rb") as file:
            found += [receipt.id for receipt in read_receipts(file)]
    return found


def test_a_receipt_is_written_when_it_is_taken_where_that_is_asked_for(open_journal, tmp_path):
    """With flush_seconds 0; else it waits for the loop, or the end."""

    async def take() -> None:
        journal = open_journal(flush_seconds=0)
        journal.add(line(1))
        assert ids(tmp_path / "log") == ["1"]
        late = open_journal(flush_seconds=60)
        late.add(line(2))
        assert ids(tmp_path / "log") == ["1"]
        late.close()
        journal.close()

    asyncio.run(take())
    assert ids(tmp_path / "log") == ["1", "2"]


def test_much_is_written_before_its_time(open_journal, tmp_path):
    """Some receipts wait, and the loop is never held up by more."""

    async def take() -> None:
        journal = open_journal(flush_seconds=60)
        for number in range(1000):
            journal.add(line(number))
        assert len(ids(tmp_path / "log")) > 900
        journal.close()

    asyncio.run(take())
    assert ids(tmp_path / "log") == [str(number) for number in range(1000)]


def test_a_full_or_an_old_segment_is_closed(open_journal, closed, tmp_path):
    """The next is locked before anybody sees it; the first is no longer."""

    async def take() -> None:
        journal = open_journal(flush_seconds=0, segment_mib=0.001)
        for number in range(8):
            journal.add(line(number))
        assert len(closed) == len(closed_segments(tmp_path / "log")) == 2
        journal.close()
        old = open_journal(flush_seconds=0, segment_minutes=1e-9)
        old.add(line(8))
        while len(closed) < 3:
            await asyncio.sleep(0)
        old.close()

    asyncio.run(take())
    assert ids(tmp_path / "log") == [str(number) for number in range(9)]


def test_a_journal_without_receipts_leaves_nothing(open_journal, tmp_path):
    """But its folder."""
    open_journal().close()
    assert list((tmp_path / "log").iterdir()) == []


def test_a_folder_that_is_removed_is_made_again(open_journal, tmp_path):
    """With the schemas that later receipts name."""

    async def take() -> None:
        journal = open_journal(flush_seconds=0)
        journal.keep_schema("s", b"{}")
        journal.add(line(1))
        shutil.rmtree(tmp_path / "log")
        journal.add(line(2))
        journal.close()

    asyncio.run(take())
    assert ids(tmp_path / "log") == ["2"]
    assert (tmp_path / "log" / "schemas" / "s.json").read_bytes() == b"{}"


def test_a_schema_that_no_disk_took_is_written_later(open_journal, tmp_path):
    """What a bundle needs to be taken is not room for its schema."""
    schemas = tmp_path / "log" / "schemas"

    async def take() -> None:
        journal = open_journal(flush_seconds=0)
        schemas.touch()
        journal.keep_schema("s", b"{}")
        schemas.unlink()
        journal.add(line(1))
        journal.close()

    asyncio.run(take())
    assert ids(tmp_path / "log") == ["1"]
    assert (schemas / "s.json").read_bytes() == b"{}"


def test_a_segment_that_is_being_made_is_nobodys(open_journal, tmp_path):
    """Nobody closes what its writer has not locked yet."""
    journal = open_journal()
    (tmp_path / "log" / ".new.jsonl").touch()
    assert closed_segments(tmp_path / "log") == []
    journal.close()
