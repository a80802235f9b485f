"""The Open Inference Protocol, as clients of other makers speak it."""

import math

import httpx
import msgspec
import numpy as np
import pytest
import tritonclient.http as triton
from open_inference.openapi.client import OpenInferenceClient
from open_inference.openapi.core.api_error import ApiError
from open_inference.openapi.errors import BadRequestError
from services_of_tests import serving
from visits_of_tests import TARGETS

from mlkit import Predictor, __version__

DATATYPES = {
    "string": "BYTES",
    "number": "FP64",
    "integer": "INT64",
    "boolean": "BOOL",
    "datetime": "BYTES",
}


@pytest.fixture(scope="module", params=[*TARGETS])
def predictor(request, visit_bundles) -> Predictor:
    """Return what a service must agree with, of each task."""
    return Predictor.load(visit_bundles(request.param))


@pytest.fixture(scope="module")
def service(predictor, tmp_path_factory):
    """Return a service of the same bundle."""
    models = [{"bundle": str(predictor.bundle.path), "name": "stay"}]
    with serving(tmp_path_factory.mktemp("service"), models=models) as running:
        yield running


@pytest.fixture
def client(service) -> triton.InferenceServerClient:
    """Return Triton's client."""
    with triton.InferenceServerClient(service.address.removeprefix("http://")) as opened:
        yield opened


@pytest.fixture
def plain_client(service) -> OpenInferenceClient:
    """Return the protocol's own client."""
    with httpx.Client() as http:
        yield OpenInferenceClient(base_url=service.address, httpx_client=http)


def known(predictor: Predictor) -> list:
    """Return the columns that records hold."""
    return [column for column in predictor.schema.columns.values() if column.known_before]


def tensors(predictor: Predictor, records: list[dict]) -> dict[str, list]:
    """Return what inputs hold, by the column's name."""
    return {c.name: [record.get(c.name) for record in records] for c in known(predictor)}


def bytes_of(predictor: Predictor, records: list[dict]) -> tuple[list, list[dict]]:
    """Return Triton's inputs, and the records that they are.

    Bytes know no missing value but a number's NaN: other columns are left out.
    """
    inputs, sent = [], {}
    for column in known(predictor):
        values = tensors(predictor, records)[column.name]
        datatype = DATATYPES[column.kind]
        if None in values and datatype in ("INT64", "FP64"):
            datatype = "FP64"
            array = np.array([math.nan if value is None else value for value in values])
        elif None in values:
            continue
        else:
            array = np.array(values, dtype=object if datatype == "BYTES" else None)
        tensor = triton.InferInput(column.name, list(array.shape), datatype)
        tensor.set_data_from_numpy(array)
        inputs.append(tensor)
        sent[column.name] = values
    return inputs, [dict(zip(sent, row, strict=True)) for row in zip(*sent.values(), strict=True)]


def check(predictions: list, output) -> None:
    """Check that outputs by their names are the predictions, exactly."""
    labels = output("prediction")
    if isinstance(predictions[0].label, str):
        labels = [label.decode() if isinstance(label, bytes) else label for label in labels]
    assert list(labels) == [each.label for each in predictions]
    if predictions[0].probability is not None:
        assert list(output("probability")) == [each.probability for each in predictions]
    if predictions[0].probabilities is not None:
        shares = np.array([[*each.probabilities.values()] for each in predictions])
        np.testing.assert_array_equal(np.reshape(output("probabilities"), shares.shape), shares)


def test_triton_is_answered_as_the_predictor_answers(client, predictor):
    """With its defaults: everything as bytes, there and back."""
    records = predictor.bundle.golden.records
    inputs, sent = bytes_of(predictor, records)
    result = client.infer("stay", inputs)
    assert result.get_output("prediction")["parameters"] == {
        "binary_data_size": result.get_output("prediction")["parameters"]["binary_data_size"]
    }
    check(predictor.predict(sent), result.as_numpy)
    version = predictor.bundle.manifest.digest[:12]
    again = client.infer("stay", inputs, model_version=version, request_id="mine")
    assert again.get_response()["id"] == "mine"
    assert again.get_response()["model_version"] == version
    check(predictor.predict(sent), again.as_numpy)


def test_triton_is_answered_in_json_where_it_asks_for_it(client, predictor):
    """`binary_data=False`, for what it sends and for what it wants."""
    (record,) = predictor.bundle.golden.records[:1]
    inputs = []
    for column in known(predictor):
        value = record[column.name]
        if value is None:
            continue
        datatype = DATATYPES[column.kind]
        tensor = triton.InferInput(column.name, [1], datatype)
        array = np.array([value], dtype=object if datatype == "BYTES" else None)
        tensor.set_data_from_numpy(array, binary_data=False)
        inputs.append(tensor)
    names = [output["name"] for output in client.get_model_metadata("stay")["outputs"]]
    outputs = [triton.InferRequestedOutput(name, binary_data=False) for name in names]
    result = client.infer("stay", inputs, outputs=outputs)
    check([predictor.predict(record)], result.as_numpy)


def test_triton_gets_the_outputs_that_it_names(client, predictor):
    """Only these, each in the form that is asked for."""
    inputs, sent = bytes_of(predictor, predictor.bundle.golden.records[:2])
    wanted = [triton.InferRequestedOutput("prediction")]
    result = client.infer("stay", inputs, outputs=wanted)
    assert [output["name"] for output in result.get_response()["outputs"]] == ["prediction"]
    labels = [label.decode() if isinstance(label, bytes) else label for label in
              result.as_numpy("prediction")]  # fmt: skip
    assert labels == [each.label for each in predictor.predict(sent)]


def test_triton_is_told_what_there_is(client, predictor):
    """Health, and the metadata of the server and of the model, in its version and without."""
    assert client.is_server_live()
    assert client.is_server_ready()
    version = predictor.bundle.manifest.digest[:12]
    assert client.is_model_ready("stay")
    assert client.is_model_ready("stay", version)
    assert not client.is_model_ready("stay", "0")
    assert not client.is_model_ready("other")
    server = client.get_server_metadata()
    assert (server["name"], server["version"]) == ("mlkit", __version__)
    assert "binary_tensor_data" in server["extensions"]
    metadata = client.get_model_metadata("stay", version)
    assert metadata == client.get_model_metadata("stay")
    assert metadata["versions"] == [version]
    assert {each["name"]: each["datatype"] for each in metadata["inputs"]} == {
        column.name: DATATYPES[column.kind] for column in known(predictor)
    }


def test_triton_is_told_what_is_wrong(client, predictor):
    """Its exceptions carry the service's words and its status."""
    inputs, _ = bytes_of(predictor, predictor.bundle.golden.records[:2])
    with pytest.raises(triton.InferenceServerException, match="No model other here") as caught:
        client.infer("other", inputs)
    assert caught.value.status() == "404"
    with pytest.raises(triton.InferenceServerException, match="age: is missing") as caught:
        client.infer("stay", [each for each in inputs if each.name() != "age"])
    assert caught.value.status() == "422"
    with pytest.raises(triton.InferenceServerException, match="has no version 7 here"):
        client.infer("stay", inputs, model_version="7")
    odd = triton.InferInput("age", [1, 2], "FP64")
    odd.set_data_from_numpy(np.array([[1.0, 2.0]]))
    with pytest.raises(triton.InferenceServerException, match=r"the shape \[n\] or \[n, 1\]"):
        client.infer("stay", [odd])


def test_the_protocols_own_client_is_answered_as_the_predictor_answers(plain_client, predictor):
    """JSON there and back, with missing values."""
    records = predictor.bundle.golden.records
    inputs = [
        {"name": c.name, "datatype": DATATYPES[c.kind], "shape": [len(records)], "data": values}
        for c in known(predictor)
        for values in [tensors(predictor, records)[c.name]]
        if None not in values
    ]
    names = {each["name"] for each in inputs}
    sent = [{name: record[name] for name in names} for record in records]
    request = {"id": "mine", "inputs": inputs}
    version = predictor.bundle.manifest.digest[:12]
    for found in (
        plain_client.model_infer("stay", request=request),
        plain_client.model_version_infer("stay", version, request=request),
    ):
        assert (found.model_name, found.model_version, found.id) == ("stay", version, "mine")
        data = {output.name: msgspec.to_builtins(output.data.__root__) for output in found.outputs}
        check(predictor.predict(sent), data.__getitem__)


def test_json_says_what_is_missing(service, predictor):
    """Null in a tensor is a value that is missing."""
    records = [{**r, "mass": None, "doctor": None} for r in predictor.bundle.golden.records]
    inputs = [
        {"name": c.name, "datatype": DATATYPES[c.kind], "shape": [len(records), 1],
         "data": [[value] for value in tensors(predictor, records)[c.name]]}
        for c in known(predictor)
    ]  # fmt: skip
    answer = service.client.post("/v2/models/stay/infer", json={"inputs": inputs}).json()
    data = {output["name"]: output["data"] for output in answer["outputs"]}
    check(predictor.predict(records), data.__getitem__)


def test_the_protocols_own_client_is_told_what_there_is_and_what_is_wrong(plain_client):
    """Health, metadata, and errors of its own types with the service's words."""
    plain_client.check_server_liveness()
    plain_client.check_server_readiness()
    plain_client.check_model_readiness("stay")
    assert plain_client.read_server_metadata().name == "mlkit"
    metadata = plain_client.read_model_metadata("stay")
    (version,) = metadata.versions
    assert plain_client.read_model_version_metadata("stay", version) == metadata
    plain_client.check_model_version_readiness("stay", version)
    with pytest.raises(ApiError, match=r"No model other here\. Valid: stay\.") as missing:
        plain_client.read_model_metadata("other")
    assert missing.value.status_code == 404
    tensor = {"name": "odd", "datatype": "FP64", "shape": [1], "data": [1.0]}
    with pytest.raises(BadRequestError) as broken:
        plain_client.model_infer("stay", request={"inputs": [tensor]})
    assert broken.value.body["error"].startswith("Inputs are columns of Visit, each once: ")


def test_as_many_predictions_as_rows(service, predictor):
    """None for none, and for a thousand, which are scored apart, a thousand."""
    record = predictor.bundle.golden.records[0]
    for n_rows in (0, 1000):
        inputs = [
            {"name": c.name, "datatype": DATATYPES[c.kind], "shape": [n_rows],
             "data": [record[c.name]] * n_rows}
            for c in known(predictor)
        ]  # fmt: skip
        answer = service.client.post("/v2/models/stay/infer", json={"inputs": inputs}).json()
        assert answer["outputs"][0]["shape"] == [n_rows]
        labels = [each.label for each in predictor.predict([record] * n_rows)]
        assert answer["outputs"][0]["data"] == labels
