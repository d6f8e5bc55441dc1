"""The handlers on the way in: a target that is checked, warmed, soaked or returned.

A target serves again for us only after two observations, apart, both begun after the register call returned
(promise 1).
"""

from collections.abc import Sequence
from datetime import timedelta

from katakei.domain import events as e
from katakei.domain.actions import Action, Record, Wait
from katakei.domain.gate_conditions import GateMoment
from katakei.domain.observation import RegistrationHealth
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.plan import PlanKind
from katakei.domain.reasons import Reason, ReasonCode, reason
from katakei.reconcile.capacity import floor_violation
from katakei.reconcile.conditions import held_by
from katakei.reconcile.context import CALL_REPEAT, PROOF_INTERVAL, TargetContext, reported
from katakei.reconcile.drain_proof import INTRUDED, INTRUSIONS_ALLOWED, not_out
from katakei.reconcile.overlap import kept

REJECTION_PAUSE = timedelta(seconds=15)  # a rejected registration is repeated at least this often
UNHEALTHY_ALLOWED = 3  # a target that becomes unhealthy this often while it soaks has failed


def checking(context: TargetContext) -> tuple[Action, ...]:
    """Ask the target itself before it is registered, so that no half-finished work serves."""
    if context.status.found_serving >= INTRUSIONS_ALLOWED:
        return (context.enter(Phase.LEFT_OUT, INTRUDED, cause=Cause.FAILED),)
    if context.recalled:
        return (context.enter(Phase.LEFT_OUT, context.then(context.recalled)),)
    if (unproven := context.unproven) and context.status.intent is not Intent.UPDATE:
        return (context.enter(Phase.LEFT_OUT, context.then(unproven), cause=context.status.cause),)
    intruded = tuple(action for action in not_out(context) or () if not isinstance(action, Wait))
    if intruded:
        return (*intruded, context.wait(reason(ReasonCode.IN_SERVICE_BEFORE_CHECK, waited=context.waited)))
    check = context.plan.spec.check
    answer = context.observation.answers.get(context.target.id)
    asked = answer is not None and answer.begun >= context.status.since
    if check.asked and not (asked and answer and answer.passed):
        text = answer.why if asked and answer else None
        if context.waited > check.within:
            why = reason(ReasonCode.CHECK_FAILED, within=check.within, text=text)
            return (context.enter(Phase.LEFT_OUT, context.then(why), cause=Cause.FAILED),)
        why = reason(ReasonCode.CHECK_PENDING, waited=context.waited, text=text)
        return (context.wait(why, None if asked else context.now),)
    if context.ip_still_draining:
        return (context.wait(reason(ReasonCode.ADDRESS_STILL_DRAINING, waited=context.waited)),)
    if context.others_come_back_soon:
        return (context.wait(reason(ReasonCode.BATCH_PENDING, waited=context.waited)),)
    return (context.enter(Phase.WARMING, context.status.reason), context.register())


def warming(context: TargetContext) -> tuple[Action, ...]:
    """Registered: wait until it serves, observed twice."""
    if context.recalled:
        return (context.enter(Phase.DRAINING, context.then(context.recalled), Intent.KEEP_OUT),)
    if rejected := _rejected(context, context.plan.spec.limits.warming):
        return rejected
    if context.status.rejection is not None and context.missing(context.status.registered):
        return (_keep_out(context, reason(ReasonCode.REGISTRATION_REJECTED, text=context.status.rejection)),)
    waiting = _not_serving(context)
    if waiting is None:
        return (context.enter(Phase.SOAKING, context.status.reason),)
    if _too_long(context, context.plan.spec.limits.warming):
        why = reason(ReasonCode.WARMING_TIMEOUT, waited=context.waited, health=_worst(context))
        return (_keep_out(context, why),)
    return waiting


def soaking(context: TargetContext) -> tuple[Action, ...]:
    """In service: it must stay so for a while, since one passed check is weak evidence.

    A person may end the soak (`promoted`), but never the proof by two observations.
    """
    status = context.status
    soak = context.soak
    if context.health is None:
        return (context.wait_for_observation(ReasonCode.SOAKING_NOT_OBSERVED),)
    if context.not_serving:
        return _became_unhealthy(context, _worst(context))
    if status.serving_since is None:
        return (_observed_serving(context, context.health),)
    steady = min(health.begun for health in context.health) - status.serving_since
    if steady >= soak and (held := _held_in_soak(context)):
        return held
    if steady >= soak or context.recalled:
        phase = Phase.FAILED_SERVING if status.cause else Phase.DONE
        return (context.enter(phase, status.reason, cause=status.cause),)
    why = reason(ReasonCode.SOAKING, health=_worst(context), left=soak - steady)
    ends = status.serving_since + soak
    offer = ends - context.plan.spec.drain.settle  # from then on it may give its place away
    return (context.wait(why, offer if context.now < offer else ends),)


def _held_in_soak(context: TargetContext) -> tuple[Action, ...]:
    """What gates do at the end of a soak. They stand only before a target that is about to be done."""
    updated = context.status.intent is Intent.UPDATE and context.status.cause is None
    if not updated or context.recalled or context.rollout.stopped:
        return ()
    return tuple(held_by(context.turn, GateMoment.SOAK, context.target.id))


def returning(context: TargetContext) -> tuple[Action, ...]:
    """Back into service without work, exactly as it was registered."""
    if rejected := _rejected(context, context.return_limit):
        return rejected
    if context.status.rejection is not None and context.missing(context.status.registered):
        why = reason(ReasonCode.RETURN_REJECTED, text=context.status.rejection)
        return (context.enter(Phase.LEFT_OUT, context.then(why), cause=Cause.FAILED),)
    if not context.status.registered and context.ip_still_draining:
        return (context.wait(reason(ReasonCode.ADDRESS_STILL_DRAINING, waited=context.waited)),)
    waiting = _not_serving(context)
    if waiting is None or (not context.plan.waits and _listed(context)):
        return (context.enter(Phase.RETURNED, context.status.reason, cause=context.status.cause),)
    if _too_long(context, context.return_limit):
        why = reason(ReasonCode.RETURN_TIMEOUT, waited=context.waited, health=_worst(context))
        return (context.enter(Phase.LEFT_OUT, context.then(why), cause=Cause.FAILED),)
    return waiting


def _rejected(context: TargetContext, limit: timedelta) -> tuple[Action, ...] | None:
    """The answer to a rejected registration while time may cure it: the call is repeated at growing intervals.

    An IP target that still drains is rejected, and a machine that is just starting. A stopped machine
    that a person registers by hand is reported at once.

    Returns:
        None when nothing was rejected, or nothing is repeated any more.
    """
    status = context.status
    if status.rejection is None or not context.missing(status.registered):
        return None
    if context.waited > limit or not (context.plan.kind is PlanKind.ROLL or context.is_ip):
        return None
    why = reason(ReasonCode.REGISTRATION_REPEATED, waited=context.waited, limit=limit, text=status.rejection)
    due = (status.rejected_at or status.since) + min(REJECTION_PAUSE, max(CALL_REPEAT, context.waited / 4))
    return (context.wait(why, due),) if context.now < due else (context.register(), context.wait(why))


def _not_serving(context: TargetContext) -> tuple[Action, ...] | None:
    """What to do until two observations, apart, show every registration serving; None when they do."""
    if context.missing(context.status.registered):
        return (context.register(), context.wait(reason(ReasonCode.REGISTER_PENDING, waited=context.waited)))
    if context.health is None:
        return (context.wait_for_observation(ReasonCode.REGISTERED_NOT_OBSERVED),)
    health, first = _worst(context), context.status.serving_since
    if context.not_serving:
        if first is not None:
            return (Record(e.BecameUnhealthy(context.now, context.target.id, "", health)),)
        called_ago = context.now - (context.status.called or context.now)
        waiting = context.wait(reason(ReasonCode.REGISTERED_NOT_SERVING, waited=called_ago, health=health))
        out = any(each.out for each in context.health)
        again = out and context.repeat_is_due and not context.ip_still_draining
        return (context.register(), waiting) if again else (waiting,)
    if first is None:
        return (_observed_serving(context, context.health),)
    apart = min(each.begun for each in context.health) - first
    if apart < PROOF_INTERVAL:
        why = reason(ReasonCode.SERVING_ONCE, health=health, left=PROOF_INTERVAL - apart)
        return (context.wait(why, first + PROOF_INTERVAL),)
    return None


def _too_long(context: TargetContext, limit: timedelta) -> bool:
    """Over its limit, and observed. A target that serves, and only has to be observed once more, is not given up."""
    serving = not context.not_serving and not context.missing(context.status.registered)
    return context.health is not None and context.waited > limit and not serving


def _worst(context: TargetContext) -> Reason:
    """The health of the registration that keeps it from being back, else of the first."""
    return reported((*context.not_serving, *(context.health or ()))[0])


def _observed_serving(context: TargetContext, health: Sequence[RegistrationHealth]) -> Record:
    """Counted from the latest observation: only then had every registration been observed serving."""
    return Record(e.ObservedServing(max(each.begun for each in health), context.target.id))


def _listed(context: TargetContext) -> bool:
    """For a manual step that does not wait: the load balancer lists every registration, in whatever health."""
    health = context.health or ()
    return not context.missing(context.status.registered) and bool(health) and not any(each.out for each in health)


def _became_unhealthy(context: TargetContext, health: Reason) -> tuple[Action, ...]:
    """Unhealthy while it soaks: the soak starts again, within limits."""
    limit = context.plan.spec.limits.warming + context.plan.spec.soak
    if context.status.unhealthy_count >= UNHEALTHY_ALLOWED or context.waited > limit:
        return (_keep_out(context, reason(ReasonCode.SOAK_FAILED, waited=context.waited, health=health)),)
    if context.status.serving_since is None and context.status.unhealthy_count:
        return (context.wait(reason(ReasonCode.SOAKING_UNHEALTHY, waited=context.waited, health=health)),)
    return (Record(e.BecameUnhealthy(context.now, context.target.id, "", health)),)


def _keep_out(context: TargetContext, why: Reason) -> Action:
    """Out again, unless it soaks and the floor needs it even as it is."""
    if context.status.phase is Phase.SOAKING:
        if kept_for := kept(context, why):
            return kept_for
        if context.floors_unseen:
            return context.wait(reason(ReasonCode.GROUPS_NOT_OBSERVED, why=why))
        if floor_violation(context.rollout, context.serving.without(context.target), context.target):
            return context.enter(Phase.FAILED_SERVING, reason(ReasonCode.KEPT_FOR_FLOOR, why=why), cause=Cause.FAILED)
    return context.enter(Phase.DRAINING, context.then(why), Intent.KEEP_OUT, Cause.FAILED)
