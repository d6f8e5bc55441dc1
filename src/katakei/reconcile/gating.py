"""The gates and freezes before a take-out: whether another target may be taken out now, and if not, why.

A freeze and a gate hold only take-outs for the update. A revert, an abort and every way back into service pass them.
Their time is that of the journal's store, whose newest reading is part of the observation.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from katakei.domain import events as e
from katakei.domain.actions import Action, Record, Wait
from katakei.domain.freezes import Freeze, FreezeReading
from katakei.domain.gates import PASSED, GateState
from katakei.domain.observation import Observation
from katakei.domain.phases import Phase
from katakei.domain.reasons import Reason, ReasonCode, reason
from katakei.domain.replay import Rollout
from katakei.domain.spec import Approval, Gate
from katakei.reconcile.capacity import OBSERVATION_MAX_AGE

HELD_INTERVAL = timedelta(seconds=5)
"""How often a rollout that a gate or a freeze holds asks whether it still does."""

NOT_READ = reason(ReasonCode.FREEZES_NOT_READ)


@dataclass(frozen=True, slots=True)
class Go:
    """The gate lets targets pass."""


@dataclass(frozen=True, slots=True)
class Hold:
    """No other target is taken out for now; those in progress go on."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Stop:
    """No other target is taken out. Nobody can skip that: what follows is what the plan says."""

    reason: Reason


GateDecision = Go | Hold | Stop


def gate_decision(rollout: Rollout, gate: Gate, store_time: datetime, now: datetime) -> GateDecision:
    """What a gate says now.

    Args:
        rollout: What was decided and answered.
        gate: A gate of its plan.
        store_time: The time of the journal's store, at most a little too early.
        now: The moment of the decision, by the clock of this process.

    Returns:
        Go before it is due, and once it is passed. Hold while an answer is awaited. Stop where a person denied it, or
        where its question expired.
    """
    status = rollout.gates.get(gate.name)
    if status is None:
        return Hold(_pending(rollout, gate, None, now)) if is_due(rollout, gate) else Go()
    if status.state in PASSED:
        return Go()
    if status.state is GateState.DENIED:
        return Stop(reason(ReasonCode.GATE_DENIED, gate=gate.name, by=status.by))
    if status.state is GateState.EXPIRED or status.expires is None or store_time >= status.expires:
        return Stop(reason(ReasonCode.APPROVAL_EXPIRED, gate=gate.name))
    return Hold(_pending(rollout, gate, status.since, now))


def is_due(rollout: Rollout, gate: Gate) -> bool:
    """Whether so many targets are done, or a switch has so large a share, that the gate stands before the next one."""
    if rollout.traffic:
        return (rollout.traffic.share or 0) >= gate.after
    return len(rollout.by_phase[Phase.DONE]) >= gate.after


def room(rollout: Rollout) -> int:
    """How many more targets may be taken out before the next gate; without a gate ahead, as many as the window has."""
    begun = len(rollout.by_phase[Phase.DONE]) + rollout.in_progress
    return min([rollout.plan.window, *(gate.after - begun for gate in rollout.gates_ahead)])


def expired(rollout: Rollout, reading: FreezeReading | None, now: datetime) -> list[Action]:
    """The records of approvals that nobody gave in time. Neither a pause nor a freeze stops that clock."""
    asked = [gate for gate in rollout.gates_ahead if gate.name in rollout.asked_gates]
    return [
        Record(e.ApprovalExpired(now, gate.name))
        for gate in asked
        if reading and isinstance(gate_decision(rollout, gate, reading.store_time, now), Stop)
    ]


def freeze_known(rollout: Rollout, observation: Observation, now: datetime) -> Freeze | Reason | None:
    """The freeze that holds up the rollout.

    Returns:
        None when there is none. Where the store was not read in the last 10 s: the freeze that was observed last, else
        the reason why it is not known.
    """
    reading = observation.freezes
    if reading is None or now - reading.begun > OBSERVATION_MAX_AGE:
        return rollout.frozen or NOT_READ
    return reading.of(rollout.plan.spec.service, [group.arn for group in rollout.plan.groups])


def frozen(freeze: Freeze) -> Reason:
    """The freeze as the reason of a wait."""
    until = freeze.until.isoformat() if freeze.until else None
    since = freeze.since.isoformat()
    return reason(ReasonCode.FROZEN, name=freeze.name, by=freeze.who, why=freeze.why or None, since=since, until=until)


def held_up(
    rollout: Rollout, observation: Observation, freeze: Freeze | Reason | None, now: datetime
) -> list[Action] | Reason:
    """What stands before the next take-out for the update: a freeze, else a gate.

    Args:
        rollout: What was decided and answered.
        observation: Holds the time of the store.
        freeze: As `freeze_known` says.
        now: The moment of the decision.

    Returns:
        Records and waits; [] when nothing stands before it. The reason where the freezes are not known.
    """
    if settles := _settles(rollout, now):
        return settles
    reading = observation.freezes
    if isinstance(freeze, Freeze):
        news: list[Action] = [] if freeze == rollout.frozen else [Record(e.FreezeObserved(now, freeze))]
        return [*news, Wait(now + HELD_INTERVAL, frozen(freeze))]
    if freeze or reading is None:
        return NOT_READ
    if rollout.frozen:
        return [Record(e.FreezeLifted(now))]
    return _gates(rollout, reading.store_time, now)


def _settles(rollout: Rollout, now: datetime) -> list[Action]:
    """Requests may still reach a group whose weight a switch took away a moment ago."""
    until = rollout.plan.not_before
    if until is None or now >= until:
        return []
    return [Wait(min(until, now + HELD_INTERVAL), reason(ReasonCode.WEIGHT_SETTLING, left=until - now))]


def _gates(rollout: Rollout, store_time: datetime, now: datetime) -> list[Action]:
    """Asks every approval that is due at once, so that several people can answer at the same time."""
    actions: list[Action] = []
    waits: list[Reason] = []
    for gate in rollout.gates_ahead:
        decision = gate_decision(rollout, gate, store_time, now)
        if isinstance(decision, Go):
            continue
        waits.append(decision.reason)
        if gate.approval and gate.name not in rollout.gates:
            actions.append(Record(e.ApprovalAsked(now, gate.name, store_time + gate.approval.expires)))
    return [*actions, Wait(now + HELD_INTERVAL, waits[0])] if waits else []


def _pending(rollout: Rollout, gate: Gate, since: datetime | None, now: datetime) -> Reason:
    status, approval = rollout.gates.get(gate.name), gate.approval or Approval()
    return reason(
        ReasonCode.GATE_PENDING,
        gate=gate.name,
        waited=now - (since or now),
        rollout=rollout.plan.rollout,
        expires=status.expires.isoformat() if status and status.expires else None,
        default=approval.default.value,
        others=max(0, len(rollout.asked_gates) - 1),
    )
