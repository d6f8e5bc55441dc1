"""The answer when somebody deletes a target group in the middle: nothing is waited for that can never come."""

from katakei.domain.actions import Record
from katakei.domain.phases import Cause, Intent, Phase
from katakei.reconcile.context import TargetContext


def vanished(case: TargetContext) -> Record | None:
    """Gone where no group is left to be registered in; else it stays out, and is named. Work is followed to its end."""
    if not case.deleted or case.status.phase is Phase.WORKING:
        return None
    if case.observation.deleted.issuperset(group.arn for group in case.groups):
        cause = None if case.status.phase is Phase.WAITING else Cause.FAILED
        return case.move(Phase.GONE, case.also(case.deleted), cause=cause)
    if case.status.phase is Phase.WAITING:
        return case.move(Phase.SKIPPED, case.deleted)
    if case.status.phase in {Phase.WARMING, Phase.SOAKING}:
        return case.move(Phase.DRAINING, case.also(case.deleted), Intent.KEEP_OUT, Cause.FAILED)
    return case.move(Phase.LEFT_OUT, case.also(case.deleted), cause=Cause.FAILED)
