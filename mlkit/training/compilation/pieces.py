"""Text taken apart into its characters, or at a delimiter, and joined again."""

import numpy as np
import spox.opset.ai.onnx.v20 as op
from onnx import TensorProto, helper
from spox import Var, inline

from mlkit.training.compilation.values import const_axes, sum_of_row

#: What stands behind the last character of a shorter text: a noncharacter, as `NO_TEXT` is.
_PAD = "\ufdd1"


def characters(var: Var) -> Var:
    """Return each text's characters (n_rows, most characters), padded behind the last."""
    (found,) = inline(_TOKENIZER)(text=var).values()
    return op.squeeze(found, const_axes())


_TOKENIZER = helper.make_model(
    helper.make_graph(
        [
            helper.make_node(
                "Tokenizer", ["text"], ["characters"], domain="com.microsoft",
                mark=0, mincharnum=1, pad_value=_PAD, separators=[""],
            )
        ],
        "characters",
        [helper.make_tensor_value_info("text", TensorProto.STRING, [None, 1])],
        [helper.make_tensor_value_info("characters", TensorProto.STRING, [None, 1, None])],
    ),
    opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)],
    ir_version=10,
)  # fmt: skip


def split(var: Var, delimiter: str) -> tuple[Var, Var]:
    """Return each text's parts (n_rows, most parts), and their number (n_rows, 1)."""
    parts, counts = op.string_split(var, delimiter=delimiter)
    rows = op.shape(var, end=1)
    parts = op.reshape(parts, op.concat([rows, op.shape(parts, start=2)], axis=0))
    return parts, op.reshape(counts, op.const(np.array([-1, 1])))


def joined(pieces: Var) -> Var:
    """Join each row's pieces to a text (n_rows, 1): pairs first, then pairs of pairs."""
    one, two = op.const(np.array([1])), op.const(np.array([2]))
    rows = op.concat([op.shape(pieces, end=1), one], axis=0)
    nothing = op.expand(op.const(np.array([[""]])), rows)
    solid = op.where(is_pad(pieces), op.const(""), pieces)

    def body(i: Var, go: Var, pieces: Var) -> list[Var]:
        n_pieces = width(pieces)
        padded = op.concat([pieces, nothing], axis=1)
        left = op.slice(padded, op.const(np.array([0])), n_pieces, one, two)
        right = op.slice(padded, one, op.add(n_pieces, one), one, two)
        pairs = op.string_concat(left, right)
        return [op.greater(width(pairs), one), pairs]

    # A column of nothing first, so that there is one even where no text has a character.
    pieces = op.concat([nothing, solid], axis=1)
    is_many = op.greater(width(pieces), one)
    endless = op.const(np.array([2**31]))
    (text,) = op.loop(endless, is_many, [pieces], body=body)
    return text


def is_pad(pieces: Var) -> Var:
    """Return which pieces stand behind the last character."""
    return op.equal(pieces, op.const(_PAD))


def lengths(pieces: Var) -> Var:
    """Return each text's number of characters (n_rows, 1)."""
    is_there = op.cast(op.not_(is_pad(pieces)), to=np.int64)
    return sum_of_row(is_there)


def width(pieces: Var) -> Var:
    """Return the most pieces that a row has."""
    return op.shape(pieces, start=1)


def places(pieces: Var) -> Var:
    """Return the number of each piece, from 0 (1, most pieces)."""
    scalar = op.const(np.array([], dtype="int64"))
    n_pieces = op.reshape(width(pieces), scalar)
    found = op.range(op.const(np.int64(0)), n_pieces, op.const(np.int64(1)))
    return op.unsqueeze(found, op.const(np.array([0])))
