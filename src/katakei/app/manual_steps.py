"""Manual steps: deregister or register named targets, with the guards, lease, journal and waiting of a rollout."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from katakei.app import queries
from katakei.app.preflight import Preflight, RolloutRequest
from katakei.app.releases import Knowledge, carried_releases
from katakei.domain.errors import UsageError
from katakei.domain.model import Target
from katakei.domain.plan import Plan, PlanKind
from katakei.domain.ports import Journal
from katakei.domain.reasons import Reason
from katakei.domain.replay import Rollout
from katakei.domain.results import result
from katakei.domain.spec import Command, Selection, Spec
from katakei.planning import planner
from katakei.planning.reasons import PlanCode, named, reason
from katakei.planning.survey import NO_ACCEPTED_RISKS, AcceptedRisks, LeftAlone, Survey
from katakei.planning.target_refs import resolve_target, split


def manual_step(  # noqa: PLR0913 - what the two commands take
    kind: PlanKind,
    group: str,
    targets: tuple[str, ...],
    accepted: AcceptedRisks = NO_ACCEPTED_RISKS,
    *,
    waits: bool = True,
    all_groups: bool = False,
) -> RolloutRequest:
    """The request for one manual step.

    Args:
        kind: DEREGISTER: out of the group, drained, and left out. REGISTER: back into the group.
        group: Name or ARN.
        targets: As the user wrote them: ids, addresses or names, each with `:port` or without.
        accepted: Risks that the user accepted.
        waits: False: the step ends as soon as the load balancer shows that it accepted the call.
        all_groups: DEREGISTER takes the targets out of every other group that sends requests to them too.

    Raises:
        UsageError: `all_groups` with a port, which belongs to one group.
    """
    if all_groups and any(split(target)[1] for target in targets):
        raise UsageError("--all-groups takes the whole machine out: give the target without a port")
    spec = Spec(group, (group,), Command("manual"), Selection(only=targets))
    return RolloutRequest(spec, accepted=accepted, kind=kind, waits=waits, all_groups=all_groups)


def plan_manual_step(journal: Journal, ready: Preflight) -> Plan:
    """The plan of a manual step.

    A target to register gets the port that the user gave, else all registrations it is recorded with, else the port of
    the group; the plan says which. A target to deregister that is out already is named and left out of the plan, which
    then may have no target.
    """
    if ready.asked.kind is PlanKind.DEREGISTER:
        return _plan_deregistration(journal, ready)
    (group,) = ready.survey.groups
    members, held = ready.survey.members[group.arn], queries.held_out(journal, group.arn)
    found = [
        resolve_target(group, members, lambda name: queries.recorded(journal, group.arn, name), held, typed)
        for typed in ready.asked.spec.targets.only
    ]
    targets = tuple(target for target, _ in found)
    notices = tuple(notice for _, told in found for notice in told)
    doubts = tuple(_doubts(journal, ready, targets))
    return planner.register(ready.asked, ready.survey, ready.accepted, targets, (*doubts, *notices))


def _plan_deregistration(journal: Journal, ready: Preflight) -> Plan:
    asked, whole = ready.asked, ready.asked.spec
    out = {typed: notice for typed in whole.targets.only if (notice := _already_out(journal, ready.survey, typed))}
    rest = tuple(typed for typed in whole.targets.only if typed not in out)
    if not rest:
        return planner.nothing_to_do(asked, ready.survey, tuple(out.values()))
    shorter = replace(asked, spec=replace(whole, targets=Selection(only=rest)))
    plan = planner.make(shorter, ready.survey, ready.accepted)
    return replace(plan, spec=replace(plan.spec, targets=whole.targets), notices=(*out.values(), *plan.notices))


def _already_out(journal: Journal, survey: Survey, typed: str) -> Reason | None:
    """The notice about a target that nothing new reaches and that no rollout would take; None for any other."""
    name, port = split(typed)
    listed = [
        member
        for members in survey.members.values()
        for member in members
        if name in {member.registration.id, member.machine, member.address, member.name}
        and port in {None, member.registration.port}
    ]
    held = next((each for each in survey.held if name in _names(each.target)), None)
    if any(not member.seen.out for member in listed) or (held and held.left_alone is not LeftAlone.BY_HAND):
        return None
    if held:
        return reason(PlanCode.ALREADY_OUT, target=named(held.target), rollout=held.rollout)
    if listed:
        return reason(PlanCode.ALREADY_OUT, target=(str(listed[0].machine), listed[0].name), rollout="")
    found = next(filter(None, (queries.recorded(journal, group.arn, name) for group in survey.groups)), None)
    return reason(PlanCode.ALREADY_OUT, target=named(found[1]), rollout="") if found else None


def _names(target: Target) -> set[str]:
    return {target.id, target.address, target.name, *(place.id for place in target.registrations)}


def _doubts(journal: Journal, ready: Preflight, targets: Sequence[Target]) -> Iterator[Reason]:
    """Targets to register whose last deploy failed or was not finished."""
    carried = carried_releases(journal, [group.arn for group in ready.survey.groups])
    running = {held.target.id for held in ready.survey.held if held.left_alone is LeftAlone.MAY_RUN}
    for target in targets:
        last = carried.get(target.id)
        if last and last.how is Knowledge.UNCONFIRMED:
            ended = result(queries.find(journal, last.rollout))
            how = (ended.value if ended else "not finished", last.release or "")
            runs = target.id in running
            yield reason(
                PlanCode.DEPLOY_UNCONFIRMED, target=named(target), rollout=last.rollout, ended=how, may_run=runs
            )


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
