"""What crosses the fence: a folder whose every byte is accounted for.

A bundle is written once, next to where it will lie. It is opened only if each
file's digest fits, and what is used of a file later is held against its digest
again. It never holds a pickle, and never says what is to be trusted: its reader
does.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from mlkit.core.errors import BundleError, ConfigError, listed
from mlkit.core.files import is_own_file, sha256
from mlkit.core.moments import in_utc
from mlkit.core.schema import Schema
from mlkit.core.signing import verify

FORMAT = 1
MANIFEST = "manifest.json"
SCHEMA = "schema.json"
MODEL = "model.skops"
GRAPH = "model.onnx"
GOLDEN = "golden.json"
EVALUATION = "evaluation.json"
PROFILE = "profile.json"
#: Some of the rows that the model was trained on and judged on, without personal data.
REFERENCE = "reference.parquet"
#: What the model's complexity is held against.
SIMPLE = "simple.skops"
#: Fingerprints of the rows that the model was trained on, and that its settings were chosen on.
TRAINING_ROWS = "training_rows.npy"
TUNING_ROWS = "tuning_rows.npy"
CARD = "README.md"
SIGNATURE = "signature.json"
#: What every bundle has, and what one of each runtime has.
FILES = (
    SCHEMA,
    MODEL,
    SIMPLE,
    GOLDEN,
    EVALUATION,
    PROFILE,
    REFERENCE,
    TRAINING_ROWS,
    TUNING_ROWS,
    CARD,
)
RUNTIME_FILES = {"python": FILES, "onnx": (*FILES, GRAPH)}
_LABELS = (str, int, float)
#: Far above what any real JSON file takes; a bound on what is read before it is understood.
MOST_BYTES = 64 * 2**20


class Parity(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """The certificate that a graph and the pipeline that it was made from are equal.

    Attributes
    ----------
    n_rows
        Rows that were scored by both, by their origin.
    n_refused
        Rows beside these that were left out, since the pipeline raised an error for them.
    n_flipped
        Rows whose decision differed, ties within the tolerance left out: 0.
    largest_difference
        Between two scores, as a share of their size, or of `scale` where that is more.
    tolerance
        The most that it may be.
    batches
        The numbers of rows that the graph was given at once, and whose scores agree.
    scale
        1; of predicted numbers, their standard deviation where that is less.
    """

    n_rows: dict[str, int]
    n_refused: int
    n_flipped: int
    largest_difference: float
    tolerance: float
    batches: list[int]
    scale: float = 1.0

    def summary(self, *, is_regression: bool) -> str:
        """Say in a sentence or two what was compared, and what was found."""
        n_rows = ", ".join(f"{count:,} {origin}" for origin, count in self.n_rows.items() if count)
        text = f"Compared with the pipeline on {n_rows} rows: "
        if not self.largest_difference:
            text += "the scores are the same."
        elif is_regression:
            text += f"predictions differ by at most {self.largest_difference:.1e} of their size."
        else:
            text += f"scores differ by at most {self.largest_difference:.1e}, no decision does."
        if self.n_refused:
            text += f" {self.n_refused:,} more are left out: the pipeline refuses them."
        return text


class Manifest(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What a bundle is, and the digest of each of its files.

    Attributes
    ----------
    format
        Version of the bundle's layout.
    name
        The model's name.
    mlkit
        The version of mlkit that wrote it.
    runtime
        What runs it: `onnx` the scoring side alone, `python` the training side.
    reason
        Why it is `python`: the line and the operation that did not compile.
    inputs
        The columns of each input of the graph.
    parity
        How the graph was found equal to the pipeline.
    task, classes, threshold
        What its scores mean: see `Target` and `decide`.
    target
        The fields of its `Target`.
    prior
        What one would predict without features.
    lineage
        What made it: data, config, code, libraries, seed.
    files
        SHA-256 of each file by its name.
    digest
        SHA-256 of the manifest without this field: the bundle's identity.
    """

    format: int
    name: str
    mlkit: str
    runtime: str
    task: str
    classes: list[Any]
    threshold: float
    target: dict[str, Any]
    prior: list[float]
    lineage: dict[str, Any]
    files: dict[str, str]
    reason: str = ""
    inputs: dict[str, list[str]] = {}
    parity: Parity | None = None
    digest: str = ""

    def runs(self) -> str:
        """Say how the model runs, and why."""
        if self.parity is None:
            return (
                "Runs in Python, slower and only with the training side installed (see 'Write "
                f"features that compile' in the docs), because: {self.reason}"
            )
        compared = self.parity.summary(is_regression=self.task == "regression")
        return f"Runs as one compiled function. {compared}"

    def data_until(self) -> datetime | None:
        """Return the moment of the newest row that it was made from, UTC; None without times."""
        times = self.lineage.get("data", {}).get("time_range")
        return in_utc(datetime.fromisoformat(times[-1])) if times else None

    def sealed(self) -> "Manifest":
        """Return the manifest with its digest."""
        bare = msgspec.structs.replace(self, digest="")
        text = msgspec.json.encode(bare, order="deterministic")
        return msgspec.structs.replace(self, digest=hashlib.sha256(text).hexdigest())


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """Real rows, as records, and the scores that the model gave them."""

    records: list[dict[str, Any]]
    scores: list[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle whose digests were checked.

    Attributes
    ----------
    path
        Its folder.
    manifest
        What it is.
    schema
        What it takes.
    golden
        What it must predict.
    """

    path: Path
    manifest: Manifest
    schema: type[Schema]
    golden: Golden

    @property
    def model(self) -> str:
        """The model's name and the first 12 digits of its digest, as in `flights/1f3a…`."""
        return f"{self.manifest.name}/{self.manifest.digest[:12]}"

    @classmethod
    def open(cls, path: str | Path, *, signers: Sequence[str] | None = None) -> "Bundle":
        """Check and read the bundle in the folder `path`.

        Parameters
        ----------
        path
            The bundle's folder.
        signers
            The public keys of those whose bundles are accepted, as `mlkit
            keygen` prints them; an empty list accepts nobody's. With None, the
            default, a signature is not looked at, right or wrong: it says
            nothing to a reader who trusts no key. No pyproject.toml is read for it.

        Raises
        ------
        BundleError
            Naming the file that is absent, unknown, a link, or not what its
            digest says, or the format that this mlkit does not read; or saying
            that no trusted signer signed the bundle.
        ConfigError
            If one of `signers` is no public key.
        MissingExtraError
            If `signers` are given, and the extra `sign` is not installed.
        """
        folder = Path(path)
        if not folder.is_dir():
            raise BundleError(f"There is no bundle in {folder}. Train one, or check the path.")
        manifest = _read_manifest(folder)
        if signers is not None:
            keys = (signers,) if isinstance(signers, str) else signers
            verify(manifest.digest, folder / SIGNATURE, keys)
        _check_files(folder, manifest)
        _check_classes(folder, manifest)
        try:
            schema = Schema.from_json(_read(folder / SCHEMA, manifest))
            golden = msgspec.json.decode(_read(folder / GOLDEN, manifest), type=Golden)
        except (ConfigError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BundleError(f"{folder} is not a readable bundle: {error}") from None
        return cls(path=folder, manifest=manifest, schema=schema, golden=golden)

    def read(self, name: str) -> bytes:
        """Return what one of its files holds, if it still is what the manifest lists.

        Raises
        ------
        BundleError
            If the file was changed or taken away since the bundle was opened.
        """
        return _read(self.path / name, self.manifest)


def seal(folder: Path, manifest: Manifest) -> Manifest:
    """Write the manifest of the files in `folder`, as the last of them."""
    files = {name: sha256(folder / name) for name in RUNTIME_FILES[manifest.runtime]}
    sealed = msgspec.structs.replace(manifest, files=files).sealed()
    text = msgspec.json.format(msgspec.json.encode(sealed), indent=2)
    (folder / MANIFEST).write_bytes(text + b"\n")
    return sealed


def _read(path: Path, manifest: Manifest) -> bytes:
    """Return the very bytes whose digest fits, not those that a second look would find."""
    content = _bytes(path)
    if hashlib.sha256(content).hexdigest() != manifest.files[path.name]:
        raise _changed(path)
    return content


def _bytes(path: Path) -> bytes:
    _check_is_file(path)
    size = path.stat().st_size
    if path.suffix == ".json" and size > MOST_BYTES:
        raise BundleError(f"{path} has {size:,} bytes; no bundle of mlkit has one so long.")
    return path.read_bytes()


def _check_is_file(path: Path) -> None:
    if not is_own_file(path):
        raise BundleError(f"{path} is absent, or a link. Fetch the bundle again.")


def _changed(path: Path) -> BundleError:
    return BundleError(
        f"{path} was changed: its digest is not the manifest's. Fetch the bundle again."
    )


def _read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    if not is_own_file(path):
        raise BundleError(f"{folder} is no bundle: it has no {MANIFEST}.")
    text = _bytes(path)
    try:
        manifest_format = msgspec.json.decode(text, type=_Versioned).format
        if manifest_format > FORMAT:
            raise BundleError(
                f"{path} is of format {manifest_format}; this mlkit reads up to {FORMAT}. "
                "Upgrade mlkit."
            )
        manifest = msgspec.json.decode(text, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BundleError(
            f"{path} was changed: it cannot be read ({error}). Fetch the bundle again."
        ) from None
    canonical = msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
    if manifest.sealed().digest != manifest.digest or canonical != text:
        raise BundleError(f"{path} was changed: its digest does not fit. Fetch the bundle again.")
    return manifest


def _check_classes(folder: Path, manifest: Manifest) -> None:
    n_classes = len(manifest.classes)
    fits = {
        "binary": n_classes == 2,
        "multiclass": n_classes >= 2,
        "regression": n_classes == 0,
    }
    if not fits.get(manifest.task) or not all(isinstance(c, _LABELS) for c in manifest.classes):
        raise BundleError(
            f"{folder / MANIFEST} makes no sense: {manifest.task!r} with {n_classes} classes."
        )


class _Versioned(msgspec.Struct):
    format: int


def _check_files(folder: Path, manifest: Manifest) -> None:
    if manifest.runtime not in RUNTIME_FILES:
        raise BundleError(
            f"{folder} runs on {manifest.runtime!r}, which this mlkit does not know. Upgrade mlkit."
        )
    # The names are these and no others, so none can lead out of the folder.
    names = RUNTIME_FILES[manifest.runtime]
    if set(manifest.files) != set(names):
        raise BundleError(
            f"{folder / MANIFEST} lists {listed(manifest.files, most=9)}; "
            f"a bundle of its runtime has {listed(names, most=9)}."
        )
    unknown = {entry.name for entry in folder.iterdir()} - {MANIFEST, SIGNATURE, *names}
    if unknown:
        raise BundleError(f"{folder} holds unknown files: {listed(sorted(unknown))}. Remove them.")
    for name, digest in manifest.files.items():
        _check_is_file(folder / name)
        if sha256(folder / name) != digest:
            raise _changed(folder / name)
