"""How a running rollout is shown: a live table on a terminal, a plain line per event without one, or NDJSON.

That nobody can be shown anything any more (a closed pipe, a lost terminal, a full disk) never stops a rollout.
"""

import re
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from types import FrameType
from typing import TYPE_CHECKING

import click

from katakei.cli.messages import on_terminal, our_fault, say, silence
from katakei.domain.errors import ExitCode, InternalError, KatakeiError, LeaseLostError, UnreachableError
from katakei.domain.plan import Plan, PlanKind
from katakei.domain.replay import Rollout
from katakei.planning.forecast import Forecast, forecast
from katakei.reconcile.outcome import verdict
from katakei.render import events as event_text
from katakei.render import plan as plan_text
from katakei.render.reasons import sentence
from katakei.runtime.runner import Turn
from katakei.runtime.session import RolloutSession

if TYPE_CHECKING:
    from rich.live import Live

REPEAT = timedelta(seconds=30)  # how often an unchanged wait is said again where there is no terminal
RUNNING = re.compile(r"\d+[hms]?\b( \d+[ms]\b)?")  # numbers and spans, which only run on


class Shown:
    """One of the three ways, chosen once."""

    def __init__(self, *, as_json: bool, yes: bool = True) -> None:
        self.as_json = as_json
        self.terminal = on_terminal(1) and not as_json
        self._yes = yes or not on_terminal(0)
        self._live: Live | None = None
        self._forecast: Forecast | None = None
        self._said: tuple[datetime, str] | None = None

    def confirm(self, plan: Plan, forecast: Forecast, restore: Sequence[str]) -> bool:
        """First what puts everything back by hand, then what is about to happen; on a terminal it must be confirmed."""
        if not self.as_json:
            self.say(plan_text.restore_text(restore))
            self.say(plan_text.plan_text(plan, forecast))
        if self._yes:
            return True
        return bool(click.confirm(f"Go on? ({plan_text.place(plan)})", err=True))

    def typed(self, plan: Plan) -> bool:
        """Whether a person who works on the targets sits here."""
        return plan.kind is PlanKind.ROLL and plan.spec.work.executor == "manual" and self.terminal and on_terminal(0)

    def begin(self, drive: RolloutSession) -> None:
        """Which rollout this is; one that is carried on was never confirmed here, so it says how to put back."""
        self._forecast = forecast(drive.plan)
        if self.as_json:
            data = plan_text.plan_data(drive.plan, self._forecast, drive.restore_lines)
            self.say(event_text.planned_json(data, carried_on=drive.carried_on))
            return
        if drive.carried_on:
            self.say(plan_text.restore_text(drive.restore_lines))
            self.say(_taken_up(drive.rollout))
        self.say(f"rollout {drive.plan.rollout}")
        if self.typed(drive.plan):
            self.say("Press Enter when the work on the targets that are out is done.")

    def turn(self, turn: Turn) -> None:
        """After every turn."""
        for event in turn.written:
            if self.as_json:
                self.say(event_text.event_json(event))
            elif text := event_text.line(turn.rollout, event):
                self._above(text)
        now = turn.now
        if self._live and self._forecast:
            from katakei.render.live_table import live

            whys = {wait.target: wait.reason for wait in turn.whys if wait.target}
            self._live.update(live(turn.rollout, sentence(turn.why), whys, self._forecast, now))
        elif self._news(turn, now):
            waiting = event_text.waiting_json(now.isoformat(), turn.why)
            self.say(waiting if self.as_json else f"{now:%H:%M:%S}  {sentence(turn.why)}")

    def end(self, rollout: Rollout) -> None:
        """How it went."""
        if self.as_json:
            self.say(event_text.ended_json(rollout))
            return
        self.say(event_text.summary(rollout))
        if rollout.finished is None:
            self.say(event_text.how_to_go_on(rollout))

    def say(self, text: str) -> None:
        """One line or more. Where nobody hears it the rollout goes on in silence: its journal has everything."""
        with suppress(UnreachableError):
            say(text)

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
        if not self._live:
            self.say(text)
            return
        try:
            self._live.console.print(text, highlight=False, markup=False)
        except OSError:  # the terminal is lost
            silence(1, 2)

    def _news(self, turn: Turn, now: datetime) -> bool:
        """A wait is said when it lasts and is another one, and again after a while; its running numbers are no news."""
        if turn.written or turn.rollout.finished:
            return False
        kind = RUNNING.sub("", sentence(turn.why))
        if self._said and self._said[1] == kind and now - self._said[0] < REPEAT:
            return False
        self._said = (now, kind)
        return True


def finish(drive: RolloutSession, shown: Shown, judge: Callable[[Rollout], ExitCode] = verdict) -> ExitCode:
    """Runs the rollout to its end, shown; Ctrl-C once finishes what is in hand, twice stops at once."""
    shown.begin(drive)
    try:
        with _interruptible(drive), shown.alive():
            rollout = drive.run(shown.turn)
    except LeaseLostError:
        raise
    except BaseException as fault:
        with suppress(UnreachableError):
            say(event_text.how_to_go_on(drive.rollout), err=True)
        if isinstance(fault, KatakeiError) or not isinstance(fault, Exception):
            raise
        raise InternalError(our_fault(fault)) from fault
    shown.end(rollout)
    return judge(rollout)


def _taken_up(rollout: Rollout) -> str:
    how = "carrying it on as it was planned"
    if rollout.reverting:
        how = "taking back what it touched"
    if rollout.aborting:
        how = "bringing back what is out of service"
    return f"rollout {rollout.plan.rollout} was not finished: {how}"


@contextmanager
def _interruptible(drive: RolloutSession) -> Iterator[None]:
    asked = threading.Event()

    def handler(number: int, frame: FrameType | None) -> None:
        del frame
        if number == signal.SIGHUP:  # the terminal is gone, and with it whoever could read or type
            silence(0, 1, 2)
        elif asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        drive.interrupt(signal.Signals(number).name)
        with suppress(UnreachableError, RuntimeError):  # RuntimeError: the signal came in the middle of a line
            say("katakei: finishing what is in hand; once more stops at once", err=True)

    heard = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup keeps a rollout going
        heard.append(signal.SIGHUP)
    before = {number: signal.signal(number, handler) for number in heard}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
