"""A forged pipeline runs no code, reads no file, and takes no memory that it only claims."""

import io
import json
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import scipy.sparse
import skops.io
from forgery import Payload, claiming, node, opened, pickled, replaced, stored, value, values
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeRegressor

from mlkit import Predictor
from mlkit.core import bundle as layout
from mlkit.core.errors import BundleError
from mlkit.training.inspection import check_built
from mlkit.training.storage import save_pipeline

REFUSED = "not trusted|not a readable pipeline|not installed"


@pytest.fixture
def canary(tmp_path):
    """Return a path where code of a file would leave a mark."""
    yield tmp_path / "canary"
    assert not (tmp_path / "canary").exists()


@pytest.fixture
def python_bundle(python_packed, tmp_path) -> Path:
    """Return a copy of a bundle that runs its pipeline."""
    return Path(shutil.copytree(python_packed, tmp_path / "bundle"))


def nodes(canary: Path) -> dict[str, tuple[dict[str, Any], int]]:
    """Return hostile nodes, each with the protocol that reads it as it is meant."""
    command = value(f"touch {canary}")
    system = node("FunctionNode", "os.system")
    arguments = values("TupleNode", "builtins.tuple", system, command)
    command_alone = values("TupleNode", "builtins.tuple", command)
    ridge = node("ObjectNode", "sklearn.linear_model._ridge.Ridge")
    nothing = value(None)
    part = {
        "func": system,
        "args": command_alone,
        "kwds": value({}),
        "namespace": nothing,
    }
    keys = values("ListNode", "builtins.list", system)
    entry = {f"touch {canary}": nothing}
    seed = {"bit_generator": value("seed")}
    generator = {
        "bit_generator": node(
            "DictNode", "builtins.dict", content=seed, key_types=value(["str"]) | {"x": 1}
        ),
        "seed_seq": value({}),
    }
    reduced = {"__reduce__": {"args": command_alone}, "content": value({})}
    return {
        # CVE-2025-54412: the name that was audited was not the operator that was called.
        "operator": (node("OperatorFuncNode", "operator.call", attrs=arguments), 2),
        "operator of another name": (
            node("OperatorFuncNode", "sklearn.linear_model._ridge.call", attrs=arguments),
            2,
        ),
        "operator of a trusted package": (
            node("OperatorFuncNode", "flight_delay.call", attrs=arguments),
            2,
        ),
        "method caller": (
            node("OperatorFuncNode", "builtins.methodcaller", attrs=command_alone),
            2,
        ),
        # CVE-2025-54413: the type that was audited was not the object that gave the method.
        "method of another": (
            node(
                *("MethodNode", "sklearn.linear_model._ridge.Ridge"),
                content={"func": "system", "obj": node("ObjectNode", "os.path")},
            ),
            2,
        ),
        "method": (
            node(
                *("MethodNode", "sklearn.linear_model._ridge.Ridge"),
                content={"func": "__getattribute__", "obj": ridge},
            ),
            2,
        ),
        "function": (system, 2),
        "function of the old protocol": (
            node(
                *("FunctionNode", "scipy.special._ufuncs.expit"),
                content={"module_path": "os", "function": "system"},
            ),
            0,
        ),
        "eval": (node("FunctionNode", "builtins.eval"), 2),
        "type": (node("TypeNode", "subprocess.Popen"), 2),
        "constructor": (
            node("ConstructorFromReduceNode", "subprocess.Popen", content=command_alone),
            2,
        ),
        "constructor of a path": (
            node("ConstructorFromReduceNode", "pathlib.Path", content=command_alone),
            2,
        ),
        "object": (node("ObjectNode", "subprocess.Popen", content=command_alone), 2),
        "partial": (node("PartialNode", "functools.partial", content=part), 2),
        "keys": (node("DictNode", "builtins.dict", content=entry, key_types=keys), 2),
        "default": (
            node(
                *("DefaultDictNode", "collections.defaultdict"),
                content={"main": value({}), "default_factory": system},
            ),
            2,
        ),
        "list of another type": (values("ListNode", "os.system", command), 2),
        "array of another type": (
            node("NdArrayNode", "os.system", type="numpy", file="a.npy"),
            2,
        ),
        "loss": (node("LossNode", "os.system", **reduced), 2),
        "tree": (node("TreeNode", "os.system", **reduced), 2),
        "generator": (
            node("RandomGeneratorNode", "numpy.random._generator.Generator", content=generator),
            2,
        ),
        "generator of the old protocol": (
            node("RandomGeneratorNode", "numpy.random._generator.Generator", content=generator),
            1,
        ),
        "unknown": (node("ShellNode", "os.system", content=command), 2),
        "newer": (value(1), 99),
        "recursive": (node("CachedNode", "os.system", __id__=7), 2),
    }


@pytest.mark.parametrize("name", [*nodes(Path())])
def test_a_hostile_node_is_not_built(tmp_path, canary, name):
    """Alone, or as a parameter of a pipeline that is otherwise sound."""
    root, protocol = nodes(canary)[name]
    array = io.BytesIO()
    np.save(array, np.zeros(1))
    file = tmp_path / "m.skops"
    file.write_bytes(stored(root, protocol, a_npy=array.getvalue()))
    with pytest.raises(BundleError, match=REFUSED):
        opened(file, ["flight_delay"])

    sound = skops.io.dumps(Pipeline([("f", FunctionTransformer()), ("e", Ridge())]))
    with zipfile.ZipFile(io.BytesIO(sound)) as archive:
        schema = json.loads(archive.read("schema.json"))
    schema["content"]["content"]["memory"] = root
    file.write_bytes(stored(schema, protocol, a_npy=array.getvalue()))
    with pytest.raises(BundleError, match=REFUSED):
        opened(file, ["flight_delay"])


def test_a_hostile_node_in_a_sealed_bundle_is_not_built(python_bundle, canary):
    """Found when the bundle is loaded, with its project trusted."""
    root, protocol = nodes(canary)["operator of a trusted package"]
    replaced(python_bundle, layout.MODEL, stored(root, protocol))
    with pytest.raises(BundleError, match=r"model\.skops"):
        Predictor.load(python_bundle, trusted=["flight_delay"])


def test_what_is_no_archive_is_not_handed_to_joblib(tmp_path, canary):
    """CVE-2025-54886: what skops could not read was opened as a pickle."""
    file = tmp_path / "m.skops"
    for compress in (0, 3):
        joblib.dump(Payload(canary), file, compress=compress)
        with pytest.raises(BundleError, match="not a readable pipeline"):
            opened(file, ["flight_delay"])
    file.write_bytes(pickled(canary))
    with pytest.raises(BundleError, match="not a readable pipeline"):
        opened(file, [])


ARRAY = node("NdArrayNode", "numpy.ndarray", type="numpy", file="a.npy")


@pytest.mark.parametrize(
    "content",
    [
        claiming((2**50,), held=bytes(80)),
        claiming((2**31, 2**31, 2**31)),
        claiming((-1,)),
        claiming((2**60,), "|V0"),
        claiming((3,), held=bytes(16)),
        claiming((1,), "|O", b"\x80\x05cos\nsystem\n."),
        b"\x93NUMPY\x01\x00\x10\x27" + b"(" * 10_000,
        b"\x93NUMPY\x01\x00\xff\xff",
        b"\x93NUMPY\x09\x00",
        b"\x80\x05cos\nsystem\n.",
        b"",
    ],
)
def test_an_array_that_claims_what_it_does_not_hold_is_refused(tmp_path, content):
    """A shape beyond its bytes, Python objects, a header that is none, another format."""
    (tmp_path / "m.skops").write_bytes(stored(ARRAY, a_npy=content))
    with pytest.raises(BundleError, match="not a readable pipeline"):
        opened(tmp_path / "m.skops", [])


def nested(depth: int, *, shared: dict[str, Any]) -> dict[str, Any]:
    """Return lists that each hold the next one, and then `shared` with that one's id."""
    found = values("ListNode", "builtins.list") | {"__id__": depth}
    for number in range(depth - 1, 0, -1):
        again = shared | {"__id__": number + 1}
        found = values("ListNode", "builtins.list", found, again) | {"__id__": number}
    return found


@pytest.mark.parametrize(
    "shared", [{}, node("CachedNode", "builtins.list"), values("ListNode", "builtins.list")]
)
def test_short_references_do_not_take_long(tmp_path, shared):
    """Twenty lists that hold each other twice, a million in a page, or one in a circle."""
    file = tmp_path / "m.skops"
    file.write_bytes(stored(nested(20, shared=shared)))
    with pytest.raises(BundleError, match="are not the same"):
        opened(file, [])
    file.write_bytes(
        stored(values("ListNode", "builtins.list", shared | {"__id__": 1}) | {"__id__": 1})
    )
    with pytest.raises(BundleError, match="nodes called 1 are not the same"):
        opened(file, [])


def test_what_is_shared_is_stored_in_full(tmp_path):
    """A list and an array that two steps share are read back as one of each."""
    first, second = FunctionTransformer(), FunctionTransformer()
    first.shared_ = second.shared_ = [[np.arange(3.0)] * 2] * 2
    save_pipeline(Pipeline([("a", first), ("b", second), ("e", Ridge())]), tmp_path / "m.skops")
    found = opened(tmp_path / "m.skops", [])
    assert found[0].shared_ is found[1].shared_
    assert found[0].shared_[0][0] is found[0].shared_[1][1]


def test_a_member_is_read_once(tmp_path):
    """A thousand nodes that read one array would take a thousand times its memory."""
    array = claiming((2,), held=bytes(16))
    for ids in ({}, {"__id__": 1}), ({"__id__": 1}, {"__id__": 2}):
        twice = values("ListNode", "builtins.list", *(ARRAY | number for number in ids))
        (tmp_path / "m.skops").write_bytes(stored(twice, a_npy=array))
        with pytest.raises(BundleError, match=r"two of its nodes read 'a\.npy'"):
            opened(tmp_path / "m.skops", [])


@pytest.mark.parametrize("name", ["lightgbm.basic.Booster", "xgboost.core.Booster"])
def test_a_booster_opens_no_file(tmp_path, name):
    """Both are trusted, and open the file that they are called with: they are not called."""
    model = tmp_path / "model"
    model.write_text("tree")
    arguments = values("TupleNode", "builtins.tuple", value(None), value(None), value(str(model)))
    for root in (
        node("ConstructorFromReduceNode", name, content=arguments),
        values("ListNode", name, value(str(model))),
    ):
        (tmp_path / "m.skops").write_bytes(stored(root))
        with pytest.raises(BundleError, match="calls a Booster"):
            opened(tmp_path / "m.skops", [])


def archive_with(write: Callable[[zipfile.ZipFile], None]) -> bytes:
    """Return an archive that holds a sound schema, and what `write` adds."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("schema.json", json.dumps(value(1) | {"protocol": 2}))
        write(archive)
    return file.getvalue()


@pytest.mark.parametrize(
    "name", ["../outside.npy", "/etc/passwd", "a/b.npy", "a\\..\\b.npy", "a.pkl", "a.npy\n", "."]
)
def test_a_member_of_another_name_is_refused(tmp_path, name):
    """Names that lead elsewhere, and files of kinds that skops does not write."""
    content = archive_with(lambda archive: archive.writestr(name, b"x"))
    (tmp_path / "m.skops").write_bytes(content)
    with pytest.raises(BundleError, match="which skops writes nowhere"):
        opened(tmp_path / "m.skops", [])


def test_a_node_that_names_a_file_outside_reads_no_file(tmp_path):
    """What a node calls a file is a member of the archive, or nothing."""
    (tmp_path / "outside.npy").write_bytes(claiming((0,)))
    for name in ("../outside.npy", str(tmp_path / "outside.npy")):
        (tmp_path / "m.skops").write_bytes(stored(ARRAY | {"file": name}))
        with pytest.raises(BundleError, match=r"not a readable pipeline.*no item named"):
            opened(tmp_path / "m.skops", [])


def test_a_bomb_is_not_unpacked(tmp_path):
    """Neither what was compressed, nor what claims gigabytes, nor one of them twice."""
    file = tmp_path / "m.skops"

    def bomb(archive: zipfile.ZipFile) -> None:
        archive.writestr("1.npy", bytes(10_000_000), compress_type=zipfile.ZIP_DEFLATED)

    file.write_bytes(archive_with(bomb))
    with pytest.raises(BundleError, match="is compressed"):
        opened(file, [])

    content = bytearray(archive_with(lambda archive: archive.writestr("1.npy", b"x")))
    last = content.rindex(b"PK\x01\x02")
    content[last + 20 : last + 28] = struct.pack("<II", 2**32 - 2, 2**32 - 2)
    file.write_bytes(content)
    with pytest.raises(BundleError, match="claim 4,294,967,"):
        opened(file, [])

    with pytest.warns(UserWarning, match="Duplicate name"):
        file.write_bytes(archive_with(lambda archive: archive.writestr("schema.json", b"{}")))
    with pytest.raises(BundleError, match="two members of one name"):
        opened(file, [])


def test_a_bomb_in_a_sparse_matrix_is_not_unpacked(tmp_path):
    """The one thing that skops compresses is held to its headers, and to a bound."""
    matrix = node("SparseMatrixNode", "scipy.sparse._csr.csr_matrix", type="scipy", file="a.npz")

    def packed(**members: bytes) -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(f"{name}.npy", content)
        return file.getvalue()

    content = bytearray(packed(data=claiming((0,))))
    last = content.rindex(b"PK\x01\x02")
    content[last + 24 : last + 28] = struct.pack("<I", 2**32 - 2)
    for inner, message in (
        (packed(data=claiming((2**50,))), "claims"),
        (packed(data=claiming((1,), "|O")), "holds Python objects"),
        (bytes(content), "claim 4,294,967,294 bytes"),
    ):
        (tmp_path / "m.skops").write_bytes(stored(matrix, a_npz=inner))
        with pytest.raises(BundleError, match=message):
            opened(tmp_path / "m.skops", [])


def test_a_sparse_matrix_is_read(tmp_path):
    """One that holds what it says."""
    step = FunctionTransformer()
    step.matrix_ = scipy.sparse.csr_matrix(np.eye(3))
    save_pipeline(Pipeline([("f", step), ("e", Ridge())]), tmp_path / "m.skops")
    found = opened(tmp_path / "m.skops", ["scipy"])
    assert (found.named_steps["f"].matrix_.toarray() == np.eye(3)).all()


@pytest.mark.parametrize(
    "schema", [b"[" * 200_000, b'{"protocol": 2}', b"[]", b"\xff", b"9" * 9999]
)
def test_a_schema_that_is_none_is_refused(tmp_path, schema):
    """Deeper than a stack, without a type, or no JSON."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("schema.json", schema)
    (tmp_path / "m.skops").write_bytes(file.getvalue())
    with pytest.raises(BundleError, match=REFUSED):
        opened(tmp_path / "m.skops", [])


X = np.random.default_rng(0).normal(size=(60, 3))
Y = (X[:, 0] > 0).astype(int)


def fitted(estimator: Any) -> Pipeline:
    """Return a pipeline with a fitted estimator."""
    return Pipeline([("f", FunctionTransformer()), ("e", estimator)]).fit(X, Y)


def forged(tree: Any, field: str, number: int) -> None:
    """Change a field of a tree's first node."""
    state = tree.__getstate__()
    state["nodes"][field][0] = number
    tree.__setstate__(state)


@pytest.mark.parametrize(
    "estimator",
    [
        DecisionTreeRegressor(),
        RandomForestClassifier(3),
        ExtraTreesRegressor(3),
        GradientBoostingRegressor(n_estimators=3),
        HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=5),
    ],
)
def test_trees_that_were_fitted_are_read(tmp_path, estimator):
    """Each kind gives what it gave."""
    pipeline = fitted(estimator)
    save_pipeline(pipeline, tmp_path / "m.skops")
    found = opened(tmp_path / "m.skops", [])
    assert (found.predict(X) == pipeline.predict(X)).all()


@pytest.mark.parametrize(
    ("field", "number"),
    [
        ("left_child", 10**9),
        ("right_child", 10**9),
        ("left_child", 0),
        ("left_child", -2),
        ("feature", 10**9),
        ("feature", -3),
    ],
)
def test_a_tree_that_leads_outside_itself_is_refused(tmp_path, field, number):
    """Scikit-learn follows such a number out of its memory, or for ever in a circle."""
    for estimator, tree in (
        (one := DecisionTreeRegressor().fit(X, Y), one.tree_),
        (many := RandomForestClassifier(3).fit(X, Y), many.estimators_[1].tree_),
    ):
        forged(tree, field, number)
        save_pipeline(Pipeline([("e", estimator)]), tmp_path / "m.skops")
        with pytest.raises(BundleError, match="a tree leads outside itself"):
            opened(tmp_path / "m.skops", [])


@pytest.mark.parametrize(
    ("field", "number"),
    [("left", 10**6), ("right", 0), ("feature_idx", 10**6), ("feature_idx", -1)],
)
def test_a_boosted_tree_that_leads_outside_itself_is_refused(tmp_path, field, number):
    """The same for the trees of histogram gradient boosting."""
    pipeline = fitted(HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=5))
    pipeline[-1]._predictors[1][0].nodes[field][0] = number
    save_pipeline(pipeline, tmp_path / "m.skops")
    with pytest.raises(BundleError, match="a tree leads outside itself"):
        opened(tmp_path / "m.skops", [])


def test_a_boosted_tree_without_its_categories_is_refused(tmp_path):
    """A split by categories needs their set, and a column of such."""
    classes = np.random.default_rng(0).integers(0, 5, size=(60, 1))
    sound = HistGradientBoostingClassifier(
        max_iter=3, min_samples_leaf=5, categorical_features=[0]
    ).fit(classes, classes[:, 0] % 2)
    nodes = sound._predictors[0][0].nodes
    assert nodes["is_categorical"].any()
    check_built(sound)
    nodes["bitset_idx"][0] = 9
    with pytest.raises(ValueError, match="categories that it does not have"):
        check_built(sound)
    pipeline = fitted(HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=5))
    pipeline[-1]._predictors[0][0].nodes["is_categorical"][0] = 1
    save_pipeline(pipeline, tmp_path / "m.skops")
    with pytest.raises(BundleError, match="categories that it does not have"):
        opened(tmp_path / "m.skops", [])


def test_an_ensemble_that_expects_other_columns_than_its_trees_is_refused(tmp_path):
    """It would hand them rows that are too short."""
    for estimator in (RandomForestClassifier(3), GradientBoostingRegressor(n_estimators=3)):
        pipeline = fitted(estimator)
        pipeline[-1].n_features_in_ = 1
        save_pipeline(pipeline, tmp_path / "m.skops")
        with pytest.raises(BundleError, match="expects other columns"):
            opened(tmp_path / "m.skops", [])
    pipeline = fitted(DecisionTreeRegressor())
    del pipeline[-1].n_features_in_
    save_pipeline(pipeline, tmp_path / "m.skops")
    with pytest.raises(BundleError, match="other nodes or columns"):
        opened(tmp_path / "m.skops", [])


@pytest.mark.parametrize("kind", [CountVectorizer, HashingVectorizer])
@pytest.mark.parametrize("source", ["filename", "file"])
def test_a_step_that_opens_files_is_refused(tmp_path, kind, source):
    """A vectorizer would open every file that a row names."""
    step = Pipeline([("inner", kind(input=source))])
    save_pipeline(Pipeline([("v", step), ("e", Ridge())]), tmp_path / "m.skops")
    with pytest.raises(BundleError, match="reads the files that its input names"):
        opened(tmp_path / "m.skops", [])
