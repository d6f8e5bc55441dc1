"""The answers on the way out: what to do with a target that is draining, out, or being worked on.

Work begins only on a target that is proven out of service (promise 2), and never twice (promise 4).
"""

from katakei.core import events as e
from katakei.core.case import Case, left, shown
from katakei.core.planned import Kind
from katakei.core.roads import Cause, Intent, Phase
from katakei.core.sight import Work, WorkState
from katakei.core.spec import FailedTarget
from katakei.core.steps import Job, Note, Rest, Start, Step
from katakei.core.words import since, span

TWICE = 2


def draining(case: Case) -> tuple[Step, ...]:
    """Wait until nothing reaches it; go back at once when a person or the floor asks for it."""
    back = _go_back(case)
    if back:
        return back
    if case.standing.found_serving >= TWICE:
        return (case.move(Phase.LEFT_OUT, "somebody registers it while we take it out", cause=Cause.FAILED),)
    blocked = _not_out(case)
    if blocked:
        return blocked
    if case.standing.intent is Intent.KEEP_OUT or not case.plan.waits:
        return (case.move(Phase.LEFT_OUT, case.standing.why or "not waited for", cause=_by_hand(case)),)
    waiting = _unsettled(case)
    if waiting is None:
        return (case.move(Phase.OUT),)
    if case.waited <= case.drain_limit:
        return (waiting,)
    why = f"still draining after {span(case.waited)}"
    if case.plan.kind is Kind.DEREGISTER:
        return (case.move(Phase.LEFT_OUT, why, cause=Cause.FAILED),)
    return (case.move(Phase.RETURNING, why, Intent.RETURN, Cause.FAILED),)


def out(case: Case) -> tuple[Step, ...]:
    """Begin the work, unless it is no longer wanted or something reaches the target again."""
    back = _go_back(case)
    if back:
        return back
    if case.standing.found_serving >= TWICE:
        return (case.move(Phase.LEFT_OUT, "somebody registers it while we hold it out", cause=Cause.FAILED),)
    blocked = _not_out(case)
    if blocked:
        return blocked
    if case.plan.kind is Kind.DEREGISTER or case.standing.intent is Intent.KEEP_OUT:
        return (case.move(Phase.LEFT_OUT, "deregistered by hand", cause=Cause.BY_HAND),)
    waiting = _unsettled(case)
    if waiting:
        return (waiting,)
    return (case.move(Phase.WORKING), _start(case))


def working(case: Case) -> tuple[Step, ...]:
    """Follow the work by its mark. What cannot be known is never guessed, and nothing is started again."""
    if case.standing.ticket is None:
        return (_start(case),)
    work = case.sight.works.get(case.rollout.key(case.target.id), Work(WorkState.UNKNOWN))
    match work.state:
        case WorkState.ENDED if work.exit == 0:
            return (_ended(case, work), case.move(Phase.CHECKING))
        case WorkState.ENDED:
            return (_ended(case, work), _failed(case, f"the work ended with exit code {work.exit}"))
        case WorkState.AWAITS_APPROVAL:
            return (_person(case),)
        case WorkState.REFUSED:
            why = work.why or "the target refused to start the work"
            return (case.move(Phase.CHECKING, why, Intent.RETURN, Cause.FAILED),)
        case WorkState.INTERRUPTED:
            return (_failed(case, work.why or "the work was interrupted; it is not started again by itself"),)
        case WorkState.NOT_STARTED if not _overdue(case):
            return (_start(case),)
        case _ if _overdue(case):
            known = "still runs" if work.state is WorkState.RUNNING else "cannot be seen"
            why = f"the work {known} after {span(case.waited)}; it may be running, so nothing else is started"
            return (case.move(Phase.LEFT_OUT, why, cause=Cause.FAILED),)
        case WorkState.RUNNING:
            return (case.rest(f"the work runs {since(case.standing.since, case.now)}"),)
        case _:
            return (case.rest(f"whether the work runs cannot be seen ({work.why or 'no answer yet'})"),)


def _go_back(case: Case) -> tuple[Step, ...] | None:
    """Back into service before any work: abort, a floor that another target broke, or a return that was asked for."""
    if case.standing.intent is Intent.KEEP_OUT:
        return None
    if case.rollout.aborting:
        return (case.move(Phase.RETURNING, f"aborted by {case.rollout.aborting}", Intent.RETURN, Cause.ABORTED),)
    if case.floor_lost and case.plan.kind is Kind.ROLL:
        why = f"the floor was lost while it was out: {case.floor_lost}"
        return (case.move(Phase.RETURNING, why, Intent.RETURN, Cause.FLOOR_LOST),)
    if case.standing.intent is Intent.RETURN:
        return (case.move(Phase.RETURNING, case.standing.why),)
    return None


def _not_out(case: Case) -> tuple[Step, ...] | None:
    """Every registration must be seen draining or absent, after the calls returned. None when it is so."""
    if case.missing(case.standing.deregistered):
        return (case.deregister(), case.rest("the deregister call has not returned yet"))
    if case.looks is None:
        return (case.rest(case.unseen or "deregistered, not seen since"),)
    if all(look.out for look in case.looks):
        if case.standing.out_since is None:
            return (Note(e.SeenOut(max(look.ended for look in case.looks), case.target.id)),)
        return None
    if case.standing.out_since is not None:
        return (Note(e.FoundServing(case.now, case.target.id)),)
    inside = next(look for look in case.looks if not look.out)
    why = f"deregistered {since(case.standing.called or case.now, case.now)}, but seen {shown(inside)}"
    return (case.deregister(), case.rest(why)) if case.repeat_is_due else (case.rest(why),)


def _unsettled(case: Case) -> Rest | None:
    """Why work may not begin yet: the settle time, or something that may be pending. None when it may."""
    begun = case.standing.out_since or case.now
    seen = min((look.begun for look in case.looks or ()), default=begun)
    settle = case.plan.spec.drain.settle
    if seen - begun < settle:
        remains = left(settle - (seen - begun))
        why = f"out of service {since(begun, case.now)}; requests may still arrive, settle has {remains}"
        return case.rest(why, begun + settle)
    if case.nothing_pending:
        return None
    delay = max(group.delay for group in case.groups)
    timer = f"the load balancer's timer of {span(delay)} has {left(delay - (case.now - begun))}"
    verdict = case.sight.evidence.get(case.target.id)
    return case.rest(f"draining {since(begun, case.now)}; {verdict.why if verdict and verdict.why else timer}")


def _start(case: Case) -> Start:
    spec = case.plan.spec
    command = spec.revert if case.standing.intent is Intent.REVERT and spec.revert else spec.work
    first = case.target.registrations[0]
    names = {
        "KATAKEI_TARGET": case.target.id,
        "KATAKEI_NAME": case.target.name,
        "KATAKEI_ADDRESS": case.target.address,
        "KATAKEI_PORT": str(first.port),
        "KATAKEI_ZONE": case.target.zone,
        "KATAKEI_GROUP": next(group.name for group in case.groups),
        "KATAKEI_ROLLOUT": case.plan.rollout,
        "KATAKEI_ATTEMPT": str(case.standing.attempt),
        "KATAKEI_RELEASE": case.plan.release,
    }
    job = Job(command.run, tuple(sorted(names.items())), int(spec.limits.working.total_seconds()))
    return Start(case.rollout.key(case.target.id), case.target, job)


def _ended(case: Case, work: Work) -> Note:
    return Note(e.WorkEnded(case.now, case.rollout.key(case.target.id), work.exit or 0, work.out))


def _person(case: Case) -> Step:
    """A person works on it: their word ends the work, an abort ends the wait."""
    if case.standing.approved:
        return case.move(Phase.CHECKING)
    if case.rollout.aborting:
        why = f"aborted by {case.rollout.aborting} before the work was approved"
        return case.move(Phase.CHECKING, why, Intent.RETURN, Cause.ABORTED)
    waited = since(case.standing.since, case.now)
    return case.rest(
        f"yours to work on {waited}; when it is done: katakei approve {case.plan.rollout} {case.target.id}"
    )


def _failed(case: Case, why: str) -> Note:
    """Failed work: kept out, or put back when its check passes (always tried when the rollout is being aborted)."""
    if case.rollout.aborting or case.plan.spec.on_failure.failed_target is FailedTarget.PUT_BACK:
        return case.move(Phase.CHECKING, why, Intent.RETURN, Cause.FAILED)
    return case.move(Phase.LEFT_OUT, why, cause=Cause.FAILED)


def _overdue(case: Case) -> bool:
    return case.waited > case.plan.spec.limits.working


def _by_hand(case: Case) -> Cause | None:
    return Cause.BY_HAND if case.plan.kind is Kind.DEREGISTER else None
