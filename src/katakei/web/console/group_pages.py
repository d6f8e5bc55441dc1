"""The pages of target groups: the list of all groups, and one group with its targets."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from katakei.app.fleet_groups import PlaceGroups
from katakei.app.queries import Status
from katakei.domain.model import RolloutId
from katakei.domain.principals import Act
from katakei.web.api.parameters import GroupName, Region, Search, Text
from katakei.web.console.group_views import COUNTED, PlaceView, paged, place_view, target_rows
from katakei.web.console.page import translator_of
from katakei.web.console.rollout_pages import sentence_now
from katakei.web.console.serving import facts_of, shown, times_of
from katakei.web.gate import ActRoute, Asked, Context, Let, doing
from katakei.web.server_context import ServerContext

routes = APIRouter(route_class=ActRoute, include_in_schema=False)

Server = Annotated[ServerContext, Context]
Who = Annotated[Asked, Let]
Page = Annotated[int, Query(ge=1, le=100_000)]


@routes.get("/", **doing(Act.READ))
async def group_list(
    request: Request, context: Server, asked: Who, text: Search = "", *, now: bool = False
) -> Response:
    """The list of target groups. The page comes at once; its script asks for the groups.

    A browser without JavaScript asks for them with `now`.
    """
    values = await _list_values(request, context, asked, text) if now else {"places": None, "text": text}
    return await shown(request, "groups.html", values)


@routes.get("/parts/groups", **doing(Act.READ))
async def group_list_part(request: Request, context: Server, asked: Who, text: Search = "") -> Response:
    """The groups of every account and region, as a part of the page."""
    return await shown(request, "groups_part.html", await _list_values(request, context, asked, text))


async def _list_values(request: Request, context: ServerContext, asked: Asked, text: str) -> Mapping[str, object]:
    places = await context.hub.groups()
    views = await run_in_threadpool(_views, request, context, asked, (places, text))
    return {"places": views, "totals": _totals(views), "text": text}


def _views(
    request: Request, context: ServerContext, asked: Asked, found: tuple[Sequence[PlaceGroups], str]
) -> list[PlaceView]:
    places, text = found
    views, wanted = [], text.strip().casefold()
    for place in places:
        groups = [
            group
            for group in (place.groups.groups if place.groups else ())
            if context.subjects.allows(asked.principal, Act.READ, context.subjects.of_group(group.region, group.name))
            and wanted in group.name.casefold()
        ]
        views.append(place_view(place, groups, facts_of(request).of_all(groups), translator_of(request)))
    return views


def _totals(views: Sequence[PlaceView]) -> Mapping[str, int]:
    totals: Counter[str] = Counter()
    for view in views:
        for row in view.rows:
            totals.update(row.counts)
    return {state: totals[state] for state in COUNTED}


@routes.get("/groups/{region}/{name}", **doing(Act.READ))
async def group_page(  # noqa: PLR0913, PLR0917 - what a reader may choose
    request: Request,
    context: Server,
    asked: Who,
    region: Region,
    name: GroupName,
    text: Search = "",
    state: Text = "",
    page: Page = 1,
    said: Search = "",
) -> Response:
    """One group."""
    values = await _group_values(request, context, asked, (region, name), (text, state, page))
    return await shown(request, "group.html", {**values, "said": said})


@routes.get("/groups/{region}/{name}/part", **doing(Act.READ))
async def group_part(  # noqa: PLR0913, PLR0917 - what a reader may choose
    request: Request,
    context: Server,
    asked: Who,
    region: Region,
    name: GroupName,
    text: Search = "",
    state: Text = "",
    page: Page = 1,
) -> Response:
    """The part of the page that changes."""
    values = await _group_values(request, context, asked, (region, name), (text, state, page))
    return await shown(request, "group_part.html", values)


async def _group_values(
    request: Request, context: ServerContext, asked: Asked, group: tuple[str, str], chosen: tuple[str, str, int]
) -> Mapping[str, object]:
    region, name = group
    status = await context.hub.status(region, name)
    values = await run_in_threadpool(_status_values, request, context, asked, (status, chosen))
    running = values["running"]
    sentence = await sentence_now(context, RolloutId(str(running)), translator_of(request)) if running else ""
    return {**values, "region": region, "name": name, "sentence": sentence}


def _status_values(
    request: Request, context: ServerContext, asked: Asked, read: tuple[Status, tuple[str, str, int]]
) -> dict[str, object]:
    status, (text, state, page) = read
    facts = facts_of(request).of(status.group)
    rows = target_rows(status, times_of(request), context.clock.now(), translator_of(request))
    subject = context.subjects.of_group(status.group.region, status.group.name)

    def may(act: Act) -> bool:
        return context.subjects.allows(asked.principal, act, subject)

    return {
        "group": status.group,
        "facts": facts,
        "running": facts.running.rollout if facts.running else "",
        "serving": sum(member.seen.serving for member in status.group.members),
        "counts": Counter(row.state for row in rows),
        "counted": (*COUNTED, "absent"),
        "shown": paged(rows, text, state, page),
        "text": text,
        "state": state,
        "may_deregister": may(Act.DEREGISTER),
        "may_register": may(Act.REGISTER),
        "may_freeze": may(Act.FREEZE),
        "may_unfreeze": may(Act.UNFREEZE),
    }
