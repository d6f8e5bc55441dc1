"""The release that each target carries, as far as the journal tells.

`status` shows it, and a rollout of outdated targets chooses by it. Nothing here asks a target: work that was done
without Katakei is unknown to the journal.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from katakei.domain.model import Arn, TargetId
from katakei.domain.overview import CarriedRelease, Knowledge
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.plan import PlanKind
from katakei.domain.ports import Journal, newest_first
from katakei.domain.replay import replay
from katakei.domain.rollout import Rollout, TargetStatus
from katakei.planning.survey import PastWork

__all__ = ["CarriedRelease", "Knowledge", "carried_by", "carried_releases", "past_work", "recent_rollouts"]

RECENT = 50
"""How many rollouts of the groups are read back, newest first."""


def carried_releases(journal: Journal, groups: Sequence[Arn]) -> Mapping[TargetId, CarriedRelease]:
    """The release of each target that a recent rollout of these groups worked on.

    Args:
        journal: Where rollouts are recorded.
        groups: The target groups.

    Returns:
        Nothing for a target that none of the newest rollouts worked on. Manual steps install nothing.
    """
    return carried_by(recent_rollouts(journal, groups))


def recent_rollouts(journal: Journal, groups: Sequence[Arn]) -> Iterator[Rollout]:
    """The newest rollouts of these groups, newest first; each log is read only when it is asked for."""
    for header in newest_first([journal.find(group=group)[:RECENT] for group in groups])[:RECENT]:
        yield replay(journal.read(header.rollout, 0))


def past_work(journal: Journal, groups: Sequence[Arn], service: str) -> Mapping[TargetId, PastWork]:
    """The earlier work on each target, as a plan for some of the targets needs it.

    Args:
        journal: Where rollouts are recorded.
        groups: The target groups.
        service: Only its rollouts say when a target was last done; every rollout says which release it carries.
    """
    rollouts = list(recent_rollouts(journal, groups))
    done: dict[TargetId, int] = {}
    mine = (each for each in rollouts if each.plan.kind is PlanKind.ROLL and each.plan.spec.service == service)
    for ago, rollout in enumerate(mine):
        for target, status in rollout.statuses.items():
            if status.touched and _knowledge(status) is Knowledge.CONFIRMED:
                done.setdefault(target, ago)
    carried = carried_by(rollouts)
    return {target: PastWork(each.release, each.how, done.get(target)) for target, each in carried.items()}


def carried_by(newest_first: Iterable[Rollout]) -> dict[TargetId, CarriedRelease]:
    """As `carried_releases`, of rollouts that were read already."""
    carried: dict[TargetId, CarriedRelease] = {}
    reverted: set[TargetId] = set()  # the release before is still to be found
    for rollout in newest_first:
        if rollout.plan.kind is not PlanKind.ROLL:
            continue
        for target, status in rollout.statuses.items():
            if not status.touched:
                continue
            found = CarriedRelease(rollout.plan.release or None, rollout.plan.rollout, _knowledge(status))
            if target not in carried:
                undone = found.how is Knowledge.REVERTED
                carried[target] = CarriedRelease(None, found.rollout, found.how) if undone else found
                reverted |= {target} if undone else set()
            elif target in reverted and found.how is not Knowledge.REVERTED:
                reverted.remove(target)
                if found.how is Knowledge.CONFIRMED:
                    later = carried[target]
                    carried[target] = CarriedRelease(found.release, later.rollout, later.how)
    return carried


def _knowledge(status: TargetStatus) -> Knowledge:
    if status.phase is not Phase.DONE or status.cause is Cause.FAILED:
        return Knowledge.UNCONFIRMED
    return Knowledge.REVERTED if status.intent is Intent.REVERT else Knowledge.CONFIRMED
