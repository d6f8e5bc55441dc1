"""The answers on the way out: what to do with a target that is draining, or out and about to be worked on.

Until its work is resolved a target can still go back untouched, and does when anything asks for it.
"""

from datetime import timedelta

from katakei.domain import events as e
from katakei.domain.actions import Action, Record
from katakei.domain.observation import ProbeVerdict
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.plan import PlanKind
from katakei.domain.words import span
from katakei.reconcile.context import VERDICT_MAX_AGE, TargetContext
from katakei.reconcile.drain_proof import INTRUDED, TWICE, not_out, unsettled
from katakei.reconcile.working import start

NOTED = timedelta(seconds=30)  # how often what a witness still sees pending is written down


def draining(case: TargetContext) -> tuple[Action, ...]:
    """Wait until nothing reaches it; what only is to be kept out, or is not waited for, just has to leave."""
    held_up = _held_up(case)
    if held_up:
        return held_up
    if case.status.intent is Intent.KEEP_OUT or not case.plan.waits:
        by_hand = Cause.BY_HAND if case.plan.kind is PlanKind.DEREGISTER else None
        return (
            case.move(Phase.LEFT_OUT, case.status.why or "deregistered by hand, drain not waited for", cause=by_hand),
        )
    waiting = unsettled(case)
    if waiting is None:
        return (case.move(Phase.OUT),)
    if _overdue(case):
        return (_too_long(case),)
    return (*_pending(case), waiting)


def _pending(case: TargetContext) -> tuple[Record, ...]:
    """What the witness still sees once settle is over: noted now and then, and cut when it was waited for enough."""
    drain, status, verdict = case.plan.spec.drain, case.status, case.observation.evidence.get(case.target.id)
    if status.out_since is None or verdict is None or verdict.verdict is not ProbeVerdict.BUSY:
        return ()
    out_for = case.now - status.out_since
    if out_for < drain.settle or case.now - verdict.ended >= VERDICT_MAX_AGE:
        return ()
    if drain.cut_after is not None and out_for >= drain.cut_after:
        return (Record(e.DrainCutShort(case.now, case.target.id, verdict.open)),)
    if status.busy_at is None or case.now - status.busy_at >= NOTED:
        return (Record(e.ObservedBusy(case.now, case.target.id, verdict.why)),)
    return ()


def out(case: TargetContext) -> tuple[Action, ...]:
    """Begin the work, unless something reaches the target again."""
    held_up = _held_up(case)
    if held_up:
        return held_up
    if case.plan.kind is PlanKind.DEREGISTER:
        return (case.move(Phase.LEFT_OUT, "deregistered by hand", cause=Cause.BY_HAND),)
    waiting = unsettled(case)
    return (waiting,) if waiting else (case.move(Phase.WORKING), start(case))


def _held_up(case: TargetContext) -> tuple[Action, ...] | None:
    """Why it goes no further: it goes back, is left to a person, or is not seen out. None when it is out."""
    back = _go_back(case)
    if back:
        return (back,)
    if case.status.found_serving >= TWICE:
        return (case.move(Phase.LEFT_OUT, INTRUDED, cause=Cause.FAILED),)
    blocked = not_out(case)
    return (_too_long(case),) if blocked and case.looks and _overdue(case) else blocked


def _go_back(case: TargetContext) -> Record | None:
    """Back before any work: an abort, too many failures, a floor that another target broke, or a return asked for."""
    if case.status.intent is Intent.KEEP_OUT:
        return None
    if case.rollout.aborting:
        return _back(case, f"aborted by {case.rollout.aborting}", Cause.ABORTED)
    if case.plan.kind is PlanKind.ROLL and case.called_off:
        return _back(case, case.called_off)
    if case.plan.kind is PlanKind.ROLL and case.floor_lost and not case.status.was_out:
        return _back(case, f"the floor was lost while it was out: {case.floor_lost}", Cause.FLOOR_LOST)
    if case.status.intent is Intent.RETURN:
        return case.move(Phase.RETURNING, case.status.why)
    return None


def _back(case: TargetContext, why: str, cause: Cause | None = None) -> Record:
    """Into service again; but what had been left out before this attempt was never proven sound, and stays out."""
    if case.status.was_out:
        return case.move(Phase.LEFT_OUT, why, cause=cause)
    return case.move(Phase.RETURNING, why, Intent.RETURN, cause)


def _too_long(case: TargetContext) -> Record:
    """Over its limit: a step by hand is not undone, and what is to be kept out is not put back."""
    why = f"still draining after {span(case.waited)}"
    if case.plan.kind is PlanKind.DEREGISTER or case.status.intent is Intent.KEEP_OUT:
        return case.move(Phase.LEFT_OUT, case.also(why), cause=Cause.FAILED)
    return _back(case, why, Cause.FAILED)


def _overdue(case: TargetContext) -> bool:
    return case.waited > case.drain_limit
