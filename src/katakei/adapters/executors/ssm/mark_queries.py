"""Commands that read marks, for starts whose own answer is missing: lost, undeliverable, or not yet sent.

A query starts no work; it may forbid or cancel work. It also reports the target's clock and whether the target knows
its own id. A start needs both.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from katakei.adapters.executors import mark
from katakei.adapters.executors.ssm.run_command import (
    INSTANCE_ID_VARIABLE,
    MAX_INSTANCES,
    NO_ANSWER,
    Invocation,
    RunCommand,
    send_split,
)
from katakei.domain.errors import NoAnswerError
from katakei.domain.ports import Clock

QueryText = Callable[[Sequence[str], str], str]
"""One of the mark's programs that report on several marks: it takes their names and the id's variable."""

INTERVAL = timedelta(seconds=4)
GIVE_UP = timedelta(seconds=75)  # TimeoutSeconds and a margin: by then Run Command itself has given up
RUN_WITHIN = timedelta(seconds=30)
MAX_MARKS = 4  # marks in one query: they share the room of one output


@dataclass(frozen=True, slots=True)
class MarkAnswer:
    """A mark as a query found it. It was so at some moment between `asked` and `answered`."""

    mark: mark.Mark
    asked: datetime
    answered: datetime


@dataclass(frozen=True, slots=True)
class TargetClock:
    """What a target reported about itself.

    Attributes:
        ahead: How far its clock is ahead of this machine's clock.
        knows_id: Whether it knows its own id.
        place: The identity of the machine and its state folder.
    """

    ahead: timedelta
    knows_id: bool
    place: str


@dataclass(frozen=True, slots=True)
class _OpenQuery:
    at: datetime
    instances: frozenset[str]


class MarkQueries:
    """Sends queries and collects the answers. A target gets one query at a time, at most every few seconds."""

    def __init__(self, run_command: RunCommand, clock: Clock) -> None:
        self._run_command, self._clock = run_command, clock
        self._lock = threading.Lock()
        self._open: dict[str, _OpenQuery] = {}
        self._last: dict[str, datetime] = {}
        self._answers: dict[tuple[str, str], MarkAnswer] = {}
        self._clocks: dict[str, TargetClock] = {}
        self._trouble: dict[str, str] = {}

    def answer(self, instance: str, name: str) -> MarkAnswer | None:
        """Returns the newest answer about one mark."""
        return self._answers.get((instance, name))

    def target_clock(self, instance: str) -> TargetClock | None:
        """Returns the target's clock; None until the target has answered once."""
        return self._clocks.get(instance)

    def trouble(self, instance: str) -> str | None:
        """Returns why the last query had no answer; None when it had one, or none was sent."""
        return self._trouble.get(instance)

    def report_trouble(self, instance: str, why: str) -> None:
        """Records that a start found out that this instance cannot be reached."""
        self._trouble[instance] = why

    def collect(self, until: datetime) -> None:
        """Collects the answers that came back. What cannot be read now is collected next time."""
        for command, query in tuple(self._open.items()):
            if self._clock.now() >= until:
                return
            try:
                found = self._run_command.invocations(command)
            except NoAnswerError:
                continue
            done = {each.instance for each in found if not each.open and self._collect_one(command, each, query)}
            waiting = query.instances - done
            with self._lock:
                if not waiting:
                    self._open.pop(command, None)
                elif self._clock.now() - query.at > GIVE_UP:
                    self._open.pop(command, None)
                    self._trouble |= dict.fromkeys(waiting, NO_ANSWER)
                else:
                    self._open[command] = _OpenQuery(query.at, waiting)

    def send(
        self, wanted: Mapping[str, Iterable[str]], until: datetime, query_text: QueryText = mark.look_text
    ) -> None:
        """Sends queries to those of the instances that may get one now.

        Args:
            wanted: the names of the marks, by instance.
            until: no query is sent later.
            query_text: the program to send; it may do more than read.

        """
        for names, instances in _batches(self._allowed(wanted)):
            if self._clock.now() >= until:
                return
            _, unknown = send_split(instances, partial(self._send, query_text, names, until))
            self._trouble |= unknown

    def _send(self, query_text: QueryText, names: Sequence[str], until: datetime, instances: Sequence[str]) -> str:
        at = self._clock.now()
        with self._lock:
            self._last |= dict.fromkeys(instances, at)
        text = query_text(names, INSTANCE_ID_VARIABLE)
        command = self._run_command.send(instances, text, "katakei: read the marks on the target", RUN_WITHIN, until)
        with self._lock:
            self._open[command] = _OpenQuery(at, frozenset(instances))
        return command

    def _allowed(self, wanted: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
        now = self._clock.now()
        with self._lock:
            busy = {instance for query in self._open.values() for instance in query.instances}
            return {
                instance: tuple(sorted(names))[:MAX_MARKS]
                for instance, names in wanted.items()
                if instance not in busy and now - self._last.get(instance, now - INTERVAL) >= INTERVAL
            }

    def _collect_one(self, command: str, found: Invocation, query: _OpenQuery) -> bool:
        """Returns False when the answer exists but could not be read yet."""
        if found.instance not in query.instances:
            return True
        try:
            marks = read_answer(self._run_command, command, found).marks
        except NoAnswerError:
            return False
        if not marks:
            self._trouble[found.instance] = f"its answer cannot be read; Run Command reports {found.details}"
            return True
        self._trouble.pop(found.instance, None)
        now = self._clock.now()
        for each in marks:
            # Counted from the sending: a slow answer then makes a start less strict, and never refuses one for nothing.
            self._clocks[found.instance] = TargetClock(each.now - query.at, bool(each.machine), each.place)
            self._answers[found.instance, each.name] = MarkAnswer(each, query.at, now)
        return True


def read_answer(run_command: RunCommand, command: str, found: Invocation) -> mark.MarkReport:
    """Returns what a finished invocation printed; reads the whole output where the list shows only its beginning."""
    answer = mark.read(found.text)
    if answer.whole or not found.text.strip():
        return answer
    return mark.read(run_command.output(command, found.instance))


def _batches(wanted: Mapping[str, tuple[str, ...]]) -> list[tuple[tuple[str, ...], list[str]]]:
    """Instances with the same marks share a command. Marks do not name their machine, so most instances do."""
    by_names: dict[tuple[str, ...], list[str]] = {}
    for instance, names in wanted.items():
        by_names.setdefault(names, []).append(instance)
    return [
        (names, instances[at : at + MAX_INSTANCES])
        for names, instances in by_names.items()
        for at in range(0, len(instances), MAX_INSTANCES)
    ]
