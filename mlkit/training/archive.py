"""Hold stored arrays to the bytes that are there, before any memory is taken for them."""

import io
import json
import re
import zipfile
from math import prod
from typing import IO, Any

import numpy as np

#: The member of a stored pipeline that says what to build of the others.
SCHEMA = "schema.json"
_MEMBER = re.compile(r"schema\.json|[\w-]+\.(npy|npz|bin)")
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
#: What a sparse matrix, the one thing that skops compresses, may unpack to.
_MOST_UNPACKED = 2**30
_IS_ENCRYPTED = 0x1


def load_array(content: bytes) -> np.ndarray:
    """Read the array in the bytes of a file of numpy's.

    Raises
    ------
    ValueError
        If its header claims other than what the file holds, or Python objects.
    """
    file = io.BytesIO(content)
    _check_array(file, len(content), "it")
    file.seek(0)
    array: np.ndarray = np.load(file, allow_pickle=False)
    return array


def load_prints(content: bytes) -> np.ndarray:
    """Read sorted fingerprints of rows (uint64) in the bytes of a file of numpy's.

    Raises
    ------
    ValueError
        If it holds anything else; see also `load_array`.
    """
    prints = load_array(content)
    if prints.dtype != "uint64" or prints.ndim != 1 or (prints[1:] < prints[:-1]).any():
        raise ValueError(
            f"it holds {prints.dtype} of shape {prints.shape}, and no sorted fingerprints"
        )
    return prints


def check_archive(content: bytes) -> None:
    """See that reading a stored pipeline takes no more than its bytes, and nothing unknown.

    Raises
    ------
    ValueError
        If a member is compressed, encrypted, doubled, too large, called other
        than skops calls them, or an array that claims other than it holds; or
        if nodes of one id differ, two read one member, or one calls a Booster.
    zipfile.BadZipFile
        If it is no archive.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        names = [member.filename for member in members]
        if len(set(names)) < len(names):
            raise ValueError("it holds two members of one name")
        for member in members:
            if not _MEMBER.fullmatch(member.filename):
                raise ValueError(f"it holds {member.filename[:64]!r}, which skops writes nowhere")
            if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & _IS_ENCRYPTED:
                raise ValueError(f"its member {member.filename} is compressed or encrypted")
        _check_sizes(members, len(content))
        for member in members:
            with archive.open(member) as file:
                if member.filename.endswith(".npy"):
                    _check_array(file, member.file_size, member.filename)
                elif member.filename.endswith(".npz"):
                    _check_sparse(file)
        _check_schema(json.loads(archive.read(SCHEMA)))


def _check_schema(schema: Any) -> None:
    """See that a schema takes no more steps and memory than its length, and opens no file.

    skops writes in full, each time, what is shared, and gives it one id. It builds the
    first, takes that for all, and walks into it each time: were the others only short
    references, twenty nodes that hold each other twice would be a million steps.
    """
    sizes: dict[int | float | str, int] = {}
    readers: dict[str, Any] = {}

    def size(node: Any) -> int:
        if isinstance(node, list):
            return 1 + sum(map(size, node))
        if not isinstance(node, dict):
            return 0
        count = 1 + sum(map(size, node.values()))
        number, file = node.get("__id__"), node.get("file")
        if isinstance(number, (int, float, str)) and sizes.setdefault(number, count) != count:
            raise ValueError(f"its nodes called {number!r} are not the same")
        reader = number or id(node)
        if isinstance(file, str) and readers.setdefault(file, reader) != reader:
            raise ValueError(f"two of its nodes read {file[:64]!r}")
        if node.get("__class__") == "Booster" and node.get("__loader__") != "ObjectNode":
            raise ValueError("it calls a Booster, which would open the file that it is given")
        return count

    size(schema)


def _check_sparse(file: IO[bytes]) -> None:
    with zipfile.ZipFile(file) as archive:
        _check_sizes(archive.infolist(), _MOST_UNPACKED)
        for member in archive.infolist():
            with archive.open(member) as inner:
                _check_array(inner, member.file_size, member.filename)


def _check_sizes(members: list[zipfile.ZipInfo], most: int) -> None:
    claimed = sum(member.file_size for member in members)
    if claimed > most:
        raise ValueError(f"its members claim {claimed:,} bytes, of at most {most:,}")


def _check_array(file: IO[bytes], size: int, name: str) -> None:
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"{name} is of the version {version}")
    shape, _, dtype = _HEADERS[version](file)
    held = size - file.tell()
    count = prod(shape)
    if dtype.hasobject:
        raise ValueError(f"{name} holds Python objects")
    if min(shape, default=0) < 0 or count * dtype.itemsize != held or count > size:
        raise ValueError(f"{name} claims {count:,} values of {dtype}, but holds {held:,} bytes")
