"""The answers on the way out: what to do with a target that is draining, or out and about to be worked on.

Until its work is resolved a target can still go back untouched, and does when anything asks for it.
"""

from datetime import timedelta

from katakei.domain import events as e
from katakei.domain.actions import Note, Step
from katakei.domain.observation import Pending
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.plan import Kind
from katakei.domain.words import span
from katakei.reconcile.context import VERDICT, Case
from katakei.reconcile.drain_proof import INTRUDED, TWICE, not_out, unsettled
from katakei.reconcile.working import start

NOTED = timedelta(seconds=30)  # how often what a witness still sees pending is written down


def draining(case: Case) -> tuple[Step, ...]:
    """Wait until nothing reaches it; what only is to be kept out, or is not waited for, just has to leave."""
    held_up = _held_up(case)
    if held_up:
        return held_up
    if case.standing.intent is Intent.KEEP_OUT or not case.plan.waits:
        by_hand = Cause.BY_HAND if case.plan.kind is Kind.DEREGISTER else None
        return (
            case.move(Phase.LEFT_OUT, case.standing.why or "deregistered by hand, drain not waited for", cause=by_hand),
        )
    waiting = unsettled(case)
    if waiting is None:
        return (case.move(Phase.OUT),)
    if _overdue(case):
        return (_too_long(case),)
    return (*_pending(case), waiting)


def _pending(case: Case) -> tuple[Note, ...]:
    """What the witness still sees once settle is over: noted now and then, and cut when it was waited for enough."""
    drain, standing, verdict = case.plan.spec.drain, case.standing, case.sight.evidence.get(case.target.id)
    if standing.out_since is None or verdict is None or verdict.verdict is not Pending.BUSY:
        return ()
    out_for = case.now - standing.out_since
    if out_for < drain.settle or case.now - verdict.ended >= VERDICT:
        return ()
    if drain.cut_after is not None and out_for >= drain.cut_after:
        return (Note(e.Cut(case.now, case.target.id, verdict.open)),)
    if standing.busy_at is None or case.now - standing.busy_at >= NOTED:
        return (Note(e.SeenBusy(case.now, case.target.id, verdict.why)),)
    return ()


def out(case: Case) -> tuple[Step, ...]:
    """Begin the work, unless something reaches the target again."""
    held_up = _held_up(case)
    if held_up:
        return held_up
    if case.plan.kind is Kind.DEREGISTER:
        return (case.move(Phase.LEFT_OUT, "deregistered by hand", cause=Cause.BY_HAND),)
    waiting = unsettled(case)
    return (waiting,) if waiting else (case.move(Phase.WORKING), start(case))


def _held_up(case: Case) -> tuple[Step, ...] | None:
    """Why it goes no further: it goes back, is left to a person, or is not seen out. None when it is out."""
    back = _go_back(case)
    if back:
        return (back,)
    if case.standing.found_serving >= TWICE:
        return (case.move(Phase.LEFT_OUT, INTRUDED, cause=Cause.FAILED),)
    blocked = not_out(case)
    return (_too_long(case),) if blocked and case.looks and _overdue(case) else blocked


def _go_back(case: Case) -> Note | None:
    """Back before any work: an abort, too many failures, a floor that another target broke, or a return asked for."""
    if case.standing.intent is Intent.KEEP_OUT:
        return None
    if case.rollout.aborting:
        return _back(case, f"aborted by {case.rollout.aborting}", Cause.ABORTED)
    if case.plan.kind is Kind.ROLL and case.called_off:
        return _back(case, case.called_off)
    if case.plan.kind is Kind.ROLL and case.floor_lost and not case.standing.was_out:
        return _back(case, f"the floor was lost while it was out: {case.floor_lost}", Cause.FLOOR_LOST)
    if case.standing.intent is Intent.RETURN:
        return case.move(Phase.RETURNING, case.standing.why)
    return None


def _back(case: Case, why: str, cause: Cause | None = None) -> Note:
    """Into service again; but what had been left out before this attempt was never proven sound, and stays out."""
    if case.standing.was_out:
        return case.move(Phase.LEFT_OUT, why, cause=cause)
    return case.move(Phase.RETURNING, why, Intent.RETURN, cause)


def _too_long(case: Case) -> Note:
    """Over its limit: a step by hand is not undone, and what is to be kept out is not put back."""
    why = f"still draining after {span(case.waited)}"
    if case.plan.kind is Kind.DEREGISTER or case.standing.intent is Intent.KEEP_OUT:
        return case.move(Phase.LEFT_OUT, case.also(why), cause=Cause.FAILED)
    return _back(case, why, Cause.FAILED)


def _overdue(case: Case) -> bool:
    return case.waited > case.drain_limit
