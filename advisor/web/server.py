"""The HTTP server: the page, and the routes that tell whether it is well."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # before gradio is imported

import gradio as gr
import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse

from advisor.web.page import STATIC, build, theme
from advisor.wording import wording

if TYPE_CHECKING:
    from advisor.advisor import Advisor


# outside what gradio lets `css` reach: no bar of pages, the header links to them; less margin on a phone
HEAD = (
    "<style>.nav-holder { display: none !important; } "
    "@media (max-width: 640px) { .gradio-container > .main.fillable { padding: 12px !important; } }</style>"
)


def create_app(advisor: Advisor) -> FastAPI:
    """Return the web app; models and index are loaded once it is serving."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        advisor.start()
        yield

    app = FastAPI(title=wording("app")("title"), lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    def readyz() -> JSONResponse:
        return JSONResponse({"ready": advisor.ready}, status_code=200 if advisor.ready else 503)

    mounted: FastAPI = gr.mount_gradio_app(
        app,
        build(advisor),
        path="/",
        theme=theme(),
        head=HEAD,
        css_paths=STATIC / "page.css",
        footer_links=["api"],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        favicon_path=str(STATIC / "favicon.svg"),
    )
    return mounted


def serve(advisor: Advisor, environment: Mapping[str, str] = os.environ) -> None:
    """Serve until stopped, where GRADIO_SERVER_NAME and GRADIO_SERVER_PORT (or PORT) say: 127.0.0.1:7860 by default."""
    on_space = "SPACE_ID" in environment
    host = environment.get("GRADIO_SERVER_NAME") or ("0.0.0.0" if on_space else "127.0.0.1")
    port = int(environment.get("GRADIO_SERVER_PORT") or environment.get("PORT") or 7860)
    print(f"{wording('app')('title')}: http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}", flush=True)
    uvicorn.run(create_app(advisor), host=host, port=port, log_level="warning")
