"""The Open Inference Protocol, version 2, with the binary tensor extension.

https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol
"""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mlkit.core.version import __version__
from mlkit.serving.gate import MODEL, REQUEST_ID, is_id
from mlkit.serving.model import Model
from mlkit.serving.protocol import (
    DATATYPES,
    InferRequest,
    InferResponse,
    describe_inputs,
    describe_outputs,
    read_records,
    wanted_outputs,
    write_outputs,
)
from mlkit.serving.refusals import JSON, OCTETS, Refused, broken, check_type
from mlkit.serving.service import Service
from mlkit.serving.tensors import Tail, invalid

_LENGTH = "inference-header-content-length"


def inference_routes(service: Service) -> list[Route]:
    """Return the protocol's addresses, those of a version among them."""
    decoder, encoder = msgspec.json.Decoder(InferRequest), msgspec.json.Encoder()
    limits = service.settings.limits

    def found(request: Request) -> Model:
        model = service.find(request.path_params["model"])
        asked = request.path_params.get("version")
        if asked is not None and asked != model.champion.version:
            raise Refused(
                404,
                "model",
                f"{model.name} has no version {asked[:60]} here; it has {model.champion.version}.",
            )
        return model

    async def infer(request: Request) -> Response:
        # Clients of the protocol may leave it out.
        check_type(dict(request.scope["headers"]), "", JSON, OCTETS)
        body = memoryview(await service.bodies.read(request.scope, request.receive))
        # Only now: while a body came, so may have another version.
        model = found(request)
        request.scope[MODEL] = model.name
        head = _head(request.headers.get(_LENGTH), body)
        try:
            asked = decoder.decode(body[:head])
        except msgspec.ValidationError as error:
            raise invalid(f"Not a request of the Open Inference Protocol: {error}.") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise broken(error) from None
        if is_id(asked.id.encode()):
            request.scope[REQUEST_ID] = asked.id
        champion = model.champion
        records = read_records(asked, champion, Tail(body[head:]), limits.records)
        wanted = wanted_outputs(asked, champion)
        predictions = await service.answer(
            model,
            records,
            request.scope[REQUEST_ID],
            by_champion="version" in request.path_params,
        )
        outputs, tail = write_outputs(wanted, champion, predictions)
        # A canary may have answered, or another champion.
        versions = {prediction.model.rpartition("/")[2] for prediction in predictions}
        answer = encoder.encode(
            InferResponse(
                model_name=model.name,
                model_version=versions.pop() if len(versions) == 1 else champion.version,
                id=asked.id or request.scope[REQUEST_ID],
                outputs=outputs,
            )
        )
        if not any(wanted.values()):
            return Response(answer, media_type=JSON)
        return Response(answer + tail, headers={_LENGTH: str(len(answer))}, media_type=OCTETS)

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
                "versions": [champion.version],
                "platform": f"mlkit_{champion.predictor.bundle.manifest.runtime}",
                "inputs": [
                    {"name": column.name, "datatype": DATATYPES[column.kind], "shape": [-1]}
                    for column in describe_inputs(champion).values()
                ],
                "outputs": [
                    {"name": name, "datatype": datatype, "shape": shape}
                    for name, (datatype, shape) in describe_outputs(champion).items()
                ],
            }
        )

    plain, versioned = "/v2/models/{model}", "/v2/models/{model}/versions/{version}"
    return [
        *(Route(f"{path}/infer", infer, methods=["POST"]) for path in (plain, versioned)),
        Route("/v2/health/live", live),
        Route("/v2/health/ready", ready),
        Route("/v2", server_metadata),
        *(Route(f"{path}/ready", model_ready) for path in (plain, versioned)),
        *(Route(path, model_metadata) for path in (plain, versioned)),
    ]


def _head(text: str | None, body: memoryview) -> int:
    """Return where a body's JSON ends."""
    if text is None:
        return len(body)
    if not (text.isascii() and text.isdigit() and len(text) < 20) or int(text) > len(body):
        raise invalid(
            f"Inference-Header-Content-Length is {text[:40]!r}; the body has {len(body)}."
        )
    return int(text)


def _json(content: dict[str, Any], status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type=JSON)
