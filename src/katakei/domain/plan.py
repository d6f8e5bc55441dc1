"""The plan of a rollout: an order of targets and a set of promises, not a list of commands.

The first event records all of it, so that any machine can continue the rollout without the user's file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from katakei.domain.model import Arn, Group, Registration, RolloutId, Target, TargetId
from katakei.domain.phases import Phase
from katakei.domain.reasons import Reason
from katakei.domain.spec import Spec
from katakei.domain.traffic import Switch


class PlanKind(Enum):
    """What the plan is for: a whole rollout, one manual step, or a switch of traffic between two groups."""

    ROLL = "roll"
    DEREGISTER = "deregister"
    REGISTER = "register"
    SWITCH = "switch"


@dataclass(frozen=True, slots=True)
class Floor:
    """How many registrations of a group must serve.

    Attributes:
        count: In the whole group.
        base: The number that a percentage was taken of.
        per_zone: In each zone; 0 means no floor per zone.
    """

    count: int
    base: int
    per_zone: int = 0


@dataclass(frozen=True, slots=True)
class HeldTarget:
    """A target of the plan that an earlier rollout left out of service. It begins out of service.

    Attributes:
        target: One of the plan's targets.
        rollout: The rollout that left it out.
    """

    target: TargetId
    rollout: RolloutId


@dataclass(frozen=True, slots=True)
class Plan:
    """What was promised when the rollout began.

    Attributes:
        targets: The targets that take part, in order.
        bystanders: The other members of the groups, which serve and are left alone.
        window: How many targets may be out of service at once.
        floors: The floor of each group.
        who: The person who began it.
        versions: Which Katakei wrote the plan, and the version of its events.
        begin: The phase in which each target starts: WAITING, or OUT for a step that only registers.
        waits: False for a manual step that does not wait for its effect.
        said: The notices as sentences, in plans of older versions.
        notices: What the person must know: accepted risks, targets that are left alone.
        held: The targets that an earlier rollout left out of service; a rollout takes them first.
        waves: After how many targets, in this order, each wave ends; empty: all are one wave. Targets that are added
            later belong to the last one.
        limit: How many targets are taken at most, in this order; the rest is skipped. None: all.
        switch: What a switch of traffic moves; None for every other kind. A switch has no targets.
        not_before: No target is taken out before this moment: a switch took the weight of its group away a moment ago.
    """

    rollout: RolloutId
    kind: PlanKind
    spec: Spec
    release: str
    account: str
    region: str
    groups: tuple[Group, ...]
    targets: tuple[Target, ...]
    bystanders: tuple[Target, ...]
    window: int
    floors: Mapping[Arn, Floor]
    who: str
    versions: Mapping[str, str]
    begin: Phase = Phase.WAITING
    waits: bool = True
    said: tuple[str, ...] = ()
    notices: tuple[Reason, ...] = ()
    held: tuple[HeldTarget, ...] = ()
    limit: int | None = None
    waves: tuple[int, ...] = ()
    switch: Switch | None = None
    not_before: datetime | None = None


def with_target(plan: Plan, target: Target, *, takes_part: bool) -> Plan:
    """The plan with this target as the last one. A target that it lists already only gets its new registrations."""
    if any(target.id == known.id for known in (*plan.targets, *plan.bystanders)):
        targets, bystanders = (
            tuple(with_places(known, target) if known.id == target.id else known for known in among)
            for among in (plan.targets, plan.bystanders)
        )
        return replace(plan, targets=targets, bystanders=bystanders)
    if takes_part:
        return replace(plan, targets=(*plan.targets, target))
    return replace(plan, bystanders=(*plan.bystanders, target))


def with_places(known: Target, target: Target) -> Target:
    """The known target with the registrations of both."""
    return replace(known, registrations=tuple(dict.fromkeys((*known.registrations, *target.registrations))))


def restorable(plan: Plan) -> tuple[Registration, ...]:
    """Every registration that the rollout may take out, exactly as it was (promise 3).

    Targets that were out of service before are not among them: see `restorable_held`.
    """
    held = {each.target for each in plan.held}
    return tuple(place for target in plan.targets if target.id not in held for place in target.registrations)


def restorable_held(plan: Plan) -> tuple[Registration, ...]:
    """The registrations of the targets that were out of service before the rollout, as an earlier rollout recorded."""
    held = {each.target for each in plan.held}
    return tuple(place for target in plan.targets if target.id in held for place in target.registrations)
