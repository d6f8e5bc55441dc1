"""The answers while a target is worked on. Work never starts twice, and never on a target that may serve.

The mark on the target alone tells how the work goes; what cannot be known is never guessed (promise 4).
"""

from datetime import timedelta

from katakei.domain import events as e
from katakei.domain.actions import Action, CancelWork, ForbidWork, Record, StartWork, Wait
from katakei.domain.jobs import job
from katakei.domain.observation import HealthState, WorkState, WorkStatus
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.spec import FailedTargetPolicy
from katakei.domain.words import span
from katakei.reconcile.context import MAX_ATTEMPTS, TargetContext
from katakei.reconcile.drain_proof import INTRUDED, TWICE, not_out, unsettled

LAST = timedelta(minutes=2)  # for so long work over its limit is told to end, or never to begin, before it is left out
_UNSEEN = WorkStatus(WorkState.UNKNOWN)
_KNOWN = {WorkState.RUNNING: "still runs", WorkState.NOT_STARTED: "has not started"}


def working(case: TargetContext) -> tuple[Action, ...]:
    """Follow the work, and what still came after the target was called quiet."""
    return (*_came(case), *_followed(case))


def _came(case: TargetContext) -> tuple[Record, ...]:
    requests = case.observation.arrivals.get(case.target.id, 0)
    return (Record(e.RequestsAfterQuiet(case.now, case.target.id, requests)),) if requests > case.status.arrived else ()


def _followed(case: TargetContext) -> tuple[Action, ...]:
    """By its mark; handed over again only where it is known, or bound by its key, not to run."""
    work = case.observation.works.get(case.rollout.key(case.target.id), _UNSEEN)
    overdue = case.waited > case.plan.spec.limits.working
    stopped = case.called_off
    if not overdue and not stopped and (case.status.ticket is None or work.state is WorkState.NOT_STARTED):
        return _begin(case, work)
    match work.state:
        case WorkState.ENDED:
            return (
                Record(e.WorkEnded(case.now, case.rollout.key(case.target.id), work.exit or 0, work.out)),
                _on(case, work),
            )
        case WorkState.AWAITS_APPROVAL:
            return _person(case)
        case WorkState.REFUSED:
            return (_lost(case, begun=False), _refused(case, work))
        case WorkState.INTERRUPTED:
            why = work.why or "the work was interrupted; it is not started again by itself"
            return (_lost(case, begun=True), _failed(case, why))
        case _ if overdue:
            return _overdue(case, work)
        case WorkState.RUNNING:
            return _meanwhile(case, f"the work runs {case.lasting}")
        case _ if stopped:
            return _forbidden(case, f"{stopped}; whether the work has begun cannot be seen {case.lasting}")
        case _:
            return _meanwhile(
                case, f"whether the work runs cannot be seen {case.lasting} ({work.why or 'no answer yet'})"
            )


def start(case: TargetContext) -> StartWork:
    """The job under its key; looked at once more while it still drains."""
    status, command = case.status, case.rollout.command(case.target.id)
    given = job(case.plan, case.target, command, status.attempt, status.marks)
    draining = any(look.state is HealthState.DRAINING for look in case.looks or ())
    return StartWork(case.rollout.key(case.target.id), case.target, given, last_look=draining and not status.cut)


def _begin(case: TargetContext, work: WorkStatus) -> tuple[Action, ...]:
    """Handed over, or once more: only to a target that is still, or again, proven out of service."""
    if case.status.found_serving >= TWICE:
        return (_to_a_person(case),)
    blocked = not_out(case)
    if blocked:
        return blocked
    waiting = unsettled(case)
    if waiting:
        return (waiting,)
    so = " once more; it has not begun" if work.state is WorkState.NOT_STARTED else ", but was not taken"
    return (start(case), case.rest(f"the work is handed over{so} {case.lasting}{work.why and f' ({work.why})'}"))


def _meanwhile(case: TargetContext, why: str) -> tuple[Action, ...]:
    """Found in service while it is worked on: taken out once more; the second time only its work is finished."""
    out = () if case.status.found_serving >= TWICE else not_out(case) or ()
    return (*(action for action in out if not isinstance(action, Wait)), case.rest(why))


def _refused(case: TargetContext, work: WorkStatus) -> Record:
    """Nothing was done, and nothing will be under this key: back as it was, to be tried again if that may help."""
    again = Cause.REFUSED if case.status.tries < MAX_ATTEMPTS else Cause.FAILED
    why = f"the work was refused, nothing was done: {work.why or 'the target does not say why'}"
    if case.called_off:
        why, again = case.called_off, Cause.ABORTED
    return case.move(Phase.LEFT_OUT if case.status.was_out else Phase.CHECKING, why, Intent.RETURN, again)


def _overdue(case: TargetContext, work: WorkStatus) -> tuple[Action, ...]:
    """Told to end where it runs, and never to begin where it may not have; what is unknown even then is left out.

    A later look shows what became of it: ended, interrupted, or refused because it was forbidden.
    """
    why = f"the work {_KNOWN.get(work.state, 'cannot be seen')} after {span(case.waited)}"
    if case.waited > case.plan.spec.limits.working + LAST:
        why = f"{why}; it may be running, so nothing else is started"
        return (case.move(Phase.LEFT_OUT, why, cause=Cause.FAILED),)
    if work.state is WorkState.RUNNING:
        key, ticket = case.rollout.key(case.target.id), case.status.ticket or case.status.marks
        return (CancelWork(key, case.target, ticket), *_meanwhile(case, f"{why}; told to end"))
    return _forbidden(case, why)


def _forbidden(case: TargetContext, why: str) -> tuple[Action, ...]:
    """Told never to begin: a later look says REFUSED once that is certain, or what has begun after all."""
    key, ticket = case.rollout.key(case.target.id), case.status.ticket or case.status.marks
    return (ForbidWork(key, case.target, ticket), *_meanwhile(case, f"{why}; told never to begin"))


def _on(case: TargetContext, work: WorkStatus) -> Record:
    """Where the target goes when its work has ended."""
    if work.exit:
        return _failed(case, f"the work ended with exit code {work.exit}{work.why and f' ({work.why})'}")
    if case.recalled:
        return _recalled(case, "the work has ended")
    return _to_a_person(case) if case.status.found_serving >= TWICE else case.move(Phase.CHECKING)


def _to_a_person(case: TargetContext) -> Record:
    return case.move(Phase.LEFT_OUT, INTRUDED, cause=Cause.FAILED)


def _person(case: TargetContext) -> tuple[Action, ...]:
    """A person works on it: their word ends the work, an abort ends the wait."""
    if case.recalled:
        return (_lost(case, begun=True), _recalled(case, "the work was not approved"))
    if case.status.approved:
        return (case.move(Phase.CHECKING),)
    if case.rollout.aborting:
        why = f"aborted by {case.rollout.aborting} before the work was approved"
        return (case.move(Phase.CHECKING, why, Intent.RETURN, Cause.ABORTED),)
    command = f"katakei approve {case.plan.rollout} {case.target.id}"
    return _meanwhile(case, f"yours to work on {case.lasting}; when it is done: {command}")


def _lost(case: TargetContext, *, begun: bool) -> Record:
    return Record(e.WorkLost(case.now, case.rollout.key(case.target.id), begun))


def _recalled(case: TargetContext, why: str) -> Record:
    """It is out already, and does not serve what is taken back in a moment."""
    return case.move(Phase.LEFT_OUT, f"{why}; {case.recalled}")


def _failed(case: TargetContext, why: str) -> Record:
    """Failed work: kept out, or put back when its check passes.

    An abort always tries that, where there is a check: nothing half-done serves by the load balancer's word alone.
    """
    if case.recalled:
        return _recalled(case, why)
    aborting = case.rollout.aborting and case.plan.spec.check.asked
    if aborting or case.plan.spec.on_failure.failed_target is FailedTargetPolicy.PUT_BACK:
        return case.move(Phase.CHECKING, why, Intent.RETURN, Cause.FAILED)
    return case.move(Phase.LEFT_OUT, why, cause=Cause.FAILED)
