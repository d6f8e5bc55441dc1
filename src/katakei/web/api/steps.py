"""Manual steps: targets of a group deregistered or registered, first as a plan to review, then done."""

from typing import Annotated

from fastapi import APIRouter
from starlette.status import HTTP_201_CREATED

from katakei.app.service_rollouts import StepRequest
from katakei.domain.plan import PlanKind
from katakei.domain.principals import Act
from katakei.web.api import answers
from katakei.web.api.models import ConfirmedStepBody, StepBody
from katakei.web.api.parameters import GroupName, Region
from katakei.web.api.services import planned_data, started_answer
from katakei.web.errors import PlainJson
from katakei.web.gate import ActRoute, Asked, Context, Let, doing
from katakei.web.server_context import ServerContext

routes = APIRouter(route_class=ActRoute, prefix="/groups/{region}/{name}", tags=["manual steps"])

Server = Annotated[ServerContext, Context]
Who = Annotated[Asked, Let]


@routes.post("/deregister/plan", response_model=answers.Planned, **doing(Act.PLAN))
def plan_deregister(context: Server, asked: Who, region: Region, name: GroupName, body: StepBody) -> PlainJson:
    """What a deregistration would do, with the floor it must keep. Changes nothing."""
    return _plan(context, _step(PlanKind.DEREGISTER, asked, (region, name), body))


@routes.post(
    "/deregister",
    status_code=HTTP_201_CREATED,
    response_model=answers.Started,
    responses=answers.NOTHING_TO_DO,
    **doing(Act.DEREGISTER),
)
def deregister(context: Server, asked: Who, region: Region, name: GroupName, body: ConfirmedStepBody) -> PlainJson:
    """Takes targets out of the group and waits until nothing reaches them. Refused like on the command line."""
    return _start(context, asked, _step(PlanKind.DEREGISTER, asked, (region, name), body), body.digest)


@routes.post("/register/plan", response_model=answers.Planned, **doing(Act.PLAN))
def plan_register(context: Server, asked: Who, region: Region, name: GroupName, body: StepBody) -> PlainJson:
    """What a registration would do, with the port of each target. Changes nothing."""
    return _plan(context, _step(PlanKind.REGISTER, asked, (region, name), body))


@routes.post(
    "/register",
    status_code=HTTP_201_CREATED,
    response_model=answers.Started,
    responses=answers.NOTHING_TO_DO,
    **doing(Act.REGISTER),
)
def register(context: Server, asked: Who, region: Region, name: GroupName, body: ConfirmedStepBody) -> PlainJson:
    """Puts targets back into the group and waits until they serve."""
    return _start(context, asked, _step(PlanKind.REGISTER, asked, (region, name), body), body.digest)


def _step(kind: PlanKind, asked: Asked, group: tuple[str, str], body: StepBody) -> StepRequest:
    region, name = group
    asked.detail = f"{', '.join(body.targets)} of {name} in {region}"
    return StepRequest(
        kind, region, name, tuple(body.targets), asked.principal.name, body.accept.risks(), all_groups=body.all_groups
    )


def _plan(context: ServerContext, step: StepRequest) -> PlainJson:
    return PlainJson(planned_data(context, context.rollouts.plan(step)))


def _start(context: ServerContext, asked: Asked, step: StepRequest, digest: str | None) -> PlainJson:
    return started_answer(asked, context.rollouts.start(step, digest))
