"""What a plan makes of the members of its groups: their floors, who takes part, in which order, and what to know of it.

A load balancer has minima of its own, below which it sends requests to unhealthy targets too; the floor keeps them.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from katakei.domain.model import Group, Target, TargetId
from katakei.domain.observation import HealthState
from katakei.domain.plan import Floor, Plan, PlanKind
from katakei.domain.reasons import Reason
from katakei.domain.spec import Ranks, TargetOrder, UnhealthyAtStart, ZonalShift
from katakei.planning.held import counted, taken
from katakei.planning.reasons import PlanCode, named, reason
from katakei.planning.survey import PlanRequest, Survey, states


def floor_of(request: PlanRequest, survey: Survey, group: Group, *, force: bool) -> Floor:
    """The floor of a group: what the configuration says, or what the load balancer itself needs if that is more.

    A percentage counts the registrations that are not draining now, and is rounded up. A rollout also counts what
    earlier rollouts left out of service. Where each zone has its own targets only (cross-zone off), at least one must
    serve in each, unless the configuration accepts an outage.

    Args:
        request: The request, with the window of the configuration.
        survey: What was read before planning.
        group: The group.
        force: A person accepts that a manual step goes below the floor.
    """
    window, rolls = request.spec.window, request.kind is PlanKind.ROLL
    base = sum(not member.seen.out for member in survey.members[group.arn])
    base += counted(survey, group.arn) if rolls else 0
    if force and not rolls:
        return Floor(0, base)
    count, per_zone = window.floor.up(base), window.floor_per_zone
    if request.kind is PlanKind.REGISTER:
        return Floor(count, base, per_zone)
    if group.cross_zone:
        return Floor(max(count, needed(group, base)[0]), base, per_zone)
    alone = 1 if count and group.load_balancers else 0
    return Floor(
        count, base, max(per_zone, alone, *(needed(group, size)[0] for size in _zones(survey, group).values()))
    )


def needed(group: Group, registered: int) -> tuple[int, str]:
    """How many healthy targets the load balancer needs by its own minima, and the name of that minimum.

    Args:
        group: The group with its minima.
        registered: How many registrations it has: all, or with cross-zone off those of one zone.

    Returns:
        0 and '' where no minimum is above 1, which is the default of every group and concerns only an empty group.
    """
    found = [(_least(each.count, each.percent, registered), each.name) for each in group.minima]
    return max((each for each in found if each[0] > 1), default=(0, ""))


def _least(count: int | None, percent: int | None, registered: int) -> int:
    """A minimum may be a count, a percentage or both; then the load balancer keeps both."""
    return max(count or 0, -(-registered * (percent or 0) // 100))


def _zones(survey: Survey, group: Group) -> Mapping[str, int]:
    """How many registrations each zone of a group has, with those that earlier rollouts left out of service."""
    found = Counter(member.zone for member in survey.members[group.arn] if not member.seen.out)
    found.update(
        held.target.zone for held in survey.held if held.counts for place in held.out if place.group == group.arn
    )
    return found


def without_unhealthy(request: PlanRequest, survey: Survey, chosen: tuple[Target, ...]) -> tuple[Target, ...]:
    """The targets that take part, where those that do not serve are to be left alone."""
    if request.spec.membership.unhealthy is not UnhealthyAtStart.SKIP or request.kind is not PlanKind.ROLL:
        return chosen
    held = {each.target for each in taken(survey, request.kind, chosen)}
    down = {target.id for target in unhealthy(survey, chosen)}
    return tuple(target for target in chosen if target.id in held or target.id not in down)


def unhealthy(survey: Survey, chosen: Iterable[Target]) -> tuple[Target, ...]:
    """The targets that do not serve now although they are registered and a load balancer uses their groups."""
    used = {group.arn for group in survey.groups if group.load_balancers}
    down = {
        member.machine
        for arn, members in survey.members.items()
        for member in members
        if arn in used and member.seen.state is not HealthState.HEALTHY and not member.seen.out
    }
    return tuple(target for target in chosen if target.id in down)


def ordered(request: PlanRequest, survey: Survey, chosen: tuple[Target, ...]) -> tuple[Target, ...]:
    """Rank by rank, then zone by zone where requested. Targets that do not serve go last, so that a healthy one proves
    the release, or first where the configuration says so.

    What an earlier rollout left out goes first: another failure there costs nothing. Where the plan is for fewer than
    all targets, those follow whose last work failed, then those that were never done, then the least recently done.
    """
    rolls, spec = request.kind is PlanKind.ROLL, request.spec
    held = {each.target for each in taken(survey, request.kind, chosen)}
    zones = {target.id: target.zone if rolls and spec.window.order is TargetOrder.ZONE else "" for target in chosen}
    ranks = spec.window.ranks if rolls else None
    first = rolls and spec.membership.unhealthy is UnhealthyAtStart.FIRST
    tagged = _tags(survey) if ranks else {}

    def place(target: Target) -> tuple[int, tuple[bool, bool, int], int, bool, str]:
        past = _past_first(request, survey, target)
        rank = ranks.of(tagged.get(target.id, {})) if ranks else 0
        if target.id in held:
            return 0, past, rank, False, zones[target.id]
        down = set(states(survey, target.id)) != {HealthState.HEALTHY}
        return (1 if first and down else 2), past, rank, down, zones[target.id]

    return tuple(sorted(chosen, key=place))


def _past_first(request: PlanRequest, survey: Survey, target: Target) -> tuple[bool, bool, int]:
    """The place of a target by its earlier work: smaller values are taken first."""
    past = survey.past.get(target.id)
    if not request.needs_past or past is None:
        return True, False, 0
    return not past.failed, past.rollouts_ago is not None, -(past.rollouts_ago or 0)


def notices(request: PlanRequest, plan: Plan, survey: Survey, chosen: tuple[Target, ...]) -> Iterator[Reason]:
    """What a person must know of the members before a rollout or a manual deregistration.

    Args:
        request: The request.
        plan: The plan.
        survey: What was read before planning.
        chosen: The targets before unhealthy ones were left out.
    """
    for group in plan.groups:
        yield from _of_group(request, plan, survey, group)
    if plan.kind is not PlanKind.ROLL:
        return
    planned = {target.id for target in plan.targets}
    if skipped := tuple(named(target) for target in chosen if target.id not in planned):
        yield reason(PlanCode.UNHEALTHY_SKIPPED, targets=skipped)
    yield from _unknown_ranks(request.spec.window.ranks, plan, survey)


def _of_group(request: PlanRequest, plan: Plan, survey: Survey, group: Group) -> Iterator[Reason]:
    floor, window = plan.floors[group.arn], request.spec.window
    if floor.count > window.floor.up(floor.base):
        least, name = needed(group, floor.base)
        yield reason(PlanCode.FLOOR_FROM_MINIMUM, group=group.name, floor=least, base=floor.base, minimum=name)
    if floor.per_zone > window.floor_per_zone:
        yield reason(PlanCode.ZONE_FLOOR_FROM_GROUP, group=group.name, floor=floor.per_zone)
    if group.sticky is not None:
        yield reason(PlanCode.STICKY_SESSIONS, group=group.name, lasts=group.sticky.total_seconds())
    if plan.kind is PlanKind.ROLL and group.slow_start:
        start, soak = group.slow_start.total_seconds(), plan.spec.soak.total_seconds()
        yield reason(PlanCode.SLOW_START_ON, group=group.name, slow_start=start, soak=soak)
    if group.zonal_shift and request.spec.membership.zonal_shift is ZonalShift.ALLOW:
        shifted = sum(member.seen.overridden for member in survey.members[group.arn])
        yield reason(PlanCode.ZONAL_SHIFT_ALLOWED, group=group.name, zones=group.zonal_shift, targets=shifted)


def _unknown_ranks(ranks: Ranks | None, plan: Plan, survey: Survey) -> Iterator[Reason]:
    """Values of the tag that no target of the plan has: perhaps a typing error."""
    if ranks is None:
        return
    tagged = _tags(survey)
    found = {tagged.get(target.id, {}).get(ranks.tag) for target in plan.targets}
    if empty := tuple(value for value in ranks.first if value not in found):
        yield reason(PlanCode.RANKS_EMPTY, tag=ranks.tag, values=empty)


def _tags(survey: Survey) -> Mapping[TargetId, Mapping[str, str]]:
    """The EC2 tags of every machine, also of those out of service."""
    held = {each.target.id: each.tags for each in survey.held}
    return held | {member.machine: member.tags for members in survey.members.values() for member in members}
