"""What Prometheus and other machines are told of a model in use."""

import dataclasses
import json
from math import isnan

from evaluations_of_tests import HOSTILE
from monitorings_of_tests import bare, unknown, whole
from prometheus_client.parser import text_string_to_metric_families
from promtool_of_tests import promtool

from mlkit.monitoring.report.exposition import exposition, to_json


def samples(text: str) -> dict[tuple[str, frozenset], float]:
    """Return each sample by its name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(found: dict, name: str, **labels: str) -> float:
    """Return one sample of the model."""
    key = frozenset({"model": "flight-delay", **labels}.items())
    return found[f"mlkit_monitor_{name}", key]


def test_promtool_finds_nothing_to_say():
    """Of all that can be told, of hostile names, and of nothing."""
    for found in (whole(), whole(name=HOSTILE), bare(), unknown()):
        promtool("check", "metrics", given=exposition(found))


def test_what_counts_now_is_told():
    """Of the newest window, of the newest that was tested, and of the newest with answers."""
    monitored = whole()
    young = dataclasses.replace(
        whole(n_windows=7).windows[-1], is_tested=False, drifts=(), quality=()
    )
    monitored = dataclasses.replace(monitored, windows=(*monitored.windows, young))
    found = samples(exposition(monitored, now=1_700_000_000))
    labelled, tested, newest = monitored.windows[-3:]
    assert value(found, "info", bundle="1f3a90bb2c41") == 1
    assert value(found, "last_run_timestamp_seconds") == 1_700_000_000
    assert value(found, "severity", kind="drift") == 2
    assert value(found, "severity", kind="quality") == 1
    assert value(found, "severity", kind="age") == 0
    assert value(found, "rows") == newest.n_rows
    assert value(found, "violating_rows") == newest.n_violating
    for drift in tested.drifts:
        assert value(found, "drift_psi", feature=drift.name) == drift.psi
        assert value(found, "missing_share", feature=drift.column) == drift.missing
        assert value(found, "unseen_share", feature=drift.column) == drift.unseen
    assert value(found, "prediction_psi", score="probability") == tested.predictions[0].psi
    assert value(found, "separation_auc") == tested.separation.auc
    for metric, part in (("roc_auc", ""), ("log_loss", ""), ("roc_auc", "origin=JFK")):
        [now] = [q for q in labelled.quality if (q.metric, q.slice) == (metric, part)]
        [next_] = [q for q in tested.quality if (q.metric, q.slice) == (metric, part)]
        labels = {"metric": metric, "slice": part}
        assert value(found, "quality", **labels) == now.value
        assert value(found, "quality_expected", **labels) == now.expected
        assert value(found, "quality_estimate", **labels) == next_.estimate
    assert value(found, "labelled_rows") == 2_100
    assert value(found, "latency_seconds", percentile="99") == newest.latency[1] / 1000
    assert value(found, "age_seconds") == newest.age_days * 86_400
    ends = {"newest": 1_375_315_200, "tested": 1_372_636_800, "labelled": 1_370_044_800}
    for window, end in ends.items():
        assert value(found, "window_end_timestamp_seconds", window=window) == end


def test_a_moment_without_a_zone_is_of_utc():
    """As the contract has it."""
    found = whole(n_windows=1)
    [window] = found.windows
    naive = dataclasses.replace(window, end="2013-02-01T00:00:00")
    texts = [
        exposition(dataclasses.replace(found, windows=(each,)), now=0) for each in (window, naive)
    ]
    assert texts[0] == texts[1]


def test_what_is_unknown_is_left_out():
    """No sample is NaN; that the monitor ran is told all the same."""
    for monitored in (unknown(), bare()):
        found = samples(exposition(monitored, now=7))
        assert not any(map(isnan, found.values()))
        assert value(found, "last_run_timestamp_seconds") == 7
        assert not any("quality" in name or "psi" in name for name, _ in found)


def test_every_gauge_is_in_base_units_and_of_the_model():
    """No counter's ending on what is none, and the label that the service's metrics have."""
    text = exposition(whole())
    for name, labels in samples(text):
        assert not name.endswith(("_total", "_ms", "_days"))
        assert dict(labels)["model"] == "flight-delay"
    kinds = {line.split()[3] for line in text.splitlines() if line.startswith("# TYPE")}
    assert kinds == {"gauge"}


def test_json_holds_everything():
    """NaN is null, and every severity is told."""
    monitored = whole()
    found = json.loads(to_json(monitored))
    assert found["severity"] == "alarm"
    assert [window["name"] for window in found["windows"]] == [
        window.name for window in monitored.windows
    ]
    assert found["windows"][-1]["quality"][0]["value"] is None
    assert found["windows"][-1]["drifts"][0]["psi"] == monitored.windows[-1].drifts[0].psi
    assert json.loads(to_json(unknown()))["estimate_error"] == {"roc_auc": None}
