"""The processes of one rollout: who drives it, who tries to, and what people say. It obeys; it decides nothing.

Every process is started in a session of its own, so that ending one ends no other.
"""

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.command import Katakei, Running

from katakei.lab import clock, reaper

OWNER_COMMANDS = {"roll", "abort", "resume", "retry", "revert"}
"""Commands that may become the one that drives the rollout, where nobody does."""
QUERY_TIMEOUT = 60.0


@dataclass(slots=True)
class CliCommand:
    """One process. `troubled`: while it ran something went wrong that can hold it up, or somebody was frozen."""

    args: tuple[str, ...]
    process: Running
    started: float
    frozen: bool = False
    disturbed: bool = False
    ended: float | None = None
    signals: list[str] = field(default_factory=list)  # what was done to it

    @property
    def code(self) -> int | None:
        """None while it runs."""
        return self.process.process.poll()

    @property
    def pid(self) -> int:
        """Also its process group."""
        return self.process.process.pid


class ProcessGroup:
    """All of them, in one folder with one journal."""

    def __init__(self, folder: Path, env: Mapping[str, str], journal: str) -> None:
        self._katakei = Katakei(folder, {**env, "XDG_STATE_HOME": str(folder)})
        self._journal = ("--journal", journal)
        self.commands: list[CliCommand] = []

    def start(self, *args: str, **env: str) -> CliCommand:
        """A command that runs beside us."""
        command = CliCommand(args, self._katakei.start(*args, *self._journal, **env), clock.monotonic())
        self.commands.append(command)
        return command

    def running_commands(self, *commands: str) -> list[CliCommand]:
        """Those that run, frozen ones too; of these commands, if any is given."""
        return [m for m in self.commands if m.code is None and (not commands or m.args[0] in commands)]

    def signal(self, number: signal.Signals) -> list[CliCommand]:
        """To everyone that may drive the rollout."""
        hit = self.running_commands(*OWNER_COMMANDS)
        for command in hit:
            command.process.tell(number)
            command.signals.append(number.name)
            command.frozen = number is signal.SIGSTOP or (command.frozen and number is not signal.SIGCONT)
        return hit

    def rollouts(self) -> list[dict[str, Any]]:
        """As `katakei list` tells them, newest first."""
        return list(self._katakei("list", "--json", *self._journal, within=QUERY_TIMEOUT).data["rollouts"])

    def shown(self, rollout: str) -> dict[str, Any]:
        """As `katakei show` tells it."""
        return dict(self._katakei("show", rollout, "--json", *self._journal, within=QUERY_TIMEOUT).data)

    def exit_code(self, rollout: str) -> int:
        """The exit code that `katakei wait` knows for it."""
        return self._katakei("wait", rollout, "--timeout", "1", *self._journal, within=90).code

    def leftovers(self) -> Iterator[str]:
        """What still runs of those that have ended."""
        for command in self.commands:
            if command.code is not None and (left := reaper.group_members(command.pid)):
                yield f"{' '.join(command.args)} has ended and left processes: {sorted(left)}"

    def close(self) -> None:
        """Nothing of it runs any more."""
        self._katakei.close()


REFUSED_WITHIN = 2.0
"""Seconds, on a machine with a processor for everyone."""


def refusal_limit() -> float:
    """As much longer as there are more processes than processors for them."""
    return REFUSED_WITHIN * max(1.0, 2 * os.getloadavg()[0] / (os.cpu_count() or 1))


def simultaneous_owners(running: Sequence[CliCommand], now: float) -> list[str]:
    """Who has been beside another one for too long; trouble may hold anybody up."""
    calm = [command for command in running if not command.disturbed]
    latest = max((command.started for command in calm), default=now)
    if len(calm) < 2 or now - latest <= refusal_limit():
        return []
    names = " and ".join(f"{command.args[0]} (pid {command.pid})" for command in calm)
    return [f"{names} have both been at work for {now - latest:.1f} s"]


def refusal_times(commands: Sequence[CliCommand]) -> list[float]:
    """Seconds that those took which were refused although nothing was wrong."""
    calm = [command for command in commands if command.code == 4 and not command.disturbed and not command.signals]
    return [command.ended - command.started for command in calm if command.ended]
