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

DRIVES = {"roll", "abort", "resume", "retry", "revert"}
"""Commands that may become the one that drives the rollout, where nobody does."""
SAYING = 60.0


@dataclass(slots=True)
class Member:
    """One process. `troubled`: while it ran something went wrong that can hold it up, or somebody was frozen."""

    words: tuple[str, ...]
    process: Running
    born: float
    frozen: bool = False
    troubled: bool = False
    ended: float | None = None
    told: list[str] = field(default_factory=list)  # what was done to it

    @property
    def code(self) -> int | None:
        """None while it runs."""
        return self.process.process.poll()

    @property
    def pid(self) -> int:
        """Also its process group."""
        return self.process.process.pid


class Crew:
    """All of them, in one folder with one journal."""

    def __init__(self, folder: Path, env: Mapping[str, str], journal: str) -> None:
        self._katakei = Katakei(folder, {**env, "XDG_STATE_HOME": str(folder)})
        self._journal = ("--journal", journal)
        self.members: list[Member] = []

    def start(self, *words: str, **env: str) -> Member:
        """A command that runs beside us."""
        member = Member(words, self._katakei.start(*words, *self._journal, **env), clock.monotonic())
        self.members.append(member)
        return member

    def living(self, *commands: str) -> list[Member]:
        """Those that run, frozen ones too; of these commands, if any is given."""
        return [m for m in self.members if m.code is None and (not commands or m.words[0] in commands)]

    def signal(self, number: signal.Signals) -> list[Member]:
        """To everyone that may drive the rollout."""
        hit = self.living(*DRIVES)
        for member in hit:
            member.process.tell(number)
            member.told.append(number.name)
            member.frozen = number is signal.SIGSTOP or (member.frozen and number is not signal.SIGCONT)
        return hit

    def rollouts(self) -> list[dict[str, Any]]:
        """As `katakei list` tells them, newest first."""
        return list(self._katakei("list", "--json", *self._journal, within=SAYING).data["rollouts"])

    def shown(self, rollout: str) -> dict[str, Any]:
        """As `katakei show` tells it."""
        return dict(self._katakei("show", rollout, "--json", *self._journal, within=SAYING).data)

    def asked_again(self, rollout: str) -> int:
        """The exit code that `katakei wait` knows for it."""
        return self._katakei("wait", rollout, "--timeout", "1", *self._journal, within=90).code

    def left_over(self) -> Iterator[str]:
        """What still runs of those that have ended."""
        for member in self.members:
            if member.code is not None and (left := reaper.group_members(member.pid)):
                yield f"{' '.join(member.words)} has ended and left processes: {sorted(left)}"

    def close(self) -> None:
        """Nothing of it runs any more."""
        self._katakei.close()


REFUSED_WITHIN = 2.0
"""Seconds, on a machine with a processor for everyone."""


def patience() -> float:
    """As much longer as there are more processes than processors for them."""
    return REFUSED_WITHIN * max(1.0, 2 * os.getloadavg()[0] / (os.cpu_count() or 1))


def together(living: Sequence[Member], now: float) -> list[str]:
    """Who has been beside another one for too long; trouble may hold anybody up."""
    calm = [member for member in living if not member.troubled]
    latest = max((member.born for member in calm), default=now)
    if len(calm) < 2 or now - latest <= patience():
        return []
    names = " and ".join(f"{member.words[0]} (pid {member.pid})" for member in calm)
    return [f"{names} have both been at work for {now - latest:.1f} s"]


def refusals(members: Sequence[Member]) -> list[float]:
    """Seconds that those took which were refused although nothing was wrong."""
    calm = [member for member in members if member.code == 4 and not member.troubled and not member.told]
    return [member.ended - member.born for member in calm if member.ended]
