"""A forged graph reads nothing outside itself, and is not run where it is not what it should be."""

import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from forgery import replaced
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from mlkit import Predictor
from mlkit.core import bundle as layout
from mlkit.core.errors import BundleError
from mlkit.scoring.wire import external_data


@pytest.fixture
def bundle(packed, tmp_path) -> Path:
    """Return a copy of a bundle that runs as a graph."""
    return Path(shutil.copytree(packed, tmp_path / "bundle"))


@pytest.fixture
def graph(bundle) -> onnx.ModelProto:
    """Return its graph."""
    return onnx.load(bundle / layout.GRAPH)


@pytest.fixture
def no_session(monkeypatch) -> None:
    """Fail where ONNX Runtime gets to see the graph."""

    def session(*_, **__):
        raise AssertionError("ONNX Runtime sees the graph")

    monkeypatch.setattr(ort, "InferenceSession", session)


def outside(location: str = "outside.bin", n_values: int = 4) -> TensorProto:
    """Return a tensor whose values lie in another file."""
    tensor = TensorProto(name="w", data_type=TensorProto.DOUBLE, dims=[n_values])
    tensor.data_location = TensorProto.EXTERNAL
    for key, text in (("location", location), ("offset", "0"), ("length", str(8 * n_values))):
        tensor.external_data.add(key=key, value=text)
    return tensor


def inside() -> TensorProto:
    """Return a tensor whose values lie in itself; it is called as the tests' needle is."""
    return helper.make_tensor("location", TensorProto.DOUBLE, [1], [1.0])


def model(node: onnx.NodeProto | None = None, **parts: object) -> onnx.ModelProto:
    """Return a small model with one node."""
    node = node or helper.make_node("Identity", ["numbers"], ["scores"])
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.DOUBLE, [None])]
        for name in ("numbers", "scores")
    ]
    return helper.make_model(helper.make_graph([node], "g", *ends, **parts))


def subgraph(tensor: TensorProto) -> onnx.GraphProto:
    """Return a graph that gives a tensor."""
    end = helper.make_tensor_value_info("w", TensorProto.DOUBLE, None)
    return helper.make_graph([], "inner", [], [end], [tensor])


def sparse(tensor: TensorProto) -> onnx.SparseTensorProto:
    """Return a sparse tensor whose values are these."""
    indices = helper.make_tensor("i", TensorProto.INT64, [1], [0])
    return helper.make_sparse_tensor(tensor, indices, [4])


def constant(**attributes: object) -> onnx.NodeProto:
    """Return a node with these attributes."""
    return helper.make_node("Constant", [], ["scores"], **attributes)


def placed(tensor: TensorProto) -> dict[str, onnx.ModelProto]:
    """Return models that hold a tensor, in each place that a model has for one."""
    in_function = model()
    in_function.functions.append(
        helper.make_function("d", "f", [], ["scores"], [constant(value=tensor)], [])
    )
    as_default = model()
    as_default.functions.append(
        helper.make_function(
            *("d", "f", [], ["scores"], [], []),
            attribute_protos=[helper.make_attribute("value", tensor)],
        )
    )
    in_training = model()
    training = in_training.training_info.add()
    training.algorithm.CopyFrom(subgraph(tensor))
    deep = subgraph(tensor)
    for _ in range(20):
        deep = helper.make_graph([constant(body=deep)], "outer", [], [])
    of_sparse = onnx.SparseTensorProto()
    of_sparse.CopyFrom(sparse(tensor))
    return {
        "initializer": model(initializer=[tensor]),
        "sparse initializer": model(sparse_initializer=[of_sparse]),
        "attribute": model(constant(value=tensor)),
        "attributes": model(constant(values=[tensor, tensor])),
        "sparse attribute": model(constant(value=of_sparse)),
        "sparse attributes": model(constant(values=[of_sparse])),
        "subgraph": model(constant(body=subgraph(tensor))),
        "subgraphs": model(constant(bodies=[subgraph(tensor)])),
        "nested": model(constant(body=deep)),
        "function": in_function,
        "default of a function": as_default,
        "training": in_training,
    }


@pytest.mark.parametrize("place", [*placed(inside())])
def test_data_outside_is_found_in_every_place(place):
    """Wherever a model may hold a tensor; one that is all there is not taken for such."""
    assert external_data(placed(outside())[place].SerializeToString())
    assert not external_data(placed(inside())[place].SerializeToString())


@pytest.mark.parametrize(
    "location", ["outside.bin", "../outside.bin", "/etc/passwd", "*/_ORT_MEM_ADDR_/*"]
)
def test_data_outside_are_refused_before_the_graph_is_run(
    bundle, graph, location, no_session, monkeypatch
):
    """Beside it, above it, anywhere, or at an address in memory."""
    np.zeros(4).tofile(bundle.parent / "outside.bin")
    monkeypatch.chdir(bundle.parent)
    graph.graph.initializer.append(outside(location))
    replaced(bundle, layout.GRAPH, graph.SerializeToString())
    with pytest.raises(BundleError, match="refers to data outside itself"):
        Predictor.load(bundle)


def varint(number: int) -> bytes:
    """Return a number as protocol buffers write it."""
    low = number & 0x7F
    return bytes([low | 0x80]) + varint(number >> 7) if number >> 7 else bytes([low])


@pytest.mark.parametrize("tag", [7 << 3 | 2 | 1 << 32, 2, 7 << 3 | 3, 7 << 3 | 6])
def test_a_tag_that_parsers_disagree_on_is_refused(bundle, tag, no_session):
    """Some drop what is above 32 bits of a tag, and see the field that it hides."""
    body = subgraph(outside()).SerializeToString()
    hidden = varint(tag) + varint(len(body)) + body
    assert external_data(model().SerializeToString() + hidden)
    replaced(bundle, layout.GRAPH, model().SerializeToString() + hidden)
    with pytest.raises(BundleError, match="refers to data outside itself"):
        Predictor.load(bundle)


SMALL = model(constant(body=subgraph(inside())), initializer=[inside()]).SerializeToString()


def test_every_truncation_is_answered():
    """A model that ends too early is either refused or has no such data; nothing is raised."""
    for end in range(len(SMALL)):
        assert external_data(SMALL[:end]) in (True, False)


@given(st.binary(max_size=200), st.integers(0, len(SMALL)), st.integers(0, 60))
def test_garbled_models_are_answered(garbage, start, length):
    """Whatever stands in a model's place or within it; nothing is raised."""
    garbled = SMALL[:start] + garbage + SMALL[start + length :]
    assert external_data(garbled) in (True, False)
    assert external_data(b"location" + garbage) in (True, False)


@given(st.lists(st.tuples(st.integers(0, len(SMALL) - 1), st.integers(0, 255)), max_size=8))
def test_an_external_tensor_cannot_be_hidden_by_what_parses(changes):
    """Where bytes change and the model still parses with such data, they are found."""
    content = bytearray(model(initializer=[outside()]).SerializeToString())
    for place, byte in changes:
        content[place % len(content)] = byte
    try:
        parsed = onnx.ModelProto.FromString(bytes(content))
    except Exception:  # noqa: BLE001 - of protobuf's implementation
        return
    tensors = parsed.graph.initializer
    if any(t.external_data and b"location" in t.SerializeToString() for t in tensors):
        assert external_data(bytes(content))


def test_depth_without_end_is_refused():
    """Graphs within graphs, deeper than a stack."""
    body = b"location"
    for _ in range(3000):
        body = b"\x32" + varint(len(body)) + body
        body = b"\x2a" + varint(len(body)) + body
        body = b"\x0a" + varint(len(body)) + body
    assert external_data(b"\x3a" + varint(len(body)) + body)


def renamed(graph: onnx.ModelProto) -> None:
    """Call the input of numbers otherwise."""
    for node in graph.graph.node:
        for place, name in enumerate(node.input):
            if name == "numbers":
                node.input[place] = "figures"
    graph.graph.input[0].name = "figures"


def widened(graph: onnx.ModelProto) -> None:
    """Let a block have another number of columns."""
    graph.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 8


def extended(graph: onnx.ModelProto) -> None:
    """Ask for one more input."""
    graph.graph.input.append(helper.make_tensor_value_info("more", TensorProto.DOUBLE, [None, 1]))


def doubled(graph: onnx.ModelProto) -> None:
    """Give one more output."""
    graph.graph.node.append(helper.make_node("Identity", ["scores"], ["more"]))
    graph.graph.output.append(helper.make_tensor_value_info("more", TensorProto.DOUBLE, [None]))


def narrowed(graph: onnx.ModelProto) -> None:
    """Give scores of another type."""
    graph.graph.node.append(helper.make_node("Cast", ["scores"], ["s"], to=TensorProto.FLOAT))
    del graph.graph.output[:]
    graph.graph.output.append(helper.make_tensor_value_info("s", TensorProto.FLOAT, [None]))


def foreign(graph: onnx.ModelProto) -> None:
    """Use an operator of somebody's own."""
    graph.graph.node.append(helper.make_node("Shell", ["numbers"], ["x"], domain="evil.ops"))
    graph.opset_import.append(helper.make_opsetid("evil.ops", 1))


def precompiled(graph: onnx.ModelProto) -> None:
    """Refer to a program of an accelerator's, in another file."""
    node = helper.make_node(
        *("EPContext", ["numbers"], ["x"]),
        domain="com.microsoft",
        ep_cache_context="/etc/passwd",
        embed_mode=0,
        main_context=1,
    )
    graph.graph.node.append(node)


@pytest.mark.parametrize(
    ("forge", "message"),
    [
        (renamed, "its inputs are"),
        (widened, "cannot be run|its inputs are"),
        (extended, "its inputs are"),
        (doubled, "its outputs are"),
        (narrowed, "its outputs are"),
        (foreign, "evil.ops"),
        (precompiled, "cannot be run by ONNX Runtime"),
    ],
)
def test_a_graph_of_another_shape_is_refused(bundle, graph, forge, message):
    """Other inputs or outputs than the manifest's, or operators that nothing here runs."""
    forge(graph)
    replaced(bundle, layout.GRAPH, graph.SerializeToString())
    with pytest.raises(BundleError, match=message):
        Predictor.load(bundle)


@pytest.mark.parametrize("content", [b"", b"\x00" * 64, b"\x08\x00\x00\x00ORTM" + bytes(64)])
def test_what_is_no_graph_is_refused(bundle, content):
    """Nothing, zeros, or the other format that ONNX Runtime reads."""
    replaced(bundle, layout.GRAPH, content)
    with pytest.raises(BundleError, match=r"model\.onnx cannot be run"):
        Predictor.load(bundle)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99, 0.9999])
def test_a_truncated_graph_is_refused(bundle, share):
    """Wherever it ends."""
    content = (bundle / layout.GRAPH).read_bytes()
    replaced(bundle, layout.GRAPH, content[: int(share * len(content))])
    with pytest.raises(BundleError, match=r"model\.onnx"):
        Predictor.load(bundle)


def test_a_graph_that_fails_on_its_golden_rows_is_refused(bundle, graph):
    """An index beyond its data fails at the first row; the error names the bundle."""
    graph.graph.initializer.append(helper.make_tensor("far", TensorProto.INT64, [1], [10**6]))
    for node in graph.graph.node:
        for place, name in enumerate(node.output):
            if name == "scores":
                node.output[place] = "before"
    graph.graph.node.append(helper.make_node("Gather", ["before", "far"], ["scores"]))
    replaced(bundle, layout.GRAPH, graph.SerializeToString())
    with pytest.raises(BundleError, match="cannot score its golden rows"):
        Predictor.load(bundle)
