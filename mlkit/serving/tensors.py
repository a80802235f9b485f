"""Tensors of the Open Inference Protocol, as JSON or as bytes, and columns of values.

https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol
"""

from collections.abc import Sequence
from math import isnan, prod
from typing import Any

import msgspec
import numpy as np

from mlkit.core.records import shown
from mlkit.serving.refusals import Refused

#: What numpy calls each datatype, little-endian as the protocol has it.
DTYPES = {
    "BOOL": np.dtype("?"),
    "UINT8": np.dtype("<u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype("<i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
BYTES = "BYTES"
SIZE = "binary_data_size"
_LENGTH = 4


class Input(msgspec.Struct, kw_only=True):
    """A tensor of a request: one column."""

    name: str
    shape: list[int]
    datatype: str
    parameters: dict[str, Any] = {}
    data: Any = None


class Output(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A tensor of an answer."""

    name: str
    datatype: str
    shape: list[int]
    parameters: dict[str, Any] = {}
    data: list[Any] | None = None


def invalid(message: str) -> Refused:
    """Return the refusal of a request that is JSON, but not the protocol's."""
    return Refused(400, "protocol", message)


class Tail:
    """The bytes behind the JSON of a request, taken tensor by tensor."""

    def __init__(self, content: memoryview) -> None:
        self._content = content
        self._position = 0

    def take(self, size: Any, name: str) -> memoryview:
        """Return the next `size` bytes.

        Raises
        ------
        Refused
            If there are not so many.
        """
        end = self._position + size if type(size) is int and size >= 0 else -1
        if not 0 <= end <= len(self._content):
            raise invalid(
                f"Input {name} says {SIZE} {shown(size)}; "
                f"{len(self._content) - self._position} bytes are left in the body."
            )
        start, self._position = self._position, end
        return self._content[start:end]

    def check_empty(self) -> None:
        """Raise Refused if bytes are left."""
        if self._position < len(self._content):
            left = len(self._content) - self._position
            raise invalid(f"{left} bytes at the end of the body belong to no input.")


def read_column(tensor: Input, tail: Tail) -> list[Any]:
    """Return the values of an input of the shape [n] or [n, 1].

    Raises
    ------
    Refused
        If the tensor is not what it says, or of another shape.
    """
    name, shape = tensor.name, tensor.shape
    if len(shape) not in (1, 2) or shape[1:] not in ([], [1]) or shape[0] < 0:
        raise invalid(f"Input {name} must have the shape [n] or [n, 1]; found {shown(shape)}.")
    if tensor.datatype not in DTYPES and tensor.datatype != BYTES:
        valid = ", ".join((*DTYPES, BYTES))
        raise invalid(f"Input {name} has the datatype {tensor.datatype[:40]!r}; valid: {valid}.")
    if SIZE in tensor.parameters:
        if tensor.data is not None:
            raise invalid(f"Input {name} has data and {SIZE}. Send one of them.")
        values = _of_bytes(tensor, tail.take(tensor.parameters[SIZE], name))
    else:
        values = _flat(tensor)
    if len(values) != prod(shape):
        raise invalid(f"Input {name} has the shape {shape}, and {len(values)} values.")
    return values


def write_column(output: Output, values: Sequence[Any], *, is_binary: bool) -> bytes:
    """Put the values into an output, and return the bytes that go behind the JSON, if any."""
    if not is_binary:
        output.data = list(values)
        return b""
    if output.datatype == BYTES:
        texts = [str(value).encode() for value in values]
        content = b"".join(len(t).to_bytes(_LENGTH, "little") + t for t in texts)
    else:
        content = np.asarray(values, dtype=DTYPES[output.datatype]).tobytes()
    output.parameters = {SIZE: len(content)}
    return content


def _of_bytes(tensor: Input, content: memoryview) -> list[Any]:
    if tensor.datatype == BYTES:
        return _texts(tensor.name, content, prod(tensor.shape))
    dtype = DTYPES[tensor.datatype]
    size = prod(tensor.shape) * dtype.itemsize
    if len(content) != size:
        raise invalid(
            f"Input {tensor.name} has {len(content)} bytes; {tensor.datatype} of the shape "
            f"{tensor.shape} has {size}."
        )
    array = np.frombuffer(content, dtype=dtype)
    values: list[Any] = array.tolist()
    # Bytes have no other way to say that a value is missing.
    if dtype.kind == "f" and np.isnan(array).any():
        return [None if isnan(value) else value for value in values]
    return values


def _texts(name: str, content: memoryview, count: int) -> list[str]:
    """Return so many texts, each of which has its length before it."""
    texts: list[str] = []
    position = 0
    for _ in range(count):
        start = position + _LENGTH
        position = start + int.from_bytes(content[position:start], "little")
        if max(start, position) > len(content):
            raise invalid(
                f"Input {name} breaks off in element {len(texts)} of {count}: it is longer than "
                "what is left."
            )
        try:
            texts.append(str(content[start:position], "utf-8"))
        except UnicodeDecodeError:
            raise invalid(f"Input {name} holds bytes that are no UTF-8.") from None
    if position < len(content):
        raise invalid(f"Input {name} has {len(content) - position} bytes after element {count}.")
    return texts


def _flat(tensor: Input) -> list[Any]:
    """Return the values of JSON data, which may be nested as the shape is."""
    data = tensor.data
    if not isinstance(data, list):
        raise invalid(f"Input {tensor.name} has no data: give a list, or {SIZE}.")
    if not data or not isinstance(data[0], list):
        return data
    if not all(isinstance(row, list) and len(row) == 1 for row in data):
        raise invalid(f"Input {tensor.name} must hold one value a row.")
    return [row[0] for row in data]
