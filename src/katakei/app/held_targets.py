"""What finished rollouts of a journal left out of service, for a plan that takes it first.

The journal says what was taken out and why; the members of the groups say what serves by now. Nothing is changed.
"""

from collections.abc import Iterator, Mapping, Sequence

from katakei.app import queries
from katakei.domain.model import Arn, Group, Registration, TargetId
from katakei.domain.plan import PlanKind
from katakei.domain.ports import GroupMember, Journal
from katakei.domain.replay import Rollout
from katakei.domain.results import result
from katakei.planning.survey import HeldOut, LeftAlone

Members = Mapping[Arn, Sequence[GroupMember]]


def held_targets(journal: Journal, groups: Sequence[Group], members: Members) -> tuple[HeldOut, ...]:
    """The targets that the newest rollouts of these groups left out of service and that nothing brought back since.

    Args:
        journal: Where rollouts are recorded.
        groups: The target groups of the request. No rollout of them is unfinished.
        members: What the groups list now. A registration in service there was brought back by somebody else.
    """
    out: dict[TargetId, dict[Registration, Rollout]] = {}
    for group in groups:
        serving = {member.registration.door for member in members[group.arn] if not member.seen.out}
        for place, rollout in queries.held_out(journal, group.arn).items():
            if place.door not in serving:
                out.setdefault(rollout.owners[place], {})[place] = rollout
    arns = frozenset(group.arn for group in groups)
    return tuple(_held_out(target, places, arns) for target, places in out.items())


def _held_out(target: TargetId, places: Mapping[Registration, Rollout], arns: frozenset[Arn]) -> HeldOut:
    rollouts = list(places.values())
    newest = max(rollouts, key=lambda rollout: rollout.begun)
    ended = result(newest)
    return HeldOut(
        newest.targets[target],
        frozenset(places),
        newest.plan.rollout,
        (ended.value if ended else "unfinished", newest.plan.release),
        dict(newest.plan.spec.targets.tags),
        next(_reasons_to_leave(target, rollouts, arns), None),
    )


def _reasons_to_leave(target: TargetId, rollouts: Sequence[Rollout], arns: frozenset[Arn]) -> Iterator[LeftAlone]:
    if any(rollout.plan.kind is not PlanKind.ROLL for rollout in rollouts):
        yield LeftAlone.BY_HAND
    if any(rollout.statuses[target].may_run for rollout in rollouts):
        yield LeftAlone.MAY_RUN
    recorded = {place.group for rollout in rollouts for place in rollout.targets[target].registrations}
    same = all({group.arn for group in rollout.plan.groups} == arns for rollout in rollouts)
    if not same and recorded <= arns:  # with a registration in more groups the plan is refused, and says so
        yield LeftAlone.OTHER_GROUPS
