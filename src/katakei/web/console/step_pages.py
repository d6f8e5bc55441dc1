"""The pages of manual steps: targets of a group deregistered or registered, reviewed before anything is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from katakei.app.queries import Status
from katakei.app.service_rollouts import PlannedRollout, StepRequest
from katakei.domain.errors import KatakeiError, RefusedError, UsageError
from katakei.domain.model import Group
from katakei.domain.plan import Plan, PlanKind
from katakei.domain.ports import ListedGroup
from katakei.domain.principals import Act
from katakei.planning.survey import AcceptedRisks
from katakei.render.errors import error_text
from katakei.render.plan import notices
from katakei.render.translation import Translator
from katakei.web.api.parameters import GroupName, Region
from katakei.web.console.group_views import TargetRow, target_rows
from katakei.web.console.page import Message, translator_of
from katakei.web.console.serving import gone_to, shown, times_of
from katakei.web.gate import ActRoute, Asked, Context, Let, doing
from katakei.web.server_context import ServerContext

routes = APIRouter(route_class=ActRoute, prefix="/groups/{region}/{name}", include_in_schema=False)

MOST = 200
"""Targets of one step."""
Server = Annotated[ServerContext, Context]
Who = Annotated[Asked, Let]
Targets = Annotated[list[str], Query(max_length=MOST)]


@dataclass(frozen=True, slots=True)
class FloorChange:
    """How many registrations of a group serve before and after a step, against the floor."""

    group: str
    before: int
    after: int
    floor: int
    total: int


@routes.get("/deregister", **doing(Act.PLAN))
async def review_deregister(  # noqa: PLR0913, PLR0917 - the fields of the form
    request: Request,
    context: Server,
    asked: Who,
    region: Region,
    name: GroupName,
    target: Targets = [],  # noqa: B006 - the framework copies it
    *,
    everywhere: bool = False,
    force: bool = False,
) -> Response:
    """What a deregistration would do, with the floor before and after. Refused like on the command line."""
    chosen = tuple(dict.fromkeys(filter(None, target)))
    status = await context.hub.status(region, name)
    values: dict[str, object] = {"region": region, "name": name, "targets": chosen, "force": force}
    values |= {"everywhere": everywhere, "planned": None, "floors": (), "refusal": (), "notices": ()}
    values["rows"] = _rows(request, context, status, chosen)
    if chosen:
        step = _step(PlanKind.DEREGISTER, asked, (region, name), chosen, force=force, everywhere=everywhere)
        values |= await run_in_threadpool(_reviewed, context, step, status.group, translator_of(request))
    may = context.subjects.allows(asked.principal, Act.DEREGISTER, context.subjects.of_group(region, name))
    return await shown(request, "deregister.html", {**values, "may": may})


@routes.post("/deregister", **doing(Act.DEREGISTER))
async def deregister(  # noqa: PLR0913, PLR0917 - the fields of the form
    request: Request,
    context: Server,
    asked: Who,
    region: Region,
    name: GroupName,
    target: Annotated[list[str], Form(max_length=MOST)],
    digest: Annotated[str, Form(max_length=100)] = "",
    *,
    everywhere: Annotated[bool, Form()] = False,
    force: Annotated[bool, Form()] = False,
) -> Response:
    """Takes the targets out of the group and waits until nothing reaches them."""
    chosen = tuple(dict.fromkeys(target))
    step = _step(PlanKind.DEREGISTER, asked, (region, name), chosen, force=force, everywhere=everywhere)
    return await _started(request, context, step, digest)


@routes.get("/register", **doing(Act.PLAN))
async def review_register(  # noqa: PLR0913, PLR0917 - the fields of the form
    request: Request,
    context: Server,
    asked: Who,
    region: Region,
    name: GroupName,
    pending: Targets = [],  # noqa: B006 - the framework copies it
    target: Targets = [],  # noqa: B006 - the framework copies it
    other: Annotated[str, Query(max_length=100)] = "",
    port: Annotated[str, Query(max_length=5, pattern=r"^[0-9]*$")] = "",
    remove: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Available targets, and those that are pending: included below, reviewed, and not registered yet."""
    status = await context.hub.status(region, name)
    added = [_with_port(each, port or str(status.group.port)) for each in (*target, other.strip()) if each]
    whole = [each for each in dict.fromkeys([*pending, *added]) if each != remove][:MOST]
    rows = await run_in_threadpool(target_rows, status, times_of(request), context.clock.now(), translator_of(request))
    values: dict[str, object] = {"region": region, "name": name, "group": status.group, "pending": whole}
    values |= {"available": [row for row in rows if row.state in {"absent", "draining"}]}
    values |= {"port": port or str(status.group.port), "planned": None, "refusal": (), "notices": (), "floors": ()}
    values["rows"] = {row.value: row for row in rows}
    if whole:
        step = _step(PlanKind.REGISTER, asked, (region, name), tuple(whole))
        values |= await run_in_threadpool(_reviewed, context, step, status.group, translator_of(request))
    may = context.subjects.allows(asked.principal, Act.REGISTER, context.subjects.of_group(region, name))
    return await shown(request, "register.html", {**values, "may": may, "included": bool(added)})


@routes.post("/register", **doing(Act.REGISTER))
async def register(  # noqa: PLR0913, PLR0917 - the fields of the form
    request: Request,
    context: Server,
    asked: Who,
    region: Region,
    name: GroupName,
    target: Annotated[list[str], Form(max_length=MOST)],
    digest: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Puts the pending targets back into the group and waits until they serve."""
    step = _step(PlanKind.REGISTER, asked, (region, name), tuple(dict.fromkeys(target)))
    return await _started(request, context, step, digest)


async def _started(request: Request, context: ServerContext, step: StepRequest, digest: str) -> Response:
    started = await run_in_threadpool(context.rollouts.start, step, digest or None)
    path = f"/groups/{step.region}/{step.group}"
    if isinstance(started, Plan):
        return await _nothing_to_do(request, path, started)
    asked: Asked = request.state.asked
    asked.rollout = started
    return gone_to(request, f"{path}?said={step.kind.value}")


async def _nothing_to_do(request: Request, path: str, plan: Plan) -> Response:
    tr = translator_of(request)
    message = Message("info", tr(". ").join(notices(plan, tr)))
    return await shown(request, "error.html", {"message": message, "status": 200, "back": path})


def _step(  # noqa: PLR0913 - the fields of the form
    kind: PlanKind,
    asked: Asked,
    group: tuple[str, str],
    targets: tuple[str, ...],
    *,
    force: bool = False,
    everywhere: bool = False,
) -> StepRequest:
    region, name = group
    asked.detail = f"{', '.join(targets)} of {name} in {region}"
    typed = tuple(each.rpartition(":")[0] or each for each in targets) if everywhere else targets
    accepted = AcceptedRisks(force=force)
    return StepRequest(kind, region, name, typed, asked.principal.name, accepted, all_groups=everywhere)


def _reviewed(context: ServerContext, step: StepRequest, group: ListedGroup, tr: Translator) -> Mapping[str, object]:
    """The plan of a step, or every reason against it."""
    try:
        planned: PlannedRollout = context.rollouts.plan(step)
    except (RefusedError, UsageError) as error:
        return {"refusal": _lines(error, tr)}
    return {
        "planned": planned,
        "notices": notices(planned.plan, tr),
        "floors": _floors(planned.plan, group) if step.kind is PlanKind.DEREGISTER else (),
    }


def _lines(error: KatakeiError, tr: Translator) -> Sequence[str]:
    return [line for line in error_text(error, tr).splitlines() if line.strip()]


def _floors(plan: Plan, listed: ListedGroup) -> Sequence[FloorChange]:
    return [_floor(plan, group, listed) for group in plan.groups]


def _floor(plan: Plan, group: Group, listed: ListedGroup) -> FloorChange:
    """Before: what serves now, where it was just read; else the base of the floor."""
    floor = plan.floors[group.arn]
    serving = {member.registration.door for member in listed.members if member.seen.serving}
    doors = {place.door for target in plan.targets for place in target.registrations if place.group == group.arn}
    if group.arn == listed.arn:
        return FloorChange(group.name, len(serving), len(serving - doors), floor.count, len(listed.members))
    return FloorChange(group.name, floor.base, floor.base - len(doors), floor.count, floor.base)


def _rows(request: Request, context: ServerContext, status: Status, chosen: Sequence[str]) -> Sequence[TargetRow]:
    rows = target_rows(status, times_of(request), context.clock.now(), translator_of(request))
    return [row for row in rows if row.value in chosen or row.id in chosen]


def _with_port(target: str, port: str) -> str:
    """A target as typed, with the port where it has none."""
    name, _, typed = target.rpartition(":")
    return target if name and typed.isdecimal() else f"{target}:{port}"
