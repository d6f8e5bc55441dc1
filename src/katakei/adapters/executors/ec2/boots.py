"""The boot ids of machines, read by a small program that changes nothing. Another boot id is the proof of a reboot."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from katakei.domain.errors import KatakeiError, RejectedError
from katakei.domain.model import Target, TargetId
from katakei.domain.ports import Clock, ProgramRunner

PROGRAM = 'echo "katakei-boot ${KATAKEI_BOOT_ID:-$(cat /proc/sys/kernel/random/boot_id)}"\n'
"""KATAKEI_BOOT_ID names the boot where several machines share a kernel, as the servers of the lab do."""

WITHIN = timedelta(seconds=10)
REPEAT = timedelta(seconds=15)
"""A machine that goes down loses a program, so that it is sent again while an answer is missing."""

TOGETHER = 50
_BOOT = re.compile(r"^katakei-boot ([A-Za-z0-9-]{1,64})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Boot:
    """A boot id, and when the machine was asked for it: it is not older than that."""

    id: str
    asked: datetime


class BootReader:
    """Reads boot ids through a program runner. Answers are collected by later calls; nothing waits."""

    def __init__(self, runner: ProgramRunner, clock: Clock) -> None:
        self._runner, self._clock = runner, clock
        self._asked: dict[TargetId, datetime] = {}
        self._sent: dict[str, tuple[datetime, set[TargetId]]] = {}
        self._boots: dict[TargetId, Boot] = {}
        self.troubles: dict[TargetId, str] = {}

    def read(self, targets: Sequence[Target]) -> None:
        """Collects answers, and asks the targets again whose last question is some time ago.

        Raises:
            NoAnswerError, UnreachableError: Nothing could be asked at all.
        """
        self._collect()
        now = self._clock.now()
        due = [
            each
            for each in targets
            if now - self._asked.get(each.id, datetime.min.replace(tzinfo=now.tzinfo)) >= REPEAT
        ]
        for at in range(0, len(due), TOGETHER):
            some = due[at : at + TOGETHER]
            self._asked |= dict.fromkeys((each.id for each in some), now)
            try:
                self._sent[self._runner.send(PROGRAM, some, WITHIN)] = now, {each.id for each in some}
            except RejectedError as rejected:
                self.troubles |= dict.fromkeys((each.id for each in some), str(rejected))

    def of(self, target: TargetId, since: datetime) -> str | None:
        """The newest boot id that was asked for at this moment or later; None while there is none."""
        boot = self._boots.get(target)
        return boot.id if boot and boot.asked >= since else None

    def _collect(self) -> None:
        for ticket, (asked, waiting) in list(self._sent.items()):
            try:
                heard = self._runner.heard(ticket)
            except KatakeiError:
                continue  # asked again later
            for target in waiting & heard.keys():
                waiting.discard(target)
                self._note(target, heard[target].out, heard[target].why, asked)
            if not waiting or self._clock.now() - asked > 20 * REPEAT:
                del self._sent[ticket]

    def _note(self, target: TargetId, out: str, why: str, asked: datetime) -> None:
        found = _BOOT.search(out)
        if found is None:
            self.troubles[target] = why or "it did not print its boot id"
            return
        self.troubles.pop(target, None)
        before = self._boots.get(target)
        if before is None or before.asked <= asked:
            self._boots[target] = Boot(found[1], asked)
