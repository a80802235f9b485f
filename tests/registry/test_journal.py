"""A champion that was deleted in MLflow locks nothing: the one before it takes its place."""

import pytest
from registry_of_tests import crown, register, variant

from mlkit.core.errors import RegistryError
from mlkit.registry import journal
from mlkit.registry.references import Reference


@pytest.fixture
def champions(registry, packed, tmp_path, request):
    """Return what makes another champion of a model that is this test's own."""
    name = request.node.name.replace("_", "-")[:60]

    def make():
        version = register(registry, variant(packed, tmp_path, name), tmp_path)
        crown(registry, version)
        return version

    return make


def delete(registry, *versions):
    """Delete versions as one does in MLflow's own pages."""
    for version in versions:
        registry.client.delete_model_version(version.name, str(version.number))


def test_the_champion_before_takes_the_place(registry, champions, caplog):
    """The alias follows, a warning names what is missing, and another can be promoted."""
    first, second = champions(), champions()
    delete(registry, second)
    assert journal.settle(registry, first.name).number == first.number
    alias = Reference(name=first.name, alias="champion")
    assert registry.get(alias).number == first.number
    assert "champion_missing" in caplog.text
    assert str(second) in caplog.text
    third = champions()
    assert registry.get(alias).number == third.number
    assert journal.rollback(registry, first.name, why="").number == first.number


def test_a_rollback_completes_what_a_deletion_began(registry, champions):
    """Nobody asked since: it goes back one champion, not two; the next goes back one more."""
    first, second, third = champions(), champions(), champions()
    delete(registry, third)
    assert journal.rollback(registry, first.name, why="").number == second.number
    assert len(journal.history(registry, first.name)) == 3
    assert journal.rollback(registry, first.name, why="").number == first.number
    assert journal.settle(registry, first.name).number == first.number


def test_a_rollback_passes_over_what_was_deleted(registry, champions):
    """It takes the newest champion before that is still there."""
    first, second, third = champions(), champions(), champions()
    delete(registry, second)
    assert journal.rollback(registry, third.name, why="").number == first.number
    with pytest.raises(RegistryError, match=r"1 champion, beside those deleted since \(2\): there"):
        journal.rollback(registry, third.name, why="")


def test_without_any_champion_the_next_is_the_first(registry, champions):
    """All were deleted: there is none, and the next is promoted as the first was."""
    only = champions()
    delete(registry, only)
    assert journal.settle(registry, only.name) is None
    with pytest.raises(RegistryError, match=r"has had 0 champions, beside those deleted"):
        journal.rollback(registry, only.name, why="")
    assert champions().number == 2
    assert journal.settle(registry, only.name).number == 2
