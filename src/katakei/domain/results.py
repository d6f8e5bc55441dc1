"""The result of a rollout in one word, the same on terminals, on pages and in JSON.

Terminals and pages write the word in upper case, JSON in lower case. The exit code is in `reconcile.outcome`.
"""

from enum import Enum

from katakei.domain.model import TargetId
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.plan import PlanKind
from katakei.domain.rollout import Rollout
from katakei.domain.traffic import TrafficStatus


class Result(Enum):
    """How a finished rollout ended."""

    DONE = "done"
    FAILED = "failed"
    ABORTED = "aborted"
    REVERTED = "reverted"


def result(rollout: Rollout) -> Result | None:
    """How the rollout ended.

    Returns:
        DONE: every target got what was asked for. REVERTED: every target that was worked on serves what the revert
        brought, and no target is left out. ABORTED: a person stopped it before more targets failed than were allowed.
        FAILED: everything else, a revert that did not succeed included. None: it is not finished.
    """
    if rollout.finished is None:
        return None
    if rollout.traffic:
        return _of_switch(rollout, rollout.traffic)
    if completed(rollout):
        return Result.DONE
    if reverted(rollout):
        return Result.REVERTED
    return Result.ABORTED if rollout.aborting and not rollout.failed else Result.FAILED


def _of_switch(rollout: Rollout, status: TrafficStatus) -> Result:
    if status.changed or status.moving:
        return Result.FAILED
    if status.share is not None:
        return Result.DONE
    if rollout.reverting and not rollout.aborting:
        return Result.REVERTED
    return Result.ABORTED if rollout.aborting else Result.FAILED


def completed(rollout: Rollout) -> bool:
    """Whether every target of a finished rollout got what was asked for."""
    if rollout.plan.kind is PlanKind.DEREGISTER:
        causes = [rollout.statuses[target].cause for target in rollout.by_phase[Phase.LEFT_OUT]]
        return len(causes) == len(rollout.statuses) and all(cause is Cause.BY_HAND for cause in causes)
    wanted = Phase.RETURNED if rollout.plan.kind is PlanKind.REGISTER else Phase.DONE
    missed = len(rollout.statuses) - len(rollout.by_phase[wanted]) - beyond_limit(rollout) + len(rollout.lost)
    return not (missed or rollout.aborting or rollout.reverting)


def beyond_limit(rollout: Rollout) -> int:
    """How many targets were skipped only because the rollout was asked for fewer."""
    if rollout.plan.limit is None:
        return 0
    return sum(rollout.statuses[target].cause is Cause.LIMIT for target in rollout.by_phase[Phase.SKIPPED])


def reverted(rollout: Rollout) -> bool:
    """Whether every touched target of a finished rollout serves what the revert brought, and no target is left out."""
    if not rollout.reverting or rollout.aborting or rollout.lost:
        return False
    return not rollout.by_phase[Phase.LEFT_OUT] and not not_taken_back(rollout)


def not_taken_back(rollout: Rollout) -> list[TargetId]:
    """Once the rollout is reverted: the touched targets that do not serve what the revert brought."""
    touched = [target for target, status in rollout.statuses.items() if status.touched and rollout.reverting]
    back = rollout.by_phase[Phase.DONE]
    return [t for t in touched if t not in back or rollout.statuses[t].intent is not Intent.REVERT]
