"""Programs sent to targets and gathered again: one under way per target, at most fifty targets in one sending.

It also learns how a target's uptime stands to our clock, so that what a program saw can be dated by us.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from katakei.adapters.probes import carried
from katakei.domain.errors import NoAnswerError, RejectedError
from katakei.domain.model import Target, TargetId
from katakei.domain.ports import Clock, ProgramOutput, ProgramRunner

BATCH = 50
SILENT = timedelta(seconds=75)
"""On top of a program's own time, after which an answer is no longer awaited (an agent that died never answers)."""

FORGET = timedelta(minutes=10)
"""Two clocks drift apart by some hundred millionths: what was learnt of them is believed for this long."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a target printed, or why it did not; `sent` is a moment before the program began."""

    printed: ProgramOutput
    sent: datetime


@dataclass(frozen=True, slots=True)
class _Round:
    sent: datetime
    until: datetime
    waiting: frozenset[TargetId]


class Rounds:
    """One kind of question. Safe to use from several threads, though one at a time asks."""

    def __init__(self, carrier: ProgramRunner, clock: Clock) -> None:
        self._carrier, self._clock = carrier, clock
        self._lock = threading.Lock()
        self._open: dict[str, _Round] = {}

    def gather(self) -> Mapping[TargetId, Heard]:
        """What ended since the last call."""
        heard: dict[TargetId, Heard] = {}
        with self._lock:
            for ticket, round_ in tuple(self._open.items()):
                heard |= self._gather(ticket, round_)
        return heard

    def send(self, program: str, asked: Mapping[Target, Sequence[str]], run: timedelta) -> Mapping[TargetId, str]:
        """With its own arguments to each that has none under way. Answers with why for those that it cannot reach."""
        failed: dict[TargetId, str] = {}
        with self._lock:
            busy = {target for round_ in self._open.values() for target in round_.waiting}
            free = [target for target in asked if target.id not in busy]
            for at in range(0, len(free), BATCH):
                batch = free[at : at + BATCH]
                sent = self._clock.now()
                try:
                    ticket = self._carrier.send(self._text(program, {each: asked[each] for each in batch}), batch, run)
                except (NoAnswerError, RejectedError) as error:
                    failed |= dict.fromkeys((target.id for target in batch), str(error))
                    continue
                self._open[ticket] = _Round(sent, sent + run + SILENT, frozenset(target.id for target in batch))
        return failed

    def _text(self, program: str, asked: Mapping[Target, Sequence[str]]) -> str:
        return carried.text(
            program, {str(target.id): words for target, words in asked.items()}, self._carrier.self_from
        )

    def _gather(self, ticket: str, round_: _Round) -> dict[TargetId, Heard]:
        try:
            ended = self._carrier.heard(ticket)
        except NoAnswerError:
            ended = {}
        ended = {target: printed for target, printed in ended.items() if target in round_.waiting}
        waiting = round_.waiting - ended.keys()
        if waiting and self._clock.now() > round_.until:
            ended |= dict.fromkeys(waiting, ProgramOutput("", "the program sent to it had no answer"))
            waiting = frozenset()
        if waiting:
            self._open[ticket] = _Round(round_.sent, round_.until, waiting)
        else:
            del self._open[ticket]
        return {target: Heard(printed, round_.sent) for target, printed in ended.items()}


class Clocks:
    """How our clock stands to each target's uptime; the quickest sending of the last minutes tells it best."""

    def __init__(self) -> None:
        self._known: dict[TargetId, tuple[datetime, datetime]] = {}

    def learn(self, target: TargetId, began: timedelta, sent: datetime) -> None:
        """A program whose uptime was `began` at its start had been sent at `sent` of ours, thus not before it."""
        zero = sent - began
        known = self._known.get(target)
        # The latest zero is the nearest; a machine started anew has a later one than it ever had.
        if known is None or zero >= known[0] or sent - known[1] > FORGET:
            self._known[target] = (zero, sent)

    def earliest(self, target: TargetId, moment: timedelta) -> datetime:
        """The earliest that this uptime can have been by our clock."""
        return self._known[target][0] + moment
