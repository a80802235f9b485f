"""Versions are for good, and the journal says who was champion."""

import pytest
from registry_of_tests import crown, register, variant

from mlkit.core.errors import RegistryError
from mlkit.registry import journal
from mlkit.registry.references import Reference
from mlkit.registry.versions import Version


@pytest.fixture
def made(registry, packed, tmp_path, request):
    """Return what registers another bundle of a model that is this test's own."""
    name = request.node.name.replace("_", "-")[:60]
    return lambda: register(registry, variant(packed, tmp_path, name), tmp_path)


def test_a_bundle_is_one_version(registry, packed, tmp_path):
    """Registered twice, it is there once; another bundle is the next version."""
    bundle = variant(packed, tmp_path, "one-version")
    first = register(registry, bundle, tmp_path)
    again = registry.register(bundle)
    other = register(registry, variant(packed, tmp_path, "one-version"), tmp_path)
    assert (first.number, again, other.number) == (1, first, 2)
    assert [version.number for version in registry.versions("one-version")] == [2, 1]
    assert registry.get(Reference.parse("one-version/1")) == first
    assert first.digest == bundle.manifest.digest
    assert registry.metrics(first) == {"roc_auc": 0.7}
    assert "one-version" in registry.names()


def test_a_bundle_that_no_run_has_is_refused(registry, packed, tmp_path):
    """A version must lead back to what made it."""
    with pytest.raises(RegistryError, match=r"No finished run .* has the bundle .* mlkit sync"):
        registry.register(variant(packed, tmp_path, "homeless"))
    assert registry.versions("homeless") == []


def test_an_alias_points_to_one_version(registry, made):
    """Set again, it points elsewhere."""
    first, second = made(), made()
    registry.set_alias(first, "challenger")
    registry.set_alias(second, "challenger")
    asked = Reference(name=first.name, alias="challenger")
    assert registry.get(asked).number == second.number
    assert [version.aliases for version in registry.versions(first.name)] == [("challenger",), ()]
    with pytest.raises(RegistryError, match="Versions: 1 to 2; aliases: @challenger"):
        registry.get(Reference(name=first.name, alias="champion"))


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("{name}/7", "Versions: 1 to 1; aliases: none"),
        ("{name}@champion", "Versions: 1 to 1; aliases: none"),
        ("nobody/1", "Models: .*{name}"),
        ("nobody@champion", "Models: .*{name}"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(registry, packed, tmp_path, text, known):
    """Of a model its versions and aliases, else the models."""
    name = "told"
    if not registry.versions(name):
        register(registry, variant(packed, tmp_path, name), tmp_path)
    asked = text.format(name=name)
    with pytest.raises(RegistryError, match=f"There is no {asked}. {known.format(name=name)}"):
        registry.get(Reference.parse(asked))


def test_history_says_what_who_when_and_why(registry, made):
    """Every change of the champion, the oldest first; the journal is no model."""
    first, second = made(), made()
    assert journal.settle(registry, first.name) is None
    crown(registry, first, why="the first")
    crown(registry, second, why="better")
    journal.rollback(registry, first.name, why="it was not")
    history = journal.history(registry, first.name)
    assert [(p.number, p.kind, p.version, p.after, p.why) for p in history] == [
        (1, "promote", 1, 0, "the first"),
        (2, "promote", 2, 1, "better"),
        (3, "rollback", 1, 2, "it was not"),
    ]
    assert all(promotion.by for promotion in history)
    assert history[0].at <= history[1].at <= history[2].at
    assert not [name for name in registry.names() if "promotions" in name]


def test_rollback_goes_back_through_the_champions(registry, made):
    """A, B, C: back to B, back to A, and then there is none; A promoted again is on top."""
    a, b, c = made(), made(), made()
    for version in (a, b, c):
        crown(registry, version)

    def champion() -> Version:
        return registry.get(Reference(name=a.name, alias="champion"))

    assert journal.rollback(registry, a.name, why="").number == b.number == champion().number
    assert journal.rollback(registry, a.name, why="").number == a.number == champion().number
    with pytest.raises(RegistryError, match=f"{a.name} has had 1 champion: there is none"):
        journal.rollback(registry, a.name, why="")
    assert champion().number == a.number
    crown(registry, c)
    assert journal.rollback(registry, a.name, why="").number == a.number


def test_a_promotion_that_comes_second_is_told(registry, made):
    """Both began from no champion: the first entry counts, the other names the winner."""
    first, second = made(), made()
    journal.enter(registry, first, kind="promote", why="", after=0)
    with pytest.raises(RegistryError, match=f"made {first} the champion meanwhile; {second} was"):
        journal.enter(registry, second, kind="promote", why="", after=0)
    assert journal.settle(registry, first.name).number == first.number
    assert len(journal.history(registry, first.name)) == 1


def test_an_alias_that_lags_behind_is_mended(registry, made):
    """As after a kill between the journal and the alias: the journal decides."""
    first, second = made(), made()
    crown(registry, first)
    journal.enter(registry, second, kind="promote", why="", after=1)
    alias = Reference(name=first.name, alias="champion")
    assert registry.get(alias).number == first.number
    assert journal.settle(registry, first.name).number == second.number
    assert registry.get(alias).number == second.number
