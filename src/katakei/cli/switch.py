"""The command that moves requests from one target group to another: switch, with its way back and its end."""

import os
import re
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import click

from katakei.app import selection
from katakei.app.control import Control
from katakei.app.preflight import RolloutRequest
from katakei.app.switches import switch_request
from katakei.cli.confirming import confirm
from katakei.cli.control import drive_or_say
from katakei.cli.job_files import JobFiles, id_file_option, report_option
from katakei.cli.language import reader
from katakei.cli.moments import SPAN_OPTION, lock_wait_option
from katakei.cli.options import (
    Context,
    argument,
    check_journal_outlives_job,
    completes,
    ephemeral_option,
    force_option,
    option,
    takes,
    yes_option,
)
from katakei.cli.rollouts import open_and_drive, show_plan
from katakei.domain.errors import ExitCode, UsageError
from katakei.domain.traffic import SETTLE, WHOLE
from katakei.planning.survey import AcceptedRisks
from katakei.planning.switching import SwitchRequest
from katakei.reconcile.outcome import taken_back

SHARE = re.compile(r"(\d{1,3})\s*%?", re.ASCII)
STEPS = "5%,25%,50%,100%"
SOAK = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SwitchOptions:
    """Two groups and how to move the requests; or a switch, and how to end it."""

    words: tuple[str, ...] = argument(
        "words", nargs=-1, metavar="[OLD NEW | ROLLOUT]", shell_complete=completes("groups")
    )
    steps: str = option(
        "--steps",
        metavar="SHARES",
        default=STEPS,
        show_default=True,
        help="How much of the requests NEW gets, in turn.",
    )
    at_once: bool = option("--at-once", is_flag=True, help="All requests in one step.")
    soak: timedelta = option(  # noqa: RUF009 - returns a field
        "--soak", type=SPAN_OPTION, default=SOAK, metavar="TIME", help="How long each share is watched (default 1m)."
    )
    listener: tuple[str, ...] = option(
        "--listener", multiple=True, metavar="PORT", help="Only this listener and its rules (port or ARN); repeatable."
    )
    rule: tuple[str, ...] = option("--rule", multiple=True, metavar="ARN", help="Only this rule; repeatable.")
    approve_at: tuple[str, ...] = option(
        "--approve-at", multiple=True, metavar="SHARE", help="Ask a person before NEW gets more than this; repeatable."
    )
    settle: timedelta = option(  # noqa: RUF009 - returns a field
        "--settle",
        type=SPAN_OPTION,
        default=SETTLE,
        metavar="TIME",
        help="How long no target of a group is taken out after its weight became 0 (default 2m).",
    )
    back: bool = option("--back", is_flag=True, help="Take the way back of ROLLOUT: everything as it was before.")
    finish: bool = option(
        "--finish", is_flag=True, help="Give up the way back of ROLLOUT, so that OLD can be worked on."
    )
    force: bool = force_option()
    yes: bool = yes_option()
    as_recorded: bool = option(
        "--as-recorded", is_flag=True, help="Carry an unfinished switch on although its steps changed."
    )
    dry_run: bool = option("--dry-run", is_flag=True, help="Show the plan and change nothing.")
    lock_wait: timedelta = lock_wait_option()  # noqa: RUF009 - returns a field
    ephemeral: bool = ephemeral_option()
    id_file: Path | None = id_file_option()  # noqa: RUF009 - returns a field
    report: Path | None = report_option()  # noqa: RUF009 - returns a field


@click.command("switch")
@takes(SwitchOptions, remote=False)
def switch_(context: Context, options: SwitchOptions) -> int:
    """Move the requests of target group OLD to target group NEW, share by share, by the weights of listeners and rules.

    All listeners and rules that send requests to OLD move together, or go back together. At 100 % the way back stays
    open: --back takes it, --finish gives it up. After a crash or Ctrl-C the same command carries on.
    """
    if options.back and options.finish:
        raise UsageError("--back and --finish contradict each other: give one of them")
    if options.back or options.finish:
        return _end(context, options)
    request = _request(options)
    if options.dry_run:
        show_plan(context, request)
        return ExitCode.DONE
    check_journal_outlives_job(context.journal, os.environ, ephemeral=options.ephemeral)
    files = JobFiles(options.id_file, options.report)
    return open_and_drive(context, request, files=files, yes=options.yes)


def _end(context: Context, options: SwitchOptions) -> int:
    """Takes the way back, or gives it up."""
    if len(options.words) > 1:
        raise UsageError("--back and --finish take one rollout: leave the target groups out")
    tr = reader()
    with context.drivers() as drivers:
        rollout = selection.to_tell(drivers.journal, options.words[0] if options.words else None)
        control = Control(drivers)
        if options.finish:
            question = tr("Give up the way back of {rollout}?", rollout=rollout)
            confirm(question, yes=options.yes)
            return drive_or_say("finish", context, drivers, control.finish_switch(rollout))
        return drive_or_say("back", context, drivers, control.switch_back(rollout), taken_back)


def _request(options: SwitchOptions) -> RolloutRequest:
    """What is asked for. Raises UsageError."""
    if len(options.words) != 2:
        raise UsageError("which target groups? give OLD and NEW: katakei switch OLD NEW")
    old, new = options.words
    if options.at_once and options.steps != STEPS:
        raise UsageError("--at-once and --steps contradict each other: give one of them")
    steps = (WHOLE,) if options.at_once else _steps(options.steps)
    asked = SwitchRequest(steps, options.listener, options.rule, options.settle)
    gates = tuple(_share(text, 0) for text in options.approve_at)
    request = switch_request(old, new, asked, AcceptedRisks(force=options.force), soak=options.soak, approve_at=gates)
    return replace(request, as_recorded=options.as_recorded, lock_wait=options.lock_wait)


def _steps(text: str) -> tuple[int, ...]:
    steps = tuple(_share(part, 1) for part in text.split(","))
    if list(steps) != sorted(set(steps)) or steps[-1] != WHOLE:
        raise UsageError(f"--steps {text} does not rise to 100%: write for example {STEPS}")
    return steps


def _share(text: str, least: int) -> int:
    match = SHARE.fullmatch(text.strip())
    if match is None or not least <= int(match[1]) <= WHOLE:
        raise UsageError(f"{text} is no share: write a whole number of percent, for example 25%")
    return int(match[1])
