"""The web application: the guard around the API, the console and the questions of machines."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio.to_thread
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from katakei.domain.errors import KatakeiError
from katakei.domain.principals import Act
from katakei.web import console, health, sign_in
from katakei.web.api import PREFIX, api_router
from katakei.web.api.access import public
from katakei.web.api.answers import PROBLEMS
from katakei.web.console.page import api_translator, translator_of
from katakei.web.errors import PlainJson, ProblemError, problem_for, wants_page, with_allow
from katakei.web.gate import ActRoute, Load, doing
from katakei.web.guard import Guard
from katakei.web.server_context import ServerContext

TITLE, API_VERSION = "Katakei", "1"
DESCRIPTION = "Rolling updates for the servers behind an AWS load balancer, one side at a time."
STATIC = Path(__file__).parent / "console" / "static"


def create_app(context: ServerContext) -> FastAPI:
    """The application of one server.

    Args:
        context: What handlers get. Its hub belongs to the event loop that runs the application.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = context.settings.threads
        yield
        await context.hub.close()

    app = FastAPI(
        title=TITLE,
        version=API_VERSION,
        description=DESCRIPTION,
        openapi_url=None,  # the document is behind the gate, as everything else
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        middleware=[Middleware(Guard, site=context.site, settings=context.settings)],
        exception_handlers=dict.fromkeys((KatakeiError, ProblemError, RequestValidationError, HTTPException), _answer),
    )
    app.state.context = context
    app.state.load = Load(context.settings)
    app.include_router(health.open_routes)
    app.include_router(health.open_metrics if context.metrics_open else health.routes)
    app.include_router(sign_in.routes)
    app.include_router(api_router())
    app.include_router(public, prefix=PREFIX, responses=PROBLEMS)
    app.include_router(console.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    _add_document(app)
    return app


def api_document() -> dict[str, Any]:
    """The OpenAPI document of the API, as docs/openapi.json has it."""
    app = FastAPI(title=TITLE, version=API_VERSION, description=DESCRIPTION)
    app.include_router(api_router())
    app.include_router(public, prefix=PREFIX, responses=PROBLEMS)
    return app.openapi()


def _add_document(app: FastAPI) -> None:
    def document() -> PlainJson:
        """The OpenAPI document of this API."""
        return PlainJson(api_document())

    app.router.routes.append(
        ActRoute(f"{PREFIX}/openapi.json", document, methods=["GET"], include_in_schema=False, **doing(Act.READ))
    )


async def _answer(request: Request, error: Exception) -> Response:
    """An error as JSON, or as a page of the console where a browser shows it."""
    page = wants_page(request)
    tr = translator_of(request) if page else api_translator(request)
    problem = problem_for(request, error, tr)
    if page:
        return with_allow(error, await console.error_page(request, problem))
    return with_allow(error, problem.response())
