"""The answers on the way in: what to do with a target that is being checked, warmed, soaked or returned.

A target serves again for us only after two looks, apart, both begun after the register call returned (promise 1).
"""

from collections.abc import Sequence

from katakei.domain import events as e
from katakei.domain.actions import Action, Record, Wait
from katakei.domain.observation import RegistrationHealth
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.words import since, span
from katakei.reconcile.capacity import floor_violation
from katakei.reconcile.context import PROOF_INTERVAL, TargetContext, left, shown
from katakei.reconcile.drain_proof import INTRUDED, TWICE, not_out

FALLS = 3


def checking(case: TargetContext) -> tuple[Action, ...]:
    """Ask the target itself before it is registered: nothing half-done goes back by itself, nor by somebody else."""
    if case.status.found_serving >= TWICE:
        return (case.move(Phase.LEFT_OUT, INTRUDED, cause=Cause.FAILED),)
    if case.recalled:
        return (case.move(Phase.LEFT_OUT, case.also(case.recalled)),)
    intruded = tuple(action for action in not_out(case) or () if not isinstance(action, Wait))
    if intruded:
        return (*intruded, case.rest(f"seen in service before its check passed, {case.lasting}; taken out once more"))
    check = case.plan.spec.check
    answer = case.observation.answers.get(case.target.id)
    asked = answer is not None and answer.begun >= case.status.since
    if check.asked and not (asked and answer and answer.passed):
        got = answer.why if asked and answer else "no answer yet"
        if case.waited > check.within:
            why = f"the check did not pass within {span(check.within)}: {got}"
            return (case.move(Phase.LEFT_OUT, case.also(why), cause=Cause.FAILED),)
        return (case.rest(f"checked {case.lasting}: {got}", None if asked else case.now),)
    if case.ip_still_draining:
        return (
            case.rest(f"an ip target may be registered again only when it is absent; still draining {case.lasting}"),
        )
    if case.others_come_back_soon:
        return (case.rest(f"its check has passed; registered with the next ones, in one call ({case.lasting})"),)
    return (case.move(Phase.WARMING, case.status.why), case.register())


def warming(case: TargetContext) -> tuple[Action, ...]:
    """Registered: wait until it serves, seen twice."""
    if case.recalled:
        return (case.move(Phase.DRAINING, case.also(case.recalled), Intent.KEEP_OUT),)
    if case.status.turned_down:
        return (_keep_out(case, f"the load balancer refused it: {case.status.turned_down}"),)
    waiting = _not_serving(case)
    if waiting is None:
        return (case.move(Phase.SOAKING, case.status.why),)
    if case.looks and case.waited > case.plan.spec.limits.warming:
        return (_keep_out(case, f"not in service after {span(case.waited)}: {_worst(case)}"),)
    return waiting


def soaking(case: TargetContext) -> tuple[Action, ...]:
    """In service: it must stay so for a while. One lucky check is weak evidence."""
    soak, status = case.plan.spec.soak, case.status
    if case.looks is None:
        return (case.rest_unseen("soaking, not seen just now"),)
    if case.amiss:
        return _fell(case, _worst(case))
    if status.serving_since is None:
        return (_seen_serving(case, case.looks),)
    steady = min(look.begun for look in case.looks) - status.serving_since
    if steady >= soak or case.recalled:
        return (case.move(Phase.FAILED_SERVING if status.cause else Phase.DONE, status.why, cause=status.cause),)
    why = f"{_worst(case)}, soaking: {left(soak - steady)}"
    return (case.rest(why, status.serving_since + soak),)


def returning(case: TargetContext) -> tuple[Action, ...]:
    """Back into service without work, exactly as it was registered."""
    if case.status.turned_down:
        why = f"the load balancer refused to take it back: {case.status.turned_down}"
        return (case.move(Phase.LEFT_OUT, case.also(why), cause=Cause.FAILED),)
    if not case.status.registered and case.ip_still_draining:
        return (
            case.rest(f"an ip target may be registered again only when it is absent; still draining {case.lasting}"),
        )
    waiting = _not_serving(case)
    if waiting is None or (not case.plan.waits and _taken_in(case)):
        return (case.move(Phase.RETURNED, case.status.why, cause=case.status.cause),)
    if case.looks and case.waited > case.return_limit:
        why = f"registered again, but not in service after {span(case.waited)}: {_worst(case)}"
        return (case.move(Phase.LEFT_OUT, case.also(why), cause=Cause.FAILED),)
    return waiting


def _not_serving(case: TargetContext) -> tuple[Action, ...] | None:
    """What is missing until two looks, apart, have shown every registration serving; None when nothing is."""
    if case.missing(case.status.registered):
        return (case.register(), case.rest(f"the register call has not returned yet, {case.lasting}"))
    if case.looks is None:
        return (case.rest_unseen("registered, not seen since"),)
    seen, first = _worst(case), case.status.serving_since
    if case.amiss:
        why = f"registered {since(case.status.called or case.now, case.now)}, {seen}"
        if first is not None:
            return (Record(e.BecameUnhealthy(case.now, case.target.id, seen)),)
        lost = any(look.out for look in case.looks) and case.repeat_is_due and not case.ip_still_draining
        return (case.register(), case.rest(why)) if lost else (case.rest(why),)
    if first is None:
        return (_seen_serving(case, case.looks),)
    apart = min(look.begun for look in case.looks) - first
    if apart < PROOF_INTERVAL:
        why = f"{seen}; looked at once more before it counts as back: {left(PROOF_INTERVAL - apart)}"
        return (case.rest(why, first + PROOF_INTERVAL),)
    return None


def _worst(case: TargetContext) -> str:
    """Of its looks the one that keeps it from being back, else the first, in the load balancer's own words."""
    return shown((*case.amiss, *(case.looks or ()))[0])


def _seen_serving(case: TargetContext, looks: Sequence[RegistrationHealth]) -> Record:
    """Counted from the latest of the looks: only then had every registration been seen serving."""
    return Record(e.ObservedServing(max(look.begun for look in looks), case.target.id))


def _taken_in(case: TargetContext) -> bool:
    """For --no-wait: the load balancer shows every registration, in whatever state of health."""
    return (
        not case.missing(case.status.registered) and bool(case.looks) and not any(look.out for look in case.looks or ())
    )


def _fell(case: TargetContext, seen: str) -> tuple[Action, ...]:
    """Unhealthy in its soak: the soak begins anew, within limits; the third fall fails the target."""
    if case.status.falls >= FALLS or case.waited > case.plan.spec.limits.warming + case.plan.spec.soak:
        return (_keep_out(case, f"not steadily in service after {span(case.waited)} of soaking, last seen {seen}"),)
    if case.status.serving_since is None and case.status.falls:
        return (case.rest(f"fell while soaking {case.lasting}: {seen}"),)
    return (Record(e.BecameUnhealthy(case.now, case.target.id, seen)),)


def _keep_out(case: TargetContext, why: str) -> Action:
    """Out again, unless it soaks and the floor needs it even as it is."""
    if case.status.phase is Phase.SOAKING:
        if case.floors_unseen:
            return case.rest(f"{why}; its groups must be seen before it may leave service")
        if floor_violation(case.rollout, case.tally.without(case.target), case.target):
            return case.move(Phase.FAILED_SERVING, f"{why}; kept in service for the floor", cause=Cause.FAILED)
    return case.move(Phase.DRAINING, case.also(why), Intent.KEEP_OUT, Cause.FAILED)
