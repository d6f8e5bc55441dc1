"""The gates that read a condition: whether it lets the rollout pass at a moment, and what follows if not.

A condition is met only by a reading that says so and that is recent. A reading that says nothing, an old one, and none
at all hold the rollout. They never count as success, and never stop or revert it.
"""

from collections.abc import Iterator
from datetime import timedelta

from katakei.domain import events as e
from katakei.domain.actions import Action, Record, Wait
from katakei.domain.gate_conditions import GateMoment, GateOutcome
from katakei.domain.gates import GateState, GateVerdict
from katakei.domain.model import TargetId
from katakei.domain.reasons import Reason, ReasonCode, reason
from katakei.domain.spec import Gate
from katakei.reconcile.context import TurnContext
from katakei.reconcile.gating import HELD_INTERVAL, GateDecision, Go, Hold, Stop, is_due

READING_MAX_AGE = timedelta(seconds=60)
"""How old the reading of a condition may be."""


def condition(turn: TurnContext, gate: Gate) -> GateDecision:
    """What a gate says by its newest reading.

    Returns:
        Hold also where nothing is known. Stop where the condition is not met, and the plan stops or reverts then.
    """
    reading = turn.observation.gates.get(gate.name)
    if reading is None or turn.now - reading.begun > READING_MAX_AGE:
        return Hold(_without_data(turn, gate, None))
    match reading.verdict:
        case GateVerdict.PASSES:
            return Go()
        case GateVerdict.UNKNOWN:
            return Hold(_without_data(turn, gate, reading.why))
        case GateVerdict.FAILS if gate.outcome is GateOutcome.HOLD:
            rollout, waited = turn.rollout.plan.rollout, _waited(turn, gate)
            return Hold(reason(ReasonCode.GATE_HOLDS, gate=gate.name, waited=waited, why=reading.why, rollout=rollout))
        case _:
            return Stop(reason(ReasonCode.GATE_FAILED, gate=gate.name, why=reading.why))


def held_by(turn: TurnContext, moment: GateMoment, target: TargetId | None = None) -> list[Action]:
    """What the gates of this moment do.

    Args:
        turn: The present turn.
        moment: Before a take-out, at the end of a soak, or at the end of the rollout.
        target: The target that soaks.

    Returns:
        Records of what changed, and a wait while a gate holds; [] when all let pass.
    """
    decisions = [(gate, condition(turn, gate)) for gate in _of(turn, moment)]
    if stops := [(gate, decision) for gate, decision in decisions if isinstance(decision, Stop)]:
        gate, stop = stops[0]
        reverts = gate.outcome is GateOutcome.REVERT
        return [Record(e.GateStopped(turn.now, gate.name, stop.reason, reverts=reverts))]
    actions = [record for gate, decision in decisions for record in _news(turn, gate, decision)]
    holds = [decision.reason for _, decision in decisions if isinstance(decision, Hold)]
    return [*actions, *(Wait(turn.now + HELD_INTERVAL, why, target) for why in holds[:1])]


def in_the_way(turn: TurnContext) -> list[Reason]:
    """Why conditions stand between a soaking target and the work on the next one."""
    gates = dict.fromkeys([*_of(turn, GateMoment.BEFORE), *_of(turn, GateMoment.SOAK)])
    decisions = [condition(turn, gate) for gate in gates]
    return [decision.reason for decision in decisions if not isinstance(decision, Go)]


def _of(turn: TurnContext, moment: GateMoment) -> list[Gate]:
    return [gate for gate in turn.rollout.conditions if moment in gate.moments and is_due(turn.rollout, gate)]


def _news(turn: TurnContext, gate: Gate, decision: GateDecision) -> Iterator[Record]:
    """The record that a gate holds the rollout from now on, for another reason, or no longer."""
    status = turn.rollout.gates.get(gate.name)
    held = status is not None and status.state is GateState.HOLDING
    if isinstance(decision, Hold):
        code = status.reason.code if held and status and status.reason else ""
        if code != decision.reason.code:
            yield Record(e.GateHeld(turn.now, gate.name, decision.reason))
    elif held:
        yield Record(e.GateReleased(turn.now, gate.name))


def _without_data(turn: TurnContext, gate: Gate, why: Reason | None) -> Reason:
    rollout, waited = turn.rollout.plan.rollout, _waited(turn, gate)
    return reason(ReasonCode.GATE_WITHOUT_DATA, gate=gate.name, waited=waited, why=why, rollout=rollout)


def _waited(turn: TurnContext, gate: Gate) -> timedelta:
    status = turn.rollout.gates.get(gate.name)
    held = status is not None and status.state is GateState.HOLDING
    return max(timedelta(), turn.now - status.since) if held and status else timedelta()
