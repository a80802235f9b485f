"""Serve one side of the serving benchmark that is not a command of its own.

    python benchmarks/serve_side.py bare FOLDER 8000
    python benchmarks/serve_side.py pipeline FOLDER 8000

`bare` parses a record and gives a fixed answer, `barer` does it with msgspec; `pipeline` is
what somebody writes with FastAPI, pandas and scikit-learn.
"""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

_ANSWER = {"label": False, "probability": 0.25, "model": "none"}


def bare(_: Path) -> Any:
    """Return a Starlette application that parses and answers, as its documentation has it."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def predict(request: Request) -> JSONResponse:
        await request.json()
        return JSONResponse(_ANSWER)

    return Starlette(routes=[Route("/predict", predict, methods=["POST"])])


def barer(_: Path) -> Any:
    """Return the same with the JSON of mlkit."""
    import msgspec
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    decoder, encoder = msgspec.json.Decoder(), msgspec.json.Encoder()

    async def predict(request: Request) -> Response:
        decoder.decode(await request.body())
        return Response(encoder.encode(_ANSWER), media_type="application/json")

    return Starlette(routes=[Route("/predict", predict, methods=["POST"])])


def pipeline(folder: Path) -> Any:
    """Return a FastAPI application around the fitted pipeline."""
    import joblib
    import pandas as pd
    from fastapi import FastAPI
    from pydantic import BaseModel

    fitted = joblib.load(folder / "pipeline.joblib")
    dtypes = json.loads((folder / "dtypes.json").read_text())

    class Flight(BaseModel):
        carrier: str
        tailnum: str | None = None
        origin: str
        dest: str
        distance: float
        scheduled_departure: datetime
        temp: float | None = None
        dewp: float | None = None
        humid: float | None = None
        wind_dir: float | None = None
        wind_speed: float | None = None
        precip: float | None = None
        pressure: float | None = None
        visib: float | None = None

    app = FastAPI()

    @app.post("/predict")
    def predict(flight: Flight) -> dict[str, Any]:
        frame = pd.DataFrame([flight.model_dump()]).astype(dtypes)
        probability = float(fitted.predict_proba(frame)[0, 1])
        return {"label": probability >= 0.5, "probability": probability}

    return app


if __name__ == "__main__":
    import uvicorn

    side, folder, port = sys.argv[1:]
    # As mlkit is served, so that only what is in between differs; FastAPI as by default.
    options = {"http": "httptools", "access_log": False} if side != "pipeline" else {}
    made = {"bare": bare, "barer": barer, "pipeline": pipeline}[side](Path(folder))
    uvicorn.run(made, host="127.0.0.1", port=int(port), **options)
