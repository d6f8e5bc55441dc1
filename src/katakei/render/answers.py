"""The answers to a person's command to a rollout: what was recorded, who carries it out, and how to follow it.

Also who drives a rollout now, in one sentence. Every answer is one sentence of success and one command.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from katakei.domain.leases import Owner
from katakei.domain.model import TargetId
from katakei.domain.overview import Driver
from katakei.domain.phases import IN_PROGRESS
from katakei.domain.plan import PlanKind
from katakei.domain.ports import Liveness
from katakei.domain.replay import Rollout
from katakei.render.text import label
from katakei.render.translation import ENGLISH, Translator


def driver_text(rollout: Rollout, driver: Driver, tr: Translator = ENGLISH) -> str:
    """Who drives an unfinished rollout now; where nobody does, how to continue it and how to give it up."""
    owner, liveness, silent_for = driver.owner, driver.liveness, driver.silent_for
    if owner is not None and liveness is Liveness.ALIVE:
        return tr("driven by {owner}", owner=owner)
    silent = tr(", silent for {time},", time=tr.span(silent_for)) if silent_for is not None else ""
    go_on = _how_to_go_on(rollout, tr)
    if owner is not None and liveness is Liveness.UNKNOWN:
        return tr(
            "last driven by {owner}{silent} which may still run; {go_on}", owner=owner, silent=silent, go_on=go_on
        )
    last = tr(" (last owner {owner}{silent} is gone)", owner=owner, silent=silent) if owner else ""
    return tr("not running{last}; {go_on}", last=last, go_on=go_on)


def _how_to_go_on(rollout: Rollout, tr: Translator) -> str:
    name = rollout.plan.rollout
    if rollout.paused:
        again = f"katakei resume {name}"
    elif rollout.plan.switch:
        moved = rollout.traffic is not None and rollout.traffic.moved
        words = ["--finish", name] if moved else [*(group.name for group in rollout.plan.groups), "--as-recorded"]
        again = " ".join(["katakei switch", *words])
    elif rollout.plan.kind is PlanKind.ROLL:
        again = tr("the katakei roll command that began it")
    else:
        again = " ".join(
            ["katakei", rollout.plan.kind.value, rollout.plan.spec.service, *rollout.plan.spec.targets.only]
        )
    return tr("continue by {again}, or give up by katakei abort {rollout}", again=again, rollout=name)


def accepted(
    command: str, rollout: Rollout, owner: Owner | None, targets: Sequence[TargetId] = (), tr: Translator = ENGLISH
) -> str:
    """The answer to a command that another process carries out.

    Args:
        command: abort, approve, approve_gate, deny, pause, promote, resume, retry, revert or skip_gate.
        rollout: The rollout as it is with the command recorded.
        owner: The process that drives it; None where none does.
        targets: The targets that the command names.
        tr: The language of the reader.
    """
    name = rollout.plan.rollout
    who = tr.listed(label(rollout.targets[target]) for target in targets)
    command = "promote_wave" if command == "promote" and not targets else command
    done = tr.of(DONE[command]).format(rollout=name, targets=who)
    if owner is None:
        go_on = _capital(_how_to_go_on(rollout, tr))
        return tr("{done}; no process drives the rollout now. {go_on}", done=done, go_on=go_on)
    pauses = command == "pause"
    follow = tr(
        "To go on: katakei resume {rollout}" if pauses else "To follow it: katakei logs -f {rollout}", rollout=name
    )
    return tr(
        "{done}; {owner} {task}. {follow}", done=done, owner=owner, task=_task(command, rollout, tr), follow=follow
    )


DONE: Mapping[str, str] = MappingProxyType(
    {
        "abort": "the abort of rollout {rollout} is recorded",
        "back": "the way back of switch {rollout} is recorded",
        "finish": "the end of switch {rollout} is recorded",
        "approve": "approved: {targets}",
        "approve_gate": "the approval in rollout {rollout} is recorded",
        "deny": "the denial in rollout {rollout} is recorded",
        "promote": "promoted: {targets}",
        "promote_wave": "the pause between two waves of rollout {rollout} is ended",
        "skip_gate": "the gate of rollout {rollout} is skipped",
        "pause": "rollout {rollout} is paused",
        "resume": "rollout {rollout} goes on",
        "retry": "the retry in rollout {rollout} is recorded",
        "revert": "the revert of rollout {rollout} is recorded",
    }
)
"""What was done, by command."""


def _task(command: str, rollout: Rollout, tr: Translator) -> str:
    """What the process that drives the rollout does now."""
    busy = tr.listed(label(rollout.targets[target]) for target in rollout.at(*IN_PROGRESS))
    match command:
        case "back" | "finish":
            return tr("carries it out")
        case "abort" | "deny":
            return (
                tr("brings {busy} back into service and begins no other target", busy=busy)
                if busy
                else tr("ends the rollout")
            )
        case "approve":
            return tr("checks what was approved and registers it again")
        case "promote":
            return tr("ends their soak after two observations")
        case "pause":
            then = tr("begins no other target")
        case "revert":
            return tr("runs the revert command on every target that was worked on")
        case "retry":
            return tr("begins one more attempt")
        case _:
            then = tr("begins the next target")
    return tr("finishes {busy} and {then}", busy=busy, then=then) if busy else then


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
