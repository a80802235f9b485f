"""The Open Inference Protocol, version 2, with the binary tensor extension.

https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mlkit.core.column import Column
from mlkit.core.errors import listed
from mlkit.core.version import __version__
from mlkit.scoring.results import Prediction
from mlkit.serving.deployment import Deployment, Record
from mlkit.serving.gate import REQUEST_ID
from mlkit.serving.model import Model
from mlkit.serving.refusals import JSON, Refused, broken, read_body
from mlkit.serving.service import Service
from mlkit.serving.tensors import BYTES, Input, Output, Tail, invalid, read_column, write_column

OCTETS = "application/octet-stream"
_LENGTH = "inference-header-content-length"
_DATATYPES = {
    "string": BYTES,
    "number": "FP64",
    "integer": "INT64",
    "boolean": "BOOL",
    "datetime": BYTES,
}
_LABELS = {bool: "BOOL", int: "INT64", float: "FP64", str: BYTES}
_LONGEST_ID = 128


class Requested(msgspec.Struct, kw_only=True):
    """An output that is asked for."""

    name: str
    parameters: dict[str, Any] = {}


class InferRequest(msgspec.Struct, kw_only=True):
    """What `infer` is asked."""

    inputs: list[Input]
    id: str = ""
    parameters: dict[str, Any] = {}
    outputs: list[Requested] = []


class InferResponse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What `infer` answers."""

    model_name: str
    model_version: str
    id: str
    outputs: list[Output]


def inference_routes(service: Service) -> list[Route]:
    """Return the protocol's addresses, those of a version among them."""
    decoder, encoder = msgspec.json.Decoder(InferRequest), msgspec.json.Encoder()
    limits = service.settings.limits

    def found(request: Request) -> Model:
        model = service.find(request.path_params["model"])
        asked = request.path_params.get("version")
        if asked is not None and asked != version(model.champion):
            raise Refused(
                404,
                "model",
                f"{model.name} has no version {asked} here; it has {version(model.champion)}.",
            )
        return model

    async def infer(request: Request) -> Response:
        model = found(request)
        body = memoryview(await read_body(request, limits))
        head = _head(request.headers.get(_LENGTH), body)
        try:
            asked = decoder.decode(body[:head])
        except msgspec.ValidationError as error:
            raise invalid(f"Not a request of the Open Inference Protocol: {error}.") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise broken(error) from None
        if 0 < len(asked.id) <= _LONGEST_ID and asked.id.isprintable() and asked.id.isascii():
            request.scope[REQUEST_ID] = asked.id
        records = _records(asked, model.champion, Tail(body[head:]))
        described = describe_outputs(model.champion)
        wanted = _wanted(asked, described)
        predictions = await service.answer(model, records, request.scope[REQUEST_ID])
        outputs, tails = [], []
        for name, is_binary in wanted.items():
            datatype, shape = described[name]
            output = Output(name=name, datatype=datatype, shape=[len(records), *shape[1:]])
            tails.append(write_column(output, _values(name, predictions), is_binary=is_binary))
            outputs.append(output)
        answer = encoder.encode(
            InferResponse(
                model_name=model.name,
                model_version=version(model.champion),
                id=asked.id or request.scope[REQUEST_ID],
                outputs=outputs,
            )
        )
        if not any(wanted.values()):
            return Response(answer, media_type=JSON)
        length = {_LENGTH: str(len(answer))}
        return Response(b"".join((answer, *tails)), headers=length, media_type=OCTETS)

    async def live(_: Request) -> Response:
        return _json({"live": True})

    async def ready(_: Request) -> Response:
        is_ready = not service.is_draining
        return _json({"ready": is_ready}, 200 if is_ready else 503)

    async def model_ready(request: Request) -> Response:
        model = found(request)
        is_ready = not service.is_draining
        return _json({"name": model.name, "ready": is_ready}, 200 if is_ready else 503)

    async def server_metadata(_: Request) -> Response:
        return _json(
            {"name": "mlkit", "version": __version__, "extensions": ["binary_tensor_data"]}
        )

    async def model_metadata(request: Request) -> Response:
        model = found(request)
        champion = model.champion
        return _json(
            {
                "name": model.name,
                "versions": [version(champion)],
                "platform": f"mlkit_{champion.predictor.bundle.manifest.runtime}",
                "inputs": [
                    {"name": column.name, "datatype": _DATATYPES[column.kind], "shape": [-1]}
                    for column in _columns(champion).values()
                ],
                "outputs": [
                    {"name": name, "datatype": datatype, "shape": shape}
                    for name, (datatype, shape) in describe_outputs(champion).items()
                ],
            }
        )

    plain, versioned = "/v2/models/{model}", "/v2/models/{model}/versions/{version}"
    return [
        Route(f"{plain}/infer", infer, methods=["POST"]),
        Route(f"{versioned}/infer", infer, methods=["POST"]),
        Route("/v2/health/live", live),
        Route("/v2/health/ready", ready),
        Route("/v2", server_metadata),
        *(Route(f"{path}/ready", model_ready) for path in (plain, versioned)),
        *(Route(path, model_metadata) for path in (plain, versioned)),
    ]


def version(deployment: Deployment) -> str:
    """Return what a bundle is called in an address: the first 12 digits of its digest."""
    return deployment.digest[:12]


def describe_outputs(deployment: Deployment) -> dict[str, tuple[str, list[int]]]:
    """Return each output's datatype and shape, by its name."""
    classes = deployment.predictor.bundle.manifest.classes
    if not classes:
        return {"prediction": ("FP64", [-1])}
    outputs = {"prediction": (_LABELS[type(classes[0])], [-1]), "probability": ("FP64", [-1])}
    if deployment.predictor.bundle.manifest.task == "multiclass":
        outputs["probabilities"] = ("FP64", [-1, len(classes)])
    return outputs


def _columns(deployment: Deployment) -> dict[str, Column]:
    schema = deployment.predictor.schema
    return {column.name: column for column in schema.columns.values() if column.known_before}


def _head(text: str | None, body: memoryview) -> int:
    """Return where a body's JSON ends."""
    if text is None:
        return len(body)
    if not (text.isascii() and text.isdigit() and len(text) < 20) or int(text) > len(body):
        raise invalid(
            f"Inference-Header-Content-Length is {text[:40]!r}; the body has {len(body)}."
        )
    return int(text)


def _records(asked: InferRequest, deployment: Deployment, tail: Tail) -> list[Record]:
    columns = _columns(deployment)
    names = [tensor.name for tensor in asked.inputs]
    unknown = [name for name in names if name not in columns]
    if unknown or len(set(names)) < len(names) or not names:
        raise invalid(
            f"Inputs are columns of {deployment.predictor.schema.__name__}, each once: "
            f"{listed(columns, most=40)}. Found {listed(n[:60] for n in unknown or names)}."
        )
    values = {tensor.name: read_column(tensor, tail) for tensor in asked.inputs}
    tail.check_empty()
    lengths = {name: len(column) for name, column in values.items()}
    if len(set(lengths.values())) > 1:
        raise invalid(f"Inputs must be equally long; found {lengths}.")
    return [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]


def _wanted(asked: InferRequest, described: dict[str, Any]) -> dict[str, bool]:
    """Return the outputs to send, and whether as bytes."""
    by_default = asked.parameters.get("binary_data_output", False)
    if not asked.outputs:
        return dict.fromkeys(described, by_default is True)
    wanted = {}
    for output in asked.outputs:
        if output.name not in described:
            raise invalid(f"No output {output.name[:60]!r}; valid: {listed(described)}.")
        if output.parameters.get("classification", 0):
            raise invalid("The classification extension is not supported. Ask for probabilities.")
        wanted[output.name] = output.parameters.get("binary_data", by_default) is True
    return wanted


def _values(name: str, predictions: Sequence[Prediction]) -> list[Any]:
    if name == "prediction":
        return [prediction.label for prediction in predictions]
    if name == "probability":
        return [prediction.probability for prediction in predictions]
    return [share for each in predictions for share in (each.probabilities or {}).values()]


def _json(content: dict[str, Any], status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type=JSON)
