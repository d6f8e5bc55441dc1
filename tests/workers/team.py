"""A team of worker processes over one PostgreSQL and one shared environment, as the tests start, kill and watch it."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from tests.postgres import fresh_database, server
from tests.properties.builders import seconds
from tests.unit.given import a_group, a_plan
from tests.workers.environment import DELAY, Act, Environment, renamed, served

from katakei.adapters.journals.locations import postgres_location_of
from katakei.adapters.journals.postgres.upgrade import upgrade
from katakei.adapters.journals.sql_journal import SqlJournal, SqlLeases
from katakei.adapters.system.clock import SystemClock
from katakei.adapters.system.process import current_owner
from katakei.domain import events as e
from katakei.domain.leases import Owner
from katakei.domain.model import RolloutId
from katakei.domain.plan import Plan
from katakei.domain.replay import Rollout, replay
from katakei.domain.spec import Check, Drain
from katakei.workers.database import Database
from katakei.workers.job_queue import JobQueue

LONG = 240.0
"""Seconds that anything is waited for: the machine may be busy."""


@contextmanager
def fresh_journal() -> Iterator[str]:
    """A database with the schema of this version."""
    with fresh_database() as url:
        location = postgres_location_of(url)
        assert location is not None
        upgrade(location)
        yield url


@dataclass
class Member:
    """One worker process."""

    name: str
    process: "subprocess.Popen[str]"
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid


class Team:
    """The database, the environment and the processes."""

    def __init__(self, url: str, environment: Environment, address: tuple[str, int, str], folder: Path) -> None:
        self.url, self.environment, self._address, self._folder = url, environment, address, folder
        self.journal, self._leases = SqlJournal(url), SqlLeases(url)
        self._database = Database(url)
        self.queue = JobQueue(self._database)
        self.members: list[Member] = []
        self.plans: list[Plan] = []
        self._clock = SystemClock()
        self.restarted = 0.0

    def now(self) -> datetime:
        return self._clock.now()

    def restart_database(self) -> None:
        server().restart()
        self.restarted = time.monotonic()

    # -- rollouts

    def plan(self, number: int, targets: int = 2) -> Plan:
        plan = a_plan(targets, drain=Drain(settle=seconds(1)), check=Check(asked=False), soak=seconds(1))
        [group] = plan.groups
        return renamed(replace(plan, groups=(replace(a_group("web0"), arn=group.arn, delay=seconds(DELAY)),)), number)

    def begin(self, number: int, targets: int = 2) -> RolloutId:
        """Records a rollout as a server does, and offers it to the workers."""
        plan = self.plan(number, targets)
        self.environment.add(plan)
        self.plans.append(plan)
        server = replace(current_owner(), nonce=f"server-{number}")
        lease = self._leases.take(frozenset(group.arn for group in plan.groups), server, plan.rollout)
        self.journal.append(lease, plan.rollout, 0, [e.Planned(self._clock.now(), plan)])
        self._leases.release(lease)
        self.queue.adopt(plan.rollout)
        return plan.rollout

    def events(self, rollout: RolloutId) -> Sequence[e.Event]:
        return self.journal.read(rollout, 0)

    def state(self, rollout: RolloutId) -> Rollout:
        return replay(self.events(rollout))

    def owners(self, rollout: RolloutId) -> list[Owner]:
        """Everyone who drove it, one entry for each time that the lease changed hands."""
        return [event.owner for event in self.events(rollout) if isinstance(event, e.OwnerChanged)]

    def driver(self, rollout: RolloutId) -> Member | None:
        """The process that drives it now."""
        for group in self.state(rollout).plan.groups:
            holder = self._leases.holder(group.arn)
            if holder:
                return next((each for each in self.members if each.pid == holder.owner.pid), None)
        return None

    def tell(self, rollout: RolloutId, word: e.UserCommand) -> None:
        self.journal.tell(rollout, word)
        self.queue.wake(rollout)

    def acts(self, rollout: RolloutId, member: Member | None = None, since: float = 0.0) -> list[Act]:
        return self.environment.acts_of(rollout, member.pid if member else None, since)

    # -- processes

    def start(self, name: str) -> Member:
        log = self._folder / f"{name}.log"
        host, port, key = self._address
        words = [sys.executable, "-m", "tests.workers.worker_process", self.url, host, str(port), key, name]
        with log.open("w") as out:
            process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=out, text=True)
        member = Member(name, process, log)
        self.members.append(member)
        return member

    def ready(self, *members: Member) -> None:
        for member in members:
            assert member.process.stdout is not None
            assert member.process.stdout.readline() == "ready\n", member.log.read_text()

    def kill(self, member: Member) -> None:
        """kill -9."""
        member.process.kill()
        member.process.wait(LONG)
        self._gone(member)

    def terminate(self, member: Member) -> float:
        """SIGTERM. Returns how many seconds the process took to end."""
        began = time.monotonic()
        member.process.terminate()
        assert member.process.wait(LONG) == 0, member.log.read_text()[-3000:]
        self._gone(member)
        return time.monotonic() - began

    def stop(self, member: Member) -> None:
        os.kill(member.pid, signal.SIGSTOP)

    def go_on(self, member: Member) -> None:
        os.kill(member.pid, signal.SIGCONT)

    def end(self) -> None:
        for member in list(self.members):
            with suppress(ProcessLookupError):
                self.go_on(member)
                member.process.kill()
            member.process.wait(LONG)
            self._gone(member)
        self.journal.close()
        self._leases.close()
        self._database.close()

    def random_member(self, rng: random.Random) -> Member:
        return rng.choice(self.members)

    def _gone(self, member: Member) -> None:
        self.members.remove(member)
        if member.process.stdout:
            member.process.stdout.close()

    # -- waiting

    def until(self, condition: Callable[[], bool], within: float = LONG) -> float:
        """Waits until the condition holds. Returns how many seconds that took."""
        began = time.monotonic()
        while not self._holds(condition):
            assert time.monotonic() - began < within, self.logs()
            time.sleep(0.1)
        return time.monotonic() - began

    def finished(self, *rollouts: RolloutId) -> Callable[[], bool]:
        return lambda: all(self.state(rollout).finished for rollout in rollouts)

    def logs(self) -> str:
        return "\n".join(f"== {path.name}\n{path.read_text()[-4000:]}" for path in sorted(self._folder.glob("*.log")))

    def jobs(self, rollout: RolloutId) -> list[tuple[str, str]]:
        """The task and the status of each job of a rollout."""
        with psycopg.connect(self.url, options="-c search_path=katakei") as connection:
            query = "SELECT task_name, status::text FROM procrastinate_jobs WHERE lock = %s"
            return connection.execute(query, [rollout]).fetchall()

    def ask(self, query: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        """Rows of the journal's tables; cheaper than reading every event of many rollouts again and again."""
        with psycopg.connect(self.url, options="-c search_path=katakei", connect_timeout=10) as connection:
            return connection.execute(query, values).fetchall()

    def owner_counts(self) -> dict[RolloutId, int]:
        """How often the lease of each rollout changed hands."""
        taken = """SELECT rollout, count(*) FROM events WHERE event LIKE '%%"Taken"%%' GROUP BY rollout"""
        return {RolloutId(rollout): number for rollout, number in self.ask(taken)}

    def unfinished(self) -> set[RolloutId]:
        return {RolloutId(rollout) for (rollout,) in self.ask("SELECT rollout FROM rollouts WHERE finished IS NULL")}

    def driven_by(self, member: Member) -> set[RolloutId]:
        held = self.ask("SELECT rollout FROM leases WHERE held AND pid = %s", member.pid)
        return {RolloutId(rollout) for (rollout,) in held}

    def turns_taken(self) -> int:
        """How many jobs of turns there have been, at least: all jobs without the few others."""
        with psycopg.connect(self.url, options="-c search_path=katakei") as connection:
            row = connection.execute("SELECT last_value FROM procrastinate_jobs_id_seq").fetchone()
            return int(row[0]) if row else 0

    @staticmethod
    def _holds(condition: Callable[[], bool]) -> bool:
        try:
            return condition()
        except Exception as error:  # the database may restart meanwhile
            if "Assertion" in type(error).__name__:
                raise
            return False


@contextmanager
def team() -> Iterator[Team]:
    """A team without members yet; ended at the end."""
    environment = Environment()
    with fresh_journal() as url, served(environment) as address, tempfile.TemporaryDirectory() as folder:
        made = Team(url, environment, address, Path(folder))
        try:
            yield made
        finally:
            made.end()
