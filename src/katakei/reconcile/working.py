"""The handler while a target is worked on. Work never starts twice, and never on a target that may serve.

Only the mark on the target says how the work goes. What cannot be known is never guessed (promise 4).
"""

from datetime import timedelta

from katakei.domain import events as e
from katakei.domain.actions import Action, CancelWork, ForbidWork, Record, StartWork, Wait
from katakei.domain.jobs import job
from katakei.domain.observation import HealthState, WorkState, WorkStatus
from katakei.domain.phases import Cause, Intent, Phase, Step
from katakei.domain.reasons import Reason, ReasonCode, reason, then
from katakei.domain.spec import FailedTargetPolicy
from katakei.reconcile.context import MAX_ATTEMPTS, TargetContext
from katakei.reconcile.drain_proof import INTRUDED, INTRUSIONS_ALLOWED, not_out, unsettled

OVERDUE_LIMIT = timedelta(minutes=2)  # how long cancel and forbid are repeated before the target is left out
_NOT_OBSERVED = WorkStatus(WorkState.UNKNOWN)
_SHOWN_STATES = {WorkState.RUNNING, WorkState.NOT_STARTED}


def working(context: TargetContext) -> tuple[Action, ...]:
    """Follow the work, and record requests that still came after the target was called quiet."""
    return (*_arrivals(context), *_follow(context))


def _arrivals(context: TargetContext) -> tuple[Record, ...]:
    requests = context.observation.arrivals.get(context.target.id, 0)
    more = requests > context.status.arrived
    return (Record(e.RequestsAfterQuiet(context.now, context.target.id, requests)),) if more else ()


def _follow(context: TargetContext) -> tuple[Action, ...]:
    """By its mark. It is started again only where it is known not to run, or where its key makes that certain."""
    work = context.observation.works.get(context.rollout.key(context.target.id), _NOT_OBSERVED)
    overdue = context.waited > context.plan.spec.limits.working
    stopped = context.called_off
    if not overdue and not stopped and (context.status.ticket is None or work.state is WorkState.NOT_STARTED):
        return _begin(context, work)
    text = work.why or None
    match work.state:
        case WorkState.ENDED:
            key = context.rollout.key(context.target.id)
            ended = Record(e.WorkEnded(context.now, key, work.exit or 0, work.out, work.cut))
            return (ended,) if _goes_on(context, work) else (ended, _ended(context, work))
        case WorkState.AWAITS_APPROVAL:
            return _await_approval(context)
        case WorkState.REFUSED:
            return (_lost(context, begun=not _first(context)), _refused(context, work))
        case WorkState.INTERRUPTED:
            why = _named(context, reason(ReasonCode.WORK_INTERRUPTED, text=text))
            return (_lost(context, begun=True), _failed(context, why))
        case WorkState.HALFWAY if not _given_up(context):
            return _go_on(context, work)
        case _ if overdue:
            return _overdue(context, work)
        case WorkState.RUNNING:
            return _meanwhile(context, _named(context, reason(ReasonCode.WORK_RUNNING, waited=context.worked)))
        case _ if stopped:
            why = reason(ReasonCode.WORK_NOT_OBSERVED_AFTER_STOP, why=stopped, waited=context.waited)
            return _forbid(context, why)
        case _:
            return _meanwhile(context, reason(ReasonCode.WORK_NOT_OBSERVED, waited=context.waited, text=text))


def _first(context: TargetContext) -> bool:
    """No step of this attempt was done before the present one."""
    status = context.status
    return status.step is context.plan.spec.steps(status.intent)[0]


def _goes_on(context: TargetContext, work: WorkStatus) -> bool:
    """Another step follows this one. Where it was called off meanwhile, the next turn forbids it."""
    return not work.exit and context.rollout.next_step(context.target.id) is not None


def _named(context: TargetContext, why: Reason) -> Reason:
    """The reason with the name of the step, where it is not the work."""
    step = context.status.step
    return why if step is Step.WORK else reason(ReasonCode.OF_STEP, step=step.value, why=why)


def start(context: TargetContext) -> StartWork:
    """Start the job under its key; the probe runs once more on the target while it still drains."""
    status, command = context.status, context.rollout.command(context.target.id)
    given = job(context.plan, context.target, command, status.attempt, status.marks)
    draining = any(health.state is HealthState.DRAINING for health in context.health or ())
    key = context.rollout.key(context.target.id)
    evidence = context.nothing_pending_since
    return StartWork(key, context.target, given, evidence, last_look=draining and not status.cut_short)


def _begin(context: TargetContext, work: WorkStatus) -> tuple[Action, ...]:
    """Start the work, or start it again: only on a target that is still, or again, proven out of service."""
    if context.status.found_serving >= INTRUSIONS_ALLOWED:
        return (_leave_to_person(context),)
    blocked = not_out(context)
    if blocked:
        return blocked
    waiting = unsettled(context)
    if waiting:
        return (waiting,)
    code = ReasonCode.WORK_RESTARTING if work.state is WorkState.NOT_STARTED else ReasonCode.WORK_STARTING
    return (start(context), context.wait(_named(context, reason(code, waited=context.waited, text=work.why or None))))


def _go_on(context: TargetContext, work: WorkStatus) -> tuple[Action, ...]:
    """Work that only another call can end: an abort or the limit does not leave a machine stopped.

    A registration that somebody made meanwhile would serve as soon as the machine is up, so it is taken out first.
    """
    if context.status.found_serving >= INTRUSIONS_ALLOWED:
        return (_leave_to_person(context),)
    if blocked := not_out(context):
        return blocked
    why = reason(ReasonCode.WORK_HALFWAY, waited=context.worked, text=work.why or None)
    return (start(context), context.wait(why)) if context.absent else (context.wait(why),)


def _given_up(context: TargetContext) -> bool:
    return context.waited > context.plan.spec.limits.working + OVERDUE_LIMIT


def _meanwhile(context: TargetContext, why: Reason) -> tuple[Action, ...]:
    """Wait for the work. A target observed in service meanwhile is deregistered again, the second time no more."""
    out = () if context.status.found_serving >= INTRUSIONS_ALLOWED else not_out(context) or ()
    return (*(action for action in out if not isinstance(action, Wait)), context.wait(why))


def _refused(context: TargetContext, work: WorkStatus) -> Record:
    """Nothing was done, and nothing will be under this key: back as it was, and tried again where that may help.

    Where earlier steps were done, the target is not as it was: it has failed.
    """
    why, cause = reason(ReasonCode.WORK_REFUSED, text=work.why or None), Cause.REFUSED
    if not _first(context):
        return _failed(context, context.called_off or _named(context, why))
    if context.status.tries >= MAX_ATTEMPTS:
        cause = Cause.FAILED
    if context.called_off:
        why, cause = context.called_off, Cause.ABORTED
    return _undone(context, why, cause)


def _undone(context: TargetContext, why: Reason, cause: Cause) -> Record:
    """Back as it was found: what was left out before this attempt stays out, since nothing shows that it can serve."""
    return context.enter(Phase.LEFT_OUT if context.status.was_out else Phase.CHECKING, why, Intent.RETURN, cause)


def _overdue(context: TargetContext, work: WorkStatus) -> tuple[Action, ...]:
    """Answers for work over its limit: cancel it where it runs, forbid it where it may not have begun.

    What is still unknown after `OVERDUE_LIMIT` is left out. A later observation shows what became of the work: ended,
    interrupted, or refused because it was forbidden.
    """
    state = work.state if work.state in _SHOWN_STATES else WorkState.UNKNOWN
    why = reason(ReasonCode.WORK_OVERDUE, state=state.value, waited=context.worked)
    if _given_up(context):
        return (context.enter(Phase.LEFT_OUT, reason(ReasonCode.WORK_MAY_RUN, why=why), cause=Cause.FAILED),)
    if work.state is WorkState.RUNNING:
        key, ticket = context.rollout.key(context.target.id), context.status.ticket or context.status.marks
        canceling = reason(ReasonCode.WORK_CANCELING, why=why)
        return (CancelWork(key, context.target, ticket), *_meanwhile(context, canceling))
    return _forbid(context, why)


def _forbid(context: TargetContext, why: Reason) -> tuple[Action, ...]:
    """Tell it never to begin. A later observation says REFUSED once that is certain, or shows the work after all."""
    key, ticket = context.rollout.key(context.target.id), context.status.ticket or context.status.marks
    forbidding = reason(ReasonCode.WORK_FORBIDDING, why=why)
    return (ForbidWork(key, context.target, ticket), *_meanwhile(context, forbidding))


def _ended(context: TargetContext, work: WorkStatus) -> Record:
    """Where the target goes when its work has ended."""
    if work.exit:
        why = reason(ReasonCode.WORK_FAILED, exit=work.exit, text=work.why or None)
        return _failed(context, _named(context, why))
    if context.recalled:
        return _take_back(context, reason(ReasonCode.WORK_ENDED), context.recalled)
    intruded = context.status.found_serving >= INTRUSIONS_ALLOWED
    return _leave_to_person(context) if intruded else context.enter(Phase.CHECKING)


def _leave_to_person(context: TargetContext) -> Record:
    return context.enter(Phase.LEFT_OUT, INTRUDED, cause=Cause.FAILED)


def _await_approval(context: TargetContext) -> tuple[Action, ...]:
    """A person works on it: an approval ends the work, an abort or a revert ends the wait."""
    if context.recalled:
        back = _take_back(context, reason(ReasonCode.NOT_APPROVED), context.recalled)
        return (_lost(context, begun=True), back)
    if context.status.approved:
        follows = context.rollout.next_step(context.target.id)
        ended = Record(e.WorkEnded(context.now, context.rollout.key(context.target.id), 0, ""))
        return (ended,) if follows else (context.enter(Phase.CHECKING),)
    if context.rollout.aborting:
        why = reason(ReasonCode.ABORTED_BEFORE_APPROVAL, by=context.rollout.aborting)
        return (_undone(context, why, Cause.ABORTED) if _first(context) else _failed(context, why),)
    rollout, target = context.plan.rollout, context.target.id
    why = reason(ReasonCode.APPROVAL_PENDING, waited=context.worked, rollout=rollout, target=target)
    return _meanwhile(context, why)


def _lost(context: TargetContext, *, begun: bool) -> Record:
    return Record(e.WorkLost(context.now, context.rollout.key(context.target.id), begun))


def _take_back(context: TargetContext, why: Reason, recalled: Reason) -> Record:
    """It is out already, and does not serve what the revert takes back in a moment."""
    return context.enter(Phase.LEFT_OUT, then(why, recalled))


def _failed(context: TargetContext, why: Reason) -> Record:
    """Failed work: the target is kept out, or put back when its check passes.

    An abort always tries the check, where there is one. Without a check the target stays out, because the load
    balancer's health check alone does not show half-finished work.
    """
    if context.recalled:
        return _take_back(context, why, context.recalled)
    aborting = context.rollout.aborting and context.plan.spec.check.asked
    if aborting or context.plan.spec.on_failure.failed_target is FailedTargetPolicy.PUT_BACK:
        return context.enter(Phase.CHECKING, why, Intent.RETURN, Cause.FAILED)
    return context.enter(Phase.LEFT_OUT, why, cause=Cause.FAILED)
