"""The rules that every plan must pass. Each rule yields the reasons against a plan, or nothing.

All rules run, so that a person reads every reason at once. What Katakei does not support is refused, never ignored.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta

from katakei.domain.model import Arn, Group, Target, TargetType
from katakei.domain.plan import Plan, PlanKind
from katakei.domain.reasons import Reason
from katakei.domain.spec import DrainUntil, UnhealthyAtStart, ZonalShift
from katakei.planning.held import left_alone, staying_out
from katakei.planning.instances import disruption, machines_to_stop, stopping
from katakei.planning.membership import needed, unhealthy
from katakei.planning.reasons import PlanCode, Risk, named, reason
from katakei.planning.survey import AcceptedRisks, Survey

SAFE_SETTLE = timedelta(seconds=30)  # a real ALB keeps sending new requests for 13 to 25 s after it reports draining


def reasons_against(plan: Plan, survey: Survey, accepted: AcceptedRisks) -> tuple[Reason, ...]:
    """Every reason why this plan must not be carried out.

    Args:
        plan: The plan to check.
        survey: What was read before planning.
        accepted: The risks that the person accepted.

    Returns:
        The reasons in the order of the rules; empty when the plan may be carried out.
    """
    return tuple(found for rule in _RULES for found in rule(plan, survey, accepted))


def unreachable(plan: Plan, survey: Survey) -> tuple[str, str] | None:
    """The first target of the plan whose check cannot be sent from this machine, with the error text.

    Returns:
        The target's id and the error text, or None when every target can be reached.
    """
    chosen = {target.id for target in plan.targets}
    return next(((str(target), why) for target, why in survey.unreachable.items() if target in chosen), None)


def settle_is_short(plan: Plan, survey: Survey) -> bool:
    """Whether `drain.settle` is shorter than a real load balancer needs. The lab accepts any settle."""
    return not survey.lab and plan.spec.drain.settle < SAFE_SETTLE


def _types(plan: Plan, _survey: Survey, _accepted: AcceptedRisks) -> Iterator[Reason]:
    for group in plan.groups:
        if group.target_type in {TargetType.LAMBDA, TargetType.ALB}:
            yield reason(PlanCode.TARGET_TYPE_NOT_SUPPORTED, group=group.name, type=group.target_type.value)
        elif group.protocol not in {"HTTP", "HTTPS"} or group.balancer_type not in {"application", ""}:
            yield reason(
                PlanCode.LOAD_BALANCER_NOT_SUPPORTED,
                group=group.name,
                protocol=group.protocol,
                balancer_type=group.balancer_type,
            )


def _attributes(plan: Plan, _survey: Survey, _accepted: AcceptedRisks) -> Iterator[Reason]:
    for group in plan.groups:
        if group.autoscaling:
            yield reason(PlanCode.OWNED_BY_AUTO_SCALING, group=group.name, auto_scaling_groups=group.autoscaling)
        if group.zonal_shift and plan.spec.membership.zonal_shift is ZonalShift.REFUSE:
            yield reason(PlanCode.ZONAL_SHIFT_ACTIVE, group=group.name, zones=group.zonal_shift)


def _optimizer(plan: Plan, _survey: Survey, _accepted: AcceptedRisks) -> Iterator[Reason]:
    """An agent on the target takes its requests: connections and packets at its port are those of the agent."""
    drain = plan.spec.drain
    if plan.kind is PlanKind.REGISTER or drain.until in {DrainUntil.COUNTER, DrainUntil.DELAY}:
        return
    for group in plan.groups:
        if group.target_control:
            yield reason(PlanCode.TARGET_OPTIMIZER_ON, group=group.name, until=drain.until.value)


def _unhealthy(plan: Plan, survey: Survey, _accepted: AcceptedRisks) -> Iterator[Reason]:
    if plan.kind is PlanKind.ROLL and plan.spec.membership.unhealthy is UnhealthyAtStart.REFUSE:
        held = {each.target for each in plan.held}
        serve = [target for target in plan.targets if target.id not in held]
        if down := unhealthy(survey, serve):
            yield reason(PlanCode.UNHEALTHY_AT_START, targets=tuple(map(named, down)))


def _unused(plan: Plan, _survey: Survey, _accepted: AcceptedRisks) -> Iterator[Reason]:
    """A floor in a group without a listener: nothing there serves, so a rollout would wait in vain.

    A manual step needs no such rule: the rule of its floor refuses it.
    """
    for group in plan.groups:
        floor = plan.floors[group.arn]
        if plan.kind is PlanKind.ROLL and (floor.count or floor.per_zone) and not group.load_balancers:
            yield reason(PlanCode.UNUSED_GROUP_WITH_FLOOR, group=group.name)


def _floor(plan: Plan, survey: Survey, _accepted: AcceptedRisks) -> Iterator[Reason]:
    """A floor that no take-out could keep, even if every registration served."""
    for group in plan.groups if plan.kind is PlanKind.ROLL else ():
        floor, serve = plan.floors[group.arn], _serving_now(plan)
        most = max((_registrations(target, group) for target in serve), default=0)
        out = [held for held in staying_out(plan, survey) if held.is_out_of(group.arn)]
        missing = sum(place.group == group.arn for held in out for place in held.out)
        if most and missing and floor.base - most >= floor.count > floor.base - most - missing:
            yield reason(
                PlanCode.HELD_NEEDED_FOR_FLOOR,
                group=group.name,
                floor=floor.count,
                base=floor.base,
                targets=tuple(named(held.target) for held in out),
            )
            yield from map(left_alone, out)
        elif serve and floor.count and floor.base - most < floor.count:
            yield _never_kept(plan, group, most)
            yield from map(left_alone, (held for held in survey.held if held.left_alone and held.is_out_of(group.arn)))
        elif floor.per_zone and (zone := _tight_zone(plan, group)):
            own = floor.per_zone > plan.spec.window.floor_per_zone
            code = PlanCode.CROSS_ZONE_OFF if own else PlanCode.ZONE_FLOOR_NEVER_KEPT
            yield reason(code, group=group.name, zone=zone, floor=floor.per_zone)


def _never_kept(plan: Plan, group: Group, most: int) -> Reason:
    """The floor that no target can leave: that of the configuration, or a minimum of the load balancer itself."""
    floor = plan.floors[group.arn]
    asked = plan.spec.window.floor.up(floor.base)
    if floor.base - most < asked:
        return reason(PlanCode.FLOOR_NEVER_KEPT, group=group.name, floor=floor.count, base=floor.base)
    least, name = needed(group, floor.base)
    return reason(
        PlanCode.HEALTH_MINIMUM_ABOVE_FLOOR, group=group.name, minimum=name, needed=least, base=floor.base, floor=asked
    )


def _manual_step(plan: Plan, survey: Survey, _accepted: AcceptedRisks) -> Iterator[Reason]:
    """A manual deregistration below the floor: it does not wait for the floor, so it is refused at once."""
    if plan.kind is not PlanKind.DEREGISTER:
        return
    leaving = {registration for target in plan.targets for registration in target.registrations}
    for group in plan.groups:
        zones = {target.zone for target in plan.targets if _registrations(target, group)}
        floor = plan.floors[group.arn]
        stay = [m for m in survey.members[group.arn] if m.seen.serving and m.registration not in leaving]
        if len(stay) < floor.count:
            yield reason(
                PlanCode.BELOW_FLOOR,
                group=group.name,
                serving=len(stay),
                floor=floor.count,
                risk=Risk.BELOW_FLOOR.value,
            )
        for zone in sorted(zones):
            there = sum(member.zone == zone for member in stay)
            if there < floor.per_zone:
                yield reason(
                    PlanCode.BELOW_ZONE_FLOOR,
                    group=group.name,
                    zone=zone,
                    serving=there,
                    floor=floor.per_zone,
                    risk=Risk.BELOW_FLOOR.value,
                )


def _tight_zone(plan: Plan, group: Group) -> str:
    """A zone in which a target of the plan could never leave this group; '' when there is none."""
    for target in _serving_now(plan):
        others = [t for t in (*plan.targets, *plan.bystanders) if t.zone == target.zone and t.id != target.id]
        left = sum(_registrations(t, group) for t in others)
        if _registrations(target, group) and left < plan.floors[group.arn].per_zone:
            return target.zone
    return ""


def _serving_now(plan: Plan) -> list[Target]:
    """The targets that the plan takes out of service; those that are out already take nothing from a floor."""
    held = {each.target for each in plan.held}
    return [target for target in plan.targets if target.id not in held]


def _registrations(target: Target, group: Group) -> int:
    return sum(registration.group == group.arn for registration in target.registrations)


def _elsewhere(plan: Plan, survey: Survey, accepted: AcceptedRisks) -> Iterator[Reason]:
    if plan.kind is PlanKind.ROLL and survey.elsewhere and not accepted.only_these_groups:
        places = tuple((place.id, place.port, str(place.group)) for place in survey.elsewhere)
        yield reason(PlanCode.SHARED_TARGETS, registrations=places, risk=Risk.SHARED_TARGETS.value)


def _still_sent_to(plan: Plan, survey: Survey, accepted: AcceptedRisks) -> Iterator[Reason]:
    """A manual deregistration from one group, while another group still sends requests to the same machine."""
    if plan.kind is PlanKind.DEREGISTER and survey.elsewhere and not accepted.only_these_groups:
        risk = Risk.SHARED_TARGETS.value
        yield reason(PlanCode.STILL_IN_OTHER_GROUPS, registrations=other_groups(survey), risk=risk)


def other_groups(survey: Survey) -> tuple[tuple[str, int, str], ...]:
    """The registrations elsewhere as a fact, with the names of their groups."""
    return tuple((place.id, place.port, _name(place.group)) for place in survey.elsewhere)


def _name(arn: Arn) -> str:
    return arn.partition(":targetgroup/")[2].partition("/")[0] or arn


def _held(plan: Plan, survey: Survey, _accepted: AcceptedRisks) -> Iterator[Reason]:
    """A target out of service that was registered in more groups: only half of it would come back."""
    groups = {group.arn for group in plan.groups}
    takes = {each.target for each in plan.held}
    for held in survey.held if plan.kind is PlanKind.ROLL else ():
        more = tuple(dict.fromkeys(str(p.group) for p in held.target.registrations if p.group not in groups))
        if more and held.target.id in takes:
            who = named(held.target)
            yield reason(PlanCode.HELD_IN_MORE_GROUPS, target=who, rollout=held.rollout, groups=more)


def _draining(plan: Plan, survey: Survey, accepted: AcceptedRisks) -> Iterator[Reason]:
    """Targets that are draining although no rollout of this journal took them out."""
    left_alone = {target.id for target in plan.bystanders}
    foreign = [
        str(member.machine)
        for members in survey.members.values()
        for member in members
        if member.seen.out and member.machine in left_alone and member.machine not in survey.ours_out
    ]
    if plan.kind is PlanKind.ROLL and foreign and not accepted.ignore_draining:
        targets = tuple(dict.fromkeys(foreign))
        yield reason(PlanCode.DRAINED_BY_OTHERS, targets=targets, risk=Risk.FOREIGN_DRAINING.value)


def _settle(plan: Plan, survey: Survey, accepted: AcceptedRisks) -> Iterator[Reason]:
    if not accepted.force and settle_is_short(plan, survey):
        yield reason(
            PlanCode.SETTLE_TOO_SHORT,
            settle=plan.spec.drain.settle.total_seconds(),
            safe=SAFE_SETTLE.total_seconds(),
            risk=Risk.SHORT_SETTLE.value,
        )


def _limits(plan: Plan, _survey: Survey, _accepted: AcceptedRisks) -> Iterator[Reason]:
    """A drain that could never end within its limit."""
    limits, drain = plan.spec.limits, plan.spec.drain
    delays = [group.delay for group in plan.groups] if drain.until is DrainUntil.DELAY else []
    needed = max([drain.settle, *delays])
    if plan.kind is not PlanKind.REGISTER and not limits.draining_from_delay and limits.draining_extra < needed:
        yield reason(
            PlanCode.DRAIN_LIMIT_TOO_SHORT,
            limit=limits.draining_extra.total_seconds(),
            needed=needed.total_seconds(),
        )


def _evidence(plan: Plan, _survey: Survey, _accepted: AcceptedRisks) -> Iterator[Reason]:
    """Requests can be read from packets only where an ALB speaks plain HTTP/1.1."""
    drain = plan.spec.drain
    if plan.kind is PlanKind.REGISTER or drain.until is not DrainUntil.REQUESTS or drain.fallback is not None:
        return
    for group in plan.groups:
        if not group.plain_http:
            yield reason(
                PlanCode.REQUESTS_NOT_POSSIBLE,
                group=group.name,
                protocol=group.protocol,
                protocol_version=group.protocol_version,
            )


def _platform(plan: Plan, survey: Survey, _accepted: AcceptedRisks) -> Iterator[Reason]:
    """What runs on the targets are programs for a POSIX shell. Work elsewhere may be for any target."""
    executors = {command.carrier for command in plan.spec.commands} | {plan.spec.carrier}
    on_targets = not executors.isdisjoint({"ssm", "ssh"})
    if plan.kind is not PlanKind.ROLL or not on_targets:
        return
    windows = {member.machine for members in survey.members.values() for member in members if member.windows}
    if found := tuple(target.id for target in plan.targets if target.id in windows):
        yield reason(PlanCode.WINDOWS_NOT_SUPPORTED, targets=found)


def _check(plan: Plan, survey: Survey, _accepted: AcceptedRisks) -> Iterator[Reason]:
    check = plan.spec.check
    if plan.kind is not PlanKind.ROLL or not check.asked:
        return
    if check.http is None:
        for group in plan.groups:
            if group.protocol_version == "GRPC":
                yield reason(PlanCode.GRPC_CHECK_NOT_SUPPORTED, group=group.name)
    if (check.http or stopping(plan.spec)) and (found := unreachable(plan, survey)):
        target, text = found
        yield reason(PlanCode.CHECK_UNREACHABLE, target=target, text=text)


_RULES: tuple[Callable[[Plan, Survey, AcceptedRisks], Iterator[Reason]], ...] = (
    _types,
    _attributes,
    _optimizer,
    _unhealthy,
    _unused,
    _floor,
    _manual_step,
    _elsewhere,
    _still_sent_to,
    _held,
    _draining,
    _settle,
    _limits,
    _evidence,
    _platform,
    _check,
    disruption,
    machines_to_stop,
)
