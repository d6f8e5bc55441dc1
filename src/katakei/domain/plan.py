"""A plan: an order and a set of promises, never a script of commands.

It is recorded whole in the first event, so that any machine can carry the rollout on without the user's file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

from katakei.domain.model import Arn, Group, Registration, RolloutId, Target
from katakei.domain.phases import Phase
from katakei.domain.reasons import Reason
from katakei.domain.spec import Spec


class PlanKind(Enum):
    """What the plan is for: a whole rollout, or one step by hand."""

    ROLL = "roll"
    DEREGISTER = "deregister"
    REGISTER = "register"


@dataclass(frozen=True, slots=True)
class Floor:
    """How many registrations of a group must serve, the base a percentage was taken of, and the floor of each zone."""

    count: int
    base: int
    per_zone: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What was promised when the rollout began.

    `targets` is the order; `bystanders` are the other members of the groups, which serve and are left alone.
    `begin` is the phase in which each target starts (WAITING; OUT for a step that only registers). `waits` is false
    for a manual step that does not wait for its effect. `notices` are what the person must know: accepted risks, names
    left alone (`said`: the same as sentences, in plans of older versions). `versions` tells which Katakei and which
    schema wrote this.
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


def with_target(plan: Plan, target: Target, *, takes_part: bool) -> Plan:
    """The plan with this target at the end; a machine that it knows only gains the places it did not have."""
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
    """The known one, with the places of the other as well."""
    return replace(known, registrations=tuple(dict.fromkeys((*known.registrations, *target.registrations))))


def restorable(plan: Plan) -> tuple[Registration, ...]:
    """Every registration that the plan may touch, exactly as it was (promise 3)."""
    return tuple(place for target in plan.targets for place in target.registrations)
