"""How a running rollout is shown: a live table on a terminal, a plain line per event without one, or NDJSON."""

import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import FrameType
from typing import TYPE_CHECKING

import click

from katakei.core.errors import Exit
from katakei.core.forecast import Forecast, forecast
from katakei.core.planned import Plan
from katakei.core.rollout import Rollout
from katakei.core.verdict import verdict
from katakei.driving import Drive
from katakei.runner import Turn
from katakei.views import lines, plans

if TYPE_CHECKING:
    from rich.live import Live

REPEAT = timedelta(seconds=30)  # how often an unchanged wait is said again where there is no terminal


class Shown:
    """One of the three ways, chosen once."""

    def __init__(self, *, as_json: bool, yes: bool = True) -> None:
        self.as_json = as_json
        self.terminal = sys.stdout.isatty() and not as_json
        self._yes = yes or not sys.stdin.isatty()
        self._live: Live | None = None
        self._forecast: Forecast | None = None
        self._said: tuple[datetime, str] | None = None

    def confirm(self, plan: Plan, forecast: Forecast, restore: Sequence[str]) -> bool:
        """First what puts everything back by hand, then what is about to happen; on a terminal it must be confirmed."""
        if not self.as_json:
            click.echo(plans.restore_text(restore))
            click.echo(plans.plan_text(plan, forecast))
        if self._yes:
            return True
        return click.confirm(f"Go on? ({plans.place(plan)})", err=True)

    def begin(self, drive: Drive) -> None:
        """Which rollout this is; one that is carried on was never confirmed here, so it says how to put back."""
        self._forecast = forecast(drive.plan)
        if self.as_json:
            data = plans.plan_data(drive.plan, self._forecast, drive.restore_lines)
            click.echo(lines.object_json("Planned", {**data, "carried_on": drive.carried_on}))
            return
        if drive.carried_on:
            click.echo(plans.restore_text(drive.restore_lines))
            click.echo(f"rollout {drive.plan.rollout} was not finished: carrying it on as it was planned")
        click.echo(f"rollout {drive.plan.rollout}")

    def turn(self, turn: Turn) -> None:
        """After every turn."""
        for event in turn.written:
            if self.as_json:
                click.echo(lines.event_json(event))
            elif text := lines.line(turn.rollout, event):
                self._above(text)
        now = turn.now
        if self._live and self._forecast:
            from katakei.views.live import live

            whys = {rest.target: rest.why for rest in turn.whys if rest.target}
            self._live.update(live(turn.rollout, turn.why, whys, self._forecast, now))
        elif self._news(turn, now):
            click.echo(lines.waiting_json(now.isoformat(), turn.why) if self.as_json else f"{now:%H:%M:%S}  {turn.why}")

    def end(self, rollout: Rollout) -> None:
        """How it went."""
        if self.as_json:
            click.echo(lines.object_json("Ended", lines.summary_data(rollout)))
            return
        click.echo(lines.summary(rollout))
        if rollout.finished is None:
            click.echo(f"carry on: the same command again; put back instead: katakei abort {rollout.plan.rollout}")

    @contextmanager
    def alive(self) -> Iterator[None]:
        """The live table, where there is a terminal."""
        if not self.terminal:
            yield
            return
        from rich.live import Live

        with Live(refresh_per_second=4) as self._live:
            yield
        self._live = None

    def _above(self, text: str) -> None:
        if self._live:
            self._live.console.print(text, highlight=False, markup=False)
        else:
            click.echo(text)

    def _news(self, turn: Turn, now: datetime) -> bool:
        """A wait is said when it lasts and is another one, and again after a while; its running numbers are no news."""
        if turn.written or turn.rollout.finished:
            return False
        kind = "".join(letter for letter in turn.why if not letter.isdigit())
        if self._said and self._said[1] == kind and now - self._said[0] < REPEAT:
            return False
        self._said = (now, kind)
        return True


def finish(drive: Drive, shown: Shown) -> Exit:
    """Runs the rollout to its end, shown; Ctrl-C once finishes what is in hand, twice stops at once."""
    shown.begin(drive)
    with _interruptible(drive), shown.alive():
        rollout = drive.run(shown.turn)
    shown.end(rollout)
    return verdict(rollout)


@contextmanager
def _interruptible(drive: Drive) -> Iterator[None]:
    asked = threading.Event()

    def handler(number: int, frame: FrameType | None) -> None:
        del frame
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        drive.interrupt(signal.Signals(number).name)
        click.echo("katakei: finishing what is in hand; once more stops at once", err=True)

    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
