"""The parts of an OpenAPI document that are alike for every address: answers and errors."""

from collections.abc import Iterable
from typing import Any

from mlkit.serving.refusals import JSON

Node = dict[str, Any]
#: What each status of an error says.
ERRORS = {
    400: "The request is broken: its JSON, its tensors, or how it is put together.",
    401: "The token is absent, or wrong.",
    404: "There is no such model, version or address.",
    408: "The body did not come in time.",
    413: "The body is too long, or holds too many records.",
    415: "The body is of another type, or compressed.",
    422: "Records break their schema: each field, the rule, and what was found.",
    500: "The service failed; its log says why, under the request's id.",
    503: "There is no room now, or the service is about to stop: send it again later.",
}
_REQUEST_ID = {
    "name": "X-Request-ID",
    "in": "header",
    "description": "What logs and receipts call the request, if it is 1 to 128 visible ASCII "
    "characters; else it gets another.",
    "schema": {"type": "string"},
}
#: The schema of an error.
ERROR: Node = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {"type": "string", "description": "What was wrong, what was found, what to do."},
        "violations": {
            "type": "array",
            "description": "The rules that fields break; of many the first.",
            "items": {
                "type": "object",
                "required": ["field", "rule"],
                "properties": {
                    "field": {"type": "string"},
                    "rule": {"type": "string"},
                    "record": {"type": "integer", "description": "Its place in the list, from 0."},
                    "found": {"type": "string", "description": "Left out of personal data."},
                },
            },
        },
    },
}


def ready(described: Node, errors: Iterable[int]) -> Node:
    """Return the description of a question that 503 may answer as well."""
    asked = operation(described, json(flag("ready")), errors)
    content = json({"anyOf": [ref("schemas/error"), flag("ready")]})
    asked["responses"]["503"] = {**error(503), "content": content}
    return asked


def operation(described: Node, content: Node, errors: Iterable[int]) -> Node:
    """Return an operation that answers with `content`, or with one of the errors."""
    answers = {"200": {"description": "The answer.", "headers": _headers(), "content": content}}
    for status in sorted({*errors, 401, 500, 503}):
        answers[str(status)] = ref(f"responses/{status}")
    parameters = [*described.get("parameters", ()), _REQUEST_ID]
    return {**described, "parameters": parameters, "responses": answers}


def error(status: int, example: Node | None = None) -> Node:
    """Return an error's description."""
    headers = _headers()
    if status == 503:
        headers["Retry-After"] = {"schema": {"type": "integer"}, "description": "In s."}
    content: Node = {"schema": ref("schemas/error")}
    if example is not None:
        content["examples"] = {"fault": {"value": example}}
    return {"description": ERRORS[status], "headers": headers, "content": {JSON: content}}


def _headers() -> Node:
    about = "What logs and receipts call the request."
    return {"X-Request-ID": {"schema": {"type": "string"}, "description": about}}


def flag(name: str) -> Node:
    """Return the schema of an object with one field, true or false."""
    return {"type": "object", "required": [name], "properties": {name: {"type": "boolean"}}}


def json(schema: Node) -> Node:
    """Return a body of JSON."""
    return {JSON: {"schema": schema}}


def ref(where: str) -> Node:
    """Return a reference to a component."""
    return {"$ref": f"#/components/{where}"}
