"""The planner: from a request and a survey to a plan, which says which targets, in which order, how many at once.

A plan that must not be carried out is refused with every reason at once. Planning changes nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from katakei.domain.errors import RefusedError, UnreachableError, UsageError
from katakei.domain.model import RolloutId, Target, TargetId
from katakei.domain.observation import HealthState
from katakei.domain.phases import Phase
from katakei.domain.plan import Plan, PlanKind, with_places
from katakei.domain.reasons import Reason
from katakei.domain.spec import DrainUntil, Selection, Spec
from katakei.planning import membership
from katakei.planning.checks import SAFE_SETTLE, other_groups, reasons_against, settle_is_short, unreachable
from katakei.planning.held import notices as held_notices
from katakei.planning.held import refuse_left_alone, taken, with_held
from katakei.planning.instances import lost_by_stopping, stopping
from katakei.planning.reasons import PlanCode, named, reason
from katakei.planning.survey import NO_ACCEPTED_RISKS, AcceptedRisks, PlanRequest, Survey, machines, states, tags


def make(request: PlanRequest, survey: Survey, accepted: AcceptedRisks) -> Plan:
    """Makes the plan of a rollout or of a manual deregistration.

    Raises:
        UsageError: A group is empty, no target is chosen, or a named target is not registered.
        RefusedError: The plan would be unsafe; the error carries every reason.
        UnreachableError: A target of the plan cannot be worked on now.
    """
    everyone = with_held(survey, request.kind)
    for group in survey.groups:
        if not any(place.group == group.arn for target in everyone for place in target.registrations):
            raise UsageError(reasons=(reason(PlanCode.GROUP_EMPTY, group=group.name),))
    chosen = selected(request.kind, request.spec, survey)
    wanted = tuple(target for target in chosen if not _is_current(request, survey, target))
    takes = membership.ordered(request, survey, membership.without_unhealthy(request, survey, wanted))
    plan = _draw(request, survey, accepted, machines(survey), takes)
    plan = replace(plan, notices=(*plan.notices, *membership.notices(request, plan, survey, wanted)))
    if current := tuple(named(target) for target in chosen if _is_current(request, survey, target)):
        left_alone = reason(PlanCode.CURRENT_LEFT_ALONE, targets=current, release=request.release)
        plan = replace(plan, notices=(*plan.notices, left_alone))
    return plan if current and not wanted else _checked(plan, survey, accepted)


def _is_current(request: PlanRequest, survey: Survey, target: Target) -> bool:
    """Whether the plan leaves it alone because it carries the release already."""
    past = survey.past.get(target.id) if request.only_outdated else None
    return past is not None and past.carries(request.release)


def selected(kind: PlanKind, spec: Spec, survey: Survey) -> tuple[Target, ...]:
    """The targets that a plan of this kind would work on, in the order listed. A rollout leaves draining ones alone.

    Raises:
        UsageError: A named target is not registered.
        RefusedError: A named target is out of service, and is never taken.
    """
    chosen = _chosen(kind, spec.targets, survey, with_held(survey, kind))
    if kind is not PlanKind.ROLL:
        return chosen
    held = {each.target for each in taken(survey, kind, chosen)}
    return tuple(t for t in chosen if t.id in held or HealthState.DRAINING not in states(survey, t.id))


def nothing_to_do(request: PlanRequest, survey: Survey, notices: tuple[Reason, ...]) -> Plan:
    """The plan of a manual step whose targets are all as they should be; the notices say so."""
    return replace(_draw(request, survey, NO_ACCEPTED_RISKS, machines(survey), ()), notices=notices)


def register(
    request: PlanRequest,
    survey: Survey,
    accepted: AcceptedRisks,
    targets: tuple[Target, ...],
    notices: tuple[Reason, ...],
) -> Plan:
    """Makes the plan of a manual registration, whose targets begin out of service.

    Args:
        request: What the person asked for.
        survey: What was read before planning.
        accepted: The risks that the person accepted.
        targets: The targets with the registrations that they are to have.
        notices: What the person must know about these registrations; the plan begins with them.

    Raises:
        RefusedError: As `make`.
    """
    plan = _draw(request, survey, accepted, machines(survey), _joined(targets))
    return _checked(replace(plan, begin=Phase.OUT, notices=(*notices, *plan.notices)), survey, accepted)


def _draw(
    request: PlanRequest,
    survey: Survey,
    accepted: AcceptedRisks,
    everyone: tuple[Target, ...],
    chosen: tuple[Target, ...],
) -> Plan:
    floors = {group.arn: membership.floor_of(request, survey, group, force=accepted.force) for group in survey.groups}
    smallest = min(floor.base for floor in floors.values())
    manual_step = request.kind is not PlanKind.ROLL
    taking_part = {target.id for target in chosen}
    plan = Plan(
        rollout=request.rollout,
        kind=request.kind,
        spec=_with_slow_start(request, survey),
        release=request.release,
        account=request.account,
        region=request.region,
        groups=survey.groups,
        targets=chosen,
        bystanders=tuple(target for target in everyone if target.id not in taking_part),
        window=len(chosen) if manual_step else max(1, request.spec.window.max_unavailable.down(smallest)),
        floors=floors,
        who=request.who,
        versions=request.versions,
        waits=request.waits,
        held=taken(survey, request.kind, chosen),
        limit=request.limit,
        waves=() if manual_step else request.spec.window.wave_ends(len(chosen)),
    )
    return replace(_without_check(plan, survey), notices=tuple(_notices(plan, survey, accepted)))


def _with_slow_start(request: PlanRequest, survey: Survey) -> Spec:
    """The request with a soak as long as the longest slow start: a target carries its full share only after it."""
    longest = max((group.slow_start for group in survey.groups), default=request.spec.soak)
    return replace(request.spec, soak=max(request.spec.soak, longest))


def _chosen(kind: PlanKind, wanted: Selection, survey: Survey, everyone: tuple[Target, ...]) -> tuple[Target, ...]:
    if wanted.tags:
        return tuple(t for t in everyone if set(wanted.tags) <= set(tags(survey, t.id).items()))
    if not wanted.only:
        return everyone
    found = {written: _named(written, everyone) for written in wanted.only}
    unknown = tuple(written for written, targets in found.items() if not targets)
    for written in unknown if kind is PlanKind.ROLL else ():
        refuse_left_alone(survey, written)
    if unknown:
        registered = tuple(named(target) for target in everyone)
        groups = _names(survey)
        raise UsageError(
            reasons=(reason(PlanCode.TARGETS_NOT_REGISTERED, targets=unknown, groups=groups, registered=registered),)
        )
    chosen = _joined(target for targets in found.values() for target in targets)
    if kind is PlanKind.ROLL:  # a rollout works on the whole machine, whichever port was written
        whole = {target.id: target for target in everyone}
        return tuple(whole[target.id] for target in chosen)
    return chosen


def _joined(targets: Iterable[Target]) -> tuple[Target, ...]:
    """Each machine once, with every registration that was named."""
    found: dict[TargetId, Target] = {}
    for target in targets:
        found[target.id] = with_places(found.get(target.id, target), target)
    return tuple(found.values())


def _named(written: str, everyone: tuple[Target, ...]) -> list[Target]:
    """The targets of this id, name or address, or of one of these with a port (then only that registration).

    The whole text is tried first, because an IPv6 address contains colons.
    """
    ids = [t for t in everyone if written in {t.id, t.address, *(place.id for place in t.registrations)}]
    targets = ids or [target for target in everyone if target.name == written]
    bare, colon, port = written.rpartition(":")
    if not targets and colon and port.isdecimal():
        targets = [_at(int(port), target, bare) for target in _named(bare, everyone)]
    return targets


def _at(port: int, target: Target, written: str) -> Target:
    here = tuple(registration for registration in target.registrations if registration.port == port)
    if not here:
        ports = tuple(sorted({registration.port for registration in target.registrations}))
        raise UsageError(reasons=(reason(PlanCode.PORT_NOT_REGISTERED, target=written, ports=ports, port=port),))
    return replace(target, registrations=here)


def _checked(plan: Plan, survey: Survey, accepted: AcceptedRisks) -> Plan:
    if reasons := reasons_against(plan, survey, accepted):
        raise RefusedError(reasons=reasons)
    if plan.kind is PlanKind.ROLL and not plan.targets:
        skipped = (notice for notice in plan.notices if notice.code == PlanCode.UNHEALTHY_SKIPPED)
        raise UsageError(reasons=(reason(PlanCode.NO_TARGET_CHOSEN, groups=_names(survey)), *skipped))
    chosen, held = {target.id for target in plan.targets}, {each.target: each.rollout for each in plan.held}
    for target, text in survey.unready.items():
        if target in held:
            raise UnreachableError(reasons=(_not_ready(plan, target, held[target], text),))
        if target in chosen:
            raise UnreachableError(reasons=(reason(PlanCode.TARGET_NOT_READY, target=str(target), text=text),))
    return plan


def _not_ready(plan: Plan, target: TargetId, rollout: RolloutId, text: str) -> Reason:
    """A target out of service that cannot be worked on: its machine may be gone for good."""
    which = next(named(each) for each in plan.targets if each.id == target)
    return reason(PlanCode.HELD_NOT_READY, target=which, rollout=rollout, text=text, group=plan.groups[0].name)


def _without_check(plan: Plan, survey: Survey) -> Plan:
    """Drops the default check where it cannot be sent from here: the load balancer's health check is left. A notice
    of the plan says so.
    """
    check = plan.spec.check
    if check.http is None and check.asked and not stopping(plan.spec) and unreachable(plan, survey):
        return replace(plan, spec=replace(plan.spec, check=replace(check, asked=False)))
    return plan


def _notices(plan: Plan, survey: Survey, accepted: AcceptedRisks) -> Iterator[Reason]:
    """What the person must know about the plan. `plan` still has the check that `_without_check` may drop."""
    for group in plan.groups:
        if not group.load_balancers:
            yield reason(PlanCode.UNUSED_GROUP, group=group.name)
    if accepted.force and settle_is_short(plan, survey):
        settle = plan.spec.drain.settle.total_seconds()
        yield reason(PlanCode.SHORT_SETTLE_ACCEPTED, settle=settle, safe=SAFE_SETTLE.total_seconds())
    default_check = plan.spec.check.http is None and plan.spec.check.asked and not stopping(plan.spec)
    if default_check and (found := unreachable(plan, survey)):
        target, text = found
        yield reason(PlanCode.CHECK_SKIPPED, target=target, text=text)
    yield from lost_by_stopping(plan, survey)
    yield from _fallbacks(plan)
    for group in plan.groups:
        if plan.kind is not PlanKind.REGISTER and not plan.floors[group.arn].count:
            yield reason(PlanCode.OUTAGE_ACCEPTED, group=group.name)
    yield from _gates_not_asked(plan)
    if plan.limit is not None and plan.limit < len(plan.targets):
        yield reason(PlanCode.LIMITED, limit=plan.limit, targets=len(plan.targets))
    yield from held_notices(plan, survey)
    said = {held.target.id for held in survey.held}
    out = [str(m.machine) for here in survey.members.values() for m in here if m.seen.out and m.machine not in said]
    if out and plan.kind is PlanKind.ROLL:
        yield reason(PlanCode.DRAINING_LEFT_ALONE, targets=tuple(dict.fromkeys(out)))
    if plan.kind is PlanKind.DEREGISTER and survey.elsewhere:
        yield reason(PlanCode.TRAFFIC_GOES_ON, registrations=other_groups(survey))
    elif accepted.only_these_groups and survey.elsewhere:
        groups = tuple(str(registration.group) for registration in survey.elsewhere)
        yield reason(PlanCode.OTHER_GROUPS_LEFT_ALONE, groups=groups)


def _gates_not_asked(plan: Plan) -> Iterator[Reason]:
    """A gate stands before the target that follows so many others; with fewer targets it is never reached."""
    targets = len(plan.targets)
    for gate in plan.spec.gates if plan.kind is PlanKind.ROLL else ():
        if gate.after >= targets:
            yield reason(PlanCode.GATE_NOT_ASKED, gate=gate.name, after=gate.after, targets=targets)


def _fallbacks(plan: Plan) -> Iterator[Reason]:
    """Groups whose requests cannot be counted, and what proves there that nothing is pending."""
    drain = plan.spec.drain
    if plan.kind is PlanKind.REGISTER or drain.until is not DrainUntil.REQUESTS or drain.fallback is None:
        return
    for group in plan.groups:
        if not group.plain_http:
            yield reason(
                PlanCode.REQUESTS_FALLBACK,
                group=group.name,
                protocol=group.protocol,
                protocol_version=group.protocol_version,
                fallback=drain.fallback.value,
            )


def _names(survey: Survey) -> tuple[str, ...]:
    return tuple(group.name for group in survey.groups)
