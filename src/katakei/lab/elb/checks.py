"""The health checker: every checkable registration on its own schedule, in one thread, each check a task of its own.

A slow answer never shifts the schedule; what a result means is decided by `states`.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from katakei.lab import clock
from katakei.lab.elb import states
from katakei.lab.elb.api_targets import health_check_port
from katakei.lab.elb.probe import Aim, probe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from katakei.lab.elb.group import Group, Key, Registration
    from katakei.lab.elb.truth import Truth

EVERY = 0.05  # seconds between two looks at the schedule
Due = tuple[str, "Key"]


class Checker:
    """Checks the targets of all groups of a truth while it runs."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self._next: dict[Due, tuple[datetime, datetime]] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="health-checks", daemon=True)

    def start(self) -> None:
        """Begin to check."""
        self._thread.start()

    def close(self) -> None:
        """No check is under way when this returns."""
        self._over.set()
        self._thread.join(10)

    def due(self, now: datetime) -> list[tuple[Due, Aim]]:
        """What must be checked now; the next turn of each is fixed by this one, not by its answer."""
        found = []
        seen = set()
        with self._truth.held():
            for group, r in self._checkable(now):
                name = (group.arn, r.key)
                seen.add(name)
                since, at = self._next.get(name, (None, now))
                first = r.since + self._truth.switches.propagation
                if since != r.since:
                    at = first
                if at <= now:
                    found.append((name, self._aim(group, r)))
                    at = max(at + group.check.interval, now) if since == r.since else now + group.check.interval
                self._next[name] = (r.since, at)
            self._next = {name: at for name, at in self._next.items() if name in seen}
        return found

    def _checkable(self, now: datetime) -> Iterator[tuple[Group, Registration]]:
        for group in self._truth.groups():
            for r in group.registrations.values():
                if states.checkable(group, r, now) and r.key.port is not None:
                    yield group, r

    def _aim(self, group: Group, r: Registration) -> Aim:
        api_port = int(health_check_port(group, r.key) or 0)
        door = self._truth.world.door(r.key.id, api_port)
        users = self._truth.balancers_of(group.arn)
        source = self._truth.balancers[users[0]].node if users else None
        return Aim(door, f"{door.address}:{api_port}", group.check, source, grpc=group.version == "GRPC")

    def _run(self) -> None:
        asyncio.run(self._loop())

    async def _loop(self) -> None:
        tasks: set[asyncio.Task[None]] = set()
        while not self._over.is_set():
            for (arn, key), aim in self.due(clock.now()):
                task = asyncio.create_task(self._check(arn, key, aim))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            await clock.pause(EVERY)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _check(self, arn: str, key: Key, aim: Aim) -> None:
        begun = clock.now()
        result = await probe(aim)
        self._truth.checked(arn, key, result, begun)
