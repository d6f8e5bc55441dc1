"""Marks read by commands of our own, where a start's own answer does not tell: lost, undeliverable, or not yet sent.

An ask begins nothing; it may forbid or cancel. It also tells the target's clock and its own name, which a start must
know beforehand.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from katakei.adapters.executors import mark
from katakei.adapters.executors.ssm.door import BATCH, Door, Invocation, NoSuchNode
from katakei.domain.errors import NoAnswerError
from katakei.domain.ports import Clock

SELF = "AWS_SSM_INSTANCE_ID"
"""Where the agent tells a script the instance's id (aws/amazon-ssm-agent issue 427)."""

How = Callable[[Sequence[str], str], str]
"""One of the mark's texts that tell of several marks."""

NOBODY = "katakei/0-hello"
"""A mark that never exists: asked for where only the target's clock and name are wanted."""

EVERY = timedelta(seconds=4)
GIVEN_UP = timedelta(seconds=75)  # TimeoutSeconds and some: then Run Command itself has said so
RUN_WITHIN = timedelta(seconds=30)
NAMES = 4  # marks in one ask: they share the room that an output has


@dataclass(frozen=True, slots=True)
class Heard:
    """A mark as an ask told it. It was so at some moment between `asked` and `heard`."""

    mark: mark.Mark
    asked: datetime
    heard: datetime


@dataclass(frozen=True, slots=True)
class Manners:
    """What a target told of itself: how far its clock is ahead of ours, and whether it knows its own name."""

    ahead: timedelta
    named: bool


@dataclass(frozen=True, slots=True)
class _Ask:
    at: datetime
    instances: frozenset[str]


class Asks:
    """Sends asks, gathers the answers. A target is asked every few seconds at most, and one ask at a time."""

    def __init__(self, door: Door, clock: Clock) -> None:
        self._door, self._clock = door, clock
        self._lock = threading.Lock()
        self._open: dict[str, _Ask] = {}
        self._last: dict[str, datetime] = {}
        self._heard: dict[tuple[str, str], Heard] = {}
        self._manners: dict[str, Manners] = {}
        self._trouble: dict[str, str] = {}

    def heard(self, instance: str, name: str) -> Heard | None:
        """The newest that was told of one mark."""
        return self._heard.get((instance, name))

    def manners(self, instance: str) -> Manners | None:
        """None until the target has answered once."""
        return self._manners.get(instance)

    def trouble(self, instance: str) -> str:
        """Why the last ask had no answer; '' when it had one, or none was made."""
        return self._trouble.get(instance, "")

    def troubled(self, instance: str, why: str) -> None:
        """Something else found out that this instance cannot be reached."""
        self._trouble[instance] = why

    def hear(self, until: datetime) -> None:
        """Gather what came back. What cannot be seen now is gathered next time."""
        for command, ask in tuple(self._open.items()):
            if self._clock.now() >= until:
                return
            try:
                found = self._door.invocations(command)
            except NoAnswerError:
                continue
            done = {each.instance for each in found if not each.open and self._gather(command, each, ask)}
            waiting = ask.instances - done
            with self._lock:
                if not waiting:
                    self._open.pop(command, None)
                elif self._clock.now() - ask.at > GIVEN_UP:
                    self._open.pop(command, None)
                    self._trouble |= dict.fromkeys(waiting, "its agent did not answer")
                else:
                    self._open[command] = _Ask(ask.at, waiting)

    def ask(self, wanted: Mapping[str, Iterable[str]], until: datetime, how: How = mark.look_text) -> None:
        """Ask these instances for these marks, those that may be asked now; `how` may do more than look."""
        for names, instances in _batches(self._allowed(wanted)):
            if self._clock.now() >= until:
                return
            _, unknown = spread(instances, partial(self._send, how, names, until))
            self._trouble |= unknown

    def _send(self, how: How, names: Sequence[str], until: datetime, instances: Sequence[str]) -> str:
        at = self._clock.now()
        with self._lock:
            self._last |= dict.fromkeys(instances, at)
        command = self._door.send(instances, how(names, SELF), "katakei: what the mark says", RUN_WITHIN, until)
        with self._lock:
            self._open[command] = _Ask(at, frozenset(instances))
        return command

    def _allowed(self, wanted: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
        now = self._clock.now()
        with self._lock:
            busy = {instance for ask in self._open.values() for instance in ask.instances}
            return {
                instance: tuple(sorted(names))[:NAMES]
                for instance, names in wanted.items()
                if instance not in busy and now - self._last.get(instance, now - EVERY) >= EVERY
            }

    def _gather(self, command: str, found: Invocation, ask: _Ask) -> bool:
        """False when the answer is there but could not be read yet."""
        if found.instance not in ask.instances:
            return True
        try:
            marks = told(self._door, command, found).marks
        except NoAnswerError:
            return False
        if not marks:
            self._trouble[found.instance] = f"Run Command says {found.details}"
            return True
        self._trouble.pop(found.instance, None)
        now = self._clock.now()
        for each in marks:
            # Counted from the sending, so that a slow answer makes a start less strict, never refused for nothing.
            self._manners[found.instance] = Manners(each.now - ask.at, bool(each.machine))
            self._heard[found.instance, each.name] = Heard(each, ask.at, now)
        return True


def told(door: Door, command: str, found: Invocation) -> mark.Answer:
    """What a finished invocation printed; asked for once more where the list shows only the head of it."""
    answer = mark.read(found.text)
    if answer.whole or not found.text.strip():
        return answer
    return mark.read(door.output(command, found.instance))


def spread(instances: Sequence[str], send: Callable[[Sequence[str]], str]) -> tuple[dict[str, str], dict[str, str]]:
    """One command to all of them; where Run Command does not know one of them, to both halves, until only it is left.

    Answers with the command of each instance, and why for each that is unknown.
    """
    try:
        return dict.fromkeys(instances, send(instances)), {}
    except NoSuchNode as error:
        if len(instances) == 1:
            return {}, {instances[0]: str(error)}
    half = len(instances) // 2
    first, second = spread(instances[:half], send), spread(instances[half:], send)
    return first[0] | second[0], first[1] | second[1]


def _batches(wanted: Mapping[str, tuple[str, ...]]) -> list[tuple[tuple[str, ...], list[str]]]:
    """Instances asked for the same marks go into one command; marks do not name their machine, so most do."""
    by_names: dict[tuple[str, ...], list[str]] = {}
    for instance, names in wanted.items():
        by_names.setdefault(names, []).append(instance)
    return [
        (names, instances[at : at + BATCH])
        for names, instances in by_names.items()
        for at in range(0, len(instances), BATCH)
    ]
