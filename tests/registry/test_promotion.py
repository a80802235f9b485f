"""A champion passed every gate, and could be built again."""

from datetime import UTC, datetime

import pytest
from registry_of_tests import LINEAGE, crown, register, variant

from mlkit.core.errors import RegistryError
from mlkit.registry import journal
from mlkit.registry.promotion import check_lineage, promote
from mlkit.registry.references import Reference
from mlkit.registry.versions import Version
from mlkit.training.settings import GateConfig, as_dict

VERSION = Version(
    name="m",
    number=1,
    digest="d1" * 32,
    data="",
    run_id="",
    source="",
    created=datetime(2026, 1, 1, tzinfo=UTC),
    aliases=(),
)
FEW = ["evaluation.n_resamples=20", "evaluation.n_repeats=0"]


@pytest.fixture
def model(registry, packed, tmp_path, request):
    """Return what registers another version of a model that is this test's own."""
    name = request.node.name.replace("_", "-").replace("[", "-").strip("]")[:60].strip("-")
    return lambda **lineage: register(
        registry, variant(packed, tmp_path, name, **lineage), tmp_path
    )


@pytest.fixture
def judged(registry, config, flights, tmp_path):
    """Return what promotes a version by some gates, on a few hundred flights.

    The settings stay the caller's.
    """
    path = tmp_path / "late.parquet"
    flights.tail(400).to_parquet(path)

    def run(version, *gates):
        settings = config(*FEW)
        settings.evaluation.gates = list(gates)
        given = as_dict(settings)
        reference = Reference(name=version.name, version=version.number)
        done = promote(registry, reference, settings, data=path, why="a test")
        assert as_dict(settings) == given
        return done

    return run


def test_a_champion_is_compared_with_the_one_before(registry, model, judged):
    """The first is judged alone, the second beside it; both stand in the journal."""
    gates = [
        GateConfig(metric="roc_auc", at_least=0.5),
        GateConfig(metric="roc_auc", champion=0.01),
    ]
    first, second = model(), model()
    done = judged(first, *gates)
    assert (done.before, done.entry.version) == (None, 1)
    assert journal.settle(registry, first.name).number == 1
    done = judged(second, *gates)
    assert (done.before.number, done.entry.version, done.entry.why) == (1, 2, "a test")
    assert done.evaluation.comparison is not None
    assert registry.get(Reference(name=first.name, alias="champion")).number == 2


def test_a_gate_that_fails_leaves_the_champion(registry, model, judged):
    """Nothing comes into the journal, and the alias stays."""
    first, second = model(), model()
    crown(registry, first)
    done = judged(second, GateConfig(metric="roc_auc", at_least=0.999))
    assert done.entry is None
    assert not done.evaluation.passed
    assert registry.get(Reference(name=first.name, alias="champion")).number == 1
    assert len(journal.history(registry, first.name)) == 1


def test_the_champion_is_not_promoted_again(registry, model, judged):
    """Nothing is judged, and nothing comes into the journal."""
    version = model()
    crown(registry, version)
    done = judged(version, GateConfig(metric="roc_auc", at_least=0.999))
    assert done.evaluation is None
    assert done.before == done.version
    assert len(journal.history(registry, version.name)) == 1


@pytest.mark.parametrize(
    ("lineage", "sentence"),
    [
        (
            {"code": {"commit": None, "dirty": True}},
            "its code was in no commit: put the project under git",
        ),
        (
            {"code": {"commit": "c0ffee", "dirty": True, "changes": ["conf/config.yaml"]}},
            r"these files were not committed: conf/config\.yaml\. Commit or ignore them",
        ),
        ({"lock": {}}, r"there was no lock file: make one \(uv lock\), and commit it"),
        (
            {"code": {"commit": None, "dirty": True}, "lock": {}},
            "in no commit.*; there was no lock file",
        ),
    ],
    ids=["no-commit", "dirty", "no-lock", "both"],
)
def test_what_it_lacks_to_be_built_again_is_named(lineage, sentence):
    """All of it at once; with a commit, nothing else, and a lock file it lacks nothing."""
    check_lineage(VERSION, LINEAGE)
    with pytest.raises(RegistryError, match=f"^m/1 could not be built again: .*{sentence}"):
        check_lineage(VERSION, {**LINEAGE, **lineage})


def test_what_could_not_be_built_again_is_refused(registry, model, judged):
    """Before anything is judged."""
    version = model(lock={})
    with pytest.raises(RegistryError, match=f"{version} could not be built again"):
        judged(version, GateConfig(metric="roc_auc", at_least=0.999))
    assert journal.settle(registry, version.name) is None


def test_a_promotion_is_void_if_another_came_meanwhile(registry, model, judged, monkeypatch):
    """What was judged beside one champion does not replace another."""
    from mlkit.training import workflow

    first, second = model(), model()
    evaluate = workflow.evaluate

    def slow(*arguments):
        crown(registry, second)
        return evaluate(*arguments)

    monkeypatch.setattr(workflow, "evaluate", slow)
    with pytest.raises(RegistryError, match=f"made {second} the champion meanwhile"):
        judged(first)
    assert journal.settle(registry, first.name).number == second.number
