"""The service's own documents: what it takes and answers, for programs and for people."""

import msgspec
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from swagger_ui_bundle import swagger_ui_path

from mlkit.serving.openapi import describe
from mlkit.serving.refusals import JSON, Refused
from mlkit.serving.service import Service

#: What Swagger UI consists of; the package has more, which no page needs.
_ASSETS = ("swagger-ui.css", "swagger-ui-bundle.js")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = {"content-security-policy": _POLICY, "x-content-type-options": "nosniff"}
# Nothing of a model is in the page: its script fetches the document.
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
# The bundled Swagger UI reads no version after 3.0, but shows what 3.1 writes otherwise.
_SCRIPT = """"use strict";
const fetched = (token) =>
  fetch("openapi.json", { headers: token ? { Authorization: `Bearer ${token}` } : {} });
(async () => {
  let token = "";
  let answer = await fetched(token);
  while (answer.status === 401) {
    token = prompt("The token of this service:");
    if (token === null) return;
    answer = await fetched(token);
  }
  const ui = SwaggerUIBundle({
    dom_id: "#api",
    spec: { ...(await answer.json()), openapi: "3.0.3" },
    validatorUrl: null,
    onComplete: () => token && ui.preauthorizeApiKey("bearer", token),
  });
})();
"""


def documents_routes(service: Service) -> list[Route]:
    """Return the addresses of the OpenAPI document, and of a page that shows it offline."""
    latest: dict[tuple[str, ...], bytes] = {}

    async def openapi(_: Request) -> Response:
        champions = {name: model.champion for name, model in service.models.items()}
        used = tuple(champion.digest for champion in champions.values())
        if used not in latest:
            document = describe(
                champions,
                most=service.settings.limits.records,
                has_token=service.settings.token_env is not None,
            )
            latest.clear()
            latest[used] = msgspec.json.encode(document)
        return Response(latest[used], media_type=JSON)

    async def docs(_: Request) -> Response:
        return Response(_PAGE, headers=_HEADERS, media_type="text/html")

    async def start(_: Request) -> Response:
        return Response(_SCRIPT, headers=_HEADERS, media_type="text/javascript")

    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _ASSETS:
            raise Refused(404, "address", f"/docs needs {' and '.join(_ASSETS)} alone.")
        return FileResponse(swagger_ui_path / name, headers=_HEADERS)

    return [
        Route("/openapi.json", openapi),
        Route("/docs", docs),
        Route("/docs/start.js", start),
        Route("/docs/{name}", asset),
    ]
