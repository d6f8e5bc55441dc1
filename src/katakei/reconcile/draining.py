"""The handlers on the way out: a target that drains, or is out and about to be worked on.

Until its work is decided a target can go back untouched, and does so when an abort, a failure or a floor asks for it.
"""

from datetime import timedelta

from katakei.domain import events as e
from katakei.domain.actions import Action, Record
from katakei.domain.freezes import Freeze
from katakei.domain.observation import ProbeVerdict
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.plan import PlanKind
from katakei.domain.reasons import Reason, ReasonCode, reason
from katakei.reconcile.context import VERDICT_MAX_AGE, TargetContext
from katakei.reconcile.drain_proof import INTRUDED, INTRUSIONS_ALLOWED, not_out, unsettled
from katakei.reconcile.gating import frozen
from katakei.reconcile.overlap import ended, unfinished
from katakei.reconcile.working import start

BUSY_RECORD_INTERVAL = timedelta(seconds=30)  # how often pending requests are recorded


def draining(context: TargetContext) -> tuple[Action, ...]:
    """Wait until nothing reaches it. A target that is kept out, or not waited for, only has to leave service."""
    held_up = _held_up(context)
    if held_up:
        return held_up
    if context.status.intent is Intent.KEEP_OUT or not context.plan.waits:
        by_hand = Cause.BY_HAND if context.plan.kind is PlanKind.DEREGISTER else None
        why = context.status.reason or reason(ReasonCode.DEREGISTERED_BY_HAND_WITHOUT_WAIT)
        return (context.enter(Phase.LEFT_OUT, why, cause=by_hand),)
    waiting = unsettled(context)
    if waiting is None:
        return (context.enter(Phase.OUT),)
    if _overdue(context):
        return (_too_long(context),)
    return (*_pending(context), waiting)


def _pending(context: TargetContext) -> tuple[Record, ...]:
    """What the probe sees once settle is over: recorded from time to time, and no longer awaited after `cut_after`."""
    drain, status = context.plan.spec.drain, context.status
    verdict = context.observation.evidence.get(context.target.id)
    if status.out_since is None or verdict is None or verdict.verdict is not ProbeVerdict.BUSY:
        return ()
    if context.rollout.command(context.target.id).stops:
        return ()  # only the end of the timer counts, with or without requests
    out_for = context.now - status.out_since
    if out_for < drain.settle or context.now - verdict.ended >= VERDICT_MAX_AGE:
        return ()
    if drain.cut_after is not None and out_for >= drain.cut_after:
        return (Record(e.DrainCutShort(context.now, context.target.id, verdict.open)),)
    if status.busy_at is None or context.now - status.busy_at >= BUSY_RECORD_INTERVAL:
        return (Record(e.ObservedBusy(context.now, context.target.id, verdict.why)),)
    return ()


def out(context: TargetContext) -> tuple[Action, ...]:
    """Begin the work, unless something reaches the target again."""
    held_up = _held_up(context)
    if held_up:
        return held_up
    if context.plan.kind is PlanKind.DEREGISTER:
        return (context.enter(Phase.LEFT_OUT, reason(ReasonCode.DEREGISTERED_BY_HAND), cause=Cause.BY_HAND),)
    waiting = unfinished(context) or unsettled(context)
    return (waiting,) if waiting else (context.enter(Phase.WORKING), start(context))


def _held_up(context: TargetContext) -> tuple[Action, ...] | None:
    """What happens instead of the next step: it goes back, is left to a person, or is not out yet. None when out."""
    back = _go_back(context)
    if back:
        return (back,)
    if context.status.found_serving >= INTRUSIONS_ALLOWED:
        return (context.enter(Phase.LEFT_OUT, INTRUDED, cause=Cause.FAILED),)
    blocked = not_out(context)
    return (_too_long(context),) if blocked and context.health and _overdue(context) else blocked


def _go_back(context: TargetContext) -> Record | None:
    """Back before any work: an abort, too many failures, a floor that another target broke, or a return asked for."""
    if context.status.intent is Intent.KEEP_OUT:
        return None
    if context.rollout.aborting:
        return _back(context, reason(ReasonCode.ABORTED, by=context.rollout.aborting), Cause.ABORTED)
    if context.plan.kind is PlanKind.ROLL and context.called_off:
        return _back(context, context.called_off)
    if overlap := ended(context):
        return _back(context, overlap, Cause.OVERLAP_ENDED)
    if context.plan.kind is PlanKind.ROLL and context.floor_lost and not context.status.was_out:
        return _back(context, reason(ReasonCode.FLOOR_LOST, why=context.floor_lost), Cause.FLOOR_LOST)
    if isinstance(freeze := context.take_out_held, Freeze):
        return _back(context, reason(ReasonCode.RETURNED_FOR_FREEZE, why=frozen(freeze)), Cause.FROZEN)
    if context.status.intent is Intent.RETURN:
        return context.enter(Phase.RETURNING, context.status.reason)
    return None


def _back(context: TargetContext, why: Reason, cause: Cause | None = None) -> Record:
    """Into service again. A target that was left out before this attempt was never proven healthy, so it stays out."""
    if context.status.was_out:
        return context.enter(Phase.LEFT_OUT, why, cause=cause)
    return context.enter(Phase.RETURNING, why, Intent.RETURN, cause)


def _too_long(context: TargetContext) -> Record:
    """Over its limit. A manual step is not undone, and a target that is to be kept out is not put back."""
    code = ReasonCode.DRAIN_TIMEOUT if context.status.deregistered else ReasonCode.DEREGISTER_NOT_SENT
    why = reason(code, waited=context.waited)
    if context.plan.kind is PlanKind.DEREGISTER or context.status.intent is Intent.KEEP_OUT:
        return context.enter(Phase.LEFT_OUT, context.then(why), cause=Cause.FAILED)
    return _back(context, why, Cause.FAILED)


def _overdue(context: TargetContext) -> bool:
    """Over the limit of its drain; or over `limits.waiting`, while no call has returned that takes it out."""
    limits = [context.drain_limit] if context.status.deregistered else [context.drain_limit, context.waiting_limit]
    return context.waited > min(limits)
