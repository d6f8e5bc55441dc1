"""The proof that nothing reaches a target (promise 2): every registration is out, settle is over, nothing is pending.

Where a proof is missing, the answer is what to do or to wait for. No call takes out a target that a floor needs.
"""

from katakei.domain import events as e
from katakei.domain.actions import Action, Record, Wait
from katakei.domain.observation import Blind, ProbeVerdict, baseline_text
from katakei.domain.reasons import Reason, ReasonCode, reason
from katakei.reconcile.context import TargetContext, reported

INTRUDED = reason(ReasonCode.REGISTERED_ELSEWHERE)
INTRUSIONS_ALLOWED = 2  # a target that somebody else registers this often during a rollout is left to a person


def not_out(context: TargetContext) -> tuple[Action, ...] | None:
    """What to do until every registration is observed draining or absent after the calls returned.

    Returns:
        None when it is so.
    """
    if context.missing(context.status.deregistered):
        return _take_out(context, reason(ReasonCode.DEREGISTER_PENDING, waited=context.waited))
    if context.health is None:
        return (context.wait_for_observation(ReasonCode.DEREGISTERED_NOT_OBSERVED),)
    if all(health.out for health in context.health):
        if context.status.out_since is None:
            return (Record(e.ObservedOut(max(health.ended for health in context.health), context.target.id)),)
        return None
    if context.status.out_since is not None:
        return (Record(e.FoundServing(context.now, context.target.id)),)
    in_service = next(health for health in context.health if not health.out)
    called_ago = context.now - (context.status.called or context.now)
    why = reason(ReasonCode.DEREGISTERED_STILL_IN_SERVICE, waited=called_ago, health=reported(in_service))
    return _take_out(context, why) if context.repeat_is_due else (context.wait(why),)


def unsettled(context: TargetContext) -> Wait | None:
    """The wait before work may begin: for settle, or for requests that may be pending. None when it may begin."""
    begun = context.status.out_since or context.now
    observed = min((health.begun for health in context.health or ()), default=begun)
    drain = context.plan.spec.drain
    out_for = context.now - begun
    if observed - begun < drain.settle:
        why = reason(ReasonCode.SETTLING, waited=out_for, left=drain.settle - (observed - begun))
        probe_due = begun + drain.asked_after
        return context.wait(why, probe_due if context.now < probe_due else begun + drain.settle)
    if context.nothing_pending:
        return None
    delay = max(group.delay for group in context.groups)
    why = reason(ReasonCode.DRAINING, waited=out_for, probe=_probe(context), delay=delay, left=delay - out_for)
    return context.wait(why, since=begun + drain.settle)


def _probe(context: TargetContext) -> Reason | None:
    """What the probe says, or why its verdict does not count."""
    verdict, baseline = context.observation.evidence.get(context.target.id), context.status.baseline
    if verdict is None:
        return None
    if verdict.verdict is ProbeVerdict.QUIET and context.group_changes is None:
        return reason(ReasonCode.QUIET_BUT_ATTRIBUTES_NOT_READ)
    if verdict.verdict is ProbeVerdict.QUIET and context.group_changes:
        return reason(ReasonCode.QUIET_BUT_GROUP_CHANGED, changes=context.group_changes)
    if isinstance(baseline, Blind) and verdict.why == baseline_text(baseline):
        return baseline.why
    return reason(ReasonCode.PROBE_REPORT, text=verdict.why) if verdict.why else None


def _take_out(context: TargetContext, why: Reason) -> tuple[Action, ...]:
    """Make the call again, as long as no floor needs the target and freezes are known."""
    if context.needed:
        return (context.wait(reason(ReasonCode.DEREGISTER_BLOCKED, waited=context.waited, why=context.needed)),)
    if isinstance(unread := context.take_out_held, Reason):
        return (context.wait(reason(ReasonCode.DEREGISTER_BLOCKED, waited=context.waited, why=unread)),)
    if (soaking := context.soaking) and soaking.health is None:
        unseen = soaking.wait_for_observation(ReasonCode.SOAKING_NOT_OBSERVED).reason
        return (context.wait(reason(ReasonCode.DEREGISTER_BLOCKED, waited=context.waited, why=unseen)),)
    return (context.deregister(), context.wait(why))
