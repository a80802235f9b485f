"""Find where the bundles of a service lie, and follow the names of a registry."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlkit.serving.settings import Settings


@contextmanager
def find_places(settings: Settings) -> Iterator[dict[str, Path]]:
    texts = [each.bundle for each in settings.models]
    yield {text: Path(text) for text in texts}
