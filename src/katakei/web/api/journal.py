"""The journal as a remote command reads it: events, headers, leases and groups in full, for `katakei --server`.

The command replays the events and prints the same words as on the machine of the journal.
"""

import json
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool

from katakei.domain.model import Arn, RolloutId
from katakei.domain.ports import ListedGroup
from katakei.domain.principals import Act
from katakei.web.api import answers
from katakei.web.api.parameters import RolloutName, Text
from katakei.web.errors import PlainJson
from katakei.web.gate import ActRoute, Asked, Context, Let, doing
from katakei.web.server_context import ServerContext

routes = APIRouter(route_class=ActRoute, prefix="/journal", tags=["journal"])

Server = Annotated[ServerContext, Context]
Who = Annotated[Asked, Let]


@routes.get("/rollouts", response_model=answers.Headers, **doing(Act.READ))
def headers(
    context: Server, asked: Who, service: Text = "", group: Text = "", *, unfinished: bool = False
) -> PlainJson:
    """The rollouts of a service, of a group, or all, newest first."""
    found = context.journal.find(service=service or None, group=Arn(group) if group else None, unfinished=unfinished)
    subjects = context.subjects
    seen = tuple(each for each in found if subjects.allows(asked.principal, Act.READ, subjects.of_header(each)))
    return PlainJson({"rollouts": context.wire.headers(seen)})


@routes.get("/rollouts/{rollout}", response_model=answers.Events, **doing(Act.READ))
def events(context: Server, rollout: RolloutName, after: Annotated[int, Query(ge=0, le=10**9)] = 0) -> PlainJson:
    """The events of a rollout after a number, in the form of the journal."""
    found = context.journal.read(RolloutId(rollout), after)
    return PlainJson({"events": [json.loads(context.wire.event(each)) for each in found]})


@routes.get("/leases", response_model=answers.Lease, **doing(Act.READ))
def lease(context: Server, group: Text) -> PlainJson:
    """Who has the lease of a group; null when nobody has."""
    return PlainJson({"lease": context.wire.lease(context.leases.holder(Arn(group)))})


@routes.get("/groups", response_model=answers.RecordedGroups, **doing(Act.READ))
async def groups(
    context: Server, asked: Who, names: Annotated[str, Query(max_length=4000, pattern=r"^[^\x00]*$")] = ""
) -> PlainJson:
    """The groups of these names or ARNs, separated by commas; all of them without a name."""
    wanted = frozenset(filter(None, names.split(",")))
    found = await _visible(context, asked)
    seen = tuple(each for each in found if not wanted or {each.name, each.arn} & wanted)
    return PlainJson({"groups": context.wire.groups(seen)})


@routes.get("/group-names", response_model=answers.GroupNames, **doing(Act.READ))
async def group_names(context: Server, asked: Who) -> PlainJson:
    """The names of the groups that the person may see."""
    return PlainJson({"names": sorted({each.name for each in await _visible(context, asked)})})


async def _visible(context: ServerContext, asked: Asked) -> tuple[ListedGroup, ...]:
    places = await context.hub.groups()
    subjects = context.subjects

    def visible() -> tuple[ListedGroup, ...]:
        found = [group for each in places if each.groups for group in each.groups.groups]
        return tuple(
            group
            for group in found
            if subjects.allows(asked.principal, Act.READ, subjects.of_group(group.region, group.name))
        )

    return await run_in_threadpool(visible)
