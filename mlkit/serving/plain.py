"""`POST /predict`: a record, or a list of them, as plain JSON."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from mlkit.core.errors import DataError
from mlkit.serving.gate import REQUEST_ID
from mlkit.serving.refusals import JSON, broken, check_count, check_type
from mlkit.serving.service import Service

Endpoint = Callable[[Request], Awaitable[Response]]


def predict_endpoint(service: Service) -> Endpoint:
    """Return what answers with a prediction of each record."""
    decoder, encoder = msgspec.json.Decoder(), msgspec.json.Encoder()
    most = service.settings.limits.records

    async def predict(request: Request) -> Response:
        model = service.find(request.path_params.get("model"))
        check_type(request, JSON)
        body = await service.bodies.read(request)
        try:
            asked = decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise broken(error) from None
        records = asked if isinstance(asked, list) else [asked]
        check_count(len(records), most)
        for place, record in enumerate(records):
            if not isinstance(record, dict):
                where = f"record {place} is" if isinstance(asked, list) else "it is"
                raise DataError(
                    f"The body must be a record (a JSON object), or a list of records; {where} "
                    f"{_kind(record)}."
                )
        found = await service.answer(model, records, request.scope[REQUEST_ID])
        content = encoder.encode(found if isinstance(asked, list) else found[0])
        return Response(content, media_type=JSON)

    return predict


def _kind(value: Any) -> str:
    names = {str: "text", bool: "a boolean", int: "a number", float: "a number", list: "a list"}
    return names.get(type(value), "null")
