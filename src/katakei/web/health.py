"""The questions of machines about the server itself: is it alive, is it ready, and its figures."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from katakei.domain.errors import KatakeiError
from katakei.domain.principals import Act
from katakei.web.errors import PlainJson, UnknownError
from katakei.web.gate import ActRoute, context_of, doing

open_routes = APIRouter(include_in_schema=False)
routes = APIRouter(include_in_schema=False, route_class=ActRoute)

NOT_READY = 503


@open_routes.get("/healthz")
async def healthz() -> PlainJson:
    """The process answers."""
    return PlainJson({"status": "ok"})


@open_routes.get("/readyz")
def readyz(request: Request) -> PlainJson:
    """The journal can be read and has the schema of this version. Says no more: everybody may ask."""
    context = context_of(request)
    try:
        context.journal.find(unfinished=True)
        context.freezes.active()
    except KatakeiError:
        return PlainJson({"status": "the journal cannot be read"}, NOT_READY)
    return PlainJson({"status": "ok"})


open_metrics = APIRouter(include_in_schema=False)


@open_metrics.get("/metrics")
@routes.get("/metrics", **doing(Act.READ))
def metrics(request: Request) -> Response:
    """The figures, in the format of Prometheus; with a token, unless the server was started with --metrics-open."""
    values = context_of(request).metrics
    if values is None:
        raise UnknownError("this server has no figures")
    return Response(values(), media_type="text/plain; version=0.0.4; charset=utf-8")
