"""An app of the runtime with a few routes, and a client that speaks to it without a socket."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import APIRouter, FastAPI, HTTPException, Query, Request
from pydantic import BaseModel, Field
from starlette.types import Message

from shared.runtime.http import Problem, ReadinessCheck, create_app, json_body


class Note(BaseModel):
    text: str = Field(max_length=10)
    score: int


def make_app(readiness: Sequence[ReadinessCheck] = (), **options: Any) -> FastAPI:
    app = create_app(
        title="Notes",
        service="notes",
        version="1",
        lifespan=None,
        readiness=readiness,
        **options,
    )
    app.include_router(_routes(), prefix="/v1")
    return app


def _routes() -> APIRouter:
    router = APIRouter()

    @router.post("/notes/{name}")
    async def write(name: str, note: Note) -> dict[str, Any]:
        return {"name": name, **note.model_dump()}

    @router.post("/raw")
    async def raw(request: Request) -> dict[str, Any]:
        return {"parsed": json_body(request)}

    @router.post("/plain")
    async def plain(request: Request) -> int:
        return len(await request.body())

    @router.get("/notes")
    async def read(limit: int = Query(10, le=100)) -> int:
        return limit

    @router.get("/broken")
    async def broken() -> None:
        raise RuntimeError("the password is hunter2")

    @router.get("/teapot")
    async def teapot() -> None:
        raise Problem(418, "No coffee", "short and stout", headers={"Retry-After": "3"}, pot=7)

    @router.get("/old")
    async def old() -> None:
        raise HTTPException(410, "gone for good")

    return router


@asynccontextmanager
async def client_of(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def call(app: FastAPI, messages: list[Message], **scope: Any) -> list[Message]:
    """Sends raw ASGI messages as a POST to /v1/plain and returns what the app sent."""
    sent: list[Message] = []
    waiting = iter(messages)

    async def receive() -> Message:
        return next(waiting)

    async def send(message: Message) -> None:
        sent.append(message)

    defaults = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/plain",
        "raw_path": b"/v1/plain",
        "root_path": "",
        "query_string": b"",
        "headers": [],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    await app({**defaults, **scope}, receive, send)
    return sent
