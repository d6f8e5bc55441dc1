"""Target groups: the list, one group with the health of its targets, and its stream."""

from typing import Annotated

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from katakei.app.fleet_groups import PlaceGroups
from katakei.domain.principals import Act
from katakei.render.errors import error_text
from katakei.render.groups import groups_data, status_data
from katakei.render.json_data import Plain
from katakei.web.api import answers
from katakei.web.api.parameters import GroupName, Region
from katakei.web.errors import PlainJson
from katakei.web.gate import ActRoute, Asked, Context, Let, doing, watcher_of
from katakei.web.server_context import ServerContext
from katakei.web.streams import group_frames, stream

routes = APIRouter(route_class=ActRoute, tags=["groups"])


@routes.get("/groups", response_model=answers.Places, **doing(Act.READ))
async def groups(context: Annotated[ServerContext, Context], asked: Annotated[Asked, Let]) -> PlainJson:
    """The target groups of every account and region, with how many of their targets serve and what freezes them."""
    places = await context.hub.groups()
    return PlainJson(await run_in_threadpool(_visible, context, asked, places))


def _visible(context: ServerContext, asked: Asked, places: tuple[PlaceGroups, ...]) -> Plain:
    """The groups that the principal may see, place by place."""
    found: list[Plain] = []
    for each in places:
        if each.groups is None:
            trouble = error_text(each.trouble) if each.trouble else ""
            found.append({"groups": [], "region": each.place.region or "", "account": "", "trouble": trouble})
            continue
        region = each.groups.region
        seen = [
            group
            for group in each.groups.groups
            if context.subjects.allows(asked.principal, Act.READ, context.subjects.of_group(region, group.name))
        ]
        data = groups_data(seen, region, each.groups.account, each.groups.freezes)
        found.append({**data, "trouble": ""} if isinstance(data, dict) else data)
    return {"places": found}


@routes.get("/groups/{region}/{name}", response_model=answers.Status, **doing(Act.READ))
async def group(context: Annotated[ServerContext, Context], region: Region, name: GroupName) -> PlainJson:
    """One group: every registration as it is now, and which rollout holds out what is missing."""
    status = await context.hub.status(region, name)
    return PlainJson(status_data(status.group, list(status.held.items()), status.carried, status.freezes))


@routes.get("/groups/{region}/{name}/events", **doing(Act.READ), response_class=StreamingResponse)
async def group_events(request: Request, region: Region, name: GroupName) -> StreamingResponse:
    """Server-sent events: `group` is the group as above, sent whenever something has changed."""
    return stream(group_frames(watcher_of(request), region, name))
