"""Freezes of services and groups: no target is taken out while one holds."""

from typing import Annotated

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from katakei.app.freezes import Freezing
from katakei.domain.freezes import Freeze
from katakei.domain.principals import Act
from katakei.render.json_data import Plain, plain
from katakei.render.reasons import group_name
from katakei.web.api import answers
from katakei.web.api.models import FreezeBody, Nothing
from katakei.web.api.parameters import GroupName, Region, ServiceName
from katakei.web.api.services import known_service
from katakei.web.errors import PlainJson, UnknownError
from katakei.web.gate import ActRoute, Asked, Context, Let, doing
from katakei.web.server_context import ServerContext

routes = APIRouter(route_class=ActRoute, tags=["freezes"])

Server = Annotated[ServerContext, Context]
Who = Annotated[Asked, Let]


@routes.get("/freezes", response_model=answers.Freezes, **doing(Act.READ))
def freezes(context: Server) -> PlainJson:
    """What is frozen now, the oldest first. Every signed-in person may see it."""
    now, active = context.freezes.read()
    return PlainJson({"freezes": [_data(each) for each in active], "now": now.isoformat()})


@routes.post("/services/{service}/freeze", response_model=answers.Frozen, **doing(Act.FREEZE))
def freeze_service(context: Server, asked: Who, service: ServiceName, body: FreezeBody) -> PlainJson:
    """Freezes a service."""
    return _freeze(context, asked, known_service(context, service).name, body)


@routes.post("/services/{service}/unfreeze", response_model=answers.Lifted, **doing(Act.UNFREEZE))
def unfreeze_service(context: Server, asked: Who, service: ServiceName, body: Nothing) -> PlainJson:
    """Lifts the freeze of a service. A pause of a person stays."""
    del body
    return _unfreeze(context, asked, service)


@routes.post("/groups/{region}/{name}/freeze", response_model=answers.Frozen, **doing(Act.FREEZE))
async def freeze_group(context: Server, asked: Who, region: Region, name: GroupName, body: FreezeBody) -> PlainJson:
    """Freezes a target group."""
    arn = (await context.hub.status(region, name)).group.arn
    return await run_in_threadpool(_freeze, context, asked, arn, body)


@routes.post("/groups/{region}/{name}/unfreeze", response_model=answers.Lifted, **doing(Act.UNFREEZE))
async def unfreeze_group(context: Server, asked: Who, region: Region, name: GroupName, body: Nothing) -> PlainJson:
    """Lifts the freeze of a target group."""
    del body
    arn = (await context.hub.status(region, name)).group.arn
    return await run_in_threadpool(_unfreeze, context, asked, arn)


def _freeze(context: ServerContext, asked: Asked, name: str, body: FreezeBody) -> PlainJson:
    asked.detail = audit_detail(name, body.why)
    freezing = Freezing(context, who=asked.principal.name)  # type: ignore[arg-type]  # it has what this use case needs
    made = freezing.freeze_service(name, body.why, body.end)
    held = {"rollouts": plain(made.rollouts), "ignored_by": plain(made.ignored_by)}
    return PlainJson({"frozen": _data(made.freeze), **held})


def _unfreeze(context: ServerContext, asked: Asked, name: str) -> PlainJson:
    asked.detail = audit_detail(name)
    lifted = context.freezes.unfreeze(name, asked.principal.name)
    if lifted is None:
        raise UnknownError(f"{name} is not frozen; GET /api/v1/freezes lists what is")
    return PlainJson({"lifted": _data(lifted)})


def audit_detail(name: str, why: str = "") -> str:
    """What the audit log keeps of a freeze beside the services: the group, where it is one, and the reason."""
    group = f"group {group_name(name)}" if name.startswith("arn:") else ""
    return ": ".join(filter(None, (group, why)))


def _data(freeze: Freeze) -> Plain:
    return {
        "name": freeze.name,
        "who": freeze.who,
        "why": freeze.why,
        "since": freeze.since.isoformat(),
        "until": freeze.until.isoformat() if freeze.until else None,
    }
