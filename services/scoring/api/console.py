"""The console's built files, and a clear page when they are not there."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

NOT_BUILT: Final = """<!doctype html><meta charset="utf-8"><title>Bellwether</title>
<p>The console has not been built. Run <code>make run</code>, or
<code>npm ci &amp;&amp; npm run build</code> in <code>console/</code>, and start again.</p>
<p lang="zh-CN">控制台尚未构建。请运行 <code>make run</code>，或在 <code>console/</code> 中运行
<code>npm ci &amp;&amp; npm run build</code>，然后重新启动。</p>
"""


class ConsoleFiles(StaticFiles):
    """Files with a hash in their name may be kept for ever, all others are asked for again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        forever = path.startswith("assets/")
        response.headers["Cache-Control"] = (
            "public, max-age=31536000, immutable" if forever else "no-cache"
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def install_console(app: FastAPI, directory: Path) -> None:
    """Serve the console at `/`; to be called after all routes."""
    if (directory / "index.html").is_file():
        app.mount("/", ConsoleFiles(directory=directory, html=True), name="console")
        return

    @app.get("/", include_in_schema=False)
    async def not_built() -> HTMLResponse:
        return HTMLResponse(NOT_BUILT, status_code=503)
