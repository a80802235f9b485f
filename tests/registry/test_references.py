"""A reference is `NAME/VERSION` or `NAME@ALIAS`, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlkit.core.errors import ConfigError
from mlkit.registry.references import Reference, is_reference

NAMES = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,20}", fullmatch=True)
ALIASES = st.from_regex(r"[a-z][a-z0-9_-]{0,20}", fullmatch=True)


@given(NAMES, st.integers(1, 999_999_999))
def test_a_version_is_read_as_it_is_written(name, version):
    """What is written comes back, as the same text."""
    reference = Reference.parse(f"{name}/{version}")
    assert reference == Reference(name=name, version=version)
    assert str(reference) == f"{name}/{version}"


@given(NAMES, ALIASES)
def test_an_alias_is_read_as_it_is_written(name, alias):
    """What is written comes back, as the same text."""
    reference = Reference.parse(f"{name}@{alias}")
    assert reference == Reference(name=name, alias=alias)
    assert str(reference) == f"{name}@{alias}"


@pytest.mark.parametrize(
    "text",
    [
        *("", "flight-delay", "flight-delay/", "flight-delay@", "/3", "@champion", "a/3@champion"),
        *("../etc/3", "a/../3", "./a/3", "/a/3", "a//3", "a\\b/3", "a/3\n", "a%2f3", "-a/3"),
        *("a/0", "a/-1", "a/03", "a/1.0", "a/\u0663", "a/9999999999", "A/3", "a/latest", "a@3"),
        # What a prediction names.
        "flight-delay/bf2a22d3991e",
    ],
)
def test_what_is_no_reference_is_refused(text):
    """Paths, unknown forms and digests name no version; the message shows how to write one."""
    assert not is_reference(text)
    with pytest.raises(ConfigError, match="NAME/VERSION or NAME@ALIAS"):
        Reference.parse(text)


@given(st.text("ab0/@._-\\", max_size=8))
def test_no_reference_leaves_its_folder(text):
    """Whatever is read as a reference has a name that is one plain part of a path."""
    if is_reference(text):
        name = Reference.parse(text).name
        assert not set(name) - set("abcdefghijklmnopqrstuvwxyz0123456789_-")
