"""A switch of traffic from one target group to another, with the lease, journal, gates and waiting of a rollout."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

from katakei.app.preflight import Preflight, RolloutRequest
from katakei.app.releases import recent_rollouts
from katakei.domain.errors import RefusedError
from katakei.domain.model import Group, RolloutId
from katakei.domain.plan import Plan, PlanKind
from katakei.domain.replay import Rollout
from katakei.domain.spec import Approval, Command, Gate, Spec
from katakei.planning.reasons import PlanCode, reason
from katakei.planning.survey import NO_ACCEPTED_RISKS, AcceptedRisks
from katakei.planning.switching import SwitchRequest, make_switch
from katakei.runtime.drivers import Drivers, with_retries

NEWEST = 5
"""Rollouts of a group that are read back for a switch: those before them took longer than a settle."""


def switch_request(  # noqa: PLR0913 - what the command takes
    old: str,
    new: str,
    switch: SwitchRequest,
    accepted: AcceptedRisks = NO_ACCEPTED_RISKS,
    *,
    soak: timedelta,
    approve_at: tuple[int, ...] = (),
) -> RolloutRequest:
    """The request for a switch.

    Args:
        old: Name or ARN of the group that loses its requests.
        new: Name or ARN of the group that gets them.
        switch: What moves, and how.
        accepted: Risks that the user accepted.
        soak: How long each share is watched before the next one.
        approve_at: Shares at which a person has to approve the next one; 0 stands before the first.
    """
    gates = tuple(Gate(f"{share}%", share, Approval()) for share in sorted(set(approve_at)))
    spec = Spec(old, (old, new), Command("manual"), soak=soak, gates=gates)
    return RolloutRequest(spec, accepted=accepted, kind=PlanKind.SWITCH, switch=switch)


def plan_switch(drivers: Drivers, ready: Preflight, asked: SwitchRequest) -> Plan:
    """The plan of a switch. Reads the listeners and rules; changes nothing. Raises RefusedError, UsageError."""
    groups = ready.survey.groups
    routes = with_retries(drivers.clock, lambda: drivers.router.survey(groups[0], groups[-1]))
    return make_switch(ready.asked, ready.survey, routes, ready.accepted, asked)


def check_same_switch(state: Rollout, request: RolloutRequest) -> Rollout:
    """The unfinished switch, where the request carries it on.

    Raises:
        RefusedError: It is another one, or all its requests have moved already; the sentence names the choices.
    """
    asked, plan, status = request.switch, state.plan, state.traffic
    going_back = state.aborting or state.reverting or (status and status.back)
    pairs = zip(request.spec.groups, plan.groups, strict=False)
    if asked is None or plan.switch is None or status is None or not all(t in {g.name, g.arn} for t, g in pairs):
        raise RefusedError(how_to_end(state))
    steps = tuple(step for step in plan.switch.steps if step)
    same = steps == tuple(step for step in asked.steps if step) and plan.spec.soak == request.spec.soak
    if status.moved or not (going_back or same or request.as_recorded):
        raise RefusedError(how_to_end(state))
    return state


def after_weight_zero(drivers: Drivers, plan: Plan) -> Plan:
    """The plan, which takes no target out while requests may still come by a weight that a switch took away."""
    if plan.kind is PlanKind.REGISTER:
        return plan
    now = drivers.clock.now()
    ahead = [each for group in plan.groups if (each := _settled(drivers, group)) and each[2] > now]
    notices = tuple(
        reason(PlanCode.WEIGHT_TAKEN_AWAY, group=name, rollout=rollout, left=(until - now).total_seconds())
        for name, rollout, until in ahead
    )
    until = max((until for *_, until in ahead), default=None)
    return replace(plan, not_before=until, notices=(*plan.notices, *notices))


def _settled(drivers: Drivers, group: Group) -> tuple[str, RolloutId, datetime] | None:
    """The newest switch that took the weight of a group away, and until when requests may come; None without one."""
    for state in islice(recent_rollouts(drivers.journal, (group.arn,)), NEWEST):
        if state.plan.switch and state.traffic:
            zero = state.traffic.zero.get(group.arn)
            return (group.name, state.plan.rollout, zero + state.plan.switch.settle) if zero else None
    return None


def how_to_end(state: Rollout) -> str:
    """The sentence about a switch that is not finished, with the two commands that end it."""
    plan, name = state.plan, state.plan.rollout
    pair = " to ".join(group.name for group in plan.groups)
    return (
        f"switch {name} from {pair} is not finished: give up the way back with `katakei switch --finish {name}`, or"
        f" take it with `katakei switch --back {name}`"
    )
