"""Views that go on: `--watch`, which shows a view again and again, and `logs -f`, which follows a rollout to its end.

On a terminal a view is painted over the one before. Without one, and with `--json`, a line is printed only when
something has changed, so that a log stays short. Ctrl-C is the way to end both, and no error.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from katakei.cli.language import reader
from katakei.cli.messages import on_terminal, say, say_json
from katakei.cli.options import option
from katakei.domain.errors import NoAnswerError, TemporarilyUnavailableError
from katakei.domain.events import PhaseChanged, WorkEnded
from katakei.domain.model import TargetId
from katakei.domain.outside_text import harmless
from katakei.domain.phases import Phase
from katakei.domain.ports import Liveness
from katakei.render.errors import error_text
from katakei.render.json_data import Plain
from katakei.render.local_time import local_second
from katakei.render.widths import width

if TYPE_CHECKING:
    from katakei.app.queries import Queries
    from katakei.domain.model import RolloutId

DEFAULT_SECONDS = 2.0
ENTER, LEAVE, HOME, ERASE_LINE, ERASE_BELOW = "\x1b[?1049h", "\x1b[?1049l", "\x1b[H", "\x1b[K", "\x1b[J"


class Watching(click.Command):
    """A command with `--watch`, whose number of seconds is given only with `=`: the word after it is an argument."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Gives a bare `--watch` its default number of seconds."""
        return super().parse_args(ctx, [f"--watch={DEFAULT_SECONDS}" if each == "--watch" else each for each in args])


def watch_option() -> float | None:
    """The field `watch` of a command's options."""
    seconds: float | None = option(
        "--watch",
        metavar="[=SECONDS]",
        type=click.FloatRange(1, 3600),
        help=f"Show it again every {DEFAULT_SECONDS:g} s, or so many; without a terminal, when something has changed.",
    )
    return seconds


@dataclass(frozen=True, slots=True)
class View:
    """A view at one moment.

    Attributes:
        text: All of it, for a terminal.
        data: All of it, for programs.
        facts: What it says, by subject; a line is printed for those that have changed.
        over: Nothing changes any more.
    """

    text: str
    data: Plain
    facts: Mapping[str, str]
    over: bool = False


def watch(queries: "Queries", seconds: float, look: Callable[[], View], *, as_json: bool) -> None:
    """Shows a view until it is over, or until Ctrl-C.

    Args:
        queries: Gives the time and the pauses.
        seconds: The pause between two observations.
        look: Makes the view. While nothing answers, the view before stays and the reason stands below it.
        as_json: Print the data instead, one line per change.
    """
    if as_json or not on_terminal(1):
        _watch_lines(queries, seconds, look, as_json=as_json)
        return
    view: View | None = None
    click.echo(ENTER, nl=False, color=True)
    try:
        while True:
            view, trouble = _looked(look, view)
            _paint(view.text if view else "", _footer(queries, seconds, trouble))
            if view is not None and view.over:
                break
            queries.sleep(timedelta(seconds=seconds))
    except KeyboardInterrupt:
        pass
    finally:
        click.echo(LEAVE, nl=False, color=True)
    if view:
        say(view.text)


def _watch_lines(queries: "Queries", seconds: float, look: Callable[[], View], *, as_json: bool) -> None:
    shown: View | None = None
    try:
        while shown is None or not shown.over:
            view, trouble = _looked(look, shown)
            if trouble:
                say(f"katakei: {trouble}", err=True)
            elif view and as_json and (shown is None or view.facts != shown.facts):
                say_json(view.data)
            elif view and (changes := changed(shown.facts if shown else {}, view.facts)):
                say(f"{local_second(queries.now())}  {changes}")
            shown = view
            if shown is None or not shown.over:
                queries.sleep(timedelta(seconds=seconds))
    except KeyboardInterrupt:
        return


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """The facts that are new or different, as one line; '' when none is."""
    news = [f"{subject} {fact}".strip() for subject, fact in after.items() if before.get(subject) != fact]
    gone = [reader()("{subject} is gone", subject=subject) for subject in before if subject not in after]
    return ", ".join([*news, *gone])


def _looked(look: Callable[[], View], before: View | None) -> tuple[View | None, str]:
    try:
        return look(), ""
    except (NoAnswerError, TemporarilyUnavailableError) as error:
        return before, error_text(error, reader())


def _footer(queries: "Queries", seconds: float, trouble: str) -> str:
    tr, now = reader(), local_second(queries.now())
    return trouble or tr("{now}, every {seconds} s; Ctrl-C ends", now=now, seconds=f"{seconds:g}")


def _paint(text: str, footer: str) -> None:
    """Paints over what was painted before; never more lines than the terminal has."""
    import shutil  # only for a terminal: start-up is a promise

    columns, rows = shutil.get_terminal_size()
    lines, used = [], 0
    for line in harmless(text).splitlines():
        used += max(1, -(-width(line) // columns))
        if used > rows - 3:
            lines.append("…")
            break
        lines.append(line)
    body = "".join(f"{line}{ERASE_LINE}\n" for line in [*lines, "", harmless(footer)[: columns - 1]])
    click.echo(f"{HOME}{body}{ERASE_BELOW}", nl=False, color=True)


@dataclass
class LogFollower:
    """The output of work as it becomes known. The journal holds it only once the work has ended.

    Attributes:
        queries: Reads the journal.
        rollout: The rollout.
        targets: Only these; empty for all.
        show: Prints the output of one piece of work.
    """

    queries: "Queries"
    rollout: "RolloutId"
    targets: frozenset[TargetId]
    show: Callable[[WorkEnded], None]

    def follow(self, tell: Callable[[str], None]) -> None:
        """Until the rollout has ended, or until Ctrl-C.

        Args:
            tell: Prints a sentence about the rollout itself.
        """
        number, told_gone = 0, False
        try:
            while True:
                state = self.queries.show(self.rollout)
                events = self.queries.events(self.rollout)
                for event in events[number:]:
                    if isinstance(event, WorkEnded) and self._wanted(event.key.target):
                        self.show(event)
                    if isinstance(event, PhaseChanged) and event.to is Phase.WORKING and self._wanted(event.target):
                        self._announce(events[number:], event, tell)
                number = len(events)
                if state.finished:
                    return
                gone = self.queries.driver(state).liveness is Liveness.GONE
                if gone and not told_gone:
                    tr = reader()
                    tell(tr("no process drives the rollout now; waiting for one that continues it"))
                told_gone = gone
                self.queries.sleep(timedelta(seconds=DEFAULT_SECONDS))
        except KeyboardInterrupt:
            return

    def _announce(self, news: Sequence[object], begun: PhaseChanged, tell: Callable[[str], None]) -> None:
        later = news[news.index(begun) :]
        if not any(isinstance(each, WorkEnded) and each.key.target == begun.target for each in later):
            tr, since = reader(), local_second(begun.at)
            tell(
                tr(
                    "{target} is worked on since {since}; its output is shown when that has ended",
                    target=begun.target,
                    since=since,
                )
            )

    def _wanted(self, target: TargetId) -> bool:
        return not self.targets or target in self.targets
