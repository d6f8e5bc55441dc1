"""Manual steps: deregister or register named targets, with the guards, lease, journal and waiting of a rollout."""

from katakei.app import queries
from katakei.app.preflight import Preflight, RolloutRequest
from katakei.domain.plan import Plan, PlanKind
from katakei.domain.ports import Journal
from katakei.domain.replay import Rollout
from katakei.domain.spec import Command, Selection, Spec
from katakei.planning import planner
from katakei.planning.survey import NO_ACCEPTED_RISKS, AcceptedRisks
from katakei.planning.target_refs import resolve_target


def manual_step(
    kind: PlanKind,
    group: str,
    targets: tuple[str, ...],
    accepted: AcceptedRisks = NO_ACCEPTED_RISKS,
    *,
    waits: bool = True,
) -> RolloutRequest:
    """The request for one manual step.

    Args:
        kind: DEREGISTER: out of the group, drained, and left out. REGISTER: back into the group.
        group: Name or ARN.
        targets: As the user wrote them: ids, addresses or names, each with `:port` or without.
        accepted: Risks that the user accepted.
        waits: False: the step ends as soon as the load balancer shows that it accepted the call.
    """
    spec = Spec(group, (group,), Command("manual"), Selection(only=targets))
    return RolloutRequest(spec, accepted=accepted, kind=kind, waits=waits)


def plan_manual_step(journal: Journal, ready: Preflight) -> Plan:
    """The plan of a manual step.

    A target to register gets the port that the user gave, else all registrations it is recorded with, else the port of
    the group; the plan says which.
    """
    if ready.asked.kind is PlanKind.DEREGISTER:
        return planner.make(ready.asked, ready.survey, ready.accepted)
    (group,) = ready.survey.groups
    members, held = ready.survey.members[group.arn], queries.held_out(journal, group.arn)
    found = [
        resolve_target(group, members, lambda name: queries.recorded(journal, group.arn, name), held, typed)
        for typed in ready.asked.spec.targets.only
    ]
    targets = tuple(target for target, _ in found)
    notices = tuple(notice for _, told in found for notice in told)
    return planner.register(ready.asked, ready.survey, ready.accepted, targets, notices)


def is_same_step(state: Rollout, request: RolloutRequest) -> bool:
    """Whether an unfinished rollout is the manual step that is asked for now: the same kind, the same targets."""
    return state.plan.kind is request.kind and state.plan.spec.targets.only == request.spec.targets.only


def how_to_carry_on(state: Rollout) -> str:
    """The sentence about an unfinished rollout, with the command that carries it on."""
    plan = state.plan
    if plan.kind is PlanKind.ROLL:
        command = "`katakei roll` as you began it"
    else:
        command = f"`katakei {plan.kind.value} {plan.spec.service} {' '.join(plan.spec.targets.only)}`"
    return f"rollout {plan.rollout} of {plan.spec.service} is not finished: carry it on with {command}"
