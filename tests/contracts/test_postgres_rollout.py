"""Whole rollouts over PostgreSQL: killed and carried on, through restarts and outages, and from a restored backup.

The commands, the turns and the journal are the real ones. AWS is the in-memory one of the property tests, and their
judge checks the promises.
"""

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from signal import SIGQUIT

import pytest
from tests.contracts.ledgers import LEDGERS, Ledger, PostgresLedger
from tests.contracts.test_carrying_on import faults
from tests.postgres import fresh_database, program, server
from tests.recording.drivers import Process, StageClock
from tests.recording.situations import PLAIN
from tests.recording.stage import Stage

from katakei.adapters.journals.sql_journal import SqlJournal
from katakei.domain.errors import ExitCode
from katakei.domain.events import OwnerChanged, Started
from katakei.domain.phases import Phase
from katakei.domain.replay import Rollout

pytestmark = pytest.mark.slow


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with LEDGERS["postgres"](tmp_path) as made:
        try:
            yield made
        finally:
            server().start()


def when(number: int) -> Callable[[Rollout], bool]:
    """The rollout has this many events."""
    return lambda state: state.number >= number


def worked(state: Rollout) -> bool:
    """The work on the first target runs."""
    return bool(state.at(Phase.WORKING))


class LongOutage(Stage):
    """PostgreSQL is stopped at a moment of the rollout, and started again after a time of the simulated clock."""

    lasts = timedelta(minutes=5)
    ends: datetime | None = None
    exit_codes = Stage.exit_codes | {ExitCode.UNREACHABLE}

    def begins(self) -> None:
        server().stop()
        self.ends = self.aws.clock.time + self.lasts

    def process(self, *given: object) -> Process:
        process = super().process(*given)  # type: ignore[arg-type]  # as the command line gives them
        process.clock = OutageClock(self, process.clock._between)
        return process


class OutageClock(StageClock):
    def __init__(self, stage: LongOutage, between: Callable[[], None]) -> None:
        super().__init__(stage.aws, between)
        self._stage = stage

    def sleep(self, span: timedelta) -> None:
        super().sleep(span)
        if self._stage.ends is not None and self._stage.aws.clock.time >= self._stage.ends:
            self._stage.ends = None
            server().start()


def check(stage: Stage) -> None:
    """Every target is done, by work that was started once, and no promise was broken."""
    state = stage.now()
    assert len(state.at(Phase.DONE)) == len(state.targets)
    started = [event.key for event in stage.events(stage.rollout) if isinstance(event, Started)]
    assert len(started) == len(set(started)) == len(state.targets)
    assert faults_of(stage) == []


def faults_of(stage: Stage) -> list[str]:
    return faults(stage, ())  # type: ignore[arg-type]  # it needs only what every stage has


def owners(stage: Stage) -> int:
    return sum(isinstance(event, OwnerChanged) for event in stage.events(stage.rollout))


def test_rollout_that_is_killed_again_and_again_is_carried_on(ledger: PostgresLedger, tmp_path: Path) -> None:
    stage = Stage(ledger, tmp_path, "killed", 0)
    stage.roll(PLAIN, dies=when(3))
    for number in (8, 13, 19, 26):
        assert stage.roll(PLAIN, dies=when(number)).code is None
    assert stage.roll(PLAIN).code == ExitCode.DONE
    check(stage)
    assert owners(stage) == 6


@pytest.mark.parametrize("how", ["fast", "crash"])
def test_rollout_goes_on_after_a_restart_of_the_server(ledger: PostgresLedger, tmp_path: Path, how: str) -> None:
    stage = Stage(ledger, tmp_path, "restarted", 0)
    restart = server().restart if how == "fast" else lambda: server().restart(SIGQUIT)
    ran = stage.roll(PLAIN, meanwhile=[(worked, restart), (when(20), restart)])
    assert ran.code == ExitCode.DONE
    check(stage)
    assert owners(stage) == 1


def test_rollout_waits_for_a_server_that_is_down_for_minutes(ledger: PostgresLedger, tmp_path: Path) -> None:
    stage = LongOutage(ledger, tmp_path, "waits", 0)
    ran = stage.roll(PLAIN, meanwhile=[(worked, stage.begins)])
    assert ran.code == ExitCode.DONE
    assert stage.ends is None
    assert re.search(r"journal postgresql://kim@.* cannot be reached .*retrying for", ran.out)
    check(stage)


def test_rollout_is_carried_on_after_an_outage_that_was_too_long(ledger: PostgresLedger, tmp_path: Path) -> None:
    stage = LongOutage(ledger, tmp_path, "gives-up", 0)
    stage.lasts = timedelta(hours=2)
    ran = stage.roll(PLAIN, meanwhile=[(worked, stage.begins)])
    assert ran.code == ExitCode.UNREACHABLE
    assert "cannot be reached" in ran.err
    server().start()
    stage.ends = None
    assert stage.roll(PLAIN).code == ExitCode.DONE
    check(stage)
    assert owners(stage) == 2


@pytest.mark.parametrize("seed", [1, 2])
def test_rollout_survives_connections_lost_at_commit(ledger: PostgresLedger, tmp_path: Path, seed: int) -> None:
    stage = Stage(ledger, tmp_path, "lossy", 0)

    def lose() -> None:
        ledger.late_answers(seed).__enter__()

    ran = stage.roll(PLAIN, meanwhile=[(when(2), lose)])
    ledger.proxy.losses = []
    assert ran.code == ExitCode.DONE
    assert ledger.proxy.commits > 20
    check(stage)


def test_rival_rollout_of_the_group_is_refused(ledger: PostgresLedger, tmp_path: Path) -> None:
    stage = Stage(ledger, tmp_path, "rival", 0)
    stage.exit_codes = Stage.exit_codes | {ExitCode.REFUSED}
    told = []

    def second() -> None:
        stage.name, name = lambda: stage.rollout, stage.name  # type: ignore[method-assign]
        told.append(stage.command("roll", stage.groups[0].name, "--run", "true", "--yes", "--json"))
        stage.name = name  # type: ignore[method-assign]

    assert stage.roll(PLAIN, meanwhile=[(worked, second)]).code == ExitCode.DONE
    assert [ran.code for ran in told] == [ExitCode.REFUSED]
    assert owners(stage) == 1
    check(stage)


def test_backup_is_restored_and_its_rollout_carried_on(ledger: PostgresLedger, tmp_path: Path) -> None:
    """As docs/postgresql.md says: pg_dump of the schema while a rollout runs, and pg_restore into a new database.

    The rollout went on after the backup: the work that the restored journal does not know of is not done once more.
    """
    stage = Stage(ledger, tmp_path, "restored", 0)
    dump = tmp_path / "katakei.dump"

    def backup() -> None:
        command = [program("pg_dump"), "--format=custom", "--schema=katakei", f"--file={dump}", ledger.url]
        subprocess.run(command, check=True, timeout=60)

    stage.roll(PLAIN, dies=lambda state: len(state.at(Phase.DONE)) == 2, meanwhile=[(worked, backup)])
    before = stage.events(stage.rollout)
    with fresh_database() as other:
        plain = other.replace(f":{server().password}@", "@")
        restore = [program("pg_restore"), "--exit-on-error", "--no-owner", f"--dbname={plain}", str(dump)]
        subprocess.run(restore, check=True, timeout=60)
        ledger.moved(plain)
        restored = stage.events(stage.rollout)
        assert restored == before[: len(restored)]
        assert len(restored) < len(before)
        assert stage.roll(PLAIN).code == ExitCode.DONE
        check(stage)
        with closing(SqlJournal(other)) as journal:
            assert [header.rollout for header in journal.find()] == [stage.rollout]
