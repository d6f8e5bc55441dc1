"""The commands that only read: groups, status, list, show, logs, wait, report.

What `groups` and `status` do not need is imported inside the other commands: start-up time is a promise.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from katakei.cli.following import View, Watching, watch, watch_option
from katakei.cli.language import reader
from katakei.cli.messages import say, say_json
from katakei.cli.options import Context, RolloutOptions, argument, completes, group_of, option, takes
from katakei.domain.errors import UsageError
from katakei.domain.events import WorkEnded
from katakei.domain.model import RolloutId, Target, TargetId
from katakei.domain.ports import Liveness
from katakei.render import groups as view
from katakei.render.local_time import local_second
from katakei.render.text import harmless, label, work_name

if TYPE_CHECKING:
    from datetime import datetime

    from katakei.app.queries import Queries
    from katakei.domain.events import Event
    from katakei.domain.replay import Rollout

RECENT_EVENTS = 10
"""Events that `show --watch` shows."""


@dataclass(frozen=True, slots=True)
class GroupsOptions:
    """Which target groups."""

    groups: tuple[str, ...] = argument("groups", nargs=-1, metavar="[GROUP]…", shell_complete=completes("groups"))


@dataclass(frozen=True, slots=True)
class StatusOptions:
    """One target group, and whether it is shown again and again."""

    group: str | None = argument("group", required=False, shell_complete=completes("groups"))
    watch: float | None = watch_option()


@dataclass(frozen=True, slots=True)
class ListOptions:
    """Which rollouts."""

    service: str | None = option("--service", metavar="NAME", help="Only rollouts of this service.")
    limit: int = option(
        "-n",
        "--limit",
        metavar="NUMBER",
        type=click.IntRange(1),
        default=20,
        show_default=True,
        help="How many rollouts are read back, newest first.",
    )
    watch: float | None = watch_option()


@dataclass(frozen=True, slots=True)
class ShowOptions(RolloutOptions):
    """One rollout, and whether it is shown again and again."""

    watch: float | None = watch_option()


@dataclass(frozen=True, slots=True)
class LogsOptions:
    """One rollout, targets of it, whether it is followed, and whether targets are asked for the rest."""

    follow: bool = option("-f", "--follow", is_flag=True, help="Show further output until the rollout has ended.")
    full: bool = option("--full", is_flag=True, help="Ask the targets named for all that they keep: the last 64 KiB.")

    words: tuple[str, ...] = argument(
        "words", nargs=-1, metavar="[ROLLOUT] [TARGET]…", shell_complete=completes("rollout_words")
    )


@dataclass(frozen=True, slots=True)
class WaitOptions(RolloutOptions):
    """One rollout, and how long to wait for its end."""

    minutes: int = option(
        "--timeout",
        "minutes",
        metavar="MINUTES",
        type=click.IntRange(1, 366 * 24 * 60),
        default=24 * 60,
        show_default=True,
        help="How long to wait.",
    )


@dataclass(frozen=True, slots=True)
class ReportOptions(RolloutOptions):
    """One rollout, and where its report is written."""

    output: str | None = option(
        "-o",
        "--output",
        metavar="FILE",
        help="Where to write it; - for standard output. Else katakei-ROLLOUT.html (or .md) here.",
    )
    form: str | None = option(
        "--format",
        "form",
        type=click.Choice(["html", "markdown"]),
        help="html, or markdown for a ticket; else by the ending of FILE (.md is markdown).",
    )


@click.command("groups")
@takes(GroupsOptions)
def groups_(context: Context, options: GroupsOptions) -> None:
    """Target groups, with how many of their targets serve: those named GROUP, also with `*`, or all.

    The table stands below the active freezes of these groups. Each group costs a call to AWS, so naming a few of many
    is faster.
    """
    with context.queries() as queries:
        found = queries.groups(options.groups)
    where = (found.groups, found.region, found.account)
    if context.as_json:
        say_json(view.groups_data(*where, found.freezes))
    else:
        say(view.groups_text(*where, reader(), found.freezes))


@click.command("status", cls=Watching)
@takes(StatusOptions)
def status_(context: Context, options: StatusOptions) -> None:
    """Every target of GROUP: state, reason, description, release, and which rollout holds it out."""
    group, tr = group_of(options.group), reader()
    with context.queries() as queries:

        def look() -> View:
            state = queries.status(group)
            shown = (state.group, tuple(state.held.items()), state.carried)
            text = view.status_text(*shown, tr, state.freezes)
            return View(text, view.status_data(*shown, state.freezes), view.status_facts(*shown, tr))

        _show(queries, look, options.watch, as_json=context.as_json)


@click.command("list", cls=Watching)
@takes(ListOptions)
def list_(context: Context, options: ListOptions) -> None:
    """Rollouts, newest first, each with its release, its result and who drives it."""
    from katakei.render import rollout_list as view

    tr = reader()
    with context.queries() as queries:

        def look() -> View:
            found, now = queries.rollouts(options.service, options.limit), queries.now()
            text = view.list_text(found, options.limit, now, tr)
            return View(text, view.list_data(found), view.list_facts(found, tr))

        _show(queries, look, options.watch, as_json=context.as_json)


@click.command("show", cls=Watching)
@takes(ShowOptions)
def show_(context: Context, options: ShowOptions) -> None:
    """One ROLLOUT (see `list`): every target's phase, what is waited for, and the history."""
    from katakei.render import events as event_text
    from katakei.render.answers import driver_text

    tr = reader()
    with context.queries() as queries:
        rollout = queries.chosen(options.rollout)

        def look() -> View:
            state, events = queries.show(rollout), queries.events(rollout)
            driver = queries.driver(state)
            by = driver_text(state, driver, tr)
            alive = str(driver.owner) if driver.liveness is Liveness.ALIVE else None
            shown = [*events[:1], *events[-RECENT_EVENTS:]] if options.watch else events
            text = event_text.history(state, shown, by, tr)
            facts = {
                "": event_text.summary(state, tr).splitlines()[0],
                **{label(state.targets[target]): tr.name(status.phase) for target, status in state.statuses.items()},
            }
            return View(text, event_text.summary_data(state, alive), facts, over=state.finished is not None)

        _show(queries, look, options.watch, as_json=context.as_json)


def _show(queries: "Queries", look: Callable[[], View], seconds: float | None, *, as_json: bool) -> None:
    """Once, or again and again."""
    if seconds:
        watch(queries, seconds, look, as_json=as_json)
        return
    shown = look()
    say_json(shown.data) if as_json else say(shown.text)


@click.command("logs")
@takes(LogsOptions)
def logs_(context: Context, options: LogsOptions) -> None:
    """What the work of ROLLOUT printed on TARGET (id, name or IP); without TARGET on all of them.

    The journal keeps the last 16 KiB of each output, once the work has ended. Where more was printed, a line says how
    much is missing; with work by ssm, --full reads up to 64 KiB from the target itself. Control characters are written
    out, so that no output can play with the terminal; --json has them as they were.
    """
    if options.full:
        _full_logs(context, options)
        return
    with context.queries() as queries:
        rollout, targets = queries.chosen_with_targets(options.words)
        if options.follow:
            _follow_logs(queries, rollout, targets, as_json=context.as_json)
            return
        ended = queries.work(rollout, targets)
        known = queries.show(rollout).targets
    _say_logs(known, ended, as_json=context.as_json)


def _full_logs(context: Context, options: LogsOptions) -> None:
    from katakei.app.kept_output import KeptOutputs
    from katakei.app.queries import Queries

    if context.server or options.follow:
        raise UsageError("--full asks the targets from this machine: leave --follow and --server out")
    with context.drivers() as drivers:
        queries = Queries(drivers)
        rollout, targets = queries.chosen_with_targets(options.words)
        if not targets:
            raise UsageError("--full needs the targets to ask: name them after the rollout")
        state = queries.show(rollout)
        ended = KeptOutputs(drivers).complete(state, queries.work(rollout, targets))
    _say_logs(state.targets, ended, as_json=context.as_json)


def _say_logs(known: Mapping[TargetId, Target], ended: Sequence[WorkEnded], *, as_json: bool) -> None:
    from katakei.render import events as event_text

    if as_json:
        say_json(event_text.work_data(ended))
        return
    for each in ended:
        say(_output(known[each.key.target], each))
    if not ended:
        tr = reader()
        say(tr("no work has ended there yet, or it was manual work"))


def _follow_logs(queries: "Queries", rollout: RolloutId, names: Sequence[str], *, as_json: bool) -> None:
    from katakei.app.queries import named
    from katakei.cli.following import LogFollower
    from katakei.render import events as event_text

    state = queries.show(rollout)
    wanted = frozenset(target.id for target in named(state, names))

    def show(ended: WorkEnded) -> None:
        if as_json:
            say(event_text.event_json(ended))
        else:
            say(_output(queries.show(rollout).targets[ended.key.target], ended))

    def tell(sentence: str) -> None:
        say(f"katakei: {sentence}", err=True)

    LogFollower(queries, rollout, wanted, show).follow(tell)
    if not as_json:
        say(event_text.summary(queries.show(rollout), reader()))


def _output(target: Target, ended: WorkEnded) -> str:
    """The output of one piece of work, below a line that says whose it is."""
    tr = reader()
    head = tr(
        "== {target}, attempt {attempt} ({intent}), exit code {exit}",
        target=label(target),
        attempt=ended.key.attempt,
        intent=work_name(ended.key, tr),
        exit=ended.exit,
    )
    cut = tr("({bytes} bytes of output before this were not kept)", bytes=f"{ended.cut:,}") + "\n" if ended.cut else ""
    return f"{head}, {local_second(ended.at)}\n{cut}{harmless(ended.out).rstrip() or tr('(no output)')}\n"


@click.command("wait")
@takes(WaitOptions)
def wait_(context: Context, options: WaitOptions) -> int:
    """Wait until ROLLOUT is finished, and end with its exit code; 130 when it is not finished in time."""
    from katakei.reconcile.outcome import verdict
    from katakei.render import events as event_text

    with context.queries() as queries:
        state = queries.wait(queries.chosen(options.rollout), timedelta(minutes=options.minutes))
    say_json(event_text.summary_data(state)) if context.as_json else say(event_text.summary(state, reader()))
    return verdict(state)


@click.command("report")
@takes(ReportOptions)
def report_(context: Context, options: ReportOptions) -> None:
    """One page about ROLLOUT that needs nothing else: phases, who served, why it waited, output, restore lines."""
    from katakei.render import report

    with context.queries() as queries:
        found = _reported(queries, queries.chosen(options.rollout))
    if context.as_json:
        say_json(report.data(*found))
        return
    is_markdown = options.form == "markdown" or (not options.form and (options.output or "").endswith(".md"))
    page = (report.markdown if is_markdown else report.page)(*found, reader())
    if options.output == "-":
        say(page)
        return
    file = Path(options.output or f"katakei-{found[0].plan.rollout}.{'md' if is_markdown else 'html'}")
    _write(file, page)
    say(str(file))


def write_report(queries: "Queries", rollout: RolloutId, file: Path) -> None:
    """Writes the report of a rollout: Markdown if the name of the file ends with .md, else HTML.

    Raises:
        KatakeiError: The journal does not answer, or the file cannot be written.
    """
    from katakei.render import report

    page = (report.markdown if file.suffix == ".md" else report.page)(*_reported(queries, rollout), reader())
    _write(file, page)


def _reported(queries: "Queries", rollout: RolloutId) -> "tuple[Rollout, Sequence[Event], Sequence[str], datetime]":
    """What a report is made of."""
    state = queries.show(rollout)
    return state, queries.events(state.plan.rollout), queries.restore_lines(state), queries.now()


def _write(file: Path, page: str) -> None:
    """Writes the whole file or nothing. Raises UsageError."""
    import tempfile

    try:
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".katakei-") as folder:
            new = Path(folder, "report")
            new.touch(mode=0o600)  # it holds the output of the work, as the journal does
            new.write_text(page, encoding="utf-8")
            new.replace(file)
    except OSError as fault:
        raise UsageError(f"{file} cannot be written ({fault.strerror}): give another file with -o") from fault
