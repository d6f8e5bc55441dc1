"""The revert: which targets it takes back, what it calls off, and when a rollout decides it by itself.

Only targets on which the update was decided are taken back, and never by the command of the update.
"""

from katakei.domain.model import TargetId
from katakei.domain.phases import Intent
from katakei.domain.reasons import Reason, ReasonCode, reason
from katakei.domain.replay import Rollout
from katakei.domain.spec import AfterFailure


def fails_back(rollout: Rollout) -> bool:
    """Whether more targets failed than were allowed, and `on_failure` says that the touched ones are taken back."""
    if rollout.reverting or rollout.aborting or rollout.plan.spec.revert is None:
        return False
    return rollout.failed and rollout.plan.spec.on_failure.then is AfterFailure.REVERT


def recalled(rollout: Rollout, target: TargetId) -> Reason | None:
    """Why this target is to be taken back; None when it is not, or when that was decided already."""
    status = rollout.statuses[target]
    due = status.touched and not status.reverted and rollout.plan.spec.revert is not None
    return _reverted(rollout) if due and not rollout.stopped else None


def called_off(rollout: Rollout, target: TargetId) -> Reason | None:
    """Why no work is to begin any more on a target that was taken out for it; None while it is."""
    if rollout.stopped:
        return rollout.stopped
    return None if rollout.statuses[target].intent is Intent.REVERT else _reverted(rollout)


def _reverted(rollout: Rollout) -> Reason | None:
    return reason(ReasonCode.REVERTED, by=rollout.reverting) if rollout.reverting else None
