"""`POST /predict`: a record, or a list of them, as plain JSON."""

from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from mlkit.core.errors import DataError
from mlkit.serving.gate import MODEL, REQUEST_ID
from mlkit.serving.refusals import JSON, broken, check_count, check_type
from mlkit.serving.service import Service


class Predict:
    """An ASGI application that answers with a prediction of each record.

    No function of a `Request`: what Starlette puts around one takes as long as half of
    the model.

    Parameters
    ----------
    service
        Whose models predict.
    """

    #: What the metrics call it.
    __name__ = "predict"

    def __init__(self, service: Service) -> None:
        self._service = service
        self._most = service.settings.limits.records
        self._decode = msgspec.json.Decoder().decode
        self._encode = msgspec.json.Encoder().encode

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        model = self._service.find(scope["path_params"].get("model"))
        scope[MODEL] = model.name
        check_type(dict(scope["headers"]), JSON)
        body = await self._service.bodies.read(scope, receive)
        try:
            asked = self._decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise broken(error) from None
        records = asked if isinstance(asked, list) else [asked]
        check_count(len(records), self._most)
        for place, record in enumerate(records):
            if not isinstance(record, dict):
                where = f"record {place} is" if isinstance(asked, list) else "it is"
                raise DataError(
                    f"The body must be a record (a JSON object), or a list of records; {where} "
                    f"{_kind(record)}."
                )
        found = await self._service.answer(model, records, scope[REQUEST_ID])
        content = self._encode(found if isinstance(asked, list) else found[0])
        headers = [
            (b"content-length", str(len(content)).encode()),
            (b"content-type", JSON.encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})


def _kind(value: Any) -> str:
    names = {str: "text", bool: "a boolean", int: "a number", float: "a number", list: "a list"}
    return names.get(type(value), "null")
