"""The answers about what the plan did not know: registrations that somebody makes while the rollout goes on.

Each is written down whole before anything rests on it, so that floors are counted honestly, zone by zone.
"""

from katakei.domain import events as e
from katakei.domain.actions import Record
from katakei.domain.model import Arn
from katakei.domain.observation import Observation, UnplannedRegistration
from katakei.domain.plan import PlanKind
from katakei.domain.replay import Rollout
from katakei.domain.spec import LatePolicy
from katakei.reconcile.context import TurnContext


def unknown(rollout: Rollout, last: Observation) -> tuple[Arn, ...]:
    """Groups that list something in or near service which the rollout does not know.

    A sight tells of every registration that is known, if only that it is absent: more than those are others.
    """
    if rollout.plan.kind is not PlanKind.ROLL:
        return ()
    return tuple(
        arn
        for arn, group in last.groups.items()
        if len(group.seen) > len(rollout.places[arn])
        and any(not group.seen[place].out for place in group.seen.keys() - rollout.places[arn])
    )


def joining(scene: TurnContext) -> list[Record]:
    """Taken in at the end, or left alone, as was asked for; a known machine gains a place."""
    return [
        Record(e.TargetAdded(scene.now, newcomer.target, not why, why))
        for newcomer in scene.observation.newcomers
        if any(place not in scene.rollout.owners for place in newcomer.target.registrations)
        for why in [_left_alone(scene.rollout, newcomer)]
    ]


def _left_alone(rollout: Rollout, newcomer: UnplannedRegistration) -> str:
    """Why it takes no part; '' when it does."""
    spec = rollout.plan.spec
    if newcomer.target.id in rollout.zones:
        return "" if newcomer.target.id in rollout.targets else "its machine takes no part"
    if spec.late is LatePolicy.LEAVE:
        return "late: leave"
    if not set(spec.targets.tags) <= set(newcomer.tags.items()):
        return "its tags are not those of `targets`"
    if rollout.reverting or rollout.reopened:
        return "it came after the rollout"
    return newcomer.trouble or rollout.stopped
