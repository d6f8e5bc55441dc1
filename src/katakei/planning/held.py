"""Targets that an earlier rollout left out of service: which of them a plan takes, and what it says about the others.

A rollout takes them first, so that a fixed release reaches them before it takes out a target that serves. The floor
counts them, because they serve again in the end.
"""

from collections.abc import Iterator
from dataclasses import replace

from katakei.domain.errors import RefusedError
from katakei.domain.model import Arn, Target
from katakei.domain.plan import HeldTarget, Plan, PlanKind, with_places
from katakei.domain.reasons import Reason
from katakei.planning.reasons import PlanCode, named, reason
from katakei.planning.survey import HeldOut, LeftAlone, Survey, machines

_NAMED = {
    LeftAlone.BY_HAND: PlanCode.HELD_BY_HAND,
    LeftAlone.MAY_RUN: PlanCode.HELD_MAY_RUN,
    LeftAlone.OTHER_GROUPS: PlanCode.HELD_BY_OTHER_GROUPS,
}


def with_held(survey: Survey, kind: PlanKind) -> tuple[Target, ...]:
    """The members of all groups as machines, and the targets out of service that this kind of plan may take.

    A machine that is in service in one place and out in another gets all of its registrations.
    """
    found = {target.id: target for target in machines(survey)}
    groups = {group.arn for group in survey.groups}
    for held in survey.held:
        if _may_be_taken(held, kind):
            here = tuple(place for place in held.target.registrations if place.group in groups)
            target = replace(found.get(held.target.id, held.target), registrations=here)
            found[held.target.id] = with_places(target, found.get(held.target.id, target))
    return tuple(found.values())


def taken(survey: Survey, kind: PlanKind, targets: tuple[Target, ...]) -> tuple[HeldTarget, ...]:
    """Those of the plan's targets that begin out of service."""
    chosen = {target.id for target in targets}
    return tuple(
        HeldTarget(held.target.id, held.rollout)
        for held in survey.held
        if _may_be_taken(held, kind) and held.target.id in chosen
    )


def counted(survey: Survey, group: Arn) -> int:
    """How many registrations of a group are out of service and belong to what its floor is a share of."""
    return sum(place.group == group for held in survey.held if held.counts for place in held.out)


def staying_out(plan: Plan, survey: Survey) -> tuple[HeldOut, ...]:
    """The counted ones that the plan does not take, so that they keep no floor."""
    takes = {each.target for each in plan.held}
    return tuple(held for held in survey.held if held.counts and held.target.id not in takes)


def notices(plan: Plan, survey: Survey) -> Iterator[Reason]:
    """What a person must know of each target out of service: that it is taken first, or why it is not."""
    takes = {each.target for each in plan.held}
    for held in survey.held if plan.kind is not PlanKind.REGISTER else ():
        if plan.kind is PlanKind.DEREGISTER:
            if held.target.id in takes:
                yield _about(PlanCode.HELD_KEPT_OUT, held)
        elif held.target.id in takes:
            yield _about(PlanCode.HELD_TAKEN_FIRST, held)
        else:
            yield left_alone(held)


def left_alone(held: HeldOut) -> Reason:
    """Why a plan does not take this one."""
    if held.left_alone is LeftAlone.BY_HAND:
        return reason(PlanCode.HELD_BY_HAND, target=named(held.target), rollout=held.rollout)
    return _about(_NAMED[held.left_alone] if held.left_alone else PlanCode.HELD_NOT_SELECTED, held)


def refuse_left_alone(survey: Survey, written: str) -> None:
    """Raises RefusedError where a person selects a target that is never taken; the error says why."""
    for held in survey.held:
        target = held.target
        ids = {target.id, target.address, target.name, *(place.id for place in target.registrations)}
        if held.left_alone and written in ids:
            raise RefusedError(reasons=(left_alone(held),))


def _may_be_taken(held: HeldOut, kind: PlanKind) -> bool:
    """A manual deregistration keeps out whatever a rollout left out; a registration has its own search."""
    if kind is PlanKind.DEREGISTER:
        return held.left_alone is not LeftAlone.BY_HAND
    return kind is PlanKind.ROLL and held.left_alone is None


def _about(code: PlanCode, held: HeldOut) -> Reason:
    return reason(code, target=named(held.target), rollout=held.rollout, ended=held.ended)
