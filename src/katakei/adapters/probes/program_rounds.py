"""The programs that are sent to targets, and the gathering of their answers: at most fifty targets in one command.

A program is text that any target's shell can run. What varies is lines of a quoted here-document in a narrow alphabet,
which no shell interprets. The difference between a target's uptime and our clock is measured here too, so that what a
program saw there gets a date here.
"""

import base64
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files

from katakei.domain.errors import NoAnswerError, RejectedError, UsageError
from katakei.domain.model import Target, TargetId
from katakei.domain.ports import Clock, ProgramOutput, ProgramRunner

BATCH = 50
"""Targets per command."""

ROOM = 40_000
"""Characters of arguments per command: Run Command carries 56,000 with the program (`ssm.run_command`)."""

SILENT = timedelta(seconds=75)
"""Added to a program's own time. After that no answer is expected any more: an agent that died never answers."""

FORGET = timedelta(minutes=10)
"""Two clocks drift apart by some hundred millionths. The difference that was measured is used for this long."""


_WORD = re.compile(r"[A-Za-z0-9=+/.,:_-]+")
_NUMBER = re.compile(r"[0-9]{1,12}")
_PICK = """set -uf
self="%s" rows=0 mine=''
while read -r id words; do
rows=$((rows + 1))
[ "$id" = "${self:-$id}" ] && mine=$words
done <<'KATAKEI_LINES'
%s
KATAKEI_LINES
[ -n "$self" ] || [ "$rows" = 1 ] || mine=''
[ -n "$mine" ] || { echo "no line here for ${self:-a machine without a name}"; exit 75; }
set -- $mine
"""


@dataclass(frozen=True, slots=True)
class ProgramAnswer:
    """What a target printed, or why it did not. `sent` is a moment before the program began."""

    printed: ProgramOutput
    sent: datetime


@dataclass(frozen=True, slots=True)
class _Round:
    sent: datetime
    until: datetime
    waiting: frozenset[TargetId]


class Rounds:
    """The programs of one kind that are under way, at most one per target. Safe to use from several threads."""

    def __init__(self, carrier: ProgramRunner, clock: Clock) -> None:
        self._carrier, self._clock = carrier, clock
        self._lock = threading.Lock()
        self._open: dict[str, _Round] = {}

    def gather(self) -> Mapping[TargetId, ProgramAnswer]:
        """The answers that came since the last call."""
        heard: dict[TargetId, ProgramAnswer] = {}
        with self._lock:
            for ticket, round_ in tuple(self._open.items()):
                heard |= self._gather(ticket, round_)
        return heard

    def send(self, program: str, asked: Mapping[Target, Sequence[str]], run: timedelta) -> Mapping[TargetId, str]:
        """Sends the program, with each target's own arguments, to those that have none under way.

        Args:
            program: The text of the program.
            asked: The arguments for each target.
            run: How long the program runs at most.

        Returns:
            Why the program could not be sent, for those targets where it could not.
        """
        failed: dict[TargetId, str] = {}
        with self._lock:
            busy = {target for round_ in self._open.values() for target in round_.waiting}
            free = [target for target in asked if target.id not in busy]
            for batch in _batches(free, asked):
                sent = self._clock.now()
                try:
                    ticket = self._carrier.send(self._text(program, {each: asked[each] for each in batch}), batch, run)
                except (NoAnswerError, RejectedError) as error:
                    failed |= dict.fromkeys((target.id for target in batch), str(error))
                    continue
                self._open[ticket] = _Round(sent, sent + run + SILENT, frozenset(target.id for target in batch))
        return failed

    def _text(self, program: str, asked: Mapping[Target, Sequence[str]]) -> str:
        return text(program, {str(target.id): words for target, words in asked.items()}, self._carrier.self_from)

    def _gather(self, ticket: str, round_: _Round) -> dict[TargetId, ProgramAnswer]:
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
        return {target: ProgramAnswer(printed, round_.sent) for target, printed in ended.items()}


class Clocks:
    """The difference between our clock and each target's uptime, by the fastest sending of the last minutes."""

    def __init__(self) -> None:
        self._known: dict[TargetId, tuple[datetime, datetime]] = {}

    def learn(self, target: TargetId, began: timedelta, sent: datetime) -> None:
        """A program that was sent at `sent` (our clock) began at the uptime `began`, which was not earlier."""
        zero = sent - began
        known = self._known.get(target)
        # The latest zero is the nearest. A machine that was restarted has a later one than ever before.
        if known is None or zero >= known[0] or sent - known[1] > FORGET:
            self._known[target] = (zero, sent)

    def earliest(self, target: TargetId, moment: timedelta, now: datetime) -> datetime:
        """The earliest moment of our clock that this uptime can be, and never later than now: it is past already."""
        return min(self._known[target][0] + moment, now)


def _batches(targets: Sequence[Target], asked: Mapping[Target, Sequence[str]]) -> Iterator[list[Target]]:
    """Targets that share one command. One target alone always gets one, however long its arguments are."""
    batch: list[Target] = []
    left = ROOM
    for target in targets:
        size = sum(len(word) + 1 for word in (target.id, *asked[target]))
        if batch and (size > left or len(batch) == BATCH):
            yield batch
            batch, left = [], ROOM
        batch.append(target)
        left -= size
    if batch:
        yield batch


@cache
def program(file: str) -> str:
    """A shell program of this package without its comments: the arguments of up to fifty targets must fit beside it."""
    lines = files("katakei.adapters.probes").joinpath(file).read_text(encoding="utf-8").splitlines()
    return "\n".join(bare for line in lines if (bare := line.strip()) and not bare.startswith("#")) + "\n"


def text(program_text: str, arguments: Mapping[str, Sequence[str]], self_from: str = "") -> str:
    """The program for several machines. Each takes its own line of arguments, and fails without one.

    Args:
        program_text: The program.
        arguments: Each machine's name and arguments.
        self_from: The environment variable in which a machine finds its own name; with '' there may be one line only.

    Raises:
        UsageError: An argument has a character that no argument may have.
    """
    lines = "\n".join(" ".join((_word(name), *map(_word, words))) for name, words in arguments.items())
    return _PICK % (f"${{{self_from}:-}}" if self_from else "", lines) + program_text


def natural(word: str) -> int:
    """A number that a target printed. A target may print anything, and arithmetic with a huge number would fail.

    Raises:
        ValueError: It is no whole number of at most twelve digits.
    """
    if not _NUMBER.fullmatch(word):
        raise ValueError(f"{word[:20]!r} is no number that a probe counts with")
    return int(word)


def moment(hundredths: str) -> timedelta:
    """An uptime of a target, printed in 1/100 s. Raises ValueError: it is no such number."""
    return timedelta(milliseconds=10 * natural(hundredths))


def encoded(value: str) -> str:
    """Text that a person wrote, as one word (base64) that no shell interprets."""
    return base64.b64encode(value.encode()).decode()


def _word(word: str) -> str:
    if not _WORD.fullmatch(word):
        raise UsageError(f"{word!r} cannot be an argument of a probe's program")
    return word
