"""The commands to a rollout: approve, abort, pause, resume, revert, retry; and unlock."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import click

from katakei.app.control import Control, Delegated
from katakei.app.rollouts import CONFIRMATION_LIMIT
from katakei.cli.messages import ask, on_terminal, say
from katakei.cli.options import Context, NoOptions, argument, group_of, option, takes
from katakei.cli.progress import Screen, drive
from katakei.domain.errors import ExitCode, RefusedError
from katakei.domain.model import RolloutId
from katakei.domain.replay import Rollout
from katakei.reconcile.outcome import taken_back, verdict
from katakei.render.json_data import output
from katakei.runtime.session import RolloutSession


@dataclass(frozen=True, slots=True)
class RolloutOptions:
    """One rollout."""

    rollout: RolloutId = argument("rollout", type=RolloutId)  # noqa: RUF009 - returns a field


@dataclass(frozen=True, slots=True)
class ApproveOptions(RolloutOptions):
    """One rollout, and targets of it."""

    targets: tuple[str, ...] = argument("targets", nargs=-1)


@dataclass(frozen=True, slots=True)
class RetryOptions(RolloutOptions):
    """One rollout, and at least one target of it."""

    targets: tuple[str, ...] = argument("targets", nargs=-1, required=True)


@dataclass(frozen=True, slots=True)
class UnlockOptions(NoOptions):
    """One target group."""

    group: str | None = argument("group", required=False)
    yes: bool = option("--yes", is_flag=True, help="Do not ask for confirmation on a terminal.")


@click.command("approve")
@takes(ApproveOptions)
def approve_(context: Context, options: ApproveOptions) -> None:
    """Say that your work on TARGETS (ids, names or IPs) of ROLLOUT is done; without TARGETS, on all that wait."""
    with context.drivers() as drivers:
        approved = Control(drivers).approve(options.rollout, options.targets)
    say(json.dumps(output("approve", approved=[*approved])) if context.as_json else f"approved: {', '.join(approved)}")


@click.command("abort")
@takes(RolloutOptions)
def abort_(context: Context, options: RolloutOptions) -> int:
    """Stop ROLLOUT and bring every target in progress back into service.

    The process that drives the rollout carries it out; if none is alive, this one does.
    """
    return _carry_out("abort", context, options, lambda control: control.abort(options.rollout))


@click.command("pause")
@takes(RolloutOptions)
def pause_(context: Context, options: RolloutOptions) -> None:
    """Finish the targets of ROLLOUT in progress and begin no other, until `katakei resume`."""
    with context.drivers() as drivers:
        Control(drivers).pause(options.rollout)
    said = f"pause recorded; targets in progress are finished. To go on: katakei resume {options.rollout}"
    say(json.dumps(output("accepted", accepted=options.rollout)) if context.as_json else said)


@click.command("resume")
@takes(RolloutOptions)
def resume_(context: Context, options: RolloutOptions) -> int:
    """Go on with ROLLOUT after a pause.

    The process that drives the rollout carries it out; if none is alive, this one does.
    """
    return _carry_out("resume", context, options, lambda control: control.resume(options.rollout))


@click.command("unlock")
@takes(UnlockOptions)
def unlock_(context: Context, options: UnlockOptions) -> None:
    """Take the lease of GROUP away from its owner: only when you know that the process is gone.

    Rarely needed: `katakei roll` replaces an owner that was silent for 30 s. The former owner writes nothing more, and
    sends no call after 10 s; a call that is under way may still have its effect.
    """
    name = group_of(options.group)
    question = f"Is the process that holds {name} really gone? Two at once would harm it"
    if on_terminal(0) and not options.yes and not ask(question, CONFIRMATION_LIMIT):
        raise RefusedError("not confirmed; nothing was changed")
    with context.drivers() as drivers:
        held = Control(drivers).unlock(name)
    said = f"{name} is free; it was held by {held}" if held else f"{name} was not held by anybody"
    say(json.dumps(output("unlock", group=name, held=held or "")) if context.as_json else said)


@click.command("revert")
@takes(RolloutOptions)
def revert_(context: Context, options: RolloutOptions) -> int:
    """Run the `revert` command of ROLLOUT on every target that it worked on, the last one first.

    With the same drain, floor and checks. Targets in progress are finished or brought back first; targets that still
    wait are skipped. The process that drives the rollout carries it out; if none is alive, this one does, and ends
    with 0 when all of them were reverted.
    """
    return _carry_out("revert", context, options, lambda control: control.revert(options.rollout), taken_back)


@click.command("retry")
@takes(RetryOptions)
def retry_(context: Context, options: RetryOptions) -> int:
    """One more attempt on TARGETS of ROLLOUT, with the release and the configuration that it was planned with.

    The process that drives the rollout carries it out; if none is alive, this one does.
    """

    def retry(control: Control) -> RolloutSession | Delegated:
        for target in control.may_still_run(options.rollout, options.targets):
            say(f"katakei: it is not known whether the earlier work on {target} has ended; starting it again", err=True)
        return control.retry(options.rollout, options.targets)

    return _carry_out("retry", context, options, retry)


def _carry_out(
    name: str,
    context: Context,
    options: RolloutOptions,
    command: Callable[[Control], RolloutSession | Delegated],
    judge: Callable[[Rollout], ExitCode] = verdict,
) -> int:
    """Gives the command; drives the rollout unless another process does."""
    with context.drivers() as drivers:
        answer = command(Control(drivers))
        if isinstance(answer, RolloutSession):
            return drive(answer, Screen(as_json=context.as_json), drivers.sleep_inhibitor, judge)
    said = f"{name} recorded; the process that drives the rollout carries it out: {answer.why}"
    say(json.dumps(output("accepted", accepted=options.rollout)) if context.as_json else said)
    return ExitCode.DONE
