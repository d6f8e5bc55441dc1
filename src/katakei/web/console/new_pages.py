"""The page of a new rollout: a service and a release are chosen, the plan is shown, and only then it is started."""

from collections.abc import Mapping, Sequence
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from katakei.app.service_rollouts import PlannedRollout, ServiceRequest
from katakei.domain.errors import RefusedError, UsageError
from katakei.domain.plan import Plan
from katakei.domain.principals import Act
from katakei.domain.services import Service
from katakei.planning.forecast import forecast
from katakei.render.errors import error_text
from katakei.render.plan import notices, plan_text
from katakei.render.translation import Translator
from katakei.web.api.parameters import ServiceName, Text
from katakei.web.console.page import Message, translator_of
from katakei.web.console.serving import gone_to, shown
from katakei.web.gate import ActRoute, Asked, Context, Let, doing
from katakei.web.server_context import ServerContext

routes = APIRouter(route_class=ActRoute, include_in_schema=False)

Server = Annotated[ServerContext, Context]
Who = Annotated[Asked, Let]


def seen_services(context: ServerContext, asked: Asked) -> Sequence[Service]:
    """The services that somebody may see."""
    allows, of_service = context.subjects.allows, context.subjects.of_service
    return [each for each in context.fleet.services() if allows(asked.principal, Act.READ, of_service(each.name))]


@routes.get("/new", **doing(Act.READ))
async def new_page(request: Request, context: Server, asked: Who, service: Text = "", release: Text = "") -> Response:
    """Which service, and which release."""
    services = await run_in_threadpool(seen_services, context, asked)
    values = {"services": services, "chosen": service, "release": release, "refusal": (), "planned": None}
    return await shown(request, "new.html", values)


@routes.get("/plan", **doing(Act.READ))
async def chosen_service(
    request: Request, service: Text, release: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """From the form with the service to the address of its plan, whose right the gate proves."""
    return gone_to(request, f"/new/{quote(service, safe='')}?release={quote(release)}")


@routes.get("/new/{service}", **doing(Act.PLAN))
async def plan_page(
    request: Request,
    context: Server,
    asked: Who,
    service: ServiceName,
    release: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """The plan, before the start. It changes nothing."""
    services = await run_in_threadpool(seen_services, context, asked)
    values: dict[str, object] = {"services": services, "chosen": service, "release": release, "planned": None}
    wanted = ServiceRequest(service, asked.principal.name, release)
    values |= await run_in_threadpool(_planned, context, wanted, translator_of(request))
    allowed = context.subjects.allows(asked.principal, Act.START, context.subjects.of_service(service))
    return await shown(request, "new.html", {**values, "may": allowed})


@routes.post("/new/{service}", **doing(Act.START))
async def start(  # noqa: PLR0913, PLR0917 - path and form
    request: Request,
    context: Server,
    asked: Who,
    service: ServiceName,
    release: Annotated[str, Form(max_length=200)] = "",
    digest: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Starts the rollout of the plan that was shown, or carries the unfinished one of the same request on."""
    asked.detail = f"release {release}" if release else ""
    wanted = ServiceRequest(service, asked.principal.name, release)
    started = await run_in_threadpool(context.rollouts.start, wanted, digest or None)
    if isinstance(started, Plan):
        tr = translator_of(request)
        message = Message("info", tr(". ").join(notices(started, tr)))
        return await shown(request, "error.html", {"message": message, "status": 200})
    asked.rollout = started
    return gone_to(request, f"/rollouts/{started}")


def _planned(context: ServerContext, wanted: ServiceRequest, tr: Translator) -> Mapping[str, object]:
    try:
        planned: PlannedRollout = context.rollouts.plan(wanted)
    except (RefusedError, UsageError) as error:
        return {"refusal": [line for line in error_text(error, tr).splitlines() if line.strip()]}
    predicted = forecast(planned.plan)
    return {
        "refusal": (),
        "planned": planned,
        "forecast": predicted,
        "notices": notices(planned.plan, tr),
        "text": plan_text(planned.plan, predicted, tr),
    }
