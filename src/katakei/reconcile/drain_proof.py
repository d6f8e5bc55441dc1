"""Proof that nothing reaches a target (promise 2): every registration seen out, settled, and nothing pending.

Where a proof is missing, the answer is what to do or to await. Nothing is taken out unseen (promise 1).
"""

from katakei.domain import events as e
from katakei.domain.actions import Action, Record, Wait
from katakei.domain.observation import ProbeVerdict
from katakei.domain.words import since, span
from katakei.reconcile.context import TargetContext, left, shown

INTRUDED = "somebody registers it while we hold it out"
TWICE = 2  # a target that somebody registers so often while we hold it out is left to a person


def not_out(case: TargetContext) -> tuple[Action, ...] | None:
    """Every registration must be seen draining or absent, after the calls returned. None when it is so."""
    if case.missing(case.status.deregistered):
        return _take_out(case, f"the deregister call has not returned yet, {case.lasting}")
    if case.looks is None:
        return (case.rest_unseen("deregistered, not seen since"),)
    if all(look.out for look in case.looks):
        if case.status.out_since is None:
            return (Record(e.ObservedOut(max(look.ended for look in case.looks), case.target.id)),)
        return None
    if case.status.out_since is not None:
        return (Record(e.FoundServing(case.now, case.target.id)),)
    inside = next(look for look in case.looks if not look.out)
    why = f"deregistered {since(case.status.called or case.now, case.now)}, but seen {shown(inside)}"
    return _take_out(case, why) if case.repeat_is_due else (case.rest(why),)


def unsettled(case: TargetContext) -> Wait | None:
    """Why work may not begin yet: the settle time, or something that may be pending. None when it may."""
    begun = case.status.out_since or case.now
    seen = min((look.begun for look in case.looks or ()), default=begun)
    drain = case.plan.spec.drain
    if seen - begun < drain.settle:
        remains = left(drain.settle - (seen - begun))
        why = f"out of service {since(begun, case.now)}; requests may still arrive, settle has {remains}"
        asked = begun + drain.asked_after
        return case.rest(why, asked if case.now < asked else begun + drain.settle)
    if case.nothing_pending:
        return None
    delay = max(group.delay for group in case.groups)
    timer = f"the load balancer's timer of {span(delay)} has {left(delay - (case.now - begun))}"
    return case.rest(f"draining {since(begun, case.now)}; {_pending(case)}{timer}", since=begun + drain.settle)


def _pending(case: TargetContext) -> str:
    """What a witness says, or why it is not believed."""
    verdict = case.observation.evidence.get(case.target.id)
    if verdict and verdict.verdict is ProbeVerdict.QUIET and case.edited:
        return f"nothing is pending, but its group was edited ({case.edited}), so that is not believed; "
    if verdict and verdict.verdict is ProbeVerdict.QUIET and case.edited is None:
        return "nothing is pending, if its group is as it was planned, which is being read; "
    return f"{verdict.why}; " if verdict and verdict.why else ""


def _take_out(case: TargetContext, why: str) -> tuple[Action, ...]:
    """The call once more, as long as no floor needs what it would take."""
    if case.needed:
        return (case.rest(f"not taken out now, {case.lasting}: {case.needed}"),)
    return (case.deregister(), case.rest(why))
