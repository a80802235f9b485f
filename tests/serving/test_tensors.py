"""Tensors of the Open Inference Protocol: what was written is read, all else is refused."""

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mlkit.serving.refusals import Refused
from mlkit.serving.tensors import (
    BYTES,
    DTYPES,
    SIZE,
    Input,
    Output,
    Tail,
    read_column,
    write_column,
)

texts = st.text(st.characters(exclude_categories=["Cs"]))
numbers = st.sampled_from([*DTYPES]).flatmap(
    lambda datatype: st.tuples(
        st.just(datatype),
        arrays.arrays(DTYPES[datatype], st.integers(0, 20), elements={"allow_nan": False}).map(
            np.ndarray.tolist
        ),
    )
)
columns = numbers | st.tuples(st.just(BYTES), st.lists(texts))
datatypes = st.sampled_from([*DTYPES, BYTES, "FP8", ""])


@given(columns, st.booleans(), st.booleans())
def test_reads_what_it_writes(column, is_binary, has_width):
    """As JSON and as bytes, of the shape [n] and [n, 1]."""
    datatype, values = column
    output = Output(name="x", datatype=datatype, shape=[len(values)])
    content = write_column(output, values, is_binary=is_binary)
    shape = [len(values), *([1] if has_width else [])]
    asked = Input(
        name="x", datatype=datatype, shape=shape, parameters=output.parameters, data=output.data
    )
    tail = Tail(memoryview(content))
    assert read_column(asked, tail) == values
    tail.check_empty()


@given(
    st.binary(max_size=64),
    datatypes,
    st.lists(st.integers(-1, 20), max_size=3),
    st.integers(-1, 70) | st.none() | st.text() | st.booleans(),
)
def test_bytes_of_any_kind_are_read_or_refused(content, datatype, shape, size):
    """With as many values as the shape says, or with a reason; never otherwise."""
    asked = Input(name="x", datatype=datatype, shape=shape, parameters={SIZE: size})
    tail = Tail(memoryview(content))
    with contextlib.suppress(Refused):
        assert len(read_column(asked, tail)) == np.prod(shape)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=8,
)


@given(json_values, datatypes, st.lists(st.integers(-1, 4), max_size=3))
def test_json_of_any_kind_is_read_or_refused(data, datatype, shape):
    """With as many values as the shape says, or with a reason; never otherwise."""
    asked = Input(name="x", datatype=datatype, shape=shape, data=data)
    with contextlib.suppress(Refused):
        assert len(read_column(asked, Tail(memoryview(b"")))) == np.prod(shape)


@pytest.mark.parametrize("datatype", ["FP16", "FP32", "FP64"])
def test_nan_in_bytes_is_a_value_that_is_missing(datatype):
    """Bytes have no null."""
    content = np.array([1, np.nan, 3], dtype=DTYPES[datatype]).tobytes()
    asked = Input(name="x", datatype=datatype, shape=[3], parameters={SIZE: len(content)})
    assert read_column(asked, Tail(memoryview(content))) == [1, None, 3]


def test_few_bytes_cannot_ask_for_much():
    """A shape of many texts is refused at the first that is not there."""
    asked = Input(name="x", datatype=BYTES, shape=[2**62], parameters={SIZE: 4})
    with pytest.raises(Refused, match="breaks off in element 1 of"):
        read_column(asked, Tail(memoryview(bytes(4))))
