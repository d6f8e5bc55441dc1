"""The answer when somebody deletes a target group in the middle: nothing is waited for that can never come."""

from katakei.core.case import Case
from katakei.core.roads import Cause, Intent, Phase
from katakei.core.steps import Note
from katakei.core.words import listed


def vanished(case: Case) -> Note | None:
    """Gone where no group is left to be registered in; else it stays out, and is named. Work is followed to its end."""
    deleted = [group.name for group in case.groups if group.arn in case.sight.deleted]
    if not deleted or case.standing.phase is Phase.WORKING:
        return None
    why = f"the target group {listed(deleted)} was deleted, not by us"
    if len(deleted) == len(case.groups):
        cause = None if case.standing.phase is Phase.WAITING else Cause.FAILED
        return case.move(Phase.GONE, case.also(why), cause=cause)
    if case.standing.phase is Phase.WAITING:
        return case.move(Phase.SKIPPED, why)
    if case.standing.phase in {Phase.WARMING, Phase.SOAKING}:
        return case.move(Phase.DRAINING, case.also(why), Intent.KEEP_OUT, Cause.FAILED)
    return case.move(Phase.LEFT_OUT, case.also(why), cause=Cause.FAILED)
