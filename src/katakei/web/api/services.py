"""Services: the list, one service, its plan, and the start of a rollout."""

from typing import Annotated

from fastapi import APIRouter
from starlette.status import HTTP_201_CREATED

from katakei.app.service_rollouts import PlannedRollout, ServiceRequest
from katakei.domain.model import RolloutId
from katakei.domain.plan import Plan
from katakei.domain.principals import Act
from katakei.domain.services import Service
from katakei.planning.forecast import forecast
from katakei.render.json_data import Plain, plain
from katakei.render.plan import notices, plan_data
from katakei.web.api import answers
from katakei.web.api.models import PlanBody, StartBody
from katakei.web.api.parameters import ServiceName
from katakei.web.errors import PlainJson, UnknownError
from katakei.web.gate import ActRoute, Asked, Context, Let, doing
from katakei.web.server_context import ServerContext

routes = APIRouter(route_class=ActRoute, tags=["services"])


@routes.get("/services", response_model=answers.Services, **doing(Act.READ))
def services(context: Annotated[ServerContext, Context], asked: Annotated[Asked, Let]) -> PlainJson:
    """The services, the faulty ones with every fault of their file."""
    seen = [
        service
        for service in context.fleet.services()
        if context.subjects.allows(asked.principal, Act.READ, context.subjects.of_service(service.name))
    ]
    return PlainJson({"services": [_data(service) for service in seen]})


@routes.get("/services/{service}", response_model=answers.ServiceAnswer, **doing(Act.READ))
def service(context: Annotated[ServerContext, Context], service: ServiceName) -> PlainJson:
    """One service, as its file says now."""
    return PlainJson(_data(known_service(context, service)))


@routes.post("/services/{service}/plan", response_model=answers.Planned, **doing(Act.PLAN))
def plan(
    context: Annotated[ServerContext, Context], asked: Annotated[Asked, Let], service: ServiceName, body: PlanBody
) -> PlainJson:
    """What a rollout of the service would do now. Changes nothing. Its digest confirms it at the start."""
    known_service(context, service)
    planned = context.rollouts.plan(_request(asked, service, body))
    return PlainJson(planned_data(context, planned))


@routes.post(
    "/services/{service}/rollouts",
    status_code=HTTP_201_CREATED,
    response_model=answers.Started,
    responses=answers.NOTHING_TO_DO,
    **doing(Act.START),
)
def start(
    context: Annotated[ServerContext, Context], asked: Annotated[Asked, Let], service: ServiceName, body: StartBody
) -> PlainJson:
    """Starts a rollout of the service, or carries the unfinished one of the same request on.

    Where somebody else has just started one, the answer is 409 and names that rollout.
    """
    known_service(context, service)
    asked.detail = f"release {body.release}" if body.release else ""
    started = context.rollouts.start(_request(asked, service, body), body.digest)
    return started_answer(asked, started)


def known_service(context: ServerContext, name: str) -> Service:
    """The service of this name. Raises UnknownError: there is none."""
    for each in context.fleet.services():
        if each.name == name:
            return each
    raise UnknownError(f"this server has no service {name}; GET /api/v1/services lists those there are")


def planned_data(context: ServerContext, planned: PlannedRollout) -> Plain:
    """A plan as an answer: as the command line prints it, in the journal's own form, and what confirms it."""
    restore = (planned.restore_lines, planned.restore_held)
    return {
        "plan": plan_data(planned.plan, forecast(planned.plan), *restore),
        "sentences": list(notices(planned.plan)),
        "recorded": context.wire.plan(planned.plan),
        "restore": list(planned.restore_lines),
        "restore_held": list(planned.restore_held),
        "digest": planned.digest,
    }


def started_answer(asked: Asked, started: RolloutId | Plan) -> PlainJson:
    """The answer to a start: the rollout, or that there was nothing to do."""
    if isinstance(started, Plan):
        return PlainJson({"rollout": None, "sentences": list(notices(started))}, 200)
    asked.rollout = started
    return PlainJson({"rollout": started, "sentences": []}, HTTP_201_CREATED)


def _request(asked: Asked, service: str, body: PlanBody) -> ServiceRequest:
    return ServiceRequest(
        service,
        asked.principal.name,
        body.release,
        tuple(body.only),
        body.accept.risks(),
        as_recorded=isinstance(body, StartBody) and body.as_recorded,
        limit=body.limit,
        only_outdated=body.only_outdated,
    )


def _data(service: Service) -> Plain:
    """A service without what AWS or secrets could be reached with."""
    policy = service.policy
    return {
        "name": service.name,
        "file": service.file,
        "groups": list(service.spec.groups) if service.spec else [],
        "faults": list(service.faults),
        "region": service.place.region or "",
        "release": service.release,
        "frozen": service.frozen,
        "work": service.spec.work.executor if service.spec else "",
        "policy": {
            "start": plain(policy.start),
            "approve": plain(policy.approve),
            "abort": plain(policy.abort),
            "four_eyes": policy.four_eyes,
        },
    }
