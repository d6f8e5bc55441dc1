"""The katakei processes of one rollout, and the rules that they must keep among each other.

Every process runs in a session of its own, so that ending one ends no other.
"""

import os
import signal
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.command import Katakei, Running

from katakei.lab import clock, reaper

OWNER_COMMANDS = {"roll", "abort", "resume", "retry", "revert"}
"""Commands that may become the owner of the rollout if it has none."""
QUERY_TIMEOUT = 60.0


@dataclass(slots=True)
class CliCommand:
    """One process. `disturbed` means that a fault or a frozen process may have slowed it down."""

    args: tuple[str, ...]
    process: Running
    started: float
    frozen: bool = False
    disturbed: bool = False
    ended: float | None = None
    signals: list[str] = field(default_factory=list)  # names of the signals that it was sent

    @property
    def code(self) -> int | None:
        """The exit code; None while it runs."""
        return self.process.process.poll()

    @property
    def pid(self) -> int:
        """The process id, which is also its process group."""
        return self.process.process.pid


class ProcessGroup:
    """All processes of one rollout, in one folder with one journal."""

    def __init__(self, folder: Path, env: Mapping[str, str], journal: str) -> None:
        self._katakei = Katakei(folder, {**env, "XDG_STATE_HOME": str(folder)})
        self._journal = ("--journal", journal)
        self._file = journal
        self._lock: sqlite3.Connection | None = None
        self.commands: list[CliCommand] = []

    def start(self, *args: str, **env: str) -> CliCommand:
        """Start a command in the background."""
        command = CliCommand(args, self._katakei.start(*args, *self._journal, **env), clock.monotonic())
        self.commands.append(command)
        return command

    def running_commands(self, *commands: str) -> list[CliCommand]:
        """Returns the running processes, frozen ones included; only those of the given commands, if any."""
        return [m for m in self.commands if m.code is None and (not commands or m.args[0] in commands)]

    def signal(self, number: signal.Signals) -> list[CliCommand]:
        """Send a signal to every process that may own the rollout. Returns those processes."""
        hit = self.running_commands(*OWNER_COMMANDS)
        for command in hit:
            command.process.tell(number)
            command.signals.append(number.name)
            command.frozen = number is signal.SIGSTOP or (command.frozen and number is not signal.SIGCONT)
        return hit

    def rollouts(self) -> list[dict[str, Any]]:
        """Returns the output of `katakei list`, newest rollout first."""
        return list(self._katakei("list", "--json", *self._journal, within=QUERY_TIMEOUT).data["rollouts"])

    def shown(self, rollout: str) -> dict[str, Any]:
        """Returns the output of `katakei show`."""
        return dict(self._katakei("show", rollout, "--json", *self._journal, within=QUERY_TIMEOUT).data)

    def exit_code(self, rollout: str) -> int:
        """Returns the exit code of `katakei wait` for a rollout."""
        return self._katakei("wait", rollout, "--timeout", "1", *self._journal, within=90).code

    def freezes(self, word: str, group: str) -> bool:
        """Runs `freeze` or `unfreeze` to its end. Returns whether it succeeded."""
        return self._katakei(word, group, *self._journal, within=QUERY_TIMEOUT).code == 0

    @property
    def journal_is_slow(self) -> bool:
        """Whether every append waits."""
        return self._lock is not None

    def slow_journal(self) -> bool:
        """Makes every append wait, by a lock as another writer has it. Returns False when another writer has it."""
        if self._lock is None and Path(self._file).exists():
            lock = sqlite3.connect(self._file, timeout=1, isolation_level=None)
            try:
                lock.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                lock.close()
            else:
                self._lock = lock
        return self._lock is not None

    def quick_journal(self) -> None:
        """Lets appends go on."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def leftovers(self) -> Iterator[str]:
        """Yields a message for each ended command that left processes behind.

        Its own number may be that of another process by now, which then leads a group of its own.
        """
        for command in self.commands:
            left = reaper.group_members(command.pid) if command.code is not None else set()
            if left and command.pid not in left:
                yield f"{' '.join(command.args)} has ended and left processes: {sorted(left)}"

    def close(self) -> None:
        """End all processes."""
        self.quick_journal()
        self._katakei.close()


REFUSED_WITHIN = 2.0
"""Seconds until a second owner must be refused, on a machine that is not overloaded."""


def refusal_limit() -> float:
    """Returns the limit, scaled by the load of the machine."""
    return REFUSED_WITHIN * max(1.0, 2 * os.getloadavg()[0] / (os.cpu_count() or 1))


def simultaneous_owners(running: Sequence[CliCommand], now: float) -> list[str]:
    """Returns a message if two undisturbed owners have run at the same time for too long."""
    calm = [command for command in running if not command.disturbed]
    latest = max((command.started for command in calm), default=now)
    if len(calm) < 2 or now - latest <= refusal_limit():
        return []
    names = " and ".join(f"{command.args[0]} (pid {command.pid})" for command in calm)
    return [f"{names} have both been at work for {now - latest:.1f} s"]


def refusal_times(commands: Sequence[CliCommand]) -> list[float]:
    """Returns how many seconds each refused, undisturbed command took."""
    calm = [command for command in commands if command.code == 4 and not command.disturbed and not command.signals]
    return [command.ended - command.started for command in calm if command.ended]
