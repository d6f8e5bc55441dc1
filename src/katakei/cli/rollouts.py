"""The commands that change target groups: plan and roll, and the manual steps deregister and register."""

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from katakei.app.manual_steps import manual_step
from katakei.app.rollouts import CONFIRMATION_LIMIT, NothingToDo, Proposal, RolloutRequest, Rollouts
from katakei.cli.confirming import with_recorded_commands
from katakei.cli.job_files import JobFiles, id_file_option, report_option
from katakei.cli.language import reader
from katakei.cli.messages import ask, on_terminal, say, say_json, unblocked
from katakei.cli.moments import lock_wait_option
from katakei.cli.options import (
    Context,
    argument,
    check_journal_outlives_job,
    completes,
    ephemeral_option,
    force_option,
    group_and_targets,
    option,
    takes,
    yes_option,
    yes_to_all_option,
)
from katakei.cli.progress import Screen, drive
from katakei.cli.source import DEFAULT_FILE, Source, configuration, file_option
from katakei.domain.errors import ExitCode, KatakeiError, RefusedError, UsageError
from katakei.domain.notifications import NotifyRule
from katakei.domain.plan import Plan, PlanKind
from katakei.planning.forecast import forecast
from katakei.planning.survey import AcceptedRisks
from katakei.render import plan as plan_text
from katakei.render.errors import error_text
from katakei.runtime.session import RolloutSession

if TYPE_CHECKING:
    from katakei.bootstrap import Bootstrap
    from katakei.domain.ports.server import RemoteRequest

NO_FILES = JobFiles()


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What to roll: a file, or a group and a command; and which risks are accepted."""

    group: str | None = argument("group", required=False, shell_complete=completes("groups"))
    file: Path | None = file_option()  # noqa: RUF009 - returns a field
    run: str | None = option(
        "--run", metavar="CMD", help="Command to run on each target by SSM; then no file is needed."
    )
    release: str = option(
        "--release", metavar="NAME", default="", help="What is rolled out; reaches the work as KATAKEI_RELEASE."
    )
    only: tuple[str, ...] = option(
        "--only", multiple=True, metavar="TARGET", help="Only this target (id, name or IP); repeatable."
    )
    limit: int | None = option(
        "--limit",
        type=click.IntRange(min=1),
        default=None,
        metavar="N",
        help="Take at most N targets: failed ones first, then the least recently done.",
    )
    only_outdated: bool = option(
        "--only-outdated", is_flag=True, help="Leave targets alone on which the journal knows this release."
    )
    only_these_groups: bool = option(
        "--only-these-groups", is_flag=True, help="Accept that targets stay registered in other groups."
    )
    ignore_draining: bool = option(
        "--ignore-draining", is_flag=True, help="Leave targets alone that somebody else is draining."
    )
    force: bool = force_option()
    manual: bool = option("--manual", is_flag=True, help="Do the work by hand: each target waits for you.")


@dataclass(frozen=True, slots=True)
class RollOptions(PlanOptions):
    """What to roll, and how to begin."""

    yes: bool = yes_to_all_option()
    as_recorded: bool = option(
        "--as-recorded", is_flag=True, help="Carry an unfinished rollout on although its configuration changed."
    )
    dry_run: bool = option("--dry-run", is_flag=True, help="Change nothing: the same as `katakei plan`.")
    lock_wait: timedelta = lock_wait_option()  # noqa: RUF009 - returns a field
    ephemeral: bool = ephemeral_option()
    id_file: Path | None = id_file_option()  # noqa: RUF009 - returns a field
    report: Path | None = report_option()  # noqa: RUF009 - returns a field


@dataclass(frozen=True, slots=True)
class ManualStepOptions:
    """A group, targets of it, and how to take or put them."""

    words: tuple[str, ...] = argument(
        "words", nargs=-1, metavar="[GROUP] TARGET[:PORT]…", shell_complete=completes("group_words")
    )
    yes: bool = yes_option()
    no_wait: bool = option(
        "--no-wait", is_flag=True, help="Return as soon as the load balancer shows that it accepted the call."
    )
    force: bool = force_option("Accept that fewer targets serve than the floor.")


@dataclass(frozen=True, slots=True)
class DeregisterOptions(ManualStepOptions):
    """The same, and what happens in other groups that send requests to the targets."""

    all_groups: bool = option(
        "--all-groups", is_flag=True, help="Take the targets out of every group that sends requests to them."
    )
    only_these_groups: bool = option(
        "--only-these-groups", is_flag=True, help="Accept that other groups go on sending requests to the targets."
    )


@click.command("plan")
@takes(PlanOptions)
def plan_(context: Context, options: PlanOptions) -> None:
    """Show what `roll` with the same options would do to GROUP: the order, how long, and which settings cost the time.

    Changes nothing. What to roll comes from a file, or from GROUP and --run. With --server, GROUP is one of its
    services.
    """
    _plan(context, options)


def _plan(context: Context, options: PlanOptions) -> None:
    if context.server:
        from katakei.cli import remote_rollouts

        remote_rollouts.plan(context, _of_server(options))
        return
    request, _ = _request(options)
    show_plan(context, request)


def show_plan(context: Context, request: RolloutRequest) -> None:
    """Prints what a request would do. Changes nothing."""
    with context.drivers() as drivers:
        plan = Rollouts(drivers).plan(request)
    took = forecast(plan)
    if context.as_json:
        say_json(plan_text.plan_data(plan, took, ()))
    else:
        say(plan_text.plan_text(plan, took, reader()))


@click.command("roll")
@takes(RollOptions)
def roll_(context: Context, options: RollOptions) -> int:
    """Take the targets of GROUP out, work on them, check them and put them back, one side at a time.

    What to do comes from a file, or from GROUP and --run. With --manual you do the work, and each target waits for
    you. After a crash or Ctrl-C the same command carries on. With --server, GROUP is one of its services, and the
    server carries the rollout out.
    """
    if options.dry_run:
        _plan(context, options)
        return ExitCode.DONE
    files = JobFiles(options.id_file, options.report)
    if context.server:
        from katakei.cli import remote_rollouts

        asked = replace(_of_server(options), as_recorded=options.as_recorded)
        return remote_rollouts.roll(context, asked, files, yes=options.yes)
    _confirm_manual_work(options)
    request, notify = _request(options)
    request = replace(request, as_recorded=options.as_recorded, accept_others=options.yes, lock_wait=options.lock_wait)
    check_journal_outlives_job(context.journal, os.environ, ephemeral=options.ephemeral)
    return open_and_drive(context, request, notify, files, yes=options.yes)


@click.command("deregister")
@takes(DeregisterOptions, remote=False)
def deregister_(context: Context, options: DeregisterOptions) -> int:
    """Take each TARGET out of GROUP and wait until nothing reaches it.

    A TARGET is an instance id, an IP or a name. With PORT only its registration at that port is taken out. A target
    that is out already is no error.
    """
    if options.all_groups and options.only_these_groups:
        raise UsageError("--all-groups and --only-these-groups contradict each other: give one of them")
    accepted = AcceptedRisks(options.force, options.only_these_groups)
    request = _step(PlanKind.DEREGISTER, options, accepted, all_groups=options.all_groups)
    return open_and_drive(context, request, yes=options.yes)


@click.command("register")
@takes(ManualStepOptions, remote=False)
def register_(context: Context, options: ManualStepOptions) -> int:
    """Put each TARGET back into GROUP and wait until it serves.

    Without PORT it gets every registration that is recorded for it, else the port of the group; the plan says which.
    """
    return open_and_drive(context, _step(PlanKind.REGISTER, options, AcceptedRisks(options.force)), yes=options.yes)


def _of_server(options: PlanOptions) -> "RemoteRequest":
    """What is asked of a server. Raises UsageError: something is given that only a rollout of this machine has."""
    given = {"-f": options.file, "--run": options.run, "--manual": options.manual or None}
    for name, value in given.items():
        if value is not None:
            raise UsageError(f"{name} does not go together with --server: the server's services say what to roll")
    from katakei.domain.ports.server import RemoteRequest

    accept = (options.force, options.only_these_groups, options.ignore_draining)
    return RemoteRequest(
        options.group or "",
        options.release,
        options.only,
        *accept,
        limit=options.limit,
        only_outdated=options.only_outdated,
    )


def _request(options: PlanOptions) -> tuple[RolloutRequest, Sequence[NotifyRule]]:
    """What is asked for, and who gets messages about it."""
    from katakei import config

    found = configuration(Source(options.group, options.file, options.run, options.manual, options.only))
    accepted = AcceptedRisks(options.force, options.only_these_groups, options.ignore_draining)
    release = config.release(options.release) if options.release else ""
    if options.only_outdated and not release:
        raise UsageError("--only-outdated needs --release: it leaves targets alone that have that release")
    request = RolloutRequest(found.spec, release, accepted, limit=options.limit, only_outdated=options.only_outdated)
    return request, found.notify


def _step(
    kind: PlanKind, options: ManualStepOptions, accepted: AcceptedRisks, *, all_groups: bool = False
) -> RolloutRequest:
    group, targets = group_and_targets(options.words)
    return manual_step(kind, group, targets, accepted, waits=not options.no_wait, all_groups=all_groups)


def _confirm_manual_work(options: RollOptions) -> None:
    """Manual work must be meant: mostly a file was forgotten, and a server would be out until somebody looks.

    Raises:
        UsageError: Nothing says what to run, and nobody sits at a terminal who could say that they do the work.
        RefusedError: The person does not.
    """
    if options.file or options.run is not None or options.manual or DEFAULT_FILE.exists():
        return
    if not on_terminal(0):
        raise UsageError(
            "what is to be run on the targets? give -f FILE or --run CMD; to do the work by hand, add --manual"
        )
    tr = reader()
    question = tr("Nothing says what to run on the targets. Do you do the work on each of them by hand?")
    if not ask(question, CONFIRMATION_LIMIT):
        raise RefusedError("not confirmed; nothing was changed")


def open_and_drive(
    context: Context,
    request: RolloutRequest,
    notify: Sequence[NotifyRule] = (),
    files: JobFiles = NO_FILES,
    *,
    yes: bool,
) -> int:
    """The way of a request: preflight and plan, confirmation, then turn after turn."""
    screen = Screen(as_json=context.as_json)
    with context.drivers() as drivers, unblocked(screen.missing):  # the lease is held from the proposal on
        rollouts = Rollouts(drivers)
        opened = with_recorded_commands(
            lambda accepted: rollouts.open(replace(request, accept_others=accepted)), accepted=request.accept_others
        )
        from katakei.app.notifications import check_notifier  # after the first call to AWS, which waits

        while isinstance(opened, Proposal):
            with opened as proposal:
                check_notifier(drivers.notifier, notify)
                screen.show_proposal(proposal)
                if not (yes or not on_terminal(0) or _confirmed(proposal)):
                    raise RefusedError("not confirmed; nothing was changed")
                opened = rollouts.start(proposal)
                if isinstance(opened, Proposal):
                    text = reader()("the plan has changed since you were asked; this is the new one")
                    say(f"katakei: {text}", err=True)
        if isinstance(opened, NothingToDo):
            _say_nothing_to_do(context, opened.plan)
            return ExitCode.DONE
        return _drive_with_news(drivers, opened, screen, notify, files)


def _drive_with_news(
    drivers: "Bootstrap", opened: RolloutSession, screen: Screen, notify: Sequence[NotifyRule], files: JobFiles
) -> int:
    """Turn after turn to the end, with notifications, wait reports and the files of a CI job."""
    from katakei.app.notifications import notifying  # after the first call to AWS, which waits
    from katakei.app.wait_publisher import publishing

    _listen(drivers, opened, screen)
    with (
        files.begun(drivers, opened.plan.rollout),
        notifying(drivers.notifier, notify) as notifications,
        publishing(drivers.wait_reports, drivers.clock) as published,
    ):
        listeners = (notifications.turn, published)
        code = drive(opened, screen, drivers.sleep_inhibitor, journal=drivers.journal, listen=listeners)
    for failure in notifications.failed:
        text = reader()("a notification was not sent: {failure}", failure=failure)
        say(f"katakei: {text}", err=True)
    return code


def _say_nothing_to_do(context: Context, plan: Plan) -> None:
    if context.as_json:
        say_json(plan_text.plan_data(plan, forecast(plan), ()))
    else:
        say("\n".join(plan_text.notices(plan, reader())))


def _confirmed(proposal: Proposal) -> bool:
    tr = reader()
    return ask(tr("Go on? ({place})", place=plan_text.place(proposal.plan, tr)), CONFIRMATION_LIMIT)


def _listen(drivers: "Bootstrap", session: RolloutSession, screen: Screen) -> None:
    """Where a person works and watches: Enter says that the manual work on the targets that are out is done."""
    if not screen.takes_enter(session.plan):
        return

    from katakei.app.control import Control

    def entered() -> None:
        while os.read(0, 4096):  # not by sys.stdin: its buffer would be locked by this thread when Python ends
            screen.line_typed()
            try:
                Control(drivers).approve(session.plan.rollout, ())
            except KatakeiError as error:
                say(f"katakei: {error_text(error, reader())}", err=True)
            session.wake()

    threading.Thread(target=entered, daemon=True).start()
