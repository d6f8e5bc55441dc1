"""The commands that only read: groups, status, list, show, logs, wait, report.

What `groups` and `status` do not need is imported inside the other commands: start-up time is a promise.
"""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import click

from katakei.cli.messages import say, say_json
from katakei.cli.options import Context, NoOptions, RolloutOptions, argument, group_of, option, takes
from katakei.domain.errors import UsageError
from katakei.render import groups as view
from katakei.render.text import harmless, label


@dataclass(frozen=True, slots=True)
class StatusOptions:
    """One target group."""

    group: str | None = argument("group", required=False)


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


@dataclass(frozen=True, slots=True)
class LogsOptions:
    """One rollout, and targets of it."""

    words: tuple[str, ...] = argument("words", nargs=-1, metavar="[ROLLOUT] [TARGET]…")


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
        help="Where to write it; - for standard output. Else katakei-ROLLOUT.html here.",
    )


@click.command("groups")
@takes(NoOptions)
def groups_(context: Context, _options: NoOptions) -> None:
    """Target groups, with how many of their targets serve."""
    with context.queries() as queries:
        found = queries.groups()
    where = (found.groups, found.region, found.account)
    _data(view.groups_data(*where)) if context.as_json else say(view.groups_text(*where))


@click.command("status")
@takes(StatusOptions)
def status_(context: Context, options: StatusOptions) -> None:
    """Every target of GROUP: state, reason, description, release, and which rollout holds it out."""
    with context.queries() as queries:
        state = queries.status(group_of(options.group))
    shown = (state.group, tuple(state.held.items()), state.carried)
    _data(view.status_data(*shown)) if context.as_json else say(view.status_text(*shown))


@click.command("list")
@takes(ListOptions)
def list_(context: Context, options: ListOptions) -> None:
    """Rollouts, newest first, each with its release, its result and who drives it."""
    from katakei.render import rollout_list

    with context.queries() as queries:
        rollouts, now = queries.rollouts(options.service, options.limit), queries.now()
    _data(rollout_list.list_data(rollouts)) if context.as_json else say(
        rollout_list.list_text(rollouts, options.limit, now)
    )


@click.command("show")
@takes(RolloutOptions)
def show_(context: Context, options: RolloutOptions) -> None:
    """One ROLLOUT (see `list`): every target's phase, what is waited for, and the history."""
    from katakei.render import events as event_text
    from katakei.render.answers import driver_text

    with context.queries() as queries:
        state = queries.show(queries.chosen(options.rollout))
        events = queries.events(state.plan.rollout)
        driver = queries.driver(state)
    if context.as_json:
        _data(event_text.summary_data(state))
        return
    by = driver_text(state, driver)
    say(event_text.history(state, events, by))


@click.command("logs")
@takes(LogsOptions)
def logs_(context: Context, options: LogsOptions) -> None:
    """What the work of ROLLOUT printed on TARGET (id, name or IP); without TARGET on all of them.

    The journal keeps the last 8 KiB of each. Control characters are written out, so that no output can play with the
    terminal; --json has them as they were.
    """
    from katakei.render import events as event_text

    with context.queries() as queries:
        rollout, targets = queries.chosen_with_targets(options.words)
        ended = queries.work(rollout, targets)
        known = queries.show(rollout).targets
    if context.as_json:
        _data(event_text.work_data(ended))
        return
    for each in ended:
        key = each.key
        head = f"== {label(known[key.target])}, attempt {key.attempt} ({key.intent.value}), exit code {each.exit}"
        say(f"{head}, {each.at:%Y-%m-%d %H:%M:%S} UTC\n{harmless(each.out).rstrip() or '(no output)'}\n")
    if not ended:
        say("no work has ended there yet, or it was manual work")


@click.command("wait")
@takes(WaitOptions)
def wait_(context: Context, options: WaitOptions) -> int:
    """Wait until ROLLOUT is finished, and end with its exit code; 130 when it is not finished in time."""
    from katakei.reconcile.outcome import verdict
    from katakei.render import events as event_text

    with context.queries() as queries:
        state = queries.wait(queries.chosen(options.rollout), timedelta(minutes=options.minutes))
    _data(event_text.summary_data(state)) if context.as_json else say(event_text.summary(state))
    return verdict(state)


@click.command("report")
@takes(ReportOptions)
def report_(context: Context, options: ReportOptions) -> None:
    """One HTML page about ROLLOUT that needs nothing else: phases, who served, why it waited, output, restore lines."""
    from katakei.render import report

    with context.queries() as queries:
        state = queries.show(queries.chosen(options.rollout))
        events = queries.events(state.plan.rollout)
        restore, now = queries.restore_lines(state), queries.now()
    if context.as_json:
        _data(report.data(state, events, restore, now))
        return
    page = report.page(state, events, restore, now)
    if options.output == "-":
        say(page)
        return
    file = Path(options.output or f"katakei-{state.plan.rollout}.html")
    _write(file, page)
    say(str(file))


def _data(data: object) -> None:
    say_json(data)


def _write(file: Path, page: str) -> None:
    """Writes the whole file or nothing. Raises UsageError."""
    import tempfile

    try:
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".katakei-") as folder:
            new = Path(folder, "report")
            new.write_text(page, encoding="utf-8")
            new.replace(file)
    except OSError as fault:
        raise UsageError(f"{file} cannot be written ({fault.strerror}): give another file with -o") from fault
