"""The inline dispatch: many sessions in one process, picked up, woken, broken alone, and given back at the end."""

import copy
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar, cast

import pytest
from tests.properties.builders import group, seconds, target
from tests.properties.simulated_aws import NOON, HealthChange
from tests.unit.app.fakes import ME, OTHER, REQUEST, SPEC, Stage, started
from tests.unit.given import a_plan

from katakei.app.control import Control, Delegated
from katakei.app.dispatch import REFUSED_PAUSE, InlineDispatch, SessionDrivers
from katakei.app.rollouts import Rollouts
from katakei.domain import events as e
from katakei.domain.errors import LeaseHeldError, RefusedError, UnreachableError
from katakei.domain.model import RolloutId
from katakei.domain.observation import HealthState
from katakei.domain.plan import Floor, Plan
from katakei.domain.replay import replay
from katakei.runtime.session import RolloutSession
from katakei.runtime.session_host import FIRST_PAUSE

ID = RolloutId("r-new")
T = TypeVar("T")
WAIT = 30.0
"""Seconds: the bound of waits for threads."""


class Here:
    """A pool that runs each call at once, in the thread of the test."""

    def submit(self, work: Callable[[], T], /) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(work())
        except Exception as error:  # noqa: BLE001 - what a pool does
            future.set_exception(error)
        return future


@dataclass
class Server:
    """A dispatch over the simulated AWS whose threads do not run: the test takes its turns and sweeps."""

    stage: Stage
    refuses: str = ""
    opened: list[RolloutId] = field(default_factory=list)
    closed: int = 0

    def __post_init__(self) -> None:
        drivers = self.stage.drivers
        self.dispatch = InlineDispatch(drivers.journal, drivers.leases, drivers.clock, self.drivers, threads=1)
        self.dispatch.host._pool = Here()

    def drivers(self, plan: Plan) -> SessionDrivers:
        if self.refuses:
            raise RefusedError(self.refuses)
        self.opened.append(plan.rollout)
        drivers: Any = copy.copy(self.stage.drivers)
        drivers.close = self.closes
        return cast("SessionDrivers", drivers)

    def closes(self) -> None:
        self.closed += 1

    def turns(self, span: float) -> None:
        """Every turn that is due in this many seconds."""
        until = self.stage.clock.now() + seconds(span)
        while self.stage.clock.now() < until:
            self.stage.clock.sleep(self.dispatch.host.tick())

    @property
    def hosted(self) -> list[RolloutId]:
        return sorted(self.dispatch.host.rollouts())


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def server(stage: Stage) -> Iterator[Server]:
    made = Server(stage)
    yield made
    made.dispatch.close(timedelta())


def owners(stage: Stage) -> int:
    return sum(isinstance(event, e.OwnerChanged) for event in stage.events())


def held(stage: Stage) -> bool:
    return bool(stage.store.holders)


def test_start_drives_a_rollout_to_its_end(stage: Stage, server: Server) -> None:
    turns: list[RolloutId] = []
    server.dispatch.host.listen(lambda rollout, _turn: turns.append(rollout))
    server.dispatch.start(started(stage))
    server.turns(600)
    assert replay(stage.events()).finished
    assert (server.hosted, held(stage), owners(stage)) == ([], False, 1)
    assert turns.count(ID) > 5


def test_start_takes_no_turn_in_the_thread_of_the_caller(stage: Stage, server: Server) -> None:
    server.dispatch.start(started(stage))
    assert [type(event) for event in stage.events()] == [e.Planned]


def test_wake_makes_the_next_turn_due(stage: Stage, server: Server) -> None:
    server.dispatch.start(started(stage))
    server.dispatch.host.tick()
    assert server.dispatch.host.tick() > timedelta()
    Control(stage.drivers).pause(ID)
    server.dispatch.wake(ID, replay(stage.events()).plan)
    server.dispatch.host.tick()
    assert server.dispatch.host.hosted()[0].turn.rollout.paused  # type: ignore[union-attr]  # it took a turn


def test_a_command_in_the_same_process_takes_no_lease(stage: Stage, server: Server) -> None:
    """The session that drives the rollout reads it: nothing is begun anew."""
    server.dispatch.start(started(stage))
    server.turns(5)
    told = Control(stage.drivers).abort(ID)
    assert isinstance(told, Delegated)
    with pytest.raises(LeaseHeldError, match="which drives it already"):
        Rollouts(stage.drivers).open(replace(REQUEST, as_recorded=True))
    server.turns(600)
    assert (owners(stage), replay(stage.events()).finished is not None) == (1, True)


def test_sweep_picks_up_what_nobody_drives(stage: Stage, server: Server) -> None:
    with started(stage) as session:
        session.step()
    server.dispatch.sweep()
    assert (server.hosted, server.closed) == ([ID], 0)
    server.turns(600)
    assert server.closed == 1
    assert (owners(stage), replay(stage.events()).finished is not None) == (2, True)


def test_sweep_leaves_alone_what_another_process_drives(stage: Stage, server: Server) -> None:
    stage.drivers = stage.drivers_of(OTHER)
    started(stage).step()
    server.dispatch.sweep()
    assert (server.hosted, owners(stage)) == ([], 1)


def test_sweep_leaves_alone_what_a_person_interrupted(stage: Stage, server: Server) -> None:
    with started(stage) as session:
        session.interrupt("SIGINT")
        session.step()
    reads = []
    for _ in range(3):
        server.dispatch.sweep()
        reads.append(server.hosted)
    assert (reads, server.opened) == ([[], [], []], [])
    stage.drivers.journal.tell(ID, e.AbortAsked(stage.clock.now(), "kim"))
    server.dispatch.sweep()
    assert server.opened == []  # still interrupted: `abort` drives it itself


def test_sweep_shows_why_it_cannot_pick_up(stage: Stage, server: Server) -> None:
    with started(stage) as session:
        session.step()
    server.refuses = "work: local is not allowed here"
    server.dispatch.sweep()
    assert server.dispatch.refused() == {ID: "work: local is not allowed here"}
    server.refuses = ""
    server.dispatch.sweep()
    assert server.hosted == []  # not before a pause
    stage.clock.sleep(REFUSED_PAUSE)
    server.dispatch.sweep()
    assert (server.hosted, server.dispatch.refused()) == ([ID], {})


def test_a_broken_session_gives_its_lease_back_and_returns(stage: Stage, server: Server) -> None:
    session = started(stage)
    server.dispatch.start(session)
    server.turns(3)
    good, session._runner._drivers.journal.read = session._runner._drivers.journal.read, None  # type: ignore[method-assign, assignment]  # any fault
    server.turns(3)
    [broken] = server.dispatch.host.hosted()
    assert (broken.driving, broken.failures, held(stage)) == (False, 1, False)
    assert broken.trouble.startswith("unforeseen error: TypeError")
    session._runner._drivers.journal.read = good  # type: ignore[method-assign]
    stage.clock.sleep(FIRST_PAUSE)
    server.turns(600)
    assert (owners(stage), replay(stage.events()).finished is not None) == (2, True)


def test_a_session_that_breaks_again_waits_longer(stage: Stage, server: Server) -> None:
    session = started(stage)
    server.dispatch.start(session)

    def unreachable(*_: object) -> None:
        raise UnreachableError("access denied")

    session._runner.turn = unreachable  # type: ignore[method-assign, assignment]
    server.dispatch._session_drivers = unreachable  # type: ignore[assignment]
    pauses, troubles = [], set()
    for _ in range(10):
        server.dispatch.host.tick()
        [broken] = server.dispatch.host.hosted()
        troubles.add(broken.trouble)
        pauses.append((broken.due - stage.clock.now()).total_seconds())
        stage.clock.sleep(broken.due - stage.clock.now())
    assert pauses == [5, 10, 20, 40, 80, 160, 320, 600, 600, 600]
    assert troubles == {"access denied"}


def test_a_lost_lease_ends_the_session_alone(stage: Stage, server: Server) -> None:
    server.dispatch.start(started(stage))
    server.turns(3)
    stage.store.dead.add(ME)
    stage.store.take(stage.groups, OTHER, ID, frozenset(), stage.aws.clock.time)
    before = len(stage.events())
    server.turns(30)
    assert (server.hosted, len(stage.events())) == ([], before)
    assert {holder[0] for holder in stage.store.holders.values()} == {OTHER}


def test_close_gives_the_leases_back_and_writes_nothing(stage: Stage, server: Server) -> None:
    server.dispatch.start(started(stage))
    server.turns(3)
    before = len(stage.events())
    server.dispatch.close(seconds(10))
    assert (held(stage), len(stage.events()), server.hosted) == (False, before, [])
    late = started_again(stage)
    server.dispatch.start(late)
    assert (held(stage), server.hosted) == (False, [])


@dataclass
class HeldTurn:
    """A turn in a thread of its own that ends when the test says so; what happened, in order."""

    stage: Stage
    server: Server
    happened: list[str] = field(default_factory=list)
    begun: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        host = self.server.dispatch.host
        host._pool = ThreadPoolExecutor(2)
        host.listen(lambda *_: self.turn())
        self.server.dispatch.start(started(self.stage))
        self.stage.clock.sleep(host.tick())
        host.tick()
        assert self.begun.wait(WAIT)
        self.closing = threading.Thread(target=self.close, daemon=True)

    def turn(self) -> None:
        self.begun.set()
        assert self.go_on.wait(WAIT)
        self.happened.append(f"the turn is over, lease {'held' if held(self.stage) else 'given back'}")

    def close(self) -> None:
        self.happened.append("the end is asked for")
        self.server.dispatch.close(timedelta(seconds=WAIT))
        self.happened.append(f"closed, lease {'held' if held(self.stage) else 'given back'}")


def test_close_waits_for_the_turn_in_progress(stage: Stage, server: Server) -> None:
    """The order at SIGTERM: the turn ends with its lease, then the lease is given back; no other turn begins."""
    turn = HeldTurn(stage, server)
    written = len(stage.events())
    turn.closing.start()
    turn.closing.join(0.2)
    assert turn.closing.is_alive()
    turn.go_on.set()
    turn.closing.join(WAIT)
    assert turn.happened == ["the end is asked for", "the turn is over, lease held", "closed, lease given back"]
    assert (len(stage.events()), server.hosted) == (written, [])


def test_close_does_not_wait_for_ever(stage: Stage, server: Server) -> None:
    """A turn that hangs keeps its lease, so that nobody else acts meanwhile."""
    turn = HeldTurn(stage, server)
    server.dispatch.close(timedelta(seconds=0.2))
    assert (held(stage), server.hosted, turn.happened) == (True, [], [])
    turn.go_on.set()


def started_again(stage: Stage) -> RolloutSession:
    session = Rollouts(stage.drivers).open(REQUEST)
    assert isinstance(session, RolloutSession)
    return session


def test_a_listener_that_fails_hurts_nobody(stage: Stage, server: Server) -> None:
    def broken(*_: object) -> None:
        raise ValueError("no such page")

    server.dispatch.host.listen(broken)
    server.dispatch.start(started(stage))
    server.turns(600)
    assert replay(stage.events()).finished


def test_one_process_hosts_200_waiting_rollouts(stage: Stage) -> None:
    """One sweep picks all of them up; each is paused, and waits for a person."""
    for number in range(200):
        name, each = RolloutId(f"r-{number}"), group(f"web{number}", delay=5)
        machines = tuple(target(1000 + 2 * number + side, [each]) for side in (0, 1))
        stage.aws.group_of[each.arn] = each
        for machine in machines:
            stage.aws.targets[machine.id] = machine
            for place in machine.registrations:
                stage.aws.owner_of[place] = machine
                stage.aws.past[place] = [HealthChange(stage.aws.clock.time, HealthState.HEALTHY)]
        plan = replace(
            a_plan(), spec=SPEC, rollout=name, groups=(each,), targets=machines, floors={each.arn: Floor(1, 2)}
        )
        stage.store.events[name] = [e.Planned(NOON, plan), e.PauseAsked(NOON, "kim")]
    server = Server(stage)
    server.dispatch.sweep()
    server.turns(60)
    assert len(server.hosted) == 200
    assert all(each.turn is not None and each.turn.rollout.paused for each in server.dispatch.host.hosted())
    assert threading.active_count() < 250
    server.dispatch.close(seconds(10))
    assert not held(stage)
