"""Capacity (promise 1): who serves now, believing the worse of journal and observation, and whether one more may go.

Counts registrations per group and zone. A group that was not observed within the last 10 seconds proves nothing.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from katakei.domain.model import Arn, Registration, Target, TargetId
from katakei.domain.observation import GroupObservation, Observation
from katakei.domain.phases import MAY_SERVE, Phase
from katakei.domain.reasons import Reason, ReasonCode, reason
from katakei.domain.replay import Rollout

OBSERVATION_MAX_AGE = timedelta(seconds=10)
NEVER = datetime.min.replace(tzinfo=UTC)
NOT_SERVING_PHASES = tuple(phase for phase in Phase if phase not in MAY_SERVE)


@dataclass(frozen=True, slots=True)
class ServingCount:
    """The serving registrations of each group, and of each (group, zone) where zones have a floor.

    Nothing here is as large as a group, so a turn in which hundreds of targets leave copies no group.

    Attributes:
        observed: The groups that were observed recently enough to count.
        unseen: The groups that were not.
        left: Targets that do not count, whatever the observation says.
    """

    observed: Mapping[Arn, GroupObservation]
    groups: Mapping[Arn, int]
    zones: Mapping[tuple[Arn, str], int]
    unseen: frozenset[Arn]
    left: frozenset[TargetId] = frozenset()

    def without(self, *targets: Target) -> "ServingCount":
        """The count once every registration of these targets is out."""
        groups, zones = dict(self.groups), dict(self.zones)
        for target in targets:
            for place in target.registrations if target.id not in self.left else ():
                if self._serves(place):
                    groups[place.group] -= 1
                    if (where := (place.group, target.zone)) in zones:
                        zones[where] -= 1
        return replace(self, groups=groups, zones=zones, left=self.left.union(target.id for target in targets))

    def observed_since(self, target: Target) -> datetime:
        """When the oldest observation of its groups began; `NEVER` where one of them is unseen."""
        groups = [self.observed.get(place.group) for place in target.registrations]
        return min(group.full_begun if group and group.full_begun else NEVER for group in groups)

    def _serves(self, place: Registration) -> bool:
        group = self.observed.get(place.group)
        health = group.seen.get(place) if group else None
        return health is not None and health.serving


def count_serving(rollout: Rollout, observation: Observation, now: datetime) -> ServingCount:
    """The serving registrations now.

    Args:
        rollout: Targets whose phase does not allow them to serve are not counted.
        observation: A group whose newest whole observation is older than `OBSERVATION_MAX_AGE` is unseen.
        now: The moment of the decision.
    """
    arns = [group.arn for group in rollout.plan.groups]
    observed = {arn: group for arn in arns if (group := observation.groups.get(arn)) and _fresh(group, now)}
    zones: Counter[tuple[Arn, str]] = Counter()
    for arn, group in observed.items():
        if rollout.plan.floors[arn].per_zone:
            zones.update((arn, _zone(rollout, place)) for place, health in group.seen.items() if health.serving)
    groups = {arn: group.serving for arn, group in observed.items()}
    everyone = ServingCount(observed, groups, zones, frozenset(arns) - observed.keys())
    down = [*rollout.at(*NOT_SERVING_PHASES), *_slow_starts(rollout, now)]
    return everyone.without(*(rollout.targets[target] for target in down))


def _slow_starts(rollout: Rollout, now: datetime) -> list[TargetId]:
    """Targets that were registered again and do not get their full share of the requests yet.

    The soak of the plan lasts as long as the slow start, so a target that is done gets all of it.
    """
    slow = {group.arn: group.slow_start for group in rollout.plan.groups if group.slow_start}
    back = rollout.at(Phase.SOAKING, Phase.RETURNED, Phase.FAILED_SERVING) if slow else []
    return [target for target in back if _lasts(rollout, target, slow, now)]


def _lasts(rollout: Rollout, target: TargetId, slow: Mapping[Arn, timedelta], now: datetime) -> bool:
    """Whether a slow start goes on. One whose beginning this process does not know is taken to begin now."""
    longest = max((slow.get(group.arn, timedelta()) for group in rollout.groups[target]), default=timedelta())
    since = rollout.statuses[target].serving_since
    return bool(longest) and (since is None or now - since < longest)


def count_proven(
    rollout: Rollout, observation: Observation, serving: ServingCount, now: datetime, *, registered: bool = True
) -> ServingCount:
    """The proven registrations now: they serve, and there is no doubt that their target keeps serving.

    Not proven are registrations of a target that soaks, that failed, that leaves service, or that the rollout does not
    know.

    Args:
        rollout: Its targets and their phases.
        observation: What this process observed.
        serving: Who serves by it.
        now: The moment of the decision.
        registered: Nor does a registration count that was made less than `warm.soak` ago, or that this process has not
            watched for so long.
    """
    soak = rollout.plan.spec.soak
    zones: Counter[tuple[Arn, str]] = Counter(rollout.sizes)
    for place in (place for group in serving.observed.values() for place in group.down if place in rollout.owners):
        zones[place.group, _zone(rollout, place)] -= 1
    new: set[TargetId] = set()
    unwatched: set[Arn] = set()
    if registered:
        new = {target for target, at in rollout.added.items() if now - at < soak}
        new |= {rollout.owners[p] for p, at in observation.moved.items() if p in rollout.owners and now - at < soak}
        unwatched = {arn for arn in serving.observed if now - observation.watched.get(arn, now) < soak}
    groups: Counter[Arn] = Counter()
    for (arn, _), size in zones.items():
        groups[arn] += size
    everyone = ServingCount(serving.observed, groups, zones, serving.unseen | unwatched)
    doubted = {*serving.left, *rollout.by_phase[Phase.SOAKING], *rollout.failed_targets, *new}
    taking_part = [rollout.targets[target] for target in doubted if target in rollout.targets]
    others = [target for target in rollout.plan.bystanders if target.id in new] if new else []
    return everyone.without(*taking_part, *others)


def unproven(rollout: Rollout, proven: ServingCount, target: Target) -> Reason | None:
    """The first group or zone of this target in which too few proven registrations are left.

    Args:
        rollout: Holds the floors of the plan.
        proven: Who is proven, without this target.
        target: The target in question.

    Returns:
        None when every floor is kept and each group and zone has at least one that is proven. A group that is unseen
        keeps no floor.
    """
    for arn in dict.fromkeys(place.group for place in target.registrations):
        floor = rollout.plan.floors[arn]
        if arn in proven.unseen:
            return reason(ReasonCode.GROUP_NOT_OBSERVED, group=_name(rollout, arn))
        left, least = proven.groups[arn], max(1, floor.count)
        if left < least:
            return reason(ReasonCode.TOO_FEW_PROVEN, group=_name(rollout, arn), proven=left, floor=least)
        here, least = proven.zones[arn, target.zone], max(1, floor.per_zone)
        if here < least:
            name, zone = _name(rollout, arn), target.zone
            return reason(ReasonCode.ZONE_TOO_FEW_PROVEN, group=name, zone=zone, proven=here, floor=least)
    return None


def floor_violation(rollout: Rollout, serving: ServingCount, target: Target) -> Reason | None:
    """The first floor that is not kept, of the groups and zones to which this target belongs.

    Args:
        rollout: Holds the floors of the plan.
        serving: Who serves; without the target where the question is whether it may leave.
        target: The target in question.

    Returns:
        None when every floor is kept. A group that is unseen keeps no floor.
    """
    for arn in dict.fromkeys(place.group for place in target.registrations):
        floor = rollout.plan.floors[arn]
        if arn in serving.unseen:
            return reason(ReasonCode.GROUP_NOT_OBSERVED, group=_name(rollout, arn))
        if serving.groups[arn] < floor.count:
            name, left = _name(rollout, arn), serving.groups[arn]
            return reason(ReasonCode.GROUP_FLOOR, group=name, serving=left, floor=floor.count)
        here = serving.zones.get((arn, target.zone), 0)
        if here < floor.per_zone:
            name, zone = _name(rollout, arn), target.zone
            return reason(ReasonCode.ZONE_FLOOR, group=name, zone=zone, serving=here, floor=floor.per_zone)
    return None


def _fresh(group: GroupObservation, now: datetime) -> bool:
    return group.full_begun is not None and now - group.full_begun <= OBSERVATION_MAX_AGE


def _name(rollout: Rollout, arn: Arn) -> str:
    return next(group.name for group in rollout.plan.groups if group.arn == arn)


def _zone(rollout: Rollout, place: Registration) -> str:
    owner = rollout.owners.get(place)
    return rollout.zones.get(owner, "") if owner else ""
