"""Rollouts: the history with its search, one rollout, its stream, and the output of its work."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import StreamingResponse

from katakei.app import queries
from katakei.app.history import HistoryQuery, search
from katakei.domain.model import RolloutId
from katakei.domain.principals import Act
from katakei.render.answers import driver_text
from katakei.render.events import summary_data
from katakei.render.rollout_list import list_data
from katakei.web.api import answers
from katakei.web.api.parameters import Limit, RolloutName, Search, Text
from katakei.web.errors import PlainJson
from katakei.web.gate import ActRoute, Asked, Context, Let, doing, watcher_of
from katakei.web.server_context import ServerContext
from katakei.web.streams import log_lines, rollout_frames, stream

routes = APIRouter(route_class=ActRoute, tags=["rollouts"])

MAX_NUMBER = 12
"""Digits of an event number that are read."""


@routes.get("/rollouts", response_model=answers.Listed, **doing(Act.READ))
def rollouts(  # noqa: PLR0913 - the fields of a search
    context: Annotated[ServerContext, Context],
    asked: Annotated[Asked, Let],
    *,
    text: Search = "",
    service: Text = "",
    before: Text = "",
    limit: Limit = 50,
    unfinished: bool = False,
) -> PlainJson:
    """The rollouts that match, newest first. The next page begins before the last rollout of this one."""
    subjects = context.subjects
    found = search(
        context.journal,
        context.leases,
        HistoryQuery(text, service, unfinished, before, limit),
        lambda header: subjects.allows(asked.principal, Act.READ, subjects.of_header(header)),
    )
    return PlainJson(list_data(found))


@routes.get("/rollouts/{rollout}", response_model=answers.Show, **doing(Act.READ))
def rollout(context: Annotated[ServerContext, Context], rollout: RolloutName) -> PlainJson:
    """One rollout: its targets, their phases, and what it waits for."""
    state = queries.find(context.journal, RolloutId(rollout))
    driver = driver_text(state, queries.driver_of(context.leases, state)) if state.finished is None else None
    return PlainJson(summary_data(state, driver))


@routes.get("/rollouts/{rollout}/events", **doing(Act.READ), response_class=StreamingResponse)
async def rollout_events(
    request: Request,
    rollout: RolloutName,
    last_event_id: Annotated[str, Header()] = "",
    after: Annotated[int, Query(ge=0, le=10**9)] = 0,
) -> StreamingResponse:
    """Server-sent events of a rollout until it is finished.

    `recorded` is an event in the form of the journal, with its number as the id; `waiting` says what the rollout waits
    for; `ended` is the last one. A client that lost the connection sends the last id as Last-Event-ID.
    """
    known = int(last_event_id) if last_event_id.isascii() and last_event_id[:MAX_NUMBER].isdigit() else after
    return stream(rollout_frames(watcher_of(request), rollout, known))


@routes.get("/rollouts/{rollout}/logs", **doing(Act.LOGS), response_class=StreamingResponse)
async def logs(
    request: Request,
    rollout: RolloutName,
    target: Annotated[list[str] | None, Query(max_length=100)] = None,
    *,
    follow: bool = False,
) -> StreamingResponse:
    """What the work printed, one line of JSON for each piece of work that has ended; follow: until the end."""
    lines = log_lines(watcher_of(request), rollout, frozenset(target or ()), follow=follow)
    return StreamingResponse(lines, media_type="application/x-ndjson")
