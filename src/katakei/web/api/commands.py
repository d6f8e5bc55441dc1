"""The commands of a person to a rollout. The verbs are those of the command line."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter

from katakei.app import queries
from katakei.app.service_rollouts import Told
from katakei.domain.model import RolloutId
from katakei.domain.principals import Act
from katakei.render.answers import accepted
from katakei.web.api import answers
from katakei.web.api.models import Nothing, RetryBody, SkipBody, TargetsBody
from katakei.web.api.parameters import GateName, RolloutName
from katakei.web.errors import PlainJson
from katakei.web.gate import ActRoute, Asked, Context, Let, doing
from katakei.web.server_context import ServerContext

routes = APIRouter(route_class=ActRoute, tags=["commands"])

Server = Annotated[ServerContext, Context]
Who = Annotated[Asked, Let]


@routes.post("/rollouts/{rollout}/pause", response_model=answers.Accepted, **doing(Act.PAUSE))
def pause(context: Server, asked: Who, rollout: RolloutName, body: Nothing) -> PlainJson:
    """Finishes the targets in progress and begins no other."""
    del body
    return _answer(context, "pause", context.rollouts.pause(RolloutId(rollout), asked.principal.name))


@routes.post("/rollouts/{rollout}/resume", response_model=answers.Accepted, **doing(Act.RESUME))
def resume(context: Server, asked: Who, rollout: RolloutName, body: Nothing) -> PlainJson:
    """Goes on after a pause."""
    del body
    return _answer(context, "resume", context.rollouts.resume(RolloutId(rollout), asked.principal.name))


@routes.post("/rollouts/{rollout}/abort", response_model=answers.Accepted, **doing(Act.ABORT))
def abort(context: Server, asked: Who, rollout: RolloutName, body: Nothing) -> PlainJson:
    """Brings every target in progress back into service and begins no other."""
    del body
    return _answer(context, "abort", context.rollouts.abort(RolloutId(rollout), asked.principal.name))


@routes.post("/rollouts/{rollout}/retry", response_model=answers.Accepted, **doing(Act.RETRY))
def retry(context: Server, asked: Who, rollout: RolloutName, body: RetryBody) -> PlainJson:
    """One more attempt on these targets; none named: on all that failed."""
    asked.detail = _named(body.targets)
    told = context.rollouts.retry(RolloutId(rollout), body.targets, asked.principal.name, again=body.again)
    return _answer(context, "retry", told)


@routes.post("/rollouts/{rollout}/revert", response_model=answers.Accepted, **doing(Act.REVERT))
def revert(context: Server, asked: Who, rollout: RolloutName, body: Nothing) -> PlainJson:
    """Runs the revert command on every target that the rollout worked on."""
    del body
    return _answer(context, "revert", context.rollouts.revert(RolloutId(rollout), asked.principal.name))


@routes.post("/rollouts/{rollout}/work-done", response_model=answers.Accepted, **doing(Act.CONFIRM_WORK))
def work_done(context: Server, asked: Who, rollout: RolloutName, body: TargetsBody) -> PlainJson:
    """Says that the manual work on these targets is done; none named: on all that wait for it."""
    asked.detail = _named(body.targets)
    told = context.rollouts.approve(RolloutId(rollout), body.targets, asked.principal.name)
    return _answer(context, "approve", told)


@routes.post("/rollouts/{rollout}/promote", response_model=answers.Accepted, **doing(Act.PROMOTE))
def promote(context: Server, asked: Who, rollout: RolloutName, body: Nothing) -> PlainJson:
    """Ends the soak of the targets that soak now; each of them still needs two observations of healthy."""
    del body
    return _answer(context, "promote", context.rollouts.promote(RolloutId(rollout), asked.principal.name))


@routes.post("/rollouts/{rollout}/gates/{gate}/approve", response_model=answers.Accepted, **doing(Act.APPROVE))
def approve_gate(context: Server, asked: Who, rollout: RolloutName, gate: GateName, body: Nothing) -> PlainJson:
    """Approves an approval gate that waits."""
    del body
    asked.detail = f"gate {gate}"
    told = context.rollouts.answer_gate(RolloutId(rollout), gate, asked.principal.name, approved=True)
    return _answer(context, "approve_gate", told)


@routes.post("/rollouts/{rollout}/gates/{gate}/deny", response_model=answers.Accepted, **doing(Act.APPROVE))
def deny_gate(context: Server, asked: Who, rollout: RolloutName, gate: GateName, body: Nothing) -> PlainJson:
    """Denies an approval gate that waits: the rollout ends as after an abort."""
    del body
    asked.detail = f"gate {gate} denied"
    told = context.rollouts.answer_gate(RolloutId(rollout), gate, asked.principal.name, approved=False)
    return _answer(context, "deny", told)


@routes.post("/rollouts/{rollout}/gates/{gate}/skip", response_model=answers.Accepted, **doing(Act.SKIP_GATE))
def skip_gate(context: Server, asked: Who, rollout: RolloutName, gate: GateName, body: SkipBody) -> PlainJson:
    """Lets the rollout pass a gate that holds it. The reason is recorded."""
    asked.detail = f"gate {gate}: {body.reason}"
    told = context.rollouts.skip_gate(RolloutId(rollout), gate, body.reason, asked.principal.name)
    return _answer(context, "skip_gate", told)


def _named(targets: Sequence[str]) -> str:
    return ", ".join(targets)


def _answer(context: ServerContext, command: str, told: Told) -> PlainJson:
    """What was recorded, and who carries it out, in the words of the command line."""
    state = queries.find(context.journal, told.rollout)
    sentence = accepted(command, state, told.owner, told.targets)
    return PlainJson({"rollout": told.rollout, "accepted": sentence, "targets": list(told.targets)})
