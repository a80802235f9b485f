"""Describe a service in OpenAPI 3.1, with its models' golden rows as examples.

https://spec.openapis.org/oas/v3.1.1.html
"""

from collections.abc import Mapping

import msgspec

from mlkit.core.errors import DataError
from mlkit.core.version import __version__
from mlkit.serving.deployment import Deployment
from mlkit.serving.operations import ERROR, ERRORS, Node, error, flag, json, operation, ready, ref
from mlkit.serving.protocol import (
    DATATYPES,
    describe_inputs,
    describe_outputs,
    wanted_outputs,
    write_outputs,
)
from mlkit.serving.protocol import InferRequest as Asked
from mlkit.serving.refusals import JSON, OCTETS, error_content
from mlkit.serving.tensors import BYTES, DTYPES

#: Golden rows in the examples of many records.
_MANY = 2


def describe(models: Mapping[str, Deployment], *, most: int, has_token: bool) -> Node:
    """Return the OpenAPI document of models that are served.

    Parameters
    ----------
    models
        The bundles in use by their models' names; the first answers `/predict`.
    most
        How many records a request may hold.
    has_token
        Whether callers must show one.
    """
    first = next(iter(models))
    paths = {"/predict": {"post": _predict(first, models[first], "predict", most)}}
    for name, deployment in models.items():
        posted = _predict(name, deployment, f"predict-{name}", most)
        paths[f"/models/{name}/predict"] = {"post": posted}
        paths |= _inference(name, deployment)
    paths |= _common()
    document: Node = {
        "openapi": "3.1.0",
        "info": {
            "title": " and ".join(models),
            "version": __version__,
            "description": "Predictions of records as plain JSON, and by the Open Inference "
            "Protocol, version 2, with the binary tensor extension.",
        },
        "tags": [
            {"name": name, "description": f"Answered by {deployment.model}."}
            for name, deployment in models.items()
        ],
        "paths": paths,
        "components": {
            "schemas": {"error": ERROR, **_schemas(models, most)},
            "responses": {str(status): error(status) for status in ERRORS},
        },
    }
    if has_token:
        document["components"]["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        }
        document["security"] = [{"bearer": []}, {"key": []}]
    for path, methods in paths.items():
        is_open = path.startswith("/v2/health/")
        for asked in methods.values():
            if is_open and has_token:
                asked["security"] = []
            elif not has_token:
                asked["responses"].pop("401")
    return document


def _schemas(models: Mapping[str, Deployment], most: int) -> Node:
    schemas: Node = {}
    for name, deployment in models.items():
        schemas[f"{name}-record"] = deployment.predictor.schema.json_schema()
        schemas[f"{name}-prediction"] = _prediction(deployment)
        schemas[f"{name}-tensors"] = _tensors(deployment, most)
    return schemas


def _predict(name: str, deployment: Deployment, called: str, most: int) -> Node:
    records = deployment.predictor.bundle.golden.records[:_MANY]
    answers = [each.to_dict() for each in deployment.predictor.predict(records)]
    record, prediction = ref(f"schemas/{name}-record"), ref(f"schemas/{name}-prediction")
    body = {
        "schema": {"anyOf": [record, {"type": "array", "items": record, "maxItems": most}]},
        "examples": {
            "one": {"summary": "One record", "value": records[0]},
            "many": {"summary": "Many records", "value": records},
        },
    }
    answer = {
        "schema": {"anyOf": [prediction, {"type": "array", "items": prediction}]},
        "examples": {
            "one": {"summary": "Of one record", "value": answers[0]},
            "many": {"summary": "Of many records", "value": answers},
        },
    }
    described = {
        "operationId": called,
        "tags": [name],
        "summary": f"Predict one record, or a list of them, with {name}",
        "requestBody": {"required": True, "content": {JSON: body}},
    }
    posted = operation(described, {JSON: answer}, (400, 408, 413, 415, 422))
    posted["responses"]["422"] = error(422, _refused(deployment))
    return posted


def _prediction(deployment: Deployment) -> Node:
    manifest = deployment.predictor.bundle.manifest
    share = {"type": "number", "minimum": 0, "maximum": 1}
    properties: Node = {"label": {"enum": manifest.classes}, "probability": share}
    if not manifest.classes:
        properties = {"label": {"type": "number"}}
    if manifest.task == "multiclass":
        names = [str(label) for label in manifest.classes]
        shares = dict.fromkeys(names, share)
        properties["probabilities"] = {"type": "object", "required": names, "properties": shares}
    properties["model"] = {"type": "string", "description": "Name and digest of what answered."}
    return {"type": "object", "required": list(properties), "properties": properties}


def _refused(deployment: Deployment) -> Node | None:
    """Return the answer to a golden row without its first required field, if it has one."""
    schema = deployment.predictor.schema
    record = dict(deployment.predictor.bundle.golden.records[0])
    for column in describe_inputs(deployment).values():
        if not column.nullable:
            del record[column.name]
            try:
                schema.parse(record)
            except DataError as fault:
                return error_content(str(fault), fault)
    return None


def _tensors(deployment: Deployment, most: int) -> Node:
    """Return the schema of what `infer` is asked."""
    named = {"type": "object", "required": ["name"]}
    length = {"type": "integer", "minimum": 0, "maximum": most}
    free = {"type": "object"}
    tensor = {
        **named,
        "required": ["name", "shape", "datatype"],
        "properties": {
            "name": {"enum": list(describe_inputs(deployment))},
            "shape": {
                "type": "array",
                "prefixItems": [length, {"const": 1}],
                "minItems": 1,
                "maxItems": 2,
            },
            "datatype": {"enum": [*DTYPES, BYTES]},
            "parameters": free,
            "data": {"type": "array", "description": "As many values as the shape says."},
        },
    }
    output = {
        **named,
        "properties": {"name": {"enum": list(describe_outputs(deployment))}, "parameters": free},
    }
    return {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "id": {"type": "string"},
            "parameters": free,
            "inputs": {"type": "array", "minItems": 1, "items": tensor},
            "outputs": {"type": "array", "items": output},
        },
    }


def _inference(name: str, deployment: Deployment) -> Node:
    """Return a model's addresses of the protocol, unversioned and versioned."""
    version = {
        "name": "version",
        "in": "path",
        "required": True,
        "schema": {"enum": [deployment.version]},
    }
    base = f"/v2/models/{name}"
    paths: Node = {}
    for suffix, words, parameters, errors in (
        ("", "", [], ()),
        ("/versions/{version}", ", in this version", [version], (404,)),
    ):
        about = {"tags": [name], "parameters": parameters}
        ending = "-version" if suffix else ""
        metadata = {
            **about,
            "operationId": f"metadata-{name}{ending}",
            "summary": f"What {name} takes and answers{words}",
        }
        readiness = {
            **about,
            "operationId": f"ready-{name}{ending}",
            "summary": f"Whether {name} answers{words}",
        }
        paths[base + suffix] = {"get": operation(metadata, json({"type": "object"}), errors)}
        paths[f"{base}{suffix}/ready"] = {"get": ready(readiness, errors)}
        infer = {
            **about,
            "operationId": f"infer-{name}{ending}",
            "summary": f"Predict tensors, one for each field, with {name}{words}",
        }
        paths[f"{base}{suffix}/infer"] = {"post": _infer(infer, name, deployment, errors)}
    return paths


def _infer(about: Node, name: str, deployment: Deployment, errors: tuple[int, ...]) -> Node:
    records = deployment.predictor.bundle.golden.records[:_MANY]
    predictions = deployment.predictor.predict(records)
    inputs = [
        {
            "name": column.name,
            "shape": [len(records)],
            "datatype": DATATYPES[column.kind],
            "data": [record.get(column.name) for record in records],
        }
        for column in describe_inputs(deployment).values()
    ]
    wanted = wanted_outputs(Asked(inputs=[]), deployment)
    outputs, _ = write_outputs(wanted, deployment, predictions)
    example = {
        "model_name": name,
        "model_version": deployment.version,
        "id": "1",
        "outputs": msgspec.to_builtins(outputs),
    }
    length = {
        "name": "Inference-Header-Content-Length",
        "in": "header",
        "description": "Where the JSON of a binary body ends, in bytes.",
        "schema": {"type": "integer", "minimum": 0},
    }
    body = {
        JSON: {
            "schema": ref(f"schemas/{name}-tensors"),
            "examples": {"many": {"value": {"id": "1", "inputs": inputs}}},
        },
        OCTETS: {},
    }
    described = {
        **about,
        "parameters": [*about["parameters"], length],
        "requestBody": {"required": True, "content": body},
    }
    answer = {JSON: {"schema": {"type": "object"}, "examples": {"many": {"value": example}}}}
    errors = (400, *errors, 408, 413, 415, 422)
    return operation(described, {**answer, OCTETS: {}}, errors)


def _common() -> Node:
    """Return the addresses that are of no model."""
    live = {"operationId": "live", "summary": "Whether the service runs"}
    readiness = {"operationId": "ready", "summary": "Whether the service takes requests"}
    server = {"operationId": "metadata", "summary": "What the service is"}
    metrics = {"operationId": "metrics", "summary": "What Prometheus reads"}
    text = {"text/plain": {"schema": {"type": "string"}}}
    return {
        "/v2": {"get": operation(server, json({"type": "object"}), ())},
        "/v2/health/live": {"get": operation(live, json(flag("live")), ())},
        "/v2/health/ready": {"get": ready(readiness, ())},
        "/metrics": {"get": operation(metrics, text, ())},
    }
