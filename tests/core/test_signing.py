"""A signature says whose a bundle is; which signers count is the reader's word."""

import base64
import json
import shutil
import stat
import sys
from pathlib import Path

import msgspec
import pytest

from mlkit import Predictor
from mlkit.cli import main
from mlkit.core import bundle as layout
from mlkit.core import signing
from mlkit.core.bundle import Bundle
from mlkit.core.errors import BundleError, ConfigError, MissingExtraError


@pytest.fixture
def bundle(packed, tmp_path) -> Path:
    """Return a copy of a bundle, to be signed or forged."""
    return Path(shutil.copytree(packed, tmp_path / "bundle"))


@pytest.fixture
def key(tmp_path) -> tuple[Path, str]:
    """Return a private key's file, and its public key."""
    return tmp_path / "mine.pem", signing.create_key(tmp_path / "mine.pem")


@pytest.fixture
def other(tmp_path) -> tuple[Path, str]:
    """Return another's key."""
    return tmp_path / "other.pem", signing.create_key(tmp_path / "other.pem")


def sign(folder: Path, key: Path) -> None:
    """Sign a bundle."""
    signing.sign(Bundle.open(folder).manifest.digest, folder / layout.SIGNATURE, key=key)


def test_a_signed_bundle_is_accepted_by_who_trusts_the_signer(bundle, key, other):
    """One of the trusted keys is enough; a single key may be given alone."""
    sign(bundle, key[0])
    for signers in ([key[1]], [other[1], key[1]], key[1], [f"{key[1]}\n"]):
        assert Bundle.open(bundle, signers=signers).path == bundle
    assert Predictor.load(bundle, trusted=["flight_delay"], signers=[key[1]])


def test_the_signature_changes_neither_digest_nor_files(bundle, key):
    """It lies beside the bundle's files; the bundle stays the same one."""
    before = Bundle.open(bundle).manifest
    sign(bundle, key[0])
    assert Bundle.open(bundle).manifest == before
    assert {file.name for file in bundle.iterdir()} - set(before.files) == {
        layout.MANIFEST,
        layout.SIGNATURE,
    }


def test_an_unsigned_bundle_is_refused_where_signers_are_given(bundle, key):
    """The error names the keys that would be accepted; a link is no signature."""
    with pytest.raises(BundleError, match="is not signed") as caught:
        Bundle.open(bundle, signers=[key[1]])
    assert key[1] in str(caught.value)
    sign(bundle, key[0])
    (bundle / layout.SIGNATURE).rename(bundle.parent / "elsewhere.json")
    (bundle / layout.SIGNATURE).symlink_to(bundle.parent / "elsewhere.json")
    with pytest.raises(BundleError, match="is not signed"):
        Bundle.open(bundle, signers=[key[1]])


def test_anothers_signature_is_refused(bundle, key, other):
    """A key that the signature brings along is not believed."""
    sign(bundle, other[0])
    with pytest.raises(BundleError, match="not trusted") as caught:
        Predictor.load(bundle, trusted=["flight_delay"], signers=[key[1]])
    assert other[1] in str(caught.value)


def test_no_signers_is_nobody(bundle, key):
    """An empty list accepts no bundle; None does not look at the signature."""
    sign(bundle, key[0])
    with pytest.raises(BundleError, match=r"not trusted\. Accepted signers: none\."):
        Bundle.open(bundle, signers=[])
    (bundle / layout.SIGNATURE).write_bytes(b"\x80\x05cos\nsystem\n.")
    assert Bundle.open(bundle).path == bundle


def test_a_signature_fits_one_bundle_only(bundle, key):
    """Whoever changes a signed bundle and seals it again has no signature for it."""
    sign(bundle, key[0])
    manifest = msgspec.json.decode((bundle / layout.MANIFEST).read_bytes(), type=layout.Manifest)
    layout.seal(bundle, msgspec.structs.replace(manifest, threshold=0.9))
    assert Bundle.open(bundle).manifest.threshold == 0.9
    with pytest.raises(BundleError, match="does not verify"):
        Bundle.open(bundle, signers=[key[1]])


def test_a_signature_of_the_bare_digest_is_none(bundle, key):
    """What the key signed for another purpose is not taken for a bundle's signature."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    private = load_pem_private_key(key[0].read_bytes(), password=None)
    digest = Bundle.open(bundle).manifest.digest
    bare = base64.b64encode(private.sign(digest.encode())).decode()
    form = {"format": 1, "algorithm": "ed25519", "public_key": key[1], "signature": bare}
    (bundle / layout.SIGNATURE).write_text(json.dumps(form))
    with pytest.raises(BundleError, match="does not verify"):
        Bundle.open(bundle, signers=[key[1]])


def test_every_changed_byte_of_a_signature_is_found(bundle, key):
    """Of the key, of the signature, of their names, or between them."""
    sign(bundle, key[0])
    file = bundle / layout.SIGNATURE
    content = file.read_bytes()
    digest = Bundle.open(bundle).manifest.digest
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 0x01
        file.write_bytes(changed)
        with pytest.raises(BundleError, match=r"signature\.json"):
            signing.verify(digest, file, [key[1]])


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"[" * 4000,
        b"\xff\xfe",
        b" " * 5000,
        b'{"format": 2, "algorithm": "ed25519", "public_key": "", "signature": ""}',
        b'{"format": 1, "algorithm": "none", "public_key": "", "signature": ""}',
        b'{"format": 1, "algorithm": "ed25519", "public_key": "", "signature": "", "x": 1}',
    ],
)
def test_what_is_no_signature_is_named(bundle, key, text):
    """Empty, of another kind, too long, or of a form that is not known."""
    (bundle / layout.SIGNATURE).write_bytes(text)
    with pytest.raises(BundleError, match=r"signature\.json is no signature"):
        Bundle.open(bundle, signers=[key[1]])


@pytest.mark.parametrize("signature", ["", "!", "AAAA", base64.b64encode(bytes(64)).decode()])
def test_a_signature_of_the_wrong_form_does_not_verify(bundle, key, signature):
    """Base64 of too few bytes, of none, or of zeros."""
    form = {"format": 1, "algorithm": "ed25519", "public_key": key[1], "signature": signature}
    (bundle / layout.SIGNATURE).write_text(json.dumps(form))
    with pytest.raises(BundleError, match="does not verify"):
        Bundle.open(bundle, signers=[key[1]])


def test_a_signer_that_is_no_key_is_an_error_of_the_reader(bundle, key):
    """It is counted, not quoted: it may be a private key."""
    with pytest.raises(ConfigError, match="Signer 2 is no public key") as caught:
        Bundle.open(bundle, signers=[key[1], "secret"])
    assert "secret" not in str(caught.value)


def test_signatures_need_their_extra_only_where_signers_are_given(bundle, key, monkeypatch):
    """Without cryptography a bundle loads; a reader who trusts signers is told what to install."""
    sign(bundle, key[0])
    for name in [name for name in sys.modules if name.startswith("cryptography")]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    assert Bundle.open(bundle).path == bundle
    with pytest.raises(MissingExtraError, match=r"pip install 'mlkit-ship\[sign\]'"):
        Bundle.open(bundle, signers=[key[1]])


def test_a_private_key_is_its_owners_alone(tmp_path, key):
    """Mode 0600, and neither a file nor a link that is there is replaced."""
    assert stat.S_IMODE(key[0].stat().st_mode) == 0o600
    before = key[0].read_bytes()
    (tmp_path / "link.pem").symlink_to(tmp_path / "nowhere.pem")
    for path in (key[0], tmp_path / "link.pem"):
        with pytest.raises(ConfigError, match="is there already"):
            signing.create_key(path)
    assert key[0].read_bytes() == before
    assert not (tmp_path / "nowhere.pem").exists()
    with pytest.raises(ConfigError, match="cannot be written"):
        signing.create_key(tmp_path / "nowhere" / "key.pem")


def test_what_is_no_private_key_is_named_and_not_shown(tmp_path, bundle):
    """Another file, an absent one, a key of another kind or with a passphrase."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    def pem(key, encryption):
        return key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
        )

    locked = serialization.BestAvailableEncryption(b"passphrase")
    for text in (
        b"-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n",
        pem(ec.generate_private_key(ec.SECP256R1()), serialization.NoEncryption()),
        pem(ed25519.Ed25519PrivateKey.generate(), locked),
    ):
        (tmp_path / "key.pem").write_bytes(text)
        with pytest.raises(ConfigError, match="is no private key of Ed25519") as caught:
            sign(bundle, tmp_path / "key.pem")
        assert not any(line in str(caught.value) for line in text.decode().splitlines())
    with pytest.raises(ConfigError, match="cannot be read"):
        sign(bundle, tmp_path / "absent.pem")
    assert not (bundle / layout.SIGNATURE).exists()


def test_the_commands_sign_and_honour_the_readers_pyproject(bundle, in_project, tmp_path, capsys):
    """The public key that keygen prints is what sign, predict and evaluate go by."""

    def run(*arguments: object) -> tuple[int, str, str]:
        code = main([str(part) for part in arguments])
        return code, *capsys.readouterr()

    code, public, _ = run("keygen", tmp_path / "k.pem")
    public = public.strip()
    assert (code, len(base64.b64decode(public))) == (0, 32)
    assert run("keygen", tmp_path / "k.pem")[0] == 2

    settings = in_project / "pyproject.toml"
    before = settings.read_text()
    predict = ("predict", bundle, "data/flight.json")
    try:
        settings.write_text(before.replace("[tool.mlkit]", f'[tool.mlkit]\nsigners = ["{public}"]'))
        assert settings.read_text() != before
        for command in (predict, ("evaluate", bundle)):
            code, out, error = run(*command)
            assert (code, out, "is not signed" in error) == (5, "", True)
        code, out, error = run("sign", bundle, "--key", tmp_path / "k.pem")
        assert (code, f"is signed by {public}" in out) == (0, True)
        assert (tmp_path / "k.pem").read_text().splitlines()[1] not in out + error
        assert run(*predict)[0] == 0
        settings.write_text(before.replace("[tool.mlkit]", "[tool.mlkit]\nsigners = 1"))
        code, _, error = run(*predict)
        assert (code, "tool.mlkit.signers in" in error) == (2, True)
    finally:
        settings.write_text(before)


def test_what_is_damaged_is_not_signed(bundle, key):
    """The command checks every digest first."""
    with (bundle / layout.CARD).open("a") as card:
        card.write("It never errs.")
    assert main(["sign", str(bundle), "--key", str(key[0])]) == 5
    assert not (bundle / layout.SIGNATURE).exists()
