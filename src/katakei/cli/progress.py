"""The progress of a rollout: a live table on a terminal, one plain line per event without one, or NDJSON.

A closed pipe, a lost terminal, a full disk or a reader that stands still never stops a rollout: it goes on without
output.
"""

import io
import os
import re
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from types import FrameType
from typing import TYPE_CHECKING, Protocol

from katakei.app.releases import Knowledge, carried_releases
from katakei.app.rollouts import Proposal
from katakei.cli.invocation import invocation
from katakei.cli.language import reader
from katakei.cli.messages import internal_error, on_terminal, say, say_command, unblocked
from katakei.cli.output import FrameLine, Output, silence
from katakei.domain.errors import ExitCode, InternalError, KatakeiError, LeaseLostError, UnreachableError
from katakei.domain.events import Event, PhaseChanged, WorkEnded
from katakei.domain.model import TargetId
from katakei.domain.phases import FINAL_PHASES, Phase, Step
from katakei.domain.plan import Plan, PlanKind
from katakei.domain.ports import Journal
from katakei.domain.replay import Rollout
from katakei.planning.forecast import Forecast, forecast
from katakei.reconcile.outcome import verdict
from katakei.render import ci
from katakei.render import events as event_text
from katakei.render import plan as plan_text
from katakei.render.ci import CiSystem, ci_system
from katakei.render.reasons import sentence
from katakei.render.recap import failures, recap
from katakei.render.text import clock_time, label
from katakei.render.translation import Translator

if TYPE_CHECKING:
    from rich.text import Text

    from katakei.app.remote import Followed
    from katakei.runtime.runner import Turn
    from katakei.runtime.session_host import TurnListener

REPEAT = timedelta(seconds=30)  # how often an unchanged reason for waiting is shown again without a terminal
RUNNING = re.compile(r"\d+[hms]?\b( \d+[ms]\b)?")  # numbers and durations that only count on


class SleepInhibitor(Protocol):
    """Keeps this machine from idle sleep (`katakei.adapters.system.awake`)."""

    def start(self) -> bool:
        """Begins to; whether this call did."""
        ...

    def stop(self) -> None:
        """Lets the machine sleep again."""
        ...


class Screen:
    """The output of one command, in one of the three ways."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._tr = reader()
        self.terminal = on_terminal(1) and not as_json
        self._live = False
        self._turn: Turn | None = None
        self._forecast: Forecast | None = None
        self._invocation = invocation()
        self._ci = ci_system(os.environ) if not (self.terminal or as_json) else CiSystem.NONE
        self._said: tuple[datetime, str] | None = None
        self._output: Output | None = None
        self._drawn: Turn | None = None
        self._session: Followed | None = None
        self._interrupted = False
        self._left: dict[TargetId, datetime] = {}
        self._cycles: list[timedelta] = []

    def show_proposal(self, proposal: Proposal) -> None:
        """What is about to happen; before it, where targets leave service, the commands that put everything back."""
        if not self.as_json:
            if proposal.plan.kind is not PlanKind.REGISTER:
                self.say(_restore_text(proposal, self._tr))
            self.say(plan_text.plan_text(proposal.plan, forecast(proposal.plan), self._tr))

    def takes_enter(self, plan: Plan) -> bool:
        """Whether a person who works on the targets sits at this terminal."""
        return plan.kind is PlanKind.ROLL and plan.spec.work.executor == "manual" and self.terminal and on_terminal(0)

    def begin(self, session: "Followed") -> None:
        """Which rollout this is. One that is carried on was not shown here before, so its restore lines come first.

        Not where targets only come back: an abort, and the step `register`.
        """
        self._session, self._forecast = session, forecast(session.plan)
        if self.as_json:
            data = plan_text.plan_data(session.plan, self._forecast, session.restore_lines, session.restore_held)
            self.say(event_text.planned_json(data, carried_on=session.carried_on))
            return
        if session.carried_on:
            if session.plan.kind is not PlanKind.REGISTER and not session.rollout.aborting:
                self.say(_restore_text(session, self._tr))
            self.say(_carried_on(session.rollout, self._tr))
        self.say(self._tr("rollout {rollout}", rollout=session.plan.rollout))
        if self.takes_enter(session.plan):
            self.say(self._tr("Press Enter when the work on the targets that are out is done."))

    def turn(self, turn: "Turn") -> None:
        """What a turn did and what is waited for."""
        for event in turn.written:
            if self.as_json:
                self.say(event_text.event_json(event))
            elif text := event_text.line(turn.rollout, event, self._tr):
                self.say(text)
                self._fold_output(turn.rollout, event)
        now = turn.now
        self._turn = turn
        if self._live:
            self._time_cycles(turn)
            self._drawn = turn
            return
        if self._news(turn, now):
            waiting = event_text.waiting_json(now.isoformat(), turn.why)
            self.say(waiting if self.as_json else f"{clock_time(now)}  {sentence(turn.why, self._tr)}")

    def end(self, rollout: Rollout, serves: Mapping[TargetId, str]) -> None:
        """How the rollout ended, and what to do now."""
        if self.as_json:
            self.say(event_text.ended_json(rollout))
            return
        for title, text in failures(rollout, self._tr)[: ci.MAX_ERRORS]:
            self._command(ci.error(self._ci, title, text))
        self.say(self.recap(rollout, serves))

    def recap(self, rollout: Rollout, serves: Mapping[TargetId, str]) -> str:
        """How the rollout ended or stands, what became of each target, and what to do now."""
        now = self._turn.now if self._turn else rollout.moved
        return recap(rollout, serves, self._invocation, now, self._tr)

    def _fold_output(self, rollout: Rollout, event: Event) -> None:
        """In a CI job the output of the work stands below the line that it ended, folded."""
        if isinstance(event, WorkEnded) and event.out.strip():
            name = label(rollout.targets[event.key.target])
            title = self._tr("output of {target}, exit code {exit}", target=name, exit=event.exit)
            key = f"{event.key.rollout}-{event.key.target}-{event.key.attempt}-{event.key.intent.value}"
            key += "" if event.key.step is Step.WORK else f"-{event.key.step.value}"
            self._command(ci.folded(self._ci, title, event.out, key, event.at))

    def _command(self, text: str) -> None:
        """Lines for the CI system itself; none outside of one."""
        if text:
            with suppress(UnreachableError):
                say_command(text)

    def missing(self, number: int) -> str:
        """The line that says how much output was dropped because nobody read it."""
        if self.as_json:
            return event_text.missing_json(number)
        return self._tr("({number:line} not shown: the output is not read)", number=number)

    def say(self, text: str) -> None:
        """One line or more. Where it cannot be written the rollout goes on: its journal has everything."""
        with suppress(UnreachableError):
            say(text)

    @contextmanager
    def live(self, output: Output) -> Iterator[None]:
        """The live table, where there is a terminal."""
        if not self.terminal or (self._session and self._session.plan.switch):  # a switch has no targets to show
            yield
            return
        self._live, self._output = True, output
        output.show(self._frame)
        try:
            yield
        finally:
            output.show(None)
            self._live = False

    def line_typed(self) -> None:
        """A person pressed Enter on this terminal."""
        if self._output:
            self._output.line_typed()

    def interrupted(self) -> None:
        """A person pressed Ctrl-C. Called from a signal handler."""
        self._interrupted = True

    def _frame(self, columns: int, rows: int) -> Sequence[FrameLine]:
        """Called in the thread of the output, with what the last turn left. Durations count on between two turns."""
        turn, session = self._drawn, self._session
        if turn is None or session is None or self._forecast is None:
            return ()
        from katakei.render.live_table import LiveView, live

        view = LiveView(
            turn.rollout,
            turn.why,
            {wait.target: wait.reason for wait in turn.whys if wait.target},
            self._forecast,
            max(turn.now, session.now),
            tuple(self._cycles),
            turn.outputs,
            interrupted=self._interrupted,
            takes_enter=self.takes_enter(turn.rollout.plan),
            tr=self._tr,
        )
        return _colored(live(view, columns, rows), columns)

    def _time_cycles(self, turn: "Turn") -> None:
        """Notes how long each target takes from its take-out to its end, for the forecast."""
        for event in turn.written:
            if isinstance(event, PhaseChanged) and event.to is Phase.DRAINING:
                self._left[event.target] = event.at
            elif isinstance(event, PhaseChanged) and event.to in FINAL_PHASES and event.target in self._left:
                self._cycles.append(event.at - self._left.pop(event.target))

    def _news(self, turn: "Turn", now: datetime) -> bool:
        """Whether to show the reason for waiting: when it is another one, and again after a while.

        Numbers that only count on make it no other one.
        """
        if turn.written or turn.rollout.finished:
            return False
        kind = RUNNING.sub("", sentence(turn.why))
        if self._said and self._said[1] == kind and now - self._said[0] < REPEAT:
            return False
        self._said = (now, kind)
        return True


def drive(  # noqa: PLR0913 - what a command gives beside the rollout
    session: "Followed",
    screen: Screen,
    inhibitor: SleepInhibitor,
    judge: Callable[[Rollout], ExitCode] = verdict,
    journal: Journal | None = None,
    *,
    listen: "Sequence[TurnListener]" = (),
) -> ExitCode:
    """Takes turn after turn until this process is done, and shows each.

    Ctrl-C once finishes the targets in progress, twice stops at once.

    Args:
        session: The rollout.
        screen: Where it is shown.
        inhibitor: Keeps the machine awake while a target is out.
        judge: The exit code of a rollout.
        journal: Tells which release each target carries; without it the recap leaves that out.
        listen: Each gets every turn.
    """
    with unblocked(screen.missing) as output:
        _drive(session, screen, inhibitor, output, listen)
        screen.end(session.rollout, {} if screen.as_json else _serves(session.rollout, journal))
    return judge(session.rollout)


def _drive(
    session: "Followed", screen: Screen, inhibitor: SleepInhibitor, output: Output, listen: "Sequence[TurnListener]"
) -> None:
    try:
        with _interruptible(session, screen), session, _awake(inhibitor):
            screen.begin(session)
            with screen.live(output):
                told = False
                for turn in session.turns():
                    screen.turn(turn)
                    for listener in listen:
                        listener(session.plan.rollout, turn)
                    told = _keep_awake(inhibitor, turn, told=told)
    except LeaseLostError:
        raise
    except BaseException as fault:
        with suppress(UnreachableError):
            say(screen.recap(session.rollout, {}), err=True)
        if isinstance(fault, KatakeiError) or not isinstance(fault, Exception):
            raise
        raise InternalError(internal_error(fault)) from fault


def _serves(rollout: Rollout, journal: Journal | None) -> Mapping[TargetId, str]:
    """The release of each target, as far as the journal tells. A journal that does not answer now says nothing."""
    if journal is None:
        return {}
    try:
        carried = carried_releases(journal, [group.arn for group in rollout.plan.groups])
    except KatakeiError:
        return {}
    unsure = Knowledge.UNCONFIRMED
    return {
        target: f"{each.release} {reader()('(unconfirmed)')}" if each.how is unsure else each.release
        for target, each in carried.items()
        if each.release
    }


def _colored(lines: "Sequence[Text]", columns: int) -> Sequence[FrameLine]:
    """The lines with their colors, as this terminal can show them."""
    from rich.console import Console

    console = Console(file=io.StringIO(), force_terminal=True, width=columns, legacy_windows=False)
    drawn = []
    for line in lines:
        with console.capture() as text:
            console.print(line, end="", soft_wrap=True, highlight=False)
        drawn.append(FrameLine(text.get(), line.cell_len))
    return drawn


def _keep_awake(inhibitor: SleepInhibitor, turn: "Turn", *, told: bool) -> bool:
    """While a target is out: a Mac that sleeps would leave it out until it is woken. Returns whether that was said."""
    if not turn.rollout.in_progress:
        inhibitor.stop()
        return told
    begun = inhibitor.start()
    if begun and not told:
        with suppress(UnreachableError):
            tr = reader()
            say("katakei: " + tr("this Mac stays awake while a target is out (caffeinate)"), err=True)
    return told or begun


@contextmanager
def _awake(inhibitor: SleepInhibitor) -> Iterator[None]:
    try:
        yield
    finally:
        inhibitor.stop()


def _restore_text(of: "Proposal | Followed", tr: Translator) -> str:
    """The first lines: the commands that put everything back by hand."""
    return plan_text.restore_text(of.restore_lines, of.restore_held, tr, routes=of.plan.switch is not None)


def _carried_on(rollout: Rollout, tr: Translator) -> str:
    how = tr("carrying it on as it was planned")
    if rollout.reverting:
        how = tr("reverting what it worked on")
    if rollout.aborting:
        how = tr("bringing back what is out of service")
    if rollout.traffic and (rollout.aborting or rollout.reverting):
        how = tr("going back to what it was")
    return tr("rollout {rollout} was not finished: {how}", rollout=rollout.plan.rollout, how=how)


SIGNALED = {
    False: "finishing the targets in progress; a second signal stops at once",
    True: "no longer following; the rollout goes on at the server",
}


@contextmanager
def _interruptible(session: "Followed", screen: Screen) -> Iterator[None]:
    from katakei.app.remote import RemoteSession

    asked: list[int] = []  # not an Event: setting one in a signal handler can deadlock

    def handler(number: int, frame: FrameType | None) -> None:
        del frame
        if number == signal.SIGHUP:  # the terminal is gone, and nobody can read or type there any more
            silence(0, 1, 2)
        elif asked:
            raise KeyboardInterrupt
        asked.append(number)
        screen.interrupted()
        session.interrupt(signal.Signals(number).name)
        with suppress(UnreachableError, RuntimeError):  # RuntimeError: the signal came in the middle of a line
            say(f"katakei: {reader().of(SIGNALED[isinstance(session, RemoteSession)])}", err=True)

    heard = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup keeps a rollout going
        heard.append(signal.SIGHUP)
    before = {number: signal.signal(number, handler) for number in heard}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
