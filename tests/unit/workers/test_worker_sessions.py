"""The sessions of workers that share one store and one queue: which turn counts, who owns a rollout, how each ends."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, cast

import pytest
from tests.properties.builders import seconds
from tests.unit.app.fakes import ME, OTHER, SPEC, Stage, started
from tests.unit.workers.memory_queue import MemoryQueue

from katakei.app.dispatch import REFUSED_PAUSE, SessionDrivers
from katakei.app.rollouts import RolloutRequest, Rollouts
from katakei.domain import events as e
from katakei.domain.errors import NoAnswerError, RefusedError
from katakei.domain.leases import Owner
from katakei.domain.model import RolloutId
from katakei.domain.plan import Plan
from katakei.domain.replay import replay
from katakei.runtime.lease_watch import SWEEP_INTERVAL
from katakei.runtime.session import RolloutSession
from katakei.runtime.session_host import FIRST_PAUSE
from katakei.workers.job_queue import TurnJob
from katakei.workers.worker_sessions import OVERDUE, SessionSource, WorkerSessions

ID = RolloutId("r-new")
FIRST, SECOND = "katakei.first", "katakei.second"
NOBODY: frozenset[Any] = frozenset()


@dataclass
class Team:
    """Two workers whose engines do not run: the test hands out their jobs."""

    stage: Stage
    queue: MemoryQueue = field(default_factory=MemoryQueue)
    refuses: str = ""
    nudges: list[timedelta] = field(default_factory=list)
    closed: int = 0

    def __post_init__(self) -> None:
        self.first, self.second = self.worker(FIRST, ME), self.worker(SECOND, OTHER)

    def worker(self, queue: str, owner: Owner) -> WorkerSessions:
        mine = self.stage.drivers_of(owner)

        def drivers_of(_plan: Plan) -> SessionDrivers:
            if self.refuses:
                raise RefusedError(self.refuses)
            drivers: Any = copy.copy(mine)
            drivers.close = self._closes
            return cast("SessionDrivers", drivers)

        source = SessionSource(mine.journal, mine.leases, mine.clock, drivers_of)
        jobs: Any = self.queue
        return WorkerSessions(source, jobs, queue, mine.pool, nudge=self.nudges.append)

    def _closes(self) -> None:
        self.closed += 1

    def begin(self) -> None:
        """Records the rollout as a server does, which gives the lease back."""
        started(self.stage).close()

    def turn(self) -> TurnJob:
        """Waits until the pending turn is due, and gives its job to the worker that has the queue."""
        queue, job, delay = self.queue.turns.pop(ID)
        self.stage.clock.sleep(delay)
        (self.first if queue == FIRST else self.second).turn(job)
        return job

    @property
    def owners(self) -> int:
        return sum(isinstance(event, e.OwnerChanged) for event in self.stage.events())


@pytest.fixture
def team() -> Iterator[Team]:
    made = Team(Stage())
    made.begin()
    yield made
    for worker in (made.first, made.second):
        worker.close(timedelta())


def test_20_turns_beside_two_workers_write_one_owner(team: Team) -> None:
    """Both sweep, both get each offer, and both get each turn twice."""
    for _ in range(20):
        for worker in (team.first, team.second):
            worker.sweep()
            worker.adopt(ID, team.queue.offers.get(ID, NOBODY))
        job = team.turn()
        before = len(team.stage.events())
        for worker in (team.first, team.second):
            worker.turn(job)
        assert len(team.stage.events()) == before
    assert team.owners == 1
    assert len({number for _, job, _ in team.queue.turns.values() for number in [job.number]}) == 1


def test_a_rollout_is_driven_to_its_end_by_turns_alone(team: Team) -> None:
    turns = []
    team.first.host.listen(lambda rollout, _turn: turns.append(rollout))
    team.first.adopt(ID, NOBODY)
    numbers = []
    while ID in team.queue.turns:
        numbers.append(team.turn().number)
    assert replay(team.stage.events()).finished
    assert numbers == list(range(1, len(numbers) + 1))
    assert (turns, team.owners, team.closed) == ([ID] * len(numbers), 1, 1)
    assert list(team.first.host.rollouts()) == []
    assert not team.stage.store.holders


def test_a_turn_that_is_not_the_newest_takes_none(team: Team) -> None:
    """Its job was fetched twice, or waited while another was scheduled in its place."""
    team.first.adopt(ID, NOBODY)
    job = team.turn()
    newest = team.queue.turns[ID]
    before = len(team.stage.changes), len(team.stage.events())
    for old in (job, replace(newest[1], epoch=newest[1].epoch - 1), replace(newest[1], number=newest[1].number + 1)):
        team.first.turn(old)
    assert (len(team.stage.changes), len(team.stage.events())) == before
    assert team.queue.turns[ID] == newest


def test_a_lost_lease_ends_the_turns_of_its_worker(team: Team) -> None:
    team.first.adopt(ID, NOBODY)
    team.turn()
    team.stage.store.dead.add(ME)
    team.second.adopt(ID, NOBODY)
    assert team.queue.turns[ID][0] == SECOND
    late = team.queue.turns.pop(ID)
    team.first.turn(team.first._newest[ID])
    assert (ID in team.queue.turns, list(team.first.host.rollouts())) == (False, [])
    assert team.first._newest == {}
    team.queue.turns[ID] = late
    team.turn()
    assert team.owners == 2
    assert team.queue.adopted_by == [(ID, team.stage.store.epoch - 1), (ID, late[1].epoch)]
    assert late[1].epoch == team.stage.store.epoch


def test_wake_hastens_only_what_the_worker_has(team: Team) -> None:
    team.first.adopt(ID, NOBODY)
    team.nudges.clear()
    team.second.wake(ID)
    assert (team.queue.hastened, team.nudges) == ([], [])
    team.first.wake(ID)
    assert (team.queue.hastened, team.nudges) == ([ID], [timedelta()])


def test_100_words_of_people_schedule_no_turn(team: Team) -> None:
    team.first.adopt(ID, NOBODY)
    team.turn()
    pending = team.queue.turns[ID]
    for _ in range(100):
        team.stage.drivers.journal.tell(ID, e.PauseAsked(team.stage.clock.now(), "kim"))
        team.first.wake(ID)
    assert team.queue.turns[ID] == pending
    team.turn()
    assert replay(team.stage.events()).paused
    assert team.owners == 1


def test_sweep_offers_what_nobody_drives_once_in_a_while(team: Team) -> None:
    """Sweeps may follow each other at once, and an adoption takes a moment."""
    team.first.sweep()
    team.first.sweep()
    assert team.queue.offered == [ID]
    team.stage.clock.sleep(SWEEP_INTERVAL)
    team.first.sweep()
    assert team.queue.offered == [ID, ID]
    team.second.adopt(ID, NOBODY)
    team.stage.clock.sleep(SWEEP_INTERVAL)
    team.first.sweep()
    team.second.sweep()
    assert team.queue.offered == [ID, ID]


def test_an_offer_without_an_answer_is_repeated_at_once(team: Team) -> None:
    adopt, team.queue.adopt = team.queue.adopt, _silent  # type: ignore[method-assign, assignment]  # no job
    with pytest.raises(NoAnswerError):
        team.first.sweep()
    team.queue.adopt = adopt  # type: ignore[method-assign]  # as it was
    team.first.sweep()
    assert team.queue.offered == [ID]


def test_a_lost_turn_gets_a_new_job(team: Team) -> None:
    team.first.adopt(ID, NOBODY)
    team.turn()
    lost = team.queue.turns[ID][1]
    team.stage.clock.sleep(team.queue.turns[ID][2] + OVERDUE)
    team.queue.lost = True
    team.first.sweep()
    assert team.queue.turns[ID][1] == lost  # not overdue yet
    team.stage.clock.sleep(seconds(1))
    team.first.sweep()
    assert team.queue.turns[ID] == (FIRST, replace(lost, number=lost.number + 1), timedelta())
    before = len(team.stage.events())
    team.first.turn(lost)
    assert len(team.stage.events()) == before
    team.turn()
    assert ID in team.queue.turns


def test_a_queue_without_an_answer_does_not_end_a_turn(team: Team) -> None:
    team.first.adopt(ID, NOBODY)
    schedule, team.queue.schedule = team.queue.schedule, _silent  # type: ignore[method-assign, assignment]  # no job
    team.turn()
    team.queue.schedule = schedule  # type: ignore[method-assign]  # as it was
    team.queue.lost = True
    team.stage.clock.sleep(OVERDUE + seconds(20))
    team.first.sweep()
    team.turn()
    assert (ID in team.queue.turns, team.owners) == (True, 1)


def test_a_refused_rollout_is_left_alone_for_a_minute(team: Team) -> None:
    team.refuses = "work: local is not allowed here"
    team.first.adopt(ID, NOBODY)
    assert team.first.refused() == {ID: "work: local is not allowed here"}
    team.refuses = ""
    team.first.sweep()
    team.first.adopt(ID, NOBODY)
    assert (team.queue.offered, team.queue.turns) == ([], {})
    team.stage.clock.sleep(REFUSED_PAUSE)
    team.first.sweep()
    team.first.adopt(ID, NOBODY)
    assert (team.queue.offered, list(team.queue.turns), team.first.refused()) == ([ID], [ID], {})


def test_what_a_person_interrupted_is_left(team: Team) -> None:
    session = Rollouts(team.stage.drivers).open(RolloutRequest(SPEC, "v2", as_recorded=True))
    assert isinstance(session, RolloutSession)
    with session:
        session.interrupt("SIGINT")
        session.step()
    team.first.adopt(ID, NOBODY)
    for _ in range(3):
        team.stage.clock.sleep(SWEEP_INTERVAL)
        team.first.sweep()
    assert (team.queue.offered, team.queue.turns) == ([], {})
    team.stage.drivers.journal.tell(ID, e.ResumeAsked(team.stage.clock.now(), "kim"))
    team.first.sweep()
    assert team.queue.offered == [ID]


def test_close_gives_the_lease_back_and_offers_the_rollout(team: Team) -> None:
    team.first.adopt(ID, NOBODY)
    team.turn()
    before = len(team.stage.events())
    assert team.first.close(seconds(10)) == [ID]
    assert (team.stage.store.holders, len(team.stage.events())) == ({}, before)
    assert (team.queue.left, team.queue.offered) == ([FIRST], [ID])
    team.first.turn(team.queue.turns[ID][1])
    assert len(team.stage.events()) == before
    team.second.adopt(ID, NOBODY)
    team.turn()
    assert not any(isinstance(event, e.Interrupted) for event in team.stage.events())
    assert team.owners == 2


def test_a_broken_session_returns_with_another_epoch(team: Team) -> None:
    """Jobs of the session before take no turn in the new one."""
    team.first.adopt(ID, NOBODY)
    session = team.first.host._hosted[ID].session
    assert session is not None
    session._runner.turn = _silent  # type: ignore[method-assign, assignment]  # any fault
    broken = team.turn()
    assert not team.stage.store.holders
    assert team.queue.turns[ID][2] == FIRST_PAUSE
    opening = team.turn()
    newest = team.queue.turns[ID][1]
    assert (opening.epoch, newest.epoch > broken.epoch) == (broken.epoch, True)
    team.turn()
    assert team.owners == 1  # the first session wrote nothing


def _silent(*_: object) -> None:
    raise NoAnswerError("no answer")
