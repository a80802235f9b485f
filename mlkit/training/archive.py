"""Hold stored arrays to the bytes that are there, before any memory is taken for them."""

import re
import zipfile
from math import prod
from pathlib import Path
from typing import IO

import numpy as np

_MEMBER = re.compile(r"schema\.json|[\w-]+\.(npy|npz|bin)")
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
#: What a sparse matrix, the one thing that skops compresses, may unpack to.
_MOST_UNPACKED = 2**30
_IS_ENCRYPTED = 0x1


def load_array(path: Path) -> np.ndarray:
    """Read the array in a file of numpy's.

    Raises
    ------
    ValueError
        If its header claims other than what the file holds, or Python objects.
    """
    with path.open("rb") as file:
        _check_array(file, path.stat().st_size, path.name)
        file.seek(0)
        array: np.ndarray = np.load(file, allow_pickle=False)
    return array


def check_archive(path: Path) -> None:
    """See that a stored pipeline unpacks to no more than its bytes, and to nothing unknown.

    Raises
    ------
    ValueError
        If a member is compressed, encrypted, doubled, too large, called other
        than skops calls them, or an array that claims other than it holds.
    zipfile.BadZipFile
        If it is no archive.
    """
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        names = [member.filename for member in members]
        if len(set(names)) < len(names):
            raise ValueError("it holds two members of one name")
        for member in members:
            if not _MEMBER.fullmatch(member.filename):
                raise ValueError(f"it holds {member.filename[:64]!r}, which skops writes nowhere")
            if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & _IS_ENCRYPTED:
                raise ValueError(f"its member {member.filename} is compressed or encrypted")
        _check_sizes(members, path.stat().st_size)
        for member in members:
            with archive.open(member) as file:
                if member.filename.endswith(".npy"):
                    _check_array(file, member.file_size, member.filename)
                elif member.filename.endswith(".npz"):
                    _check_sparse(file)


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
