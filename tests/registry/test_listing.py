"""What MLflow tells in pages is listed whole."""

import pytest
from registry_of_tests import crown, register, variant

from mlkit.registry import registry as module


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch):
    """Let MLflow tell two at once."""
    monkeypatch.setattr(module, "_PAGE", 2)


def test_every_model_is_named(registry, packed, tmp_path):
    """However many there are, and without the journals between them."""
    names = ["page-a", "page-b", "page-c"]
    for name in names:
        crown(registry, register(registry, variant(packed, tmp_path, name), tmp_path))
    assert registry.names() == names


def test_every_version_is_listed(registry, packed, tmp_path):
    """The newest first."""
    for _ in range(3):
        register(registry, variant(packed, tmp_path, "page-d"), tmp_path)
    assert [version.number for version in registry.versions("page-d")] == [3, 2, 1]
