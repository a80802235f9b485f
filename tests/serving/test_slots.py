"""Another bundle is taken if it may stand in for the one before, and else refused."""

import shutil
from functools import partial

import pytest
from changed_of_tests import demanding, liar, put, renamed, stranger, twin

from mlkit.core.bundle import GRAPH, Bundle
from mlkit.core.errors import BundleError
from mlkit.serving.deployment import load_deployment
from mlkit.serving.metrics import Metrics
from mlkit.serving.slots import Slot
from mlkit.serving.spares import Spare


@pytest.fixture(scope="module")
def load():
    """Return what loads the bundle of a champion."""
    return partial(
        load_deployment, name="m", role="champion", metrics=Metrics(), trusted=(), signers=None
    )


@pytest.fixture
def place(packed, tmp_path):
    """Return a folder with a bundle in it."""
    shutil.copytree(packed, tmp_path / "place")
    return tmp_path / "place"


def test_takes_another_bundle_and_the_old_one_again(packed, place, load, tmp_path):
    """A change and a rollback are the same; what did not change is not loaded again."""
    slot = Slot(place, load, None, None)
    old = slot.deployment.digest
    new = Bundle.open(twin(packed, tmp_path / "twin", 1)).manifest.digest
    assert slot.find() is None
    for source, digest in ((tmp_path / "twin", new), (packed, old)):
        put(source, place)
        slot.deployment = slot.find()
        assert slot.deployment.digest == digest
        assert slot.find() is None


def test_the_same_bundle_written_again_is_no_change(packed, place, load):
    """What counts is the digest."""
    slot = Slot(place, load, None, None)
    put(packed, place)
    assert slot.find() is None


def test_a_folder_that_is_away_for_a_moment_is_waited_for(packed, place, load, tmp_path):
    """While one folder takes another's place, nothing is wrong."""
    slot = Slot(place, load, None, None)
    place.rename(tmp_path / "away")
    assert slot.find() is None
    (tmp_path / "away").rename(place)
    assert slot.find() is None
    put(twin(packed, tmp_path / "twin", 1), place)
    assert slot.find() is not None


def test_a_folder_that_is_replaced_while_it_is_read_is_read_again(packed, place, load, tmp_path):
    """Half of one bundle and half of another is no bundle, and nobody's fault."""
    first, second = (twin(packed, tmp_path / str(seed), seed) for seed in (1, 2))
    n_loads = 0

    def disturbed(folder, before):
        nonlocal n_loads
        n_loads += 1
        if n_loads == 2:
            put(second, place)
            raise BundleError("A file was changed.")
        return load(folder, before)

    slot = Slot(place, disturbed, None, None)
    put(first, place)
    assert slot.find().digest == Bundle.open(second).manifest.digest


def test_follows_a_file_that_holds_a_path(packed, load, tmp_path):
    """What a registry's name means stands in a file."""
    file = tmp_path / "name@champion"
    file.write_text(str(packed))
    slot = Slot(file, load, None, None)
    other = twin(packed, tmp_path / "twin", 1)
    file.write_text(str(other))
    assert slot.find().digest == Bundle.open(other).manifest.digest


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (liar, "no longer predicts what it did"),
        (demanding, "refuses records that .* takes: .*pressure"),
        (stranger, r"predicts one of \['early', 'late'\], and .* one of \[False, True\]"),
    ],
)
def test_refuses_what_cannot_stand_in(packed, place, load, tmp_path, make, told):
    """The reason is told once, the old bundle stays, and the next good one is taken."""
    slot = Slot(place, load, None, None)
    old = slot.deployment
    put(make(packed, tmp_path / "bad"), place)
    with pytest.raises(BundleError, match=told):
        slot.find()
    assert slot.deployment is old
    assert slot.find() is None
    put(twin(packed, tmp_path / "twin", 1), place)
    assert slot.find() is not None


def test_refuses_a_damaged_bundle(packed, place, load, tmp_path):
    """The file is named."""
    slot = Slot(place, load, None, None)
    damaged = twin(packed, tmp_path / "damaged", 1)
    content = (damaged / GRAPH).read_bytes()
    (damaged / GRAPH).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    put(damaged, place)
    with pytest.raises(BundleError, match=r"model\.onnx"):
        slot.find()


def test_a_process_that_replaces_another_answers_as_the_others_do(packed, place, load, tmp_path):
    """It starts with the bundle in use, though a bad one lies in the place, and refuses that."""
    spare = Spare(tmp_path / "spare")
    old = Slot(place, load, None, spare).deployment
    put(demanding(packed, tmp_path / "bad"), place)
    slot = Slot(place, load, None, spare)
    assert slot.deployment.digest == old.digest
    with pytest.raises(BundleError, match="pressure"):
        slot.find()
    put(twin(packed, tmp_path / "twin", 1), place)
    found = slot.find()
    assert Slot(place, load, None, spare).deployment.digest == found.digest


def test_no_more_than_two_spares_are_kept(packed, tmp_path):
    """That in use, and that before it, which another process may be reading."""
    spare = Spare(tmp_path / "spare")
    digests = []
    for seed in range(4):
        bundle = Bundle.open(twin(packed, tmp_path / str(seed), seed))
        spare.keep(bundle)
        digests.append(bundle.manifest.digest)
    kept = {path.name for path in (tmp_path / "spare").iterdir() if path.is_dir()}
    assert kept == set(digests[-2:])
    assert spare.find().name == digests[-1]


def test_a_bundle_of_another_name_needs_a_name_in_the_settings(packed, place, load, tmp_path):
    """Else addresses would be called as the first, and metrics as the second."""
    unnamed = partial(load, name=None)
    slots = [Slot(place, each, None, None) for each in (load, unnamed)]
    put(renamed(packed, tmp_path / "renamed"), place)
    assert slots[0].find().name == "m"
    with pytest.raises(BundleError, match="a model called another, and flight-delay is served"):
        slots[1].find()
