"""The alerts of a generated project are what Prometheus takes, and come when they should."""

import json
import re
from pathlib import Path

import pytest
import yaml
from monitorings_of_tests import whole
from promtool_of_tests import promtool

from mlkit.monitoring.report.exposition import exposition
from mlkit.serving.metrics import Metrics

MODEL = 'model="flight-delay"'
CHAMPION = f'{MODEL},role="champion"'
DAY = 86_400
#: All is well; one sample a minute, of a clock that begins at 0.
CALM = {
    f"mlkit_model_info{{{CHAMPION},bundle=\"1f3a90bb2c41\"}}": "1x200",
    f'mlkit_requests_total{{{MODEL},endpoint="predict",code="200"}}': "0+600x200",
    f'mlkit_requests_total{{{MODEL},endpoint="predict",code="500"}}': "0x200",
    f'mlkit_requests_total{{{MODEL},endpoint="predict",code="422"}}': "0+6x200",
    f'mlkit_request_seconds_bucket{{{MODEL},endpoint="predict",le="0.1"}}': "0+600x200",
    f'mlkit_request_seconds_bucket{{{MODEL},endpoint="predict",le="0.5"}}': "0+606x200",
    f'mlkit_request_seconds_bucket{{{MODEL},endpoint="predict",le="+Inf"}}': "0+606x200",
    'mlkit_errors_total{kind="busy"}': "0x200",
    "mlkit_receipts_lost_total": "0x200",
    f'mlkit_model_changes_total{{{CHAMPION},outcome="refused"}}': "0x200",
    f"mlkit_model_data_end_timestamp_seconds{{{CHAMPION}}}": f"{-30 * DAY}x200",
    f"mlkit_monitor_last_run_timestamp_seconds{{{MODEL}}}": "0+60x200",
    **{
        f'mlkit_monitor_severity{{{MODEL},kind="{kind}"}}': "0x200"
        for kind in (
            *("violations", "missing", "drift", "separation", "predictions", "quality"),
            *("estimate", "latency", "age"),
        )
    },
}


def severity(kind: str, value: int) -> dict[str, str]:
    """Return what the monitor tells of one kind of finding."""
    return {f'mlkit_monitor_severity{{{MODEL},kind="{kind}"}}': f"{value}x200"}


#: What is then wrong, and the alerts that come.
TROUBLES = {
    "nothing": ({}, []),
    "absent": ({key: "_x200" for key in CALM if "model_info" in key}, ["ModelAbsent"]),
    "fails": (
        {f'mlkit_requests_total{{{MODEL},endpoint="predict",code="500"}}': "0+30x200"},
        ["ModelFails"],
    ),
    "full": ({'mlkit_errors_total{kind="busy"}': "0+60x200"}, ["ServiceFull"]),
    "refuses": (
        {f'mlkit_requests_total{{{MODEL},endpoint="predict",code="422"}}': "0+90x200"},
        ["ModelRefusesRecords"],
    ),
    "slow": (
        {f'mlkit_request_seconds_bucket{{{MODEL},endpoint="predict",le="0.1"}}': "0+300x200"},
        ["ModelSlow"],
    ),
    "refused": (
        {f'mlkit_model_changes_total{{{CHAMPION},outcome="refused"}}': "0+1x200"},
        ["BundleRefused"],
    ),
    "lost": ({"mlkit_receipts_lost_total": "0+1x200"}, ["ReceiptsLost"]),
    "old": (
        {f"mlkit_model_data_end_timestamp_seconds{{{CHAMPION}}}": f"{-90 * DAY}x200"},
        ["ModelOld"],
    ),
    "unwatched": (
        {f"mlkit_monitor_last_run_timestamp_seconds{{{MODEL}}}": f"{-DAY}x200"},
        ["MonitorAbsent"],
    ),
    "never watched": (
        {f"mlkit_monitor_last_run_timestamp_seconds{{{MODEL}}}": "_x200"},
        ["MonitorAbsent"],
    ),
    "quality lost": (severity("quality", 2), ["ModelQualityLost"]),
    "quality below": (severity("quality", 1), ["ModelQualityBelowExpected"]),
    "estimate": (severity("estimate", 2), ["ModelQualityBelowExpected"]),
    "drift": (severity("drift", 2), ["ModelDrifts"]),
    "a little drift": (severity("drift", 1), []),
    "separation": (severity("separation", 2), ["ModelDrifts"]),
    "broken": (severity("missing", 2), ["ModelInputsBroken"]),
    "aged": (severity("age", 2), ["ModelAlarm"]),
}


@pytest.fixture
def rules(project) -> Path:
    """Return the rules' file."""
    return project / "deploy" / "alerts.yaml"


def alerts(rules: Path) -> list[dict]:
    """Return all alerts of a file."""
    groups = yaml.safe_load(rules.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_prometheus_takes_the_rules(rules):
    """With nothing to say of them."""
    promtool("check", "rules", "--lint=all", "--lint-fatal", rules)


def test_an_alert_says_what_is_wrong_and_what_to_do(rules):
    """Each has its patience, how grave it is, one sentence on what is, and some on what to do."""
    found = alerts(rules)
    assert len({rule["alert"] for rule in found}) == len(found) >= 12
    for rule in found:
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert set(rule["annotations"]) == {"summary", "description"}
        assert rule["annotations"]["summary"].endswith(".")
        assert len(rule["annotations"]["description"]) > 80


def test_rules_ask_for_what_is_told(rules):
    """Every metric in a rule is one that the service or the monitor exposes."""
    told = set()
    for text in (Metrics().render().decode(), exposition(whole(), now=0)):
        for name, kind in re.findall(r"^# TYPE (\S+) (\w+)$", text, re.M):
            told |= {f"{name}{end}" for end in ("_bucket", "_count", "_sum")} if (
                kind == "histogram"
            ) else {name}
    asked = {
        name
        for rule in alerts(rules)
        for name in re.findall(r"\bmlkit_\w+", json.dumps(rule))
    }
    # In the words of a description the counter of a family may stand without its end.
    assert asked <= told
    assert len(asked) > 10


def test_each_trouble_brings_its_alert(rules, tmp_path):
    """And no other; when all is well none comes. The time is that of Prometheus' own tests."""
    names = [rule["alert"] for rule in alerts(rules)]
    assert {name for _, expected in TROUBLES.values() for name in expected} == set(names)
    tests = []
    for trouble, (changed, expected) in TROUBLES.items():
        assert set(changed) <= set(CALM), trouble
        series = {**CALM, **changed}
        tests.append(
            {
                "name": trouble,
                "interval": "1m",
                "input_series": [{"series": k, "values": v} for k, v in series.items()],
                "promql_expr_test": [
                    {
                        "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                        "eval_time": "3h",
                        "exp_samples": [
                            {"labels": f'{{alertname="{name}"}}', "value": 1} for name in expected
                        ],
                    }
                ],
            }
        )
    file = tmp_path / "tests.yaml"
    content = {"rule_files": [str(rules)], "evaluation_interval": "1m", "tests": tests}
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    promtool("test", "rules", file)
