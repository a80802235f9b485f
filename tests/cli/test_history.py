"""`mlkit replay`, `labels` and `lineage` look back at what a service predicted."""

import json
import shutil
from pathlib import Path

import pytest
from bundles_of_tests import bundle_of
from logs_of_tests import altered, logged
from registry_of_tests import register, variant
from sklearn.linear_model import Ridge

from mlkit import TableEncoder, Target
from mlkit.cli import main
from mlkit.core.bundle import Bundle
from mlkit.history.reading import read_log
from mlkit.registry.registry import Registry
from mlkit.registry.tracking import Tracker
from mlkit.serving.settings import Model


@pytest.fixture
def log(packed, tmp_path, monkeypatch) -> Path:
    """Return a log with a shadow, in the current folder."""
    monkeypatch.chdir(tmp_path)
    strict = altered(packed, tmp_path / "strict", threshold=0.2)
    records = Bundle.open(packed).golden.records
    model = Model(bundle=str(packed), shadow=str(strict))
    logged(tmp_path / "predictions", {"first": records[:1], "all": records}, model)
    return tmp_path / "predictions"


def test_a_log_is_scored_again_with_a_bundle(log, packed, capsys):
    """As tables, or as JSON; whatever differs, the command is done."""
    n_records = len(Bundle.open(packed).golden.records) + 1
    assert main(["replay", str(log), str(packed)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Scored again by flight-delay/")
    assert f"; receipts: 4, records: {2 * n_records}.\n" in out
    assert main(["replay", str(log), "strict", "--json", "--name", "flight-delay"]) == 0
    answers = json.loads(capsys.readouterr().out)["answers"]
    changed = {each["role"]: each["n_changed"] for each in answers}
    assert changed["champion"] > changed["shadow"] == 0


def test_a_log_alone_is_compared(log, capsys):
    """The shadow with the champion."""
    assert main(["replay", str(log)]) == 0
    assert "same label" in capsys.readouterr().out
    assert main(["replay", str(log), "--json", "--since", "2020-01-01"]) == 0
    (pair,) = json.loads(capsys.readouterr().out)["pairs"]
    assert pair["agreement"] < 1


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--since", "yesterday"), 2, "--since yesterday is no moment. Write it as 2026-01-31"),
        (("--until", "2020-01-01"), 3, "There are no receipts to compare. Look at --since"),
        (("nowhere",), 5, "There is no bundle in nowhere"),
    ],
)
def test_what_cannot_be_replayed_is_told(log, options, code, message, capsys):
    """In a line, with what to do."""
    assert main(["replay", str(log), *options]) == code
    assert f"mlkit: {message}" in capsys.readouterr().err


def test_answers_are_kept_and_counted(log, in_project, capsys):
    """What is new, known, corrected or of nobody, and how many are still to come."""
    landed = log.parent / "landed.csv"
    n_records = len(read_log(log).query("role != 'shadow'"))
    for text, figures, n_answered in (
        ("first,1.5\nall,\nnobody,3", "rows read: 3, new: 2, corrected: 0, known already: 0", 1),
        ("first,1.5\nall,2", "rows read: 2, new: 1, corrected: 0, known already: 1", 2),
        ("all,4", "rows read: 1, new: 0, corrected: 1, known already: 0", 2),
        ("all,4", "rows read: 1, new: 0, corrected: 0, known already: 1", 2),
    ):
        landed.write_text(f"id,arr_delay\n{text}\n")
        assert main(["labels", str(landed), "--log", str(log)]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == f"Answers (arr_delay) by id, row; {figures}."
        of_nobody = ["Of no record in the log so far: 1."] if "nobody" in text else []
        assert [line for line in lines if "no record" in line] == of_nobody
        assert lines[-1] == (
            f"arr_delay; records in {log}: {n_records}, with an answer: {n_answered}, "
            f"without one yet: {n_records - n_answered}."
        )


def test_a_log_is_where_the_settings_say(log, in_project, capsys):
    """Without --log; where there is none, the command says so."""
    landed = log.parent / "landed.csv"
    landed.write_text("id,arr_delay\nfirst,1.5\n")
    assert main(["labels", str(landed)]) == 3
    assert "mlkit: There is no log in predictions." in capsys.readouterr().err
    conf = shutil.copytree(in_project / "conf", log.parent / "conf")
    with (conf / "config.yaml").open("a") as file:
        file.write(f"\nmonitoring:\n  log: {log}\n")
    assert main(["labels", str(landed), "--conf", str(conf)]) == 0
    assert f"records in {log}: " in capsys.readouterr().out


@pytest.mark.slow
def test_models_of_other_kinds_are_read_one_by_one(log, packed, build, flights, capsys):
    """A label that is text in one and a number in another makes no column."""
    target = Target(task="regression", column="arr_delay")
    trainer = build(target=target, estimator=Ridge(), encoder=TableEncoder(numbers="standardize"))
    bundle = bundle_of(trainer.fit(flights), flights, log.parent / "minutes")
    model = Model(bundle=str(bundle.path), name="minutes")
    logged(log, {"first": bundle.golden.records}, model)
    assert main(["replay", str(log)]) == 3
    assert "Read those of one model (--name)" in capsys.readouterr().err
    assert main(["replay", str(log), str(bundle.path), "--name", "minutes"]) == 0


@pytest.mark.slow
def test_a_request_leads_to_what_made_its_bundle(packed, tmp_path, monkeypatch, capsys):
    """By the log that is named, or the service's own; each bundle that answered is told."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    uri = f"sqlite:///{tmp_path / 'mlruns.db'}"
    registry = Registry(Tracker(uri))
    champion, shadow, stranger = (variant(packed, tmp_path) for _ in range(3))
    versions = [register(registry, bundle, tmp_path) for bundle in (champion, shadow)]
    record = champion.golden.records[0]
    both = Model(bundle=str(champion.path), shadow=str(shadow.path))
    logged(tmp_path / "predictions", {"5" * 32: [record]}, both)
    logged(tmp_path / "other", {"lost": [record]}, Model(bundle=str(stranger.path)))
    assert main(["lineage", "5" * 32, "--uri", uri]) == 0
    decoder, out = json.JSONDecoder(), capsys.readouterr().out
    told = []
    while out.strip():
        found, end = decoder.raw_decode(out.lstrip())
        told.append((found["request"]["role"], found["model"], found["bundle"]))
        out = out.lstrip()[end:]
    roles = ("champion", "shadow")
    assert told == [
        (role, str(version), version.digest) for role, version in zip(roles, versions, strict=True)
    ]
    assert main(["lineage", "lost", "--uri", uri]) == 7
    assert "or the id of a request in the log predictions" in capsys.readouterr().err
    assert main(["lineage", "lost", "--uri", uri, "--log", "other"]) == 7
    expected = f"lost was answered by {stranger.model}, which is no version in the registry"
    assert expected in capsys.readouterr().err
    assert main(["lineage", "lost", "--uri", uri, "--log", "nowhere"]) == 3
