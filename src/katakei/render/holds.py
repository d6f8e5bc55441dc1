"""What holds a whole rollout, as far as its journal tells: a freeze, and gates that wait for an answer."""

import shlex

from katakei.domain.replay import Rollout
from katakei.reconcile.gating import frozen
from katakei.render.local_time import local_minute
from katakei.render.reasons import sentence
from katakei.render.translation import ENGLISH, Translator


def holds(rollout: Rollout, tr: Translator = ENGLISH) -> tuple[str, ...]:
    """One sentence for each thing that holds the rollout; none where nothing does."""
    gates = tuple(gate_text(rollout, name, tr) for name in rollout.waiting_gates)
    if not rollout.frozen:
        return gates
    return (tr("{frozen}; no target is taken out", frozen=sentence(frozen(rollout.frozen), tr)), *gates)


def gate_text(rollout: Rollout, name: str, tr: Translator = ENGLISH) -> str:
    """A gate that waits, until when, and how to answer it; or why its condition holds the rollout."""
    status = rollout.gates[name]
    if status.expires is None:
        return sentence(status.reason, tr)
    until = local_minute(status.expires)
    command = approve_command(rollout, name)
    return tr("the gate {gate} waits for approval until {until}: {command}", gate=name, until=until, command=command)


def approve_command(rollout: Rollout, name: str) -> str:
    """The command that approves a gate."""
    return shlex.join(("katakei", "approve", rollout.plan.rollout, "--gate", name))
