"""Taking back what was touched: whom a revert concerns, what it calls off, and when a rollout resolves it by itself.

Only what the update was resolved on is ever taken back, and never by the command of the update.
"""

from katakei.domain.model import TargetId
from katakei.domain.phases import Intent, Phase
from katakei.domain.replay import Rollout
from katakei.domain.spec import AfterFailure


def fails_back(rollout: Rollout) -> bool:
    """More targets failed than were allowed, and by `on_failure` those that were touched are to be taken back."""
    if rollout.reverting or rollout.aborting or rollout.plan.spec.revert is None:
        return False
    return rollout.failed and rollout.plan.spec.on_failure.then is AfterFailure.REVERT


def recalled(rollout: Rollout, target: TargetId) -> str:
    """Why this target is to be taken back; '' when it is not, or when that has been resolved already."""
    status = rollout.statuses[target]
    due = status.touched and not status.reverted and rollout.plan.spec.revert is not None
    return f"reverted by {rollout.reverting}" if rollout.reverting and due and not rollout.stopped else ""


def called_off(rollout: Rollout, target: TargetId) -> str:
    """Why no work is to begin on a target any more that was taken out for it; '' while it is."""
    late = rollout.reverting and rollout.statuses[target].intent is not Intent.REVERT
    return rollout.stopped or (f"reverted by {rollout.reverting}" if late else "")


def not_taken_back(rollout: Rollout) -> list[TargetId]:
    """Once it is reverted: the targets that were touched and do not serve what the revert brought."""
    touched = [target for target, status in rollout.statuses.items() if status.touched and rollout.reverting]
    back = rollout.by_phase[Phase.DONE]
    return [t for t in touched if t not in back or rollout.statuses[t].intent is not Intent.REVERT]
