"""What is not understood is refused, never ignored: each rule answers with a sentence, or with nothing.

All of them are asked, so that a person reads everything in one go.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta

from katakei.domain.model import Group, Target, TargetType
from katakei.domain.plan import Plan, PlanKind
from katakei.domain.spec import DrainUntil
from katakei.domain.words import listed, span
from katakei.planning.survey import AcceptedRisks, Survey

SETTLE = timedelta(seconds=30)  # a real ALB goes on sending new requests for 13 to 25 s after it says draining


def reasons_against(plan: Plan, survey: Survey, allowed: AcceptedRisks) -> tuple[str, ...]:
    """Every reason why this plan may not be carried out."""
    return tuple(why for rule in _RULES for why in rule(plan, survey, allowed))


def unreachable(plan: Plan, survey: Survey) -> str:
    """A target of the plan that cannot be asked from here, with the reason; '' when all can."""
    chosen = {target.id for target in plan.targets}
    return next((f"{target}: {why}" for target, why in survey.unreachable.items() if target in chosen), "")


def unused(group: Group) -> str:
    """That no listener forwards to it; '' when one does."""
    return "" if group.load_balancers else f"no listener forwards to {group.name}, so nothing in it can serve"


def short_settle(plan: Plan, survey: Survey) -> str:
    """Why its settle is too short for a real load balancer; '' when it is not."""
    settle = plan.spec.drain.settle
    if survey.lab or settle >= SETTLE:
        return ""
    return (
        f"a settle of {span(settle)} is shorter than {span(SETTLE)}, in which a real load balancer may still send"
        " new requests to a draining target"
    )


def _types(plan: Plan, _survey: Survey, _allowed: AcceptedRisks) -> Iterator[str]:
    for group in plan.groups:
        if group.target_type in {TargetType.LAMBDA, TargetType.ALB}:
            yield f"{group.name} is of type {group.target_type.value}; only instance and ip groups are understood"
        elif group.protocol not in {"HTTP", "HTTPS"} or group.balancer_type not in {"application", ""}:
            kind = f"a load balancer of type {group.balancer_type}" if group.balancer_type else "no load balancer"
            yield (
                f"{group.name} speaks {group.protocol} and belongs to {kind};"
                " only Application Load Balancers are understood"
            )


def _attributes(plan: Plan, _survey: Survey, _allowed: AcceptedRisks) -> Iterator[str]:
    for group in plan.groups:
        if group.autoscaling:
            owners = listed(group.autoscaling)
            yield f"members of {group.name} belong to an Auto Scaling group ({owners}), which would replace them"
        if not group.cross_zone:
            yield f"{group.name} has cross-zone load balancing off, so that each zone stands alone; not understood yet"
        if group.zonal_shift:
            yield f"a zonal shift is active for {group.name} ({listed(group.zonal_shift)}); wait until it has ended"
        if group.slow_start:
            yield f"{group.name} has a slow start of {span(group.slow_start)}; not understood yet, set it to 0"


def _minima(plan: Plan, _survey: Survey, _allowed: AcceptedRisks) -> Iterator[str]:
    """A count of 1 is every group's default: it speaks only of an empty group. To register breaks no minimum."""
    if plan.kind is PlanKind.REGISTER:
        return
    for group in plan.groups:
        floor = plan.floors[group.arn]
        for minimum in group.minima:
            needs = minimum.count if minimum.percent is None else -(-floor.base * minimum.percent // 100)
            if needs and needs > max(1, floor.count):
                yield (
                    f"{group.name} has {minimum.name} at {needs} of {floor.base}, above the floor of {floor.count}:"
                    " below it the load balancer sends traffic to unhealthy targets too;"
                    f" raise `window.floor` to {needs}"
                )


def _unused(plan: Plan, _survey: Survey, _allowed: AcceptedRisks) -> Iterator[str]:
    """No floor is ever kept there, so that a rollout would wait in vain. By hand the floor alone speaks."""
    for group in plan.groups:
        floor = plan.floors[group.arn]
        if plan.kind is PlanKind.ROLL and (floor.count or floor.per_zone) and (why := unused(group)):
            yield f"{why}; set `floor: 0` (and no `floor_per_zone`) if that is meant"


def _floor(plan: Plan, _survey: Survey, _allowed: AcceptedRisks) -> Iterator[str]:
    """A floor that could not be kept even if every registration served."""
    if plan.kind is not PlanKind.ROLL:
        return
    for group in plan.groups:
        floor = plan.floors[group.arn]
        most = max((_places(target, group) for target in plan.targets), default=0)
        if plan.targets and floor.count and floor.base - most < floor.count:
            yield (
                f"the floor of {group.name} is {floor.count} of {floor.base}: no target could ever be taken out;"
                " set `window.floor` lower (0 accepts an outage)"
            )
        elif floor.per_zone and (zone := _tight_zone(plan, group)):
            yield (
                f"floor_per_zone {floor.per_zone} can never be kept for {group.name} in {zone}:"
                " no target there could be taken out; lower it"
            )


def _by_hand(plan: Plan, survey: Survey, _allowed: AcceptedRisks) -> Iterator[str]:
    """A step by hand does not wait for the floor: it is refused at once."""
    if plan.kind is not PlanKind.DEREGISTER:
        return
    leaving = {place for target in plan.targets for place in target.registrations}
    for group in plan.groups:
        zones = {target.zone for target in plan.targets if _places(target, group)}
        floor = plan.floors[group.arn]
        stay = [m for m in survey.members[group.arn] if m.seen.serving and m.registration not in leaving]
        if len(stay) < floor.count:
            yield f"{len(stay)} of {group.name} would serve, the floor is {floor.count}; accept that by --force"
        for zone in sorted(zones):
            there = sum(member.zone == zone for member in stay)
            if there < floor.per_zone:
                count = f"{there} of {group.name} would serve in {zone}"
                yield f"{count}, its floor is {floor.per_zone}; accept that by --force"


def _tight_zone(plan: Plan, group: Group) -> str:
    """A zone in which one of our targets could never leave this group."""
    for target in plan.targets:
        others = [t for t in (*plan.targets, *plan.bystanders) if t.zone == target.zone and t.id != target.id]
        if _places(target, group) and sum(_places(t, group) for t in others) < plan.floors[group.arn].per_zone:
            return target.zone
    return ""


def _places(target: Target, group: Group) -> int:
    return sum(place.group == group.arn for place in target.registrations)


def _elsewhere(plan: Plan, survey: Survey, allowed: AcceptedRisks) -> Iterator[str]:
    if plan.kind is PlanKind.ROLL and survey.elsewhere and not allowed.only_these_groups:
        places = listed(f"{place.id}:{place.port} in {place.group}" for place in survey.elsewhere)
        yield (
            f"targets are registered in other groups too, which would go on sending requests: {places};"
            " add those groups to the configuration, or accept it by --only-these-groups"
        )


def _draining(plan: Plan, survey: Survey, allowed: AcceptedRisks) -> Iterator[str]:
    left_alone = {target.id for target in plan.bystanders}
    foreign = [
        member.machine
        for members in survey.members.values()
        for member in members
        if member.seen.out and member.machine in left_alone and member.machine not in survey.ours_out
    ]
    if plan.kind is PlanKind.ROLL and foreign and not allowed.ignore_draining:
        yield (
            f"{listed(dict.fromkeys(foreign))} is draining and no rollout of this journal took it out;"
            " find out who did, or leave it alone by --ignore-draining"
        )


def _settle(plan: Plan, survey: Survey, allowed: AcceptedRisks) -> Iterator[str]:
    if not allowed.force and (why := short_settle(plan, survey)):
        yield f"{why}; accept that by --force"


def _limits(plan: Plan, _survey: Survey, _allowed: AcceptedRisks) -> Iterator[str]:
    """A drain that could never end within its limit."""
    limits, drain = plan.spec.limits, plan.spec.drain
    delays = [group.delay for group in plan.groups] if drain.until is DrainUntil.DELAY else []
    needs = max([drain.settle, *delays])
    if plan.kind is not PlanKind.REGISTER and not limits.draining_from_delay and limits.draining_extra < needs:
        yield (
            f"limits.draining of {span(limits.draining_extra)} is shorter than the {span(needs)} that a drain takes"
            " here: no target could ever be worked on; raise it"
        )


def _check(plan: Plan, survey: Survey, _allowed: AcceptedRisks) -> Iterator[str]:
    check = plan.spec.check
    if plan.kind is not PlanKind.ROLL or not check.asked:
        return
    if check.http is None:
        for group in plan.groups:
            if group.protocol_version == "GRPC":
                yield f"{group.name} is checked by gRPC, which is not asked yet; set `check: http` or `check: none`"
    elif why := unreachable(plan, survey):
        yield (
            f"the check cannot be asked from this machine: {why};"
            " run Katakei where it can reach the targets, or set `check: none`"
        )


_RULES: tuple[Callable[[Plan, Survey, AcceptedRisks], Iterator[str]], ...] = (
    _types,
    _attributes,
    _minima,
    _unused,
    _floor,
    _by_hand,
    _elsewhere,
    _draining,
    _settle,
    _limits,
    _check,
)
