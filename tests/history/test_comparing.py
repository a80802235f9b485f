"""Shadows and canaries are held against the champion by the log alone."""

import numpy as np
import pytest
from logs_of_tests import logged

from mlkit.core.errors import DataError
from mlkit.history.comparing import compare
from mlkit.history.reading import read_log
from mlkit.serving.settings import Model


def test_each_bundle_is_described(log):
    """How many, how long, and what: by name, role and bundle."""
    frame = read_log(log)
    sides = {(each.name, each.role): each for each in compare(frame).sides}
    assert sides.keys() == {
        ("mixed", "champion"),
        ("mixed", "canary"),
        ("mixed", "shadow"),
        ("plain", "champion"),
    }
    for (name, role), side in sides.items():
        rows = frame[(frame["name"] == name) & (frame["role"] == role)]
        assert side.n_records == len(rows)
        assert side.n_receipts == rows["id"].nunique()
        assert side.mean == pytest.approx(rows["probability"].mean())
        assert side.quantiles == pytest.approx(np.quantile(rows["probability"], [0.1, 0.5, 0.9]))
        assert side.labels.get("True", 0) == pytest.approx(rows["label"].mean())
        assert 0 < side.ms[0] <= side.ms[1]
    both = sides["mixed", "champion"].n_records + sides["mixed", "canary"].n_records
    assert both == sides["mixed", "shadow"].n_records == sides["plain", "champion"].n_records


def test_a_shadow_is_paired_record_by_record(log):
    """With what the champion answered to the same place of the same request."""
    frame = read_log(log, name="mixed")
    (pair,) = compare(frame).pairs
    champion = frame[frame["role"] == "champion"]
    assert pair.n_records == len(champion)
    disagree = champion["probability"].between(0.2, 0.5, inclusive="left")
    assert pair.agreement == pytest.approx(1 - disagree.mean())
    assert pair.agreement < 1
    assert pair.largest_difference < 1e-12


def test_a_repeated_id_is_paired_in_turn(packed, strict, records, tmp_path):
    """A caller who sends an id twice made two requests."""
    model = Model(bundle=str(packed), shadow=str(strict))
    for place in range(2):
        logged(tmp_path / f"{place}", {"same": [records[place]]}, model)
        for path in (tmp_path / f"{place}").glob("*.jsonl"):
            path.rename(tmp_path / "0" / path.name)
    (pair,) = compare(read_log(tmp_path / "0")).pairs
    assert pair.n_records == 2
    assert pair.largest_difference < 1e-12


def test_without_a_shadow_there_are_no_pairs(log):
    """And without receipts nothing."""
    assert compare(read_log(log, name="plain")).pairs == []
    with pytest.raises(DataError, match="no receipts to compare"):
        compare(read_log(log, name="nobody"))
