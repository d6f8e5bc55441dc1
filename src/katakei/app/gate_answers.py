"""The checks before a person answers or skips a gate: whether it waits, and whether the answer still counts."""

from collections.abc import Sequence
from datetime import datetime

from katakei.domain.errors import RefusedError, UsageError
from katakei.domain.gates import PASSED, GateState
from katakei.domain.model import TargetId
from katakei.domain.outside_text import one_line
from katakei.domain.replay import Rollout
from katakei.render.text import listed

LONGEST_REASON = 500
"""Characters of a reason: it is shown in one line."""


def check_no_gate(state: Rollout, waiting: Sequence[TargetId]) -> None:
    """Raises UsageError: the command names nothing, and a gate waits; the person has to say which one is meant."""
    gates = state.asked_gates
    name = state.plan.rollout
    if gates and waiting:
        raise UsageError(
            f"the work on {listed(waiting)} and the gate {listed(gates)} wait: name the target, or run"
            f" katakei approve {name} --gate {gates[0]}"
        )
    if gates:
        raise UsageError(f"the gate {listed(gates)} waits: to approve it, run katakei approve {name} --gate {gates[0]}")


def check_answer(state: Rollout, gate: str, store_time: datetime) -> None:
    """Checks that an approval gate waits for an answer.

    Raises:
        UsageError: There is no such gate, it is not due yet, or it is passed already.
        RefusedError: The question has expired, or was denied.
    """
    _check_known(state, gate)
    name, status = one_line(gate), state.gates.get(gate)
    if status is None:
        raise UsageError(f"the gate {name} of rollout {state.plan.rollout} is not due yet; waiting: {_waiting(state)}")
    if status.state in PASSED:
        by = f" by {status.by}" if status.by else ""
        raise UsageError(f"the gate {name} of rollout {state.plan.rollout} was {status.state.value} already{by}")
    if status.state is GateState.DENIED:
        raise RefusedError(f"{status.by} denied the gate {name}: the rollout ends, and nobody can change that")
    if status.state in {GateState.HOLDING, GateState.STOPPED} or status.expires is None:
        raise UsageError(f"the gate {name} of rollout {state.plan.rollout} reads a condition: nobody answers it")
    if status.state is GateState.EXPIRED or store_time >= status.expires:
        raise RefusedError(f"the question of the gate {name} expired at {status.expires.isoformat()}: it is too late")
    if gate not in state.asked_gates:
        raise RefusedError(f"rollout {state.plan.rollout} is being aborted: its gates wait for no answer any more")


def check_skip(state: Rollout, gate: str, why: str, store_time: datetime) -> None:
    """Checks that a gate holds the rollout and may be skipped. Raises as `check_answer`, and for a missing reason."""
    if not why.strip():
        raise UsageError("a gate is skipped for a reason: say it with --reason")
    if len(why) > LONGEST_REASON:
        raise UsageError(f"the reason has {len(why)} characters: write at most {LONGEST_REASON}")
    _check_known(state, gate)
    status = state.gates.get(gate)
    if status is not None and status.state is GateState.STOPPED:
        raise RefusedError(f"the gate {one_line(gate)} stopped the rollout: nobody can change that")
    if gate not in state.holding_gates:
        check_answer(state, gate, store_time)


def _check_known(state: Rollout, gate: str) -> None:
    names = [each.name for each in state.plan.spec.gates]
    if gate not in names:
        raise UsageError(
            f"rollout {state.plan.rollout} has no gate {one_line(gate)}; its gates: {listed(names) or 'none'}"
        )


def _waiting(state: Rollout) -> str:
    return listed(state.waiting_gates) or "none"
