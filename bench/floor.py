"""The floor: a bare Starlette application behind the same uvicorn settings as gesso. It decodes JSON, answers JSON, serves one PNG."""

from __future__ import annotations

import socket
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gesso.models.echo.engine import picture

PNG = picture("", 0, 0)


async def run(request: Request) -> Response:
    await request.json()
    return JSONResponse({"errors": [], "taskid": "1", "socketaccesstoken": "a" * 30, "result": True})


async def file(request: Request) -> Response:
    return Response(PNG, media_type="image/png")


app = Starlette(routes=[Route("/v1/Run/{owner}/{project}", run, methods=["POST"]), Route("/v1/File/{key}/{name}", file)])

if __name__ == "__main__":
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(app, loop="uvloop", http="httptools", lifespan="off", access_log=False, log_level="error")
    server = uvicorn.Server(config)
    sys.exit(server.run(sockets=[listener]))
