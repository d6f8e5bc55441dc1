"""Promise 1: who serves now, believing the worse of journal and sight, and whether one more may go.

Counts registrations per group and zone. What was not looked at right before does not serve.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from katakei.domain.model import Arn, Registration, Target, TargetId
from katakei.domain.observation import GroupObservation, Observation
from katakei.domain.phases import MAY_SERVE, Phase
from katakei.domain.replay import Rollout

OBSERVATION_MAX_AGE = timedelta(seconds=10)
NOT_SERVING_PHASES = tuple(phase for phase in Phase if phase not in MAY_SERVE)


@dataclass(frozen=True, slots=True)
class ServingCount:
    """Serving registrations, per group, and per (group, zone) where zones have a floor.

    Targets that have `left` do not count, whatever the looks say. Nothing here is as large as the groups: a turn in
    which hundreds leave copies none of them.
    """

    looks: Mapping[Arn, GroupObservation]
    groups: Mapping[Arn, int]
    zones: Mapping[tuple[Arn, str], int]
    unseen: frozenset[Arn]
    left: frozenset[TargetId] = frozenset()

    def without(self, *targets: Target) -> "ServingCount":
        """The tally once every registration of these targets is out."""
        groups, zones = dict(self.groups), dict(self.zones)
        for target in targets:
            for place in target.registrations if target.id not in self.left else ():
                if self._serves(place):
                    groups[place.group] -= 1
                    if (where := (place.group, target.zone)) in zones:
                        zones[where] -= 1
        return replace(self, groups=groups, zones=zones, left=self.left.union(target.id for target in targets))

    def _serves(self, place: Registration) -> bool:
        look = self.looks[place.group].seen.get(place) if place.group in self.looks else None
        return look is not None and look.serving


def count_serving(rollout: Rollout, observation: Observation, now: datetime) -> ServingCount:
    """Who serves. A group whose newest whole look is older than FRESH is unseen: it can prove nothing."""
    arns = [group.arn for group in rollout.plan.groups]
    looks = {arn: look for arn in arns if (look := observation.groups.get(arn)) and _fresh(look, now)}
    zones: Counter[tuple[Arn, str]] = Counter()
    for arn, look in looks.items():
        if rollout.plan.floors[arn].per_zone:
            zones.update((arn, _zone(rollout, place)) for place, seen in look.seen.items() if seen.serving)
    groups = {arn: look.serving for arn, look in looks.items()}
    everyone = ServingCount(looks, groups, zones, frozenset(arns) - looks.keys())
    return everyone.without(*(rollout.targets[target] for target in rollout.at(*NOT_SERVING_PHASES)))


def floor_violation(rollout: Rollout, count_serving: ServingCount, target: Target) -> str:
    """Which floor, of the groups and zones this target belongs to, is not kept by this tally; '' when all are."""
    for arn in dict.fromkeys(place.group for place in target.registrations):
        floor = rollout.plan.floors[arn]
        if arn in count_serving.unseen:
            return f"{_name(rollout, arn)} has not been seen just now"
        if count_serving.groups[arn] < floor.count:
            return f"{count_serving.groups[arn]} of {_name(rollout, arn)} would serve, the floor is {floor.count}"
        here = count_serving.zones.get((arn, target.zone), 0)
        if here < floor.per_zone:
            return f"{here} of {_name(rollout, arn)} would serve in {target.zone}, its floor is {floor.per_zone}"
    return ""


def _fresh(look: GroupObservation, now: datetime) -> bool:
    return look.full_begun is not None and now - look.full_begun <= OBSERVATION_MAX_AGE


def _name(rollout: Rollout, arn: Arn) -> str:
    return next(group.name for group in rollout.plan.groups if group.arn == arn)


def _zone(rollout: Rollout, place: Registration) -> str:
    owner = rollout.owners.get(place)
    return rollout.zones.get(owner, "") if owner else ""
