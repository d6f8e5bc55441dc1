"""Small read-only programs that go to targets through the OpenSSH client, for the probes. Nothing here waits."""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import count

from katakei.adapters.executors.ssh import programs
from katakei.adapters.executors.ssh.client import Answer, SshClient
from katakei.domain.model import Target, TargetId
from katakei.domain.ports import Clock, ProgramOutput

AT_ONCE = 48
"""Programs that run at the same time, each with a client process of its own. Others wait for their turn."""

MARGIN = timedelta(seconds=10)
"""Added to a program's own time, for its connection."""

FORGET = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class _Sending:
    until: datetime
    answers: Mapping[TargetId, Future[Answer]]


class SshProgramRunner:
    """Implements the port `ProgramRunner` through the OpenSSH client. Tickets are valid in this process."""

    self_from = programs.SELF

    def __init__(self, client: SshClient, clock: Clock) -> None:
        self._client, self._clock = client, clock
        self._lock = threading.Lock()
        self._tickets = count(1)
        self._sendings: dict[str, _Sending] = {}

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(AT_ONCE, "katakei-ssh-probe")

    def send(self, program: str, targets: Sequence[Target], within: timedelta) -> str:
        """Begins to send the program. Raises UnreachableError, NoAnswerError: the targets cannot be reached by ssh."""
        self._client.check(targets)
        text = f"(\n{program.rstrip()}\n)\nkatakei_code=$?\necho\necho {programs.END}\nexit $katakei_code\n"
        now = self._clock.now()
        with self._lock:
            answers = {each.id: self._pool.submit(self._client.run, each, text, within + MARGIN) for each in targets}
            ticket = str(next(self._tickets))
            self._sendings = {known: each for known, each in self._sendings.items() if now < each.until}
            self._sendings[ticket] = _Sending(now + within + FORGET, answers)
        return ticket

    def heard(self, ticket: str) -> Mapping[TargetId, ProgramOutput]:
        """What each target printed. One that is still running is missing."""
        with self._lock:
            sending = self._sendings.get(ticket)
        answers = sending.answers if sending else {}
        return {target: _output(answer) for target, answer in answers.items() if answer.done()}


def _output(done: "Future[Answer]") -> ProgramOutput:
    if error := done.exception():
        return ProgramOutput("", f"{type(error).__name__}: {error}")
    answer = done.result()
    if answer.failure:
        return ProgramOutput("", answer.failure.why)
    out = answer.out.removesuffix(f"\n{programs.END}\n")
    return ProgramOutput(out) if out else ProgramOutput("", "it printed nothing")
