"""Who is who in a plan, by id and by registration: so that a turn looks up what it would else have to search for."""

from collections.abc import Mapping
from typing import TypedDict

from katakei.domain.model import Arn, Group, Registration, Target, TargetId
from katakei.domain.plan import Plan


class Members(TypedDict):
    """`targets` take part; the others are of bystanders too: whose a registration is, those of a group, the zones.

    `groups` are those in which a target is registered.
    """

    targets: Mapping[TargetId, Target]
    owners: Mapping[Registration, TargetId]
    places: Mapping[Arn, frozenset[Registration]]
    zones: Mapping[TargetId, str]
    groups: Mapping[TargetId, tuple[Group, ...]]


def members(plan: Plan) -> Members:
    """All of it; as dear as the plan is long, so once for each plan."""
    everyone = (*plan.targets, *plan.bystanders)
    owners = {place: target.id for target in everyone for place in target.registrations}
    return {
        "targets": {target.id: target for target in plan.targets},
        "owners": owners,
        "places": {
            group.arn: frozenset(place for place in owners if place.group == group.arn) for group in plan.groups
        },
        "zones": {target.id: target.zone for target in everyone},
        "groups": {target.id: groups_of(plan, target) for target in plan.targets},
    }


def groups_of(plan: Plan, target: Target) -> tuple[Group, ...]:
    """The groups this target is registered in, in the order of the plan."""
    arns = {place.group for place in target.registrations}
    return tuple(group for group in plan.groups if group.arn in arns)
