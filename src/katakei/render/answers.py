"""The answers to a person's command to a rollout: what was recorded, who carries it out, and how to follow it.

Also who drives a rollout now, in one sentence. Every answer is one sentence of success and one command.
"""

from collections.abc import Sequence

from katakei.domain.leases import Owner
from katakei.domain.model import TargetId
from katakei.domain.overview import Driver
from katakei.domain.phases import IN_PROGRESS
from katakei.domain.plan import PlanKind
from katakei.domain.ports import Liveness
from katakei.domain.replay import Rollout
from katakei.render.text import label, listed, span


def driver_text(rollout: Rollout, driver: Driver) -> str:
    """Who drives an unfinished rollout now; where nobody does, how to continue it and how to give it up."""
    owner, liveness, silent_for = driver.owner, driver.liveness, driver.silent_for
    if owner is not None and liveness is Liveness.ALIVE:
        return f"driven by {owner}"
    silent = f", silent for {span(silent_for)}," if silent_for is not None else ""
    if owner is not None and liveness is Liveness.UNKNOWN:
        return f"last driven by {owner}{silent} which may still run; {_how_to_go_on(rollout)}"
    last = f" (last owner {owner}{silent} is gone)" if owner else ""
    return f"not running{last}; {_how_to_go_on(rollout)}"


def _how_to_go_on(rollout: Rollout) -> str:
    name = rollout.plan.rollout
    if rollout.paused:
        again = f"katakei resume {name}"
    elif rollout.plan.kind is PlanKind.ROLL:
        again = "the katakei roll command that began it"
    else:
        again = " ".join(
            ["katakei", rollout.plan.kind.value, rollout.plan.spec.service, *rollout.plan.spec.targets.only]
        )
    return f"continue by {again}, or give up by katakei abort {name}"


def accepted(command: str, rollout: Rollout, owner: Owner | None, targets: Sequence[TargetId] = ()) -> str:
    """The answer to a command that another process carries out.

    Args:
        command: abort, approve, approve_gate, deny, pause, promote, resume, retry, revert or skip_gate.
        rollout: The rollout as it is with the command recorded.
        owner: The process that drives it; None where none does.
        targets: The targets that the command names.
    """
    name = rollout.plan.rollout
    done = {
        "abort": f"the abort of rollout {name} is recorded",
        "approve": f"approved: {listed(label(rollout.targets[target]) for target in targets)}",
        "approve_gate": f"the approval in rollout {name} is recorded",
        "deny": f"the denial in rollout {name} is recorded",
        "promote": f"promoted: {listed(label(rollout.targets[target]) for target in targets)}",
        "skip_gate": f"the gate of rollout {name} is skipped",
        "pause": f"rollout {name} is paused",
        "resume": f"rollout {name} goes on",
        "retry": f"the retry in rollout {name} is recorded",
        "revert": f"the revert of rollout {name} is recorded",
    }[command]
    follow = f"To go on: katakei resume {name}" if command == "pause" else f"To follow it: katakei logs -f {name}"
    if owner is None:
        return f"{done}; no process drives the rollout now. {_capital(_how_to_go_on(rollout))}"
    return f"{done}; {owner} {_task(command, rollout)}. {follow}"


def _task(command: str, rollout: Rollout) -> str:
    """What the process that drives the rollout does now."""
    busy = listed(label(rollout.targets[target]) for target in rollout.at(*IN_PROGRESS))
    match command:
        case "abort" | "deny":
            return f"brings {busy} back into service and begins no other target" if busy else "ends the rollout"
        case "approve":
            return "checks what was approved and registers it again"
        case "promote":
            return "ends their soak after two observations"
        case "pause":
            return f"finishes {busy} and begins no other target" if busy else "begins no other target"
        case "revert":
            return "runs the revert command on every target that was worked on"
        case "retry":
            return "begins one more attempt"
        case _:
            return f"finishes {busy} and begins the next target" if busy else "begins the next target"


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
