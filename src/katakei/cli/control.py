"""The commands to a rollout: approve, promote, abort, pause, resume, revert, retry; and unlock."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from katakei.app import queries, selection
from katakei.app.control import Control, Delegated
from katakei.app.rollouts import CONFIRMATION_LIMIT
from katakei.app.wait_publisher import publishing
from katakei.cli.confirming import confirm, with_recorded_commands
from katakei.cli.language import reader
from katakei.cli.messages import ask, on_terminal, say, say_json
from katakei.cli.options import (
    Context,
    NoOptions,
    RolloutOptions,
    argument,
    completes,
    group_of,
    option,
    takes,
    yes_option,
    yes_to_all_option,
)
from katakei.cli.progress import Screen, drive
from katakei.domain.errors import ExitCode, RefusedError, UsageError
from katakei.domain.model import RolloutId, TargetId
from katakei.domain.ports import Liveness
from katakei.domain.replay import Rollout
from katakei.reconcile.outcome import taken_back, verdict
from katakei.render import answers
from katakei.render.json_data import output
from katakei.render.text import label
from katakei.runtime.session import RolloutSession

if TYPE_CHECKING:
    from katakei.bootstrap import Bootstrap


@dataclass(frozen=True, slots=True)
class ApproveOptions:
    """One rollout, and targets of it."""

    words: tuple[str, ...] = argument(
        "words", nargs=-1, metavar="[ROLLOUT] [TARGET]…", shell_complete=completes("rollout_words")
    )

    gate: str | None = option("--gate", metavar="NAME", help="Approve this gate of the rollout instead.")
    deny: bool = option("--deny", is_flag=True, help="With --gate: deny it, which ends the rollout as an abort does.")


@dataclass(frozen=True, slots=True)
class PromoteOptions(RolloutOptions):
    """One rollout, and a gate that is skipped."""

    skip_gate: str | None = option("--skip-gate", metavar="NAME", help="Skip this gate, which holds the rollout now.")
    reason: str = option("--reason", metavar="WORDS", default="", help="Why the gate is skipped; recorded.")


@dataclass(frozen=True, slots=True)
class ConfirmedOptions(RolloutOptions):
    """One rollout, and whether to ask."""

    yes: bool = yes_to_all_option()


@dataclass(frozen=True, slots=True)
class RetryOptions:
    """One rollout, and targets of it."""

    words: tuple[str, ...] = argument(
        "words", nargs=-1, metavar="[ROLLOUT] [TARGET]…", shell_complete=completes("rollout_words")
    )
    again: bool = option("--again", is_flag=True, help="Also on targets that are done and did not fail.")
    yes: bool = yes_to_all_option()


@dataclass(frozen=True, slots=True)
class UnlockOptions(NoOptions):
    """One target group."""

    group: str | None = argument("group", required=False, shell_complete=completes("groups"))
    yes: bool = yes_option()


@click.command("approve")
@takes(ApproveOptions)
def approve_(context: Context, options: ApproveOptions) -> None:
    """Say that your work on TARGET (id, name or IP) of ROLLOUT is done; without TARGET, on all that wait.

    With --gate: approve or deny an approval gate of ROLLOUT.
    """
    if options.deny and not options.gate:
        raise UsageError("--deny denies a gate: name it with --gate")
    if options.gate:
        _answer_gate(context, options, options.gate)
        return
    with context.journal_drivers() as drivers:
        rollout, targets = selection.with_targets(drivers.journal, options.words, selection.to_tell)
        approved = context.control(drivers).approve(rollout, targets)
        text = _answer("approve", drivers, rollout, approved)
    say_json(output("approve", approved=[*approved])) if context.as_json else say(text)


def _answer_gate(context: Context, options: ApproveOptions, gate: str) -> None:
    with context.journal_drivers() as drivers:
        rollout, targets = selection.with_targets(drivers.journal, options.words, selection.to_tell)
        if targets:
            raise UsageError("--gate answers a gate of the whole rollout: name no target")
        context.control(drivers).answer_gate(rollout, gate, approved=not options.deny)
        text = _answer("deny" if options.deny else "approve_gate", drivers, rollout)
    say_json(output("accepted", accepted=rollout)) if context.as_json else say(text)


@click.command("promote")
@takes(PromoteOptions)
def promote_(context: Context, options: PromoteOptions) -> None:
    """End what is left of the soak of the targets of ROLLOUT that soak now, or of the pause between two waves.

    Each of the targets still needs two observations of healthy, and the next target its drain and its check. With
    --skip-gate: pass a gate that holds ROLLOUT, for a reason that is recorded.
    """
    if options.reason and not options.skip_gate:
        raise UsageError("--reason says why a gate is skipped: name the gate with --skip-gate")
    with context.journal_drivers() as drivers:
        rollout = selection.to_tell(drivers.journal, options.rollout)
        control = context.control(drivers)
        if options.skip_gate:
            control.skip_gate(rollout, options.skip_gate, options.reason)
            promoted: Sequence[TargetId] = ()
        else:
            promoted = control.promote(rollout)
        text = _answer("skip_gate" if options.skip_gate else "promote", drivers, rollout, promoted)
    say_json(output("promote", promoted=[*promoted])) if context.as_json else say(text)


@click.command("abort")
@takes(RolloutOptions)
def abort_(context: Context, options: RolloutOptions) -> int:
    """Stop ROLLOUT and bring every target in progress back into service.

    The process that drives the rollout carries it out; if none is alive, this one does.
    """
    return _carry_out("abort", context, options, lambda control, rollout: control.abort(rollout))


@click.command("pause")
@takes(RolloutOptions)
def pause_(context: Context, options: RolloutOptions) -> None:
    """Finish the targets of ROLLOUT in progress and begin no other, until `katakei resume`."""
    with context.journal_drivers() as drivers:
        rollout = selection.to_tell(drivers.journal, options.rollout)
        context.control(drivers).pause(rollout)
        text = _answer("pause", drivers, rollout)
    say_json(output("accepted", accepted=rollout)) if context.as_json else say(text)


@click.command("resume")
@takes(ConfirmedOptions)
def resume_(context: Context, options: ConfirmedOptions) -> int:
    """Go on with ROLLOUT after a pause.

    The process that drives the rollout carries it out; if none is alive, this one does.
    """
    with context.journal_drivers() as drivers:
        rollout = selection.to_tell(drivers.journal, options.rollout)
        answer = with_recorded_commands(
            lambda accepted: context.control(drivers, accept_others=accepted).resume(rollout), accepted=options.yes
        )
        return drive_or_say("resume", context, drivers, answer)


@click.command("unlock")
@takes(UnlockOptions, remote=False)
def unlock_(context: Context, options: UnlockOptions) -> None:
    """Take the lease of GROUP away from its owner: only when you know that the process is gone.

    Rarely needed: `katakei roll` replaces an owner that was silent for 30 s. The former owner writes nothing more, and
    sends no call after 10 s; a call that is under way may still have its effect.
    """
    name = group_of(options.group)
    tr = reader()
    question = tr("Is the process that holds {group} really gone? Two at once would harm it", group=name)
    if on_terminal(0) and not options.yes and not ask(question, CONFIRMATION_LIMIT):
        raise RefusedError("not confirmed; nothing was changed")
    with context.drivers() as drivers:
        held = Control(drivers).unlock(name)
    said = tr("{group} was not held by anybody", group=name)
    if held:
        said = tr("{group} is free; it was held by {owner}", group=name, owner=held)
    say_json(output("unlock", group=name, held=held or "")) if context.as_json else say(said)


@click.command("revert")
@takes(ConfirmedOptions)
def revert_(context: Context, options: ConfirmedOptions) -> int:
    """Run the `revert` command of ROLLOUT on every target that it worked on, the last one first.

    With the same drain, floor and checks. Targets in progress are finished or brought back first; targets that still
    wait are skipped. The process that drives the rollout carries it out; if none is alive, this one does, and ends
    with 0 when all of them were reverted.
    """
    with context.journal_drivers() as drivers:
        rollout = selection.to_tell(drivers.journal, options.rollout)
        state, targets = context.control(drivers).to_revert(rollout)
        question = reader()(
            "Run {command} on {number:target} of rollout {rollout}?",
            command=state.plan.spec.revert,
            number=len(targets),
            rollout=rollout,
        )
        accepted = confirm(question, yes=options.yes)
        answer = context.control(drivers, accept_others=accepted).revert(rollout)
        return drive_or_say("revert", context, drivers, answer, taken_back)


@click.command("retry")
@takes(RetryOptions)
def retry_(context: Context, options: RetryOptions) -> int:
    """One more attempt on TARGET of ROLLOUT, with the release and the configuration that it was planned with.

    Without TARGET: on all that failed. The process that drives the rollout carries it out; if none is alive, this one
    does.
    """
    again, tr = options.again, reader()
    with context.journal_drivers() as drivers:
        rollout, names = selection.with_targets(drivers.journal, options.words, selection.to_tell)
        state, targets = context.control(drivers).to_retry(rollout, names, again=again)
        for target in context.control(drivers).may_still_run(rollout, names, again=again):
            text = tr(
                "it is not known whether the earlier work on {target} has ended; starting it again", target=target
            )
            say(f"katakei: {text}", err=True)
        release = tr(" with {release}", release=state.plan.release) if state.plan.release else ""
        where, work = tr.listed(label(target) for target in targets), state.plan.spec.work
        question = tr("Run {command}{release} again on {targets}?", command=work, release=release, targets=where)
        accepted = confirm(question, yes=options.yes)
        answer = context.control(drivers, accept_others=accepted).retry(rollout, names, again=again)
        return drive_or_say("retry", context, drivers, answer)


def _carry_out(
    name: str,
    context: Context,
    options: RolloutOptions,
    command: Callable[[Control, RolloutId], RolloutSession | Delegated],
) -> int:
    """Gives the command; drives the rollout unless another process does."""
    with context.journal_drivers() as drivers:
        rollout = selection.to_tell(drivers.journal, options.rollout)
        return drive_or_say(name, context, drivers, command(context.control(drivers), rollout))


def drive_or_say(
    name: str,
    context: Context,
    drivers: "Bootstrap",
    answer: RolloutSession | Delegated,
    judge: Callable[[Rollout], ExitCode] = verdict,
) -> int:
    """Drives the rollout to its end; where another process does, says so."""
    if isinstance(answer, RolloutSession):
        screen = Screen(as_json=context.as_json)
        with publishing(drivers.wait_reports, drivers.clock) as published:
            return drive(answer, screen, drivers.sleep_inhibitor, judge, drivers.journal, listen=(published,))
    said = reader().known(answer.why) if answer.finished else _answer(name, drivers, answer.rollout)
    say_json(output("accepted", accepted=answer.rollout)) if context.as_json else say(said)
    return ExitCode.DONE


def _answer(name: str, drivers: "Bootstrap", rollout: RolloutId, targets: Sequence[TargetId] = ()) -> str:
    """One sentence of success, and how to follow. An owner that may be gone still counts: nobody replaced it."""
    state = queries.find(drivers.journal, rollout)
    driver = queries.driver_of(drivers.leases, state)
    owner = None if driver.liveness is Liveness.GONE else driver.owner
    return answers.accepted(name, state, owner, targets, reader())
