"""Name a registered model: `NAME/VERSION` or `NAME@ALIAS`."""

import re
from dataclasses import dataclass

from mlkit.core.errors import ConfigError
from mlkit.core.names import NAME

_REFERENCE = re.compile(
    rf"(?P<name>{NAME.pattern})(?:/(?P<version>[1-9][0-9]{{0,8}})|@(?P<alias>[a-z][a-z0-9_-]*))",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What was asked for: a version, or whichever one an alias points to.

    Attributes
    ----------
    name
        The model's name.
    version, alias
        One of the two.
    """

    name: str
    version: int | None = None
    alias: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """Read `NAME/VERSION` or `NAME@ALIAS`.

        Raises
        ------
        ConfigError
            If it is neither.
        """
        found = _REFERENCE.fullmatch(text)
        if found is None:
            raise ConfigError(
                f"{text!r} names no model. Write NAME/VERSION or NAME@ALIAS, such as "
                "flight-delay/3 or flight-delay@champion."
            )
        version = found["version"]
        return cls(
            name=found["name"], version=int(version) if version else None, alias=found["alias"]
        )

    def __str__(self) -> str:
        return f"{self.name}@{self.alias}" if self.alias else f"{self.name}/{self.version}"


def is_reference(text: str) -> bool:
    """Whether a text reads as a reference."""
    return _REFERENCE.fullmatch(text) is not None


def check_name(text: str) -> None:
    """Raise a ConfigError unless a model may have this name."""
    if not NAME.fullmatch(text):
        raise ConfigError(
            f"{text!r} names no model: a name has lower-case letters, digits, - and _, such as "
            "flight-delay."
        )
