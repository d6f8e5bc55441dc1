"""The pages with lists: services, history with its search, and the audit log."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from katakei.app.history import HistoryQuery, search
from katakei.domain.audit import AuditQuery
from katakei.domain.principals import Act
from katakei.web.api.freezes import audit_detail
from katakei.web.api.parameters import GroupName, Region, Search, ServiceName, Text
from katakei.web.console.new_pages import seen_services
from katakei.web.console.page import Message, translator_of
from katakei.web.console.rollout_views import word
from katakei.web.console.serving import answered, shown
from katakei.web.errors import UnknownError
from katakei.web.gate import ActRoute, Asked, Context, Let, doing
from katakei.web.server_context import ServerContext

routes = APIRouter(route_class=ActRoute, include_in_schema=False)

Server = Annotated[ServerContext, Context]
Who = Annotated[Asked, Let]
Why = Annotated[str, Form(max_length=300)]
ROWS = 50


@routes.get("/services", **doing(Act.READ))
async def services_page(request: Request, context: Server, asked: Who, said: Search = "") -> Response:
    """The services, the faulty ones with every fault."""
    services = await run_in_threadpool(seen_services, context, asked)
    freezes = {each.name: each for each in await run_in_threadpool(context.freezes.active)}
    allows, of_service = context.subjects.allows, context.subjects.of_service
    may = {
        act: {each.name for each in services if allows(asked.principal, act, of_service(each.name))}
        for act in (Act.START, Act.FREEZE, Act.UNFREEZE)
    }
    message = Message("good", said) if said else None
    values = {"services": services, "freezes": freezes, "may": may, "message": message, "place": context.fleet.place_of}
    return await shown(request, "services.html", values)


@routes.get("/history", **doing(Act.READ))
async def history_page(  # noqa: PLR0913, PLR0917 - the fields of the search
    request: Request,
    context: Server,
    asked: Who,
    text: Search = "",
    service: Text = "",
    before: Text = "",
    *,
    unfinished: bool = False,
) -> Response:
    """The rollouts that match, newest first."""
    subjects = context.subjects
    found = await run_in_threadpool(
        search,
        context.journal,
        context.leases,
        HistoryQuery(text, service, unfinished, before, ROWS + 1),
        lambda header: subjects.allows(asked.principal, Act.READ, subjects.of_header(header)),
    )
    rows = [(each, word(each.state) if each.state else "unknown") for each in found[:ROWS]]
    older = rows[-1][0].header.rollout if len(found) > ROWS else ""
    services = [each.name for each in await run_in_threadpool(seen_services, context, asked)]
    values = {"rows": rows, "older": older, "text": text, "service": service, "services": services}
    return await shown(request, "history.html", {**values, "unfinished": unfinished, "before": before})


@routes.get("/audit", **doing(Act.READ_AUDIT))
async def audit_page(
    request: Request,
    context: Server,
    text: Search = "",
    who: Text = "",
    before: Annotated[int | None, Query(ge=1, le=10**15)] = None,
) -> Response:
    """The audit log, the newest entry first."""
    entries = await run_in_threadpool(context.access.audit, AuditQuery(text, who), before, ROWS + 1)
    older = entries[ROWS - 1].number if len(entries) > ROWS else 0
    values = {"entries": entries[:ROWS], "older": older, "text": text, "who": who, "before": before}
    return await shown(request, "audit.html", values)


@routes.post("/services/{service}/freeze", **doing(Act.FREEZE))
async def freeze_service(
    request: Request, context: Server, asked: Who, service: ServiceName, why: Why = ""
) -> Response:
    """Freezes a service: no target of it is taken out."""
    return await _freeze(request, context, asked, (service, why, "/services"))


@routes.post("/services/{service}/unfreeze", **doing(Act.UNFREEZE))
async def unfreeze_service(request: Request, context: Server, asked: Who, service: ServiceName) -> Response:
    """Lifts the freeze of a service."""
    return await _unfreeze(request, context, asked, (service, "/services"))


@routes.post("/groups/{region}/{name}/freeze", **doing(Act.FREEZE))
async def freeze_group(  # noqa: PLR0913, PLR0917 - path and form
    request: Request, context: Server, asked: Who, region: Region, name: GroupName, why: Why = ""
) -> Response:
    """Freezes a target group."""
    arn = (await context.hub.status(region, name)).group.arn
    return await _freeze(request, context, asked, (arn, why, f"/groups/{region}/{name}"))


@routes.post("/groups/{region}/{name}/unfreeze", **doing(Act.UNFREEZE))
async def unfreeze_group(request: Request, context: Server, asked: Who, region: Region, name: GroupName) -> Response:
    """Lifts the freeze of a target group."""
    arn = (await context.hub.status(region, name)).group.arn
    return await _unfreeze(request, context, asked, (arn, f"/groups/{region}/{name}"))


async def _freeze(request: Request, context: ServerContext, asked: Asked, what: tuple[str, str, str]) -> Response:
    (name, why, back), tr = what, translator_of(request)
    asked.detail = audit_detail(name, why)
    await run_in_threadpool(context.freezes.freeze, name, asked.principal.name, why, None)
    return await answered(request, back, Message("good", tr("Frozen: no target is taken out until somebody lifts it.")))


async def _unfreeze(request: Request, context: ServerContext, asked: Asked, what: tuple[str, str]) -> Response:
    (name, back), tr = what, translator_of(request)
    asked.detail = audit_detail(name)
    if await run_in_threadpool(context.freezes.unfreeze, name, asked.principal.name) is None:
        raise UnknownError("it is not frozen any more; nothing was changed")
    return await answered(request, back, Message("good", tr("The freeze is lifted. A pause of a person stays.")))
