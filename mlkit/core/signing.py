"""Sign a bundle's digest, and hold a signature against the keys that a reader trusts.

Whose signature counts is the reader's word: `signers=[...]` of `Bundle.open` and
`Predictor.load`. The commands `evaluate` and `predict` pass on `tool.mlkit.signers`
(see `mlkit.core.trust`); in Python nothing reads it. The key that a signature names
is compared with these, and never believed.
"""

import base64
import binascii
import os
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from mlkit.core.errors import BundleError, ConfigError, listed
from mlkit.core.extras import load
from mlkit.core.files import is_own_file, written_file

FORMAT = 1
_ALGORITHM = "ed25519"
#: Says what is signed, so that no signature made for another purpose fits.
_PREFIX = b"mlkit bundle signature 1\n"
_KEY_BYTES = 32
#: Far above what a signature's or a key's file takes.
_MOST_BYTES = 4096


class Signature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who says that a bundle is theirs.

    Attributes
    ----------
    format
        Version of this file's layout.
    algorithm
        `ed25519`: RFC 8032.
    public_key
        The signer's key, 32 bytes in base64.
    signature
        Of the prefix and the bundle's digest, 64 bytes in base64.
    """

    format: int
    algorithm: str
    public_key: str
    signature: str


def create_key(path: Path) -> str:
    """Write a new private key that only its owner may read, and return the public one.

    Raises
    ------
    ConfigError
        If `path` is there already, or cannot be written.
    MissingExtraError
        If `cryptography` is not installed.
    """
    key = _ed25519().Ed25519PrivateKey.generate()
    serialization = _serialization()
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    try:
        # Exclusive: neither a file nor a link that is there is written through.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigError(f"{path} is there already: no key is replaced. Name another.") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}.") from None
    with os.fdopen(handle, "wb") as file:
        file.write(text)
    return _public(key)


def sign(digest: str, path: Path, *, key: Path) -> str:
    """Write the signature of a bundle's digest to `path`, and return the public key.

    Raises
    ------
    ConfigError
        If `key` is no private key as `create_key` writes it.
    MissingExtraError
        If `cryptography` is not installed.
    """
    private = _private_key(key)
    public = _public(private)
    signature = Signature(
        format=FORMAT,
        algorithm=_ALGORITHM,
        public_key=public,
        signature=_base64(private.sign(_PREFIX + digest.encode())),
    )
    with written_file(path) as draft:
        text = msgspec.json.format(msgspec.json.encode(signature), indent=2)
        draft.write_bytes(text + b"\n")
    return public


def verify(digest: str, path: Path, signers: Sequence[str]) -> None:
    """Accept the signature in `path` if one of `signers` made it for this digest.

    Parameters
    ----------
    digest
        The bundle's digest, already held against the bundle.
    path
        The signature's file.
    signers
        The public keys that the reader trusts; with none, nothing is accepted.

    Raises
    ------
    BundleError
        If there is no signature, if it is another's, or if it does not verify.
    ConfigError
        If one of `signers` is no public key.
    MissingExtraError
        If `cryptography` is not installed.
    """
    # As a file has them, with the end of their line.
    signers = [signer.strip() for signer in signers]
    trusted = {_public_key(signer, place) for place, signer in enumerate(signers, 1)}
    known = f"Accepted signers: {listed(signers) if signers else 'none'}."
    if not is_own_file(path):
        raise BundleError(f"{path.parent} is not signed: it has no {path.name}. {known}")
    found = _read(path)
    key = _bytes(found.public_key, _KEY_BYTES)
    if key not in trusted:
        raise BundleError(f"{path} is of the key {found.public_key[:64]!r}, not trusted. {known}")
    ed25519 = _ed25519()
    message = _PREFIX + digest.encode()
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(key).verify(
            _bytes(found.signature, 64) or b"", message
        )
    except (_exceptions().InvalidSignature, ValueError):
        raise BundleError(
            f"{path} does not verify: it was not made for this bundle. Sign the bundle again, "
            "or fetch it from who did."
        ) from None


def _read(path: Path) -> Signature:
    size = path.stat().st_size
    try:
        if size > _MOST_BYTES:
            raise ValueError(f"it has {size:,} bytes")
        found = msgspec.json.decode(path.read_bytes(), type=Signature)
        if (found.format, found.algorithm) != (FORMAT, _ALGORITHM):
            raise ValueError(f"format {found.format}, {found.algorithm[:64]!r}")
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise BundleError(f"{path} is no signature that this mlkit reads: {error}.") from None
    return found


def _private_key(path: Path) -> Any:
    """Read a private key; no error says what the file holds."""
    ed25519 = _ed25519()
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from None
    try:
        key = _serialization().load_pem_private_key(text, password=None)
    except Exception:  # noqa: BLE001 - of several kinds, and none may quote the key
        key = None
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise ConfigError(
            f"{path} is no private key of Ed25519, in PEM and without a passphrase. "
            "Make one: mlkit keygen FILE."
        )
    return key


def _public(private: Any) -> str:
    return _base64(private.public_key().public_bytes_raw())


def _public_key(signer: str, place: int) -> bytes:
    key = _bytes(signer, _KEY_BYTES)
    if key is None:
        # Not quoted: it may be a private key that was pasted there.
        raise ConfigError(
            f"Signer {place} is no public key as mlkit keygen prints it: {_KEY_BYTES} bytes in "
            "base64."
        )
    return key


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str, size: int) -> bytes | None:
    """Return what the base64 holds, if it is that many bytes, written in the one right way."""
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return found if len(found) == size and _base64(found) == text else None


def _ed25519() -> ModuleType:
    return _cryptography("hazmat.primitives.asymmetric.ed25519")


def _serialization() -> ModuleType:
    return _cryptography("hazmat.primitives.serialization")


def _exceptions() -> ModuleType:
    return _cryptography("exceptions")


def _cryptography(module: str) -> ModuleType:
    return load(f"cryptography.{module}", extra="sign", purpose="Signing, and verifying,")
