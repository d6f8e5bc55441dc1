"""The executor `ssh`: it starts work through the OpenSSH client and reads the result from the mark on the target.

A start may be repeated, because the mark on the target lets one of them begin. A start without an answer may still be
on its way, so that nothing is reported as not started before its time is over.

A ticket is the place (machine and state folder) that was recorded before the take-out.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from katakei.adapters.executors import mark
from katakei.adapters.executors.mark import Mark, MarkState
from katakei.adapters.executors.secrets import Secrets
from katakei.adapters.executors.ssh import preflight
from katakei.adapters.executors.ssh.client import Answer, SshClient
from katakei.domain.actions import Job
from katakei.domain.errors import UsageError
from katakei.domain.events import WorkKey
from katakei.domain.model import Target, TargetId
from katakei.domain.observation import WorkState, WorkStatus
from katakei.domain.ports import Clock
from katakei.domain.spec import Command, Variable

ON_THE_WAY = timedelta(seconds=12)
"""Added to the time in which a start may begin: whole seconds count, and the clock of a target is learned from an
answer that may have taken as long as one question may take."""

MAX_WORD = 120_000
"""Bytes of a command or a value: Linux passes at most 131,072 in one piece (execve)."""

MAX_WORDS = 500_000
READY_LIMIT = timedelta(minutes=2)
"""How long the preflight of all targets may take."""


@dataclass(frozen=True, slots=True)
class TargetClock:
    """What a target reported about itself: how far its clock is ahead of this machine's, and its place."""

    ahead: timedelta
    place: str


class SshExecutor:
    """Implements the port `Executor` through the OpenSSH client.

    Args:
        client: Reaches the targets.
        clock: This machine's clock.
        env: Where the secrets of the work are found.
        secrets: The variables of the work whose values are secret.
    """

    marks = ""

    def __init__(
        self, client: SshClient, clock: Clock, env: Mapping[str, str], secrets: Sequence[Variable] = ()
    ) -> None:
        self._client, self._clock = client, clock
        self._secrets = Secrets(env, secrets)
        self._lock = threading.Lock()
        self._clocks: dict[TargetId, TargetClock] = {}
        self._silent: dict[TargetId, datetime] = {}
        self._open: dict[WorkKey, datetime] = {}
        self._refused: dict[WorkKey, WorkStatus] = {}
        self._begun: set[WorkKey] = set()

    @property
    def lacks(self) -> str | None:
        """Which secret is not known here; None when all are."""
        return self._secrets.lacking

    def ready(self, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        """Connects to every target, and changes nothing there. Raises UnreachableError: there is no OpenSSH client."""
        left = self._left(max(by, READY_LIMIT))
        answers = self._client.ask(dict.fromkeys(targets, preflight.program()), by, left)
        return {each.id: why for each in targets if (why := preflight.unready(each, answers.get(each.id)))}

    def fits(self, jobs: Mapping[WorkKey, tuple[Target, Job]]) -> None:
        """Checks what a target can pass to a program. Raises UsageError."""
        for _, job in jobs.values():
            values = {**self._secrets.told, **mark.environment(job)}
            _check_size(job, values)

    def prove(self, command: Command, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        """Writes the state folder, and looks for the shell and the program of the command. Raises UnreachableError."""
        text = mark.look_text([mark.NO_MARK]) + preflight.needs(command)
        answers = self._client.ask(dict.fromkeys(targets, text), by, self._left(by))
        found = {each: preflight.unproved(command, answer) for each, answer in answers.items()}
        return {each: why for each, why in found.items() if why}

    def prepare(self, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        """Asks the targets whose clock and place are not known yet. Raises UnreachableError."""
        self._learn(targets, by)
        return {each.id: known.place for each in targets if (known := self._clocks.get(each.id))}

    def start(self, jobs: Mapping[WorkKey, tuple[Target, Job]], by: timedelta) -> Mapping[WorkKey, str]:
        """Starts work, one key of a target after the other.

        A job is missing in the answer where its target could not be reached at all. Where the start may have reached
        it, the job is taken, and `look` says what became of it.

        Raises:
            UnreachableError: There is no OpenSSH client.
        """
        left = self._left(by)
        self._learn([target for target, _ in jobs.values()], by)
        tickets: dict[WorkKey, str] = {}
        for some in _one_per_target(jobs):
            texts = {jobs[key][0]: text for key in some if (text := self._start_text(key, *jobs[key], left()))}
            keys = {key.target: key for key in some if jobs[key][0] in texts}
            until = self._clock.now() + left() + ON_THE_WAY
            before = {key: self._open.get(key) for key in keys.values()}
            self._open |= dict.fromkeys(keys.values(), until)
            answers = self._client.ask(texts, by, left)
            for target, key in keys.items():
                if self._taken(key, answers.get(TargetId(target)), before[key]):
                    tickets[key] = jobs[key][1].marks
        return tickets

    def look(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> Mapping[WorkKey, WorkStatus]:
        """What the marks say. Raises UnreachableError: there is no OpenSSH client."""
        asked = self._clock.now()
        answers = self._tell(mark.look_text, tickets, by)
        works: dict[WorkKey, WorkStatus] = {}
        for key, (target, ticket) in tickets.items():
            answer = answers.get(target.id)
            if answer is None:
                continue
            found = mark.read(answer.out).of(mark.name_of(key)) if answer.failure is None else None
            if found:
                works[key] = self._judged(key, found, mark.place_in(ticket), asked)
            else:
                why = answer.failure.why if answer.failure else "its answer was incomplete"
                works[key] = WorkStatus(WorkState.UNKNOWN, why=why)
        return works

    def forbid(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        """Takes the marks that no start has taken yet. Raises UnreachableError."""
        self._tell(mark.forbid_text, tickets, by)

    def cancel(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        """Ends the process sessions of running work. Raises UnreachableError."""
        self._tell(mark.cancel_text, tickets, by)

    def _tell(
        self, text: Callable[..., str], tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta
    ) -> dict[TargetId, Answer]:
        """Asks each target once about all its keys. Targets that were silent last come last."""
        names: dict[Target, list[str]] = {}
        for key, (target, _) in tickets.items():
            names.setdefault(target, []).append(mark.name_of(key))
        order = sorted(names, key=lambda each: self._silent[each.id].timestamp() if each.id in self._silent else 0)
        answers = self._client.ask({each: text(names[each], tail=mark.KEPT) for each in order}, by, self._left(by))
        now = self._clock.now()
        with self._lock:
            for each, answer in answers.items():
                if answer.failure:
                    self._silent[each] = now
                else:
                    self._silent.pop(each, None)
        return answers

    def _learn(self, targets: Sequence[Target], by: timedelta) -> None:
        new = [each for each in dict.fromkeys(targets) if each.id not in self._clocks]
        asked = self._clock.now()
        for target, answer in self._client.ask(
            dict.fromkeys(new, mark.look_text([mark.NO_MARK])), by, self._left(by)
        ).items():
            found = mark.read(answer.out).of(mark.NO_MARK) if answer.failure is None else None
            if found and not preflight.is_another(target, found.place):
                self._clocks[target] = TargetClock(found.now - asked, found.place)

    def _start_text(self, key: WorkKey, target: Target, job: Job, left: timedelta) -> str:
        """The program that begins the work; '' while the target's clock is not known, or no time is left."""
        known = self._clocks.get(target.id)
        if known is None or left <= timedelta():
            return ""
        values = tuple(sorted({**self._secrets.told, **mark.environment(job)}.items()))
        not_after = self._clock.now() + known.ahead + left
        line = mark.Line(target.id, mark.name_of(key), not_after, values, place=job.marks)
        return mark.start_text([line], job, timedelta())

    def _taken(self, key: WorkKey, answer: Answer | None, open_until: datetime | None) -> bool:
        """Whether a start reached its target, or may have. An answer, or no connection, leaves nothing on its way."""
        found = mark.read(answer.out).of(mark.name_of(key)) if answer else None
        if answer is None or (answer.failure and not answer.failure.sent):
            self._restore(key, open_until)
            return False
        if found is None:
            return True
        self._restore(key, open_until)
        if found.state in mark.BEGUN:
            self._begun.add(key)
        if found.state is MarkState.REFUSED:
            self._refused[key] = found.work
        return True

    def _restore(self, key: WorkKey, open_until: datetime | None) -> None:
        """The start before this one may be on its way."""
        self._open[key] = open_until or self._clock.now()

    def _judged(self, key: WorkKey, found: Mark, place: str, asked: datetime) -> WorkStatus:
        if found.state in mark.BEGUN:
            self._begun.add(key)
        believed = found.believed(place, begun=key in self._begun)
        if believed.state is not MarkState.ABSENT:
            return self._secrets.kept(believed.work)
        # Another process may have sent a start right before it ended.
        open_until = self._open.setdefault(key, asked + timedelta(seconds=10) + ON_THE_WAY)
        if asked <= open_until:
            return WorkStatus(WorkState.UNKNOWN, why="a start may still be on its way to the target")
        return self._refused.get(key, believed.work)

    def _left(self, by: timedelta) -> Callable[[], timedelta]:
        until = self._clock.now() + by
        return lambda: until - self._clock.now()


def _one_per_target(jobs: Mapping[WorkKey, tuple[Target, Job]]) -> Iterator[list[WorkKey]]:
    """The keys in groups in which each target occurs once."""
    left = list(jobs)
    while left:
        some = list({key.target: key for key in reversed(left)}.values())
        yield some
        left = [key for key in left if key not in some]


def _check_size(job: Job, values: Mapping[str, str]) -> None:
    sizes = {"the command": len(mark.command_text(job).encode(errors="surrogateescape"))}
    sizes |= {f"the variable {name}": len(f"{name}={value}".encode()) for name, value in values.items()}
    longest = max(sizes, key=lambda name: sizes[name])
    if sizes[longest] > MAX_WORD or sum(sizes.values()) > MAX_WORDS:
        raise UsageError(
            f"{longest} takes {sizes[longest]} bytes, more than a target passes to a program: put it into a script on"
            " the target and call that"
        )
