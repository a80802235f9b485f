"""What a service is told: models, address, limits, log; read from YAML, checked at once."""

import os
import re
from pathlib import Path
from typing import Annotated, Any

import msgspec

from mlkit.core.errors import ConfigError, nearest
from mlkit.core.extras import load

#: Addresses that only this machine reaches.
LOOPBACK = ("127.0.0.1", "::1", "localhost")
_Positive = Annotated[float, msgspec.Meta(gt=0)]
_NotNegative = Annotated[float, msgspec.Meta(ge=0)]
_Count = Annotated[int, msgspec.Meta(ge=1)]
#: As bundles are called: a name stands in addresses and metrics.
_Name = Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9_-]*$")]


class Canary(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bundle that answers a share of the requests.

    Attributes
    ----------
    bundle
        Its folder, NAME/VERSION or NAME@ALIAS.
    share
        Of the keys, between 0 and 1.
    key
        The field by which a record always meets the same bundle; by default the request's id.
    """

    bundle: str
    share: Annotated[float, msgspec.Meta(ge=0, le=1)]
    key: str | None = None


class Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model that is served.

    Attributes
    ----------
    bundle
        Its folder, NAME/VERSION or NAME@ALIAS.
    name
        In addresses; by default the bundle's own. It has lower-case letters, digits, - and _.
    shadow
        A bundle that scores the same records, to be compared, and never answers.
    canary
        A bundle that answers some of the requests.
    """

    bundle: str
    name: _Name | None = None
    shadow: str | None = None
    canary: Canary | None = None

    def bundles(self) -> tuple[str, ...]:
        """Return all that it names."""
        found = (self.bundle, self.shadow, self.canary.bundle if self.canary else None)
        return tuple(text for text in found if text is not None)


class Log(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where each prediction leaves its receipt.

    Attributes
    ----------
    folder
        Of the segments; None keeps no receipts.
    flush_seconds
        The most that a kill -9 may lose, in s; 0 loses none, and writes before it answers.
    segment_mib
        When a segment is closed and turned into Parquet, in MiB.
    segment_minutes
        The same, in minutes.
    """

    folder: str | None = "predictions"
    flush_seconds: _NotNegative = 1.0
    segment_mib: _Positive = 64.0
    segment_minutes: _Positive = 60.0


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one process bears.

    Attributes
    ----------
    body_mib
        The longest request, in MiB; of those above 64 KiB eight are read at once.
    head_seconds
        For how long the first request of a connection, and the head of each, is waited for, in s.
    body_seconds
        For how long the rest of a request is waited for, in s.
    idle_seconds
        For how long a connection is kept for another request, in s.
    unread_seconds
        For how long a caller may read nothing of its answer, in s.
    records
        The most in one request.
    waiting
        Requests that may wait; more are answered 503.
    batches
        Requests of many records that may wait or run at once; more are answered 503.
    connections
        Open at once; more are answered 503 and closed.
    drain_seconds
        Between being no longer ready and taking no more connections, in s.
    finish_seconds
        For how long requests that were taken may then last, in s.
    """

    body_mib: _Positive = 16.0
    head_seconds: _Positive = 10.0
    body_seconds: _Positive = 10.0
    # Longer than load balancers keep theirs (60 s), which else send into a closing connection.
    idle_seconds: _Positive = 75.0
    unread_seconds: _Positive = 30.0
    records: _Count = 10_000
    waiting: _Count = 1024
    batches: _Count = 4
    connections: _Count = 2048
    drain_seconds: _NotNegative = 0.0
    finish_seconds: _Positive = 30.0


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole service.

    Attributes
    ----------
    models
        What is served; the first answers `POST /predict`.
    host, port
        Where it listens. Port 0 takes a free one.
    workers
        Processes that share the port.
    uri
        Of the MLflow that names are looked up in.
    watch_seconds
        How often is looked for other bundles, in s; folders are looked at each second at least.
    token_env
        The environment variable that holds the token that callers must show.
    access_log
        Whether each request is logged, at most a tenth of a second late.
    """

    models: tuple[Model, ...] = ()
    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8000
    workers: _Count = 1
    uri: str | None = None
    watch_seconds: _Positive = 5.0
    token_env: str | None = None
    access_log: bool = True
    log: Log = Log()
    limits: Limits = Limits()

    def token(self) -> str | None:
        """Return what callers must show, if anything.

        Raises
        ------
        ConfigError
            If the environment variable that should hold it is empty.
        """
        if self.token_env is None:
            return None
        token = os.environ.get(self.token_env, "")
        if not token:
            raise ConfigError(
                f"The environment variable {self.token_env} should hold the token, and is empty."
            )
        return token


#: What may be set, by the last name of the way to it.
_NODES = {"": Settings, "models": Model, "canary": Canary, "log": Log, "limits": Limits}


def read_settings(path: Path, changes: dict[str, Any]) -> Settings:
    """Return the settings in a YAML file, if it is there, with some changed.

    Raises
    ------
    ConfigError
        If the file cannot be read, or naming the first setting that is unknown or wrong.
    """
    written: Any = {}
    if path.is_file():
        yaml = load("yaml", extra="serve", purpose="Reading a service's settings")
        try:
            written = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ConfigError(f"{path} cannot be read: {' '.join(str(error).split())}.") from None
    if not isinstance(written, dict):
        raise ConfigError(f"{path} must map names to settings; found {type(written).__name__}.")
    place = ""
    try:
        msgspec.convert(changes, Settings)
        place = f"{path}: "
        return msgspec.convert(_merged(written, changes), Settings)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{place}{_told(str(error))}") from None


def _merged(written: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(written)
    for key, value in changes.items():
        inner = merged.get(key)
        if isinstance(value, dict) and isinstance(inner, dict):
            merged[key] = _merged(inner, value)
        else:
            merged[key] = value
    return merged


def _told(text: str) -> str:
    """Return msgspec's words, with the nearest valid name to one that is unknown."""
    what, _, way = text.partition(" - at `$")
    way = way.strip(".`")
    told = f"{way}: {what}." if way else f"{what}."
    unknown = re.search("unknown field `(.*)`", what)
    if unknown is None:
        return told
    node = _NODES[re.sub(r"\[.*?\]", "", way).rpartition(".")[2]]
    return f"{told} {nearest(unknown[1], node.__struct_fields__)}"
