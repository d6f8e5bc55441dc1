"""The pages of a rollout: the sentence, the chart, the log, and the buttons with the verbs of the command line."""

from collections.abc import Mapping, Sequence
from typing import Annotated, cast

from fastapi import APIRouter, Form, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from katakei.app import queries
from katakei.app.service_rollouts import Told
from katakei.domain.events import Event
from katakei.domain.model import RolloutId
from katakei.domain.principals import Act
from katakei.domain.replay import Rollout, replay
from katakei.render import events as event_text
from katakei.render.answers import accepted, driver_text
from katakei.render.reasons import sentence
from katakei.render.translation import Translator
from katakei.web.api.parameters import GateName, RolloutName, Search, Text
from katakei.web.console.page import Message, translator_of
from katakei.web.console.rollout_views import BAR_CLASSES, CONFIRMED, Choice, RolloutView, rollout_view
from katakei.web.console.serving import answered, shown
from katakei.web.gate import ActRoute, Asked, Context, Let, doing
from katakei.web.server_context import ServerContext

routes = APIRouter(route_class=ActRoute, include_in_schema=False)

Server = Annotated[ServerContext, Context]
Who = Annotated[Asked, Let]
Page = Annotated[int, Query(ge=1, le=100_000)]
Names = Annotated[list[str], Form(max_length=500)]
NO_NAMES: list[str] = []


async def sentence_now(context: ServerContext, rollout: RolloutId, tr: Translator) -> str:
    """What a rollout waits for: as its last turn said, else as far as the journal tells."""
    async with context.hub.rollout(rollout) as feed:
        if feed.why is not None:
            return sentence(feed.why, tr)
    state = await run_in_threadpool(queries.find, context.journal, rollout)
    return event_text.awaited(state, tr)


@routes.get("/rollouts/{rollout}", **doing(Act.READ))
async def rollout_page(  # noqa: PLR0913, PLR0917 - what a reader may choose
    request: Request,
    context: Server,
    asked: Who,
    rollout: RolloutName,
    show: Text = "all",
    page: Page = 1,
    target: Text = "",
    said: Search = "",
    kind: Text = "good",
    confirm: Text = "",
) -> Response:
    """One rollout. A browser without JavaScript confirms a command here, because it opens no dialog."""
    values = await _values(context, asked, rollout, Choice(show, page, target, translator_of(request)))
    message = Message(kind if kind in {"good", "info", "warn", "bad"} else "info", said) if said else None
    buttons = cast("RolloutView", values["view"]).buttons
    confirmed = confirm if confirm in CONFIRMED and confirm in buttons else ""
    return await shown(request, "rollout.html", {**values, "message": message, "confirm": confirmed})


@routes.get("/rollouts/{rollout}/part", **doing(Act.READ))
async def rollout_part(  # noqa: PLR0913, PLR0917 - what a reader may choose
    request: Request,
    context: Server,
    asked: Who,
    rollout: RolloutName,
    show: Text = "all",
    page: Page = 1,
    target: Text = "",
) -> Response:
    """The part of the page that changes."""
    choice = Choice(show, page, target, translator_of(request))
    return await shown(request, "rollout_part.html", await _values(context, asked, rollout, choice))


async def _values(context: ServerContext, asked: Asked, name: str, choice: Choice) -> Mapping[str, object]:
    rollout = RolloutId(name)
    events = await run_in_threadpool(context.journal.read, rollout, 0)
    values = await run_in_threadpool(_view_values, context, asked, events, choice)
    state = values["state"]
    unfinished = isinstance(state, Rollout) and state.finished is None
    waiting = await sentence_now(context, rollout, choice.tr) if unfinished else ""
    return {**values, "sentence": waiting, "name": name, "kinds": BAR_CLASSES, "confirmed": CONFIRMED}


def _view_values(context: ServerContext, asked: Asked, events: Sequence[Event], choice: Choice) -> dict[str, object]:
    state = replay(events)

    def may(act: Act) -> bool:
        return context.subjects.allows(asked.principal, act, asked.subject)

    view = rollout_view(state, events, context.clock.now(), choice, may)
    tr = choice.tr
    driver = driver_text(state, queries.driver_of(context.leases, state), tr) if state.finished is None else ""
    summary = event_text.summary(state, tr) if state.finished else ""
    restore = context.fleet.drivers_of(state.plan).lister.restore_lines if state.finished is None else None
    lines = restore([p for t in state.plan.targets for p in t.registrations][:50]) if restore else ()
    gates = [(gate, state.gates[gate]) for gate in state.waiting_gates]
    rights = {"may_answer": may(Act.APPROVE), "may_skip": may(Act.SKIP_GATE), "gates": gates}
    return {**rights, "state": state, "view": view, "driver": driver, "summary": summary, "restore": lines}


async def _told(request: Request, context: ServerContext, command: str, told: Told) -> Response:
    state = await run_in_threadpool(queries.find, context.journal, told.rollout)
    text = accepted(command, state, told.owner, told.targets, translator_of(request))
    return await answered(request, f"/rollouts/{told.rollout}", Message("good", text[:1].upper() + text[1:]))


@routes.post("/rollouts/{rollout}/pause", **doing(Act.PAUSE))
async def pause(request: Request, context: Server, asked: Who, rollout: RolloutName) -> Response:
    """Finishes the targets in progress and begins no other."""
    told = await run_in_threadpool(context.rollouts.pause, RolloutId(rollout), asked.principal.name)
    return await _told(request, context, "pause", told)


@routes.post("/rollouts/{rollout}/resume", **doing(Act.RESUME))
async def resume(request: Request, context: Server, asked: Who, rollout: RolloutName) -> Response:
    """Goes on after a pause."""
    told = await run_in_threadpool(context.rollouts.resume, RolloutId(rollout), asked.principal.name)
    return await _told(request, context, "resume", told)


@routes.post("/rollouts/{rollout}/abort", **doing(Act.ABORT))
async def abort(request: Request, context: Server, asked: Who, rollout: RolloutName) -> Response:
    """Brings every target in progress back into service and begins no other."""
    told = await run_in_threadpool(context.rollouts.abort, RolloutId(rollout), asked.principal.name)
    return await _told(request, context, "abort", told)


@routes.post("/rollouts/{rollout}/retry", **doing(Act.RETRY))
async def retry(
    request: Request, context: Server, asked: Who, rollout: RolloutName, target: Names = NO_NAMES
) -> Response:
    """One more attempt on these targets; none named: on all that failed."""
    asked.detail = ", ".join(target)
    told = await run_in_threadpool(context.rollouts.retry, RolloutId(rollout), target, asked.principal.name)
    return await _told(request, context, "retry", told)


@routes.post("/rollouts/{rollout}/revert", **doing(Act.REVERT))
async def revert(request: Request, context: Server, asked: Who, rollout: RolloutName) -> Response:
    """Runs the revert command on every target that the rollout worked on."""
    told = await run_in_threadpool(context.rollouts.revert, RolloutId(rollout), asked.principal.name)
    return await _told(request, context, "revert", told)


@routes.post("/rollouts/{rollout}/approve", **doing(Act.CONFIRM_WORK))
async def approve(
    request: Request, context: Server, asked: Who, rollout: RolloutName, target: Names = NO_NAMES
) -> Response:
    """Says that the manual work on these targets is done; none named: on all that wait for it."""
    asked.detail = ", ".join(target)
    told = await run_in_threadpool(context.rollouts.approve, RolloutId(rollout), target, asked.principal.name)
    return await _told(request, context, "approve", told)


@routes.post("/rollouts/{rollout}/promote", **doing(Act.PROMOTE))
async def promote(request: Request, context: Server, asked: Who, rollout: RolloutName) -> Response:
    """Ends the soak of the targets that soak now."""
    told = await run_in_threadpool(context.rollouts.promote, RolloutId(rollout), asked.principal.name)
    return await _told(request, context, "promote", told)


@routes.post("/rollouts/{rollout}/gates/{gate}/approve", **doing(Act.APPROVE))
async def approve_gate(request: Request, context: Server, asked: Who, rollout: RolloutName, gate: GateName) -> Response:
    """Approves an approval gate that waits."""
    return await _answered_gate(request, context, asked, (rollout, gate), approved=True)


@routes.post("/rollouts/{rollout}/gates/{gate}/deny", **doing(Act.APPROVE))
async def deny_gate(request: Request, context: Server, asked: Who, rollout: RolloutName, gate: GateName) -> Response:
    """Denies an approval gate that waits: the rollout ends as after an abort."""
    return await _answered_gate(request, context, asked, (rollout, gate), approved=False)


async def _answered_gate(
    request: Request, context: ServerContext, asked: Asked, named: tuple[str, str], *, approved: bool
) -> Response:
    rollout, gate = named
    asked.detail = f"gate {gate}{'' if approved else ' denied'}"

    def answer() -> Told:
        return context.rollouts.answer_gate(RolloutId(rollout), gate, asked.principal.name, approved=approved)

    told = await run_in_threadpool(answer)
    return await _told(request, context, "approve_gate" if approved else "deny", told)


@routes.post("/rollouts/{rollout}/gates/{gate}/skip", **doing(Act.SKIP_GATE))
async def skip_gate(  # noqa: PLR0913, PLR0917 - path and form
    request: Request,
    context: Server,
    asked: Who,
    rollout: RolloutName,
    gate: GateName,
    reason: Annotated[str, Form(min_length=1, max_length=300)],
) -> Response:
    """Lets the rollout pass a gate that holds it. The reason is recorded."""
    asked.detail = f"gate {gate}: {reason}"
    told = await run_in_threadpool(context.rollouts.skip_gate, RolloutId(rollout), gate, reason, asked.principal.name)
    return await _told(request, context, "skip_gate", told)
