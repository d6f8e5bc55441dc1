"""The overlap: a target that soaks gives its place in the window to the next one, which drains meanwhile.

`offered` says which soaking targets may give their place away, `not_allowed` why a target may not take one. From then
on the target that took it goes on only as long as nothing is against it (`ended`), and its work begins only after that
soak (`unfinished`). The soaking target stays where it is until the other one is back (`kept`).

A target of a later wave never drains meanwhile: only targets of waves that have begun are taken out (`waves`).
"""

from datetime import datetime, timedelta

from katakei.domain.actions import Wait
from katakei.domain.freezes import Freeze
from katakei.domain.model import Target, TargetId
from katakei.domain.phases import Intent, Phase
from katakei.domain.reasons import Reason, ReasonCode, reason
from katakei.domain.replay import Rollout
from katakei.domain.rollout import TargetStatus
from katakei.domain.spec import Overlap
from katakei.reconcile.capacity import ServingCount, unproven
from katakei.reconcile.conditions import in_the_way
from katakei.reconcile.context import PROOF_INTERVAL, TargetContext, TurnContext
from katakei.reconcile.gating import Go, frozen, gate_decision
from katakei.reconcile.watching import NOT_SERVING

PATIENCE = timedelta(seconds=30)
"""How long after its end a soak may still not be known to be over. Then the target that waits for it goes back."""
PROOF_LEAD = timedelta(seconds=10)
"""How long before the end of that soak a target that drained is probed again, so that its work begins at once."""
TAKERS = frozenset({Phase.WAITING, Phase.RETURNED})
"""Only a target that is in service takes the place of a soaking one."""


def offered(turn: TurnContext) -> list[TargetId]:
    """The soaking targets that may give their place to another one now, the one that is done first at the head."""
    rollout = turn.rollout
    if any(_stopped(turn)):
        return []
    soaking = [turn.target(target) for target in could_offer(rollout, turn.now, Phase.SOAKING)]
    left = [(rest, each.target.id) for each in soaking if (rest := _soak_left(each)) is not None]
    return [target for rest, target in sorted(left) if timedelta() < rest <= rollout.plan.spec.drain.settle]


def could_offer(rollout: Rollout, now: datetime, *phases: Phase) -> list[TargetId]:
    """The targets in these phases that may give their place away as far as the journal tells, once they soak.

    One that failed before, that became unhealthy since it soaks, or whose place is taken already, gives it to nobody.
    """
    spec = rollout.plan.spec
    if spec.overlap is Overlap.NEVER or rollout.reverting:
        return []
    taken = rollout.overlapping
    return [
        target
        for target in rollout.at(*phases)
        if target not in taken
        and _sound(status := rollout.statuses[target])
        and status.intent is Intent.UPDATE
        and status.serving_since
        and now >= status.serving_since + max(PROOF_INTERVAL, spec.soak - spec.drain.settle)
    ]


def _sound(status: TargetStatus) -> bool:
    return status.cause is None and not status.unhealthy_count


def _soak_left(soaking: TargetContext) -> timedelta | None:
    """How long it still has to soak by the last observation; None where none shows it serving."""
    since = soaking.status.serving_since
    if since is None or not soaking.health or soaking.not_serving:
        return None
    return soaking.soak - (min(health.begun for health in soaking.health) - since)


def guarded(turn: TurnContext) -> ServingCount | None:
    """The registrations on which targets that overlap now rely, so that no other target takes them away; else None."""
    rollout = turn.rollout
    relied_on = any(
        rollout.statuses[soaking].phase is Phase.SOAKING and rollout.statuses[target].phase is not Phase.RETURNING
        for soaking, target in rollout.overlapping.items()
    )
    return turn.proven_or_new if relied_on else None


def not_allowed(turn: TurnContext, target: Target, left: ServingCount) -> Reason | None:
    """Why this target may not take the place of a soaking one.

    Args:
        turn: The present turn.
        target: The target in question.
        left: The proven registrations without it.

    Returns:
        None when it may.
    """
    if turn.rollout.statuses[target.id].phase not in TAKERS:
        return reason(ReasonCode.OVERLAP_NEEDS_SERVICE)
    return unproven(turn.rollout, left, target)


def ended(context: TargetContext) -> Reason | None:
    """Why a target that took the place of a soaking one goes back before its work; None where nothing is against it."""
    soaking = context.soaking
    if soaking is None:
        return None
    why = next(iter(_stopped(context.turn)), None)
    why = why or _broken(soaking) or _unproven(context, soaking) or _unread_for_long(context, soaking)
    target = soaking.target
    return reason(ReasonCode.OVERLAP_ENDED, target=target.id, name=target.name or None, why=why) if why else None


def unfinished(context: TargetContext) -> Wait | None:
    """The wait of a target that drained for the end of the soak whose place it took; None when its work may begin."""
    soaking = context.soaking
    if soaking is None:
        return None
    if soaking.status.phase is Phase.DONE:
        unread = _unread(context)
        return context.wait(unread) if unread else None
    ends = _ends(soaking)
    why = reason(
        ReasonCode.SOAK_AWAITED,
        target=soaking.target.id,
        name=soaking.target.name or None,
        waited=context.waited,
        left=max(ends - context.now, timedelta()),
        limit=ends + PATIENCE - context.now,
    )
    return context.wait(why, ends)


def _unread(context: TargetContext) -> Reason | None:
    return context.turn.freeze if isinstance(context.turn.freeze, Reason) else None


def _unread_for_long(context: TargetContext, soaking: TargetContext) -> Reason | None:
    """That freezes could not be read for long, although its work could begin."""
    if context.status.phase is not Phase.OUT or soaking.status.phase is not Phase.DONE:
        return None
    return _unread(context) if min(context.waited, soaking.waited) > PATIENCE else None


def kept(context: TargetContext, why: Reason) -> Wait | None:
    """The wait of a soaking target that may not leave before the one that took its place is back; None when it may."""
    other = context.rollout.overlapping.get(context.target.id)
    if other is None:
        return None
    name = context.rollout.targets[other].name or None
    return context.wait(reason(ReasonCode.KEPT_FOR_OVERLAP, target=other, name=name, why=why))


def awaits_soak(rollout: Rollout, target: TargetId, now: datetime) -> bool:
    """Whether a target that drained waits for a soak that takes so long that no probe has to be asked yet."""
    status = rollout.statuses[target]
    if status.phase is not Phase.OUT or status.overlaps is None:
        return False
    soaking = rollout.statuses[status.overlaps]
    since = soaking.serving_since or now
    return soaking.phase is Phase.SOAKING and since + rollout.plan.spec.soak - now > PROOF_LEAD


def _stopped(turn: TurnContext) -> list[Reason]:
    """What stands between a soaking target and the work on the next one.

    An abort, too many failures and a revert are asked for by every target that is out (`called_off`).
    """
    rollout = turn.rollout
    if rollout.paused:
        return [reason(ReasonCode.OVERLAP_PAUSED, by=rollout.paused)]
    if rollout.interrupted:
        return [reason(ReasonCode.OVERLAP_INTERRUPTED)]
    if isinstance(turn.freeze, Freeze):
        return [frozen(turn.freeze)]
    reading = turn.observation.freezes
    decisions = (gate_decision(rollout, gate, reading.store_time, turn.now) for gate in rollout.gates_ahead if reading)
    asked = [decision.reason for decision in decisions if not isinstance(decision, Go)]
    return asked or in_the_way(turn)


def _ends(soaking: TargetContext) -> datetime:
    return (soaking.status.serving_since or soaking.status.since) + soaking.soak


def _broken(soaking: TargetContext) -> Reason | None:
    """Why its soak does not, or did not, count; None while it may still end well, and once it has."""
    status, now = soaking.status, soaking.now
    soaks = status.phase is Phase.SOAKING
    down = [health for health in soaking.not_serving if soaks or health.state in NOT_SERVING]
    sound = _sound(status) and status.unhealthy_since is None and not down and soaking.group_deleted is None
    if not sound or status.phase not in {Phase.SOAKING, Phase.DONE}:
        return reason(ReasonCode.SOAK_BROKEN)
    if status.phase is Phase.DONE:
        return None
    left = _ends(soaking) - now
    if left > soaking.plan.spec.drain.settle:  # another process begins to count anew
        return reason(ReasonCode.SOAK_RESTARTED, left=left)
    return reason(ReasonCode.SOAK_NOT_OBSERVED, waited=-left) if -left > PATIENCE else None


def _unproven(context: TargetContext, soaking: TargetContext) -> Reason | None:
    """Why too few proven targets serve without both of them, while one soaks. Nothing is lost by what is not observed.

    Until its calls have returned it must have been allowed to leave.
    """
    if soaking.status.phase is Phase.DONE:
        return None
    if context.floors_unseen:
        return None
    leaves = bool(context.missing(context.status.deregistered))
    left = context.turn.proven if leaves else context.turn.proven_or_new
    return unproven(context.rollout, left, context.target)
