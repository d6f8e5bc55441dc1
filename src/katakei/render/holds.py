"""What holds a whole rollout, as far as its journal tells: a freeze, and gates that wait for an answer."""

import shlex

from katakei.domain.replay import Rollout
from katakei.reconcile.gating import frozen
from katakei.render.local_time import local_minute
from katakei.render.reasons import sentence


def holds(rollout: Rollout) -> tuple[str, ...]:
    """One sentence for each thing that holds the rollout; none where nothing does."""
    freeze = (f"{sentence(frozen(rollout.frozen))}; no target is taken out",) if rollout.frozen else ()
    return (*freeze, *(gate_text(rollout, name) for name in rollout.asked_gates))


def gate_text(rollout: Rollout, name: str) -> str:
    """A gate that waits, until when, and how to answer it."""
    until = local_minute(rollout.gates[name].expires)
    return f"the gate {name} waits for approval until {until}: {approve_command(rollout, name)}"


def approve_command(rollout: Rollout, name: str) -> str:
    """The command that approves a gate."""
    return shlex.join(("katakei", "approve", rollout.plan.rollout, "--gate", name))
