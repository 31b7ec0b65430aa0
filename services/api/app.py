"""The FastAPI application: the same one behind Mangum and under uvicorn."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.api import openapi, problems
from services.api.routes import (
    callback_actions,
    callbacks,
    deliveries,
    events,
    health,
    job_actions,
    jobs,
    transcripts,
    vocabularies,
)
from services.api.routes import problems as catalogue
from services.api.service import Service
from services.api.tracing import Tracing

DESCRIPTION = """Swedish speech goes in, text comes out.

Register a recording, upload it to the address in the reply, and be told by a signed webhook when the text is there.
Every refusal is an RFC 9457 problem document with a stable `code` and the request's id."""


def create_app(make_service: Callable[[], Service]) -> FastAPI:
    """The application; `make_service` is called once, at the first request that needs it."""
    app = FastAPI(
        title="GPU Transcriber",
        version="2",
        description=DESCRIPTION,
        docs_url=None,  # FastAPI's page loads Swagger UI from elsewhere; ours does not
        redoc_url=None,
        redirect_slashes=False,
        openapi_url="/api/openapi.json",
    )
    service = cache(make_service)
    app.state.service = service
    for part in (
        *(health, callbacks, callback_actions, jobs, job_actions, transcripts),
        *(vocabularies, deliveries, events, catalogue),
    ):
        # Not `include_router`: it makes every route a second time, which a cold start would pay for.
        app.router.routes.extend(part.router.routes)
    app.add_route("/api/docs", _docs_page, include_in_schema=False)
    app.add_route("/api/docs/{version}/{name}", _docs_asset, include_in_schema=False)
    app.add_route("/", _page, include_in_schema=False)
    app.add_route("/page/{version}/{path:path}", _page_file, include_in_schema=False)
    app.router.default = _with_late_routes(app)
    problems.install(app)
    app.add_middleware(Tracing)
    openapi.install(app, service)
    return app


def _with_late_routes(app: FastAPI) -> ASGIApp:
    """What answers a request that no route takes.

    The first one brings the late routes, and is routed anew. Most functions never get one.
    """
    not_found = app.router.default

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        from services.api import late_routes  # noqa: PLC0415 - a cold start does not pay for them

        app.router.default = not_found
        late_routes.add_to(app)
        await app.router(scope, receive, send)

    return answer


# Pages are imported by whoever opens them, so that a cold start does not pay for them.


def _docs_page(request: Request) -> Response:
    from services.api import docs_page  # noqa: PLC0415

    return docs_page.page(request)


def _docs_asset(request: Request) -> Response:
    from services.api import docs_page  # noqa: PLC0415

    return docs_page.asset(request)


def _page(request: Request) -> Response:
    from services.api import page_files  # noqa: PLC0415

    return page_files.start(request)


def _page_file(request: Request) -> Response:
    from services.api import page_files  # noqa: PLC0415

    return page_files.file(request)
