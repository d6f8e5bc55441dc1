"""Promise 1: who serves now, believing the worse of journal and sight, and whether one more may go.

Counts registrations per group and zone. What was not looked at right before does not serve.
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from katakei.core.model import Arn, Registration, Target, TargetId
from katakei.core.roads import MAY_SERVE
from katakei.core.rollout import Rollout
from katakei.core.sight import Sight

FRESH = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Tally:
    """Serving registrations, per group and per (group, zone)."""

    serving: frozenset[Registration]
    groups: Counter[Arn]
    zones: Counter[tuple[Arn, str]]
    unseen: frozenset[Arn]

    def without(self, target: Target) -> "Tally":
        """The tally once every registration of this target is out."""
        leaving = [place for place in target.registrations if place in self.serving]
        return replace(
            self,
            serving=self.serving.difference(leaving),
            groups=self.groups - Counter(place.group for place in leaving),
            zones=self.zones - Counter((place.group, target.zone) for place in leaving),
        )


def tally(rollout: Rollout, sight: Sight, now: datetime) -> Tally:
    """Who serves. A group whose newest whole look is older than FRESH is unseen: it can prove nothing."""
    serving: set[Registration] = set()
    unseen: set[Arn] = set()
    zones: Counter[tuple[Arn, str]] = Counter()
    for group in rollout.plan.groups:
        look = sight.groups.get(group.arn)
        if look is None or look.full_begun is None or now - look.full_begun > FRESH:
            unseen.add(group.arn)
            continue
        here = [place for place, seen in look.seen.items() if seen.serving and _may_serve(rollout, place)]
        serving.update(here)
        zones.update((group.arn, _zone(rollout, place)) for place in here)
    return Tally(frozenset(serving), Counter(place.group for place in serving), zones, frozenset(unseen))


def breach(rollout: Rollout, tally: Tally, target: Target) -> str:
    """Which floor, of the groups and zones this target belongs to, is not kept by this tally; '' when all are."""
    for arn in dict.fromkeys(place.group for place in target.registrations):
        floor = rollout.plan.floors[arn]
        name = next(group.name for group in rollout.plan.groups if group.arn == arn)
        if arn in tally.unseen:
            return f"{name} has not been seen just now"
        if tally.groups[arn] < floor.count:
            return f"{tally.groups[arn]} of {name} would serve, the floor is {floor.count}"
        if tally.zones[arn, target.zone] < floor.per_zone:
            return (
                f"{tally.zones[arn, target.zone]} of {name} would serve in {target.zone}, its floor is {floor.per_zone}"
            )
    return ""


def _may_serve(rollout: Rollout, place: Registration) -> bool:
    owner: TargetId | None = rollout.owners.get(place)
    standing = rollout.standings.get(owner) if owner else None
    return standing is None or standing.phase in MAY_SERVE


def _zone(rollout: Rollout, place: Registration) -> str:
    owner = rollout.owners.get(place)
    return rollout.zones.get(owner, "") if owner else ""
