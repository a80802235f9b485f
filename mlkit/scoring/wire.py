"""Look into an ONNX model's bytes for tensors that lie in other files.

Protocol buffers' wire format is a list of tagged fields; only those that lead
to tensors are followed, so that nothing need be installed to read them.
"""

from collections.abc import Iterator

#: For each message, the message that each of its fields holds, by the field's number, as in
#: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
_FIELDS = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
#: Parsers disagree on longer tags: some drop the bits above, and see another field.
_LARGEST_TAG = 2**32 - 1


def external_data(model: bytes) -> bool:
    """Whether a tensor of the model lies outside it, or its bytes are not well formed."""
    # The key of each such entry: without it there is none, and nothing to walk through.
    if b"location" not in model:
        return False
    try:
        return _is_external(memoryview(model), "model")
    except (IndexError, RecursionError):
        return True


def _is_external(message: memoryview, kind: str) -> bool:
    for number, value in _fields(message):
        if kind == "tensor" and number == _EXTERNAL_DATA:
            return True
        if kind == "tensor" and number == _DATA_LOCATION and value != 0:
            return True
        inner = _FIELDS[kind].get(number)
        if inner and isinstance(value, memoryview) and _is_external(value, inner):
            return True
    return False


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield each field's number with its number or bytes."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        if not 8 <= tag <= _LARGEST_TAG:
            raise IndexError(position)
        kind = tag & 7
        if kind == 0:
            value, position = _varint(message, position)
            yield tag >> 3, value
        elif kind == 2:
            size, position = _varint(message, position)
            if position + size > len(message):
                raise IndexError(position)
            yield tag >> 3, message[position : position + size]
            position += size
        elif kind in (1, 5):
            position += 8 if kind == 1 else 4
            if position > len(message):
                raise IndexError(position)
        else:
            raise IndexError(position)


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
        if shift > 63:
            raise IndexError(position)
