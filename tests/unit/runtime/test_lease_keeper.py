"""The lease: how it is acquired from an owner that fell silent, and how it is kept."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, cast

import pytest
from tests.contracts.ledgers import BOTH, ID, OTHER, owner
from tests.properties import memory_journal
from tests.properties.builders import seconds
from tests.properties.memory_journal import HeartbeatLog, MemoryJournal
from tests.properties.simulated_aws import NOON, SimulatedClock

from katakei.domain.errors import KatakeiError, LeaseHeldError, LeaseLostError, NoAnswerError, UnreachableError
from katakei.domain.leases import Heartbeat, Lease, Owner
from katakei.domain.model import Arn, RolloutId
from katakei.domain.ports import Leases
from katakei.runtime import lease_keeper
from katakei.runtime.drivers import Drivers
from katakei.runtime.lease_keeper import LeaseKeeper, acquire_lease

ours, theirs = owner(1), owner(2, "elsewhere")


class Here(SimulatedClock):
    """A clock of this process. `woken` is set once somebody wanted the next turn at once."""

    def __init__(self) -> None:
        super().__init__()
        self.woken = threading.Event()
        self.jumped: datetime | None = None

    def last_jump(self) -> datetime | None:
        return self.jumped

    def sleep(self, span: timedelta) -> None:
        super().sleep(span)
        assert self.time < NOON + seconds(20_000), "it watches without end"

    def wake(self) -> None:
        self.woken.set()


class Asked(Protocol):
    """Answers as `Leases.take`."""

    def __call__(self, silent: frozenset[Heartbeat]) -> Lease: ...


@dataclass
class Taker:
    """The drivers of a process that wants both groups."""

    ask: Asked
    clock: Here
    owner: Owner = ours
    said: list[str] = field(default_factory=list)

    @property
    def leases(self) -> "Taker":
        return self

    def take(self, groups: frozenset[Arn], owner: Owner, rollout: RolloutId, silent: frozenset[Heartbeat]) -> Lease:
        assert (groups, owner, rollout) == (BOTH, ours, ID)
        return self.ask(silent)

    def holder(self, group: Arn) -> None:
        """This process holds none of the groups."""

    def tell(self, sentence: str) -> None:
        self.said.append(sentence)

    def taken(self, *, confirm_alive: bool = False) -> LeaseKeeper:
        return acquire_lease(cast("Drivers", self), BOTH, ID, confirm_alive=confirm_alive)


class Held10sAgo:
    """A paper on which another process took both groups, and a rival that comes ten seconds later."""

    def __init__(self, *naps: tuple[float, float]) -> None:
        self.store, self.clock = MemoryJournal(), Here()
        self.store.heartbeats[theirs] = HeartbeatLog(NOON)
        for since, until in naps:
            self.store.heartbeats[theirs].stops(NOON + seconds(since), NOON + seconds(until))
        self.lease = self.store.take(BOTH, theirs, OTHER, frozenset(), NOON)
        self.clock.sleep(seconds(10))
        self.taker = Taker(self.ask, self.clock)

    def ask(self, silent: frozenset[Heartbeat]) -> Lease:
        return self.store.take(BOTH, ours, ID, silent, self.clock.now())

    @property
    def said(self) -> list[str]:
        return self.taker.said

    def taken(self, *, confirm_alive: bool = False) -> LeaseKeeper:
        return self.taker.taken(confirm_alive=confirm_alive)


def passed(clock: SimulatedClock) -> float:
    return (clock.now() - NOON).total_seconds()


def test_acquire_lease_with_a_fresh_heartbeat_is_refused_at_once() -> None:
    there = Held10sAgo()
    with pytest.raises(LeaseHeldError, match="r-two"):
        there.taken()
    assert (passed(there.clock), there.said) == (10, [])


def test_acquire_lease_replaces_an_owner_silent_for_thirty_seconds() -> None:
    there = Held10sAgo((1, 10_000))
    hold = there.taken()
    assert 40 <= passed(there.clock) <= 44
    assert "r-two" in there.said[0]
    assert hold.lease.epoch > there.lease.epoch


@pytest.mark.parametrize("wakes", [12, 25, 39])
def test_acquire_lease_is_refused_once_the_heartbeat_advances(wakes: float) -> None:
    there = Held10sAgo((1, wakes))
    with pytest.raises(LeaseHeldError):
        there.taken()
    assert wakes <= passed(there.clock) <= wakes + 4


def test_acquire_lease_sees_heartbeats_without_the_clock_of_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_journal, "YOUNG", seconds(-1))
    there = Held10sAgo()
    with pytest.raises(LeaseHeldError):
        there.taken()
    assert passed(there.clock) <= 18


def test_confirm_alive_waits_until_the_heartbeat_advances() -> None:
    there = Held10sAgo()
    with pytest.raises(LeaseHeldError):
        there.taken(confirm_alive=True)
    assert 10 < passed(there.clock) <= 17


def test_confirm_alive_replaces_an_owner_that_died_after_a_heartbeat() -> None:
    with pytest.raises(LeaseHeldError):
        Held10sAgo((9, 10_000)).taken()
    there = Held10sAgo((9, 10_000))
    assert there.taken(confirm_alive=True).lease.epoch > there.lease.epoch
    assert 40 <= passed(there.clock) <= 44
    assert "it is watched for that long now" in there.said[0]


def test_confirm_alive_does_not_watch_a_running_process() -> None:
    there = Held10sAgo()
    there.store.alive.add(theirs)
    with pytest.raises(LeaseHeldError):
        there.taken(confirm_alive=True)
    assert (passed(there.clock), there.said) == (10, [])


def test_acquire_lease_takes_a_released_lease_at_once() -> None:
    there = Held10sAgo((1, 10_000))

    def ask(silent: frozenset[Heartbeat]) -> Lease:
        if passed(there.clock) > 20:
            there.store.release(there.lease)
        return there.ask(silent)

    Taker(ask, there.clock).taken()
    assert passed(there.clock) <= 24


def test_acquire_lease_tolerates_one_unanswered_question_only() -> None:
    there = Held10sAgo((1, 10_000))
    gone = [seconds(15), seconds(25)]

    def ask(silent: frozenset[Heartbeat]) -> Lease:
        if gone[0] <= there.clock.now() - NOON <= gone[1]:
            raise NoAnswerError("no answer")
        return there.ask(silent)

    Taker(ask, there.clock).taken()
    assert passed(there.clock) <= 44

    there, gone = Held10sAgo((1, 10_000)), [seconds(15), seconds(10_000)]
    with pytest.raises(NoAnswerError):
        Taker(ask, there.clock).taken()


def test_until_leaves_ten_seconds_of_the_lease() -> None:
    there = Held10sAgo((1, 10_000))
    hold = there.taken()
    asked = hold.proved
    assert hold.until - asked == seconds(10)
    there.clock.sleep(seconds(7))
    assert hold.proved == asked


class Renewing:
    """Leases that answer each renewal, and the release, with the next of these; the last one repeats."""

    def __init__(self, *answers: KatakeiError | None) -> None:
        self.answers, self.asked, self.released = list(answers), 0, False

    def renew(self, lease: Lease) -> None:
        del lease
        self.asked += 1
        self._answers()

    def release(self, lease: Lease) -> None:
        del lease
        self.released = True
        self._answers()

    def _answers(self) -> None:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer:
            raise answer


def kept(leases: Renewing, clock: Here, until: Callable[[], bool], beats_until: datetime | None = None) -> LeaseKeeper:
    hold = LeaseKeeper(cast("Leases", leases), clock, Lease(BOTH, ours, 1), NOON).keep(beats_until)
    end = threading.Event()
    for _ in range(1000):
        if until():
            return hold
        end.wait(0.01)
    raise AssertionError


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_keeper, "HEARTBEAT_INTERVAL", seconds(0.01))


@pytest.mark.usefixtures("quick")
def test_heartbeat_continues_after_errors_until_release() -> None:
    leases, clock = Renewing(None, UnreachableError("the disk is full"), None), Here()
    clock.sleep(seconds(60))
    hold = kept(leases, clock, lambda: leases.asked >= 4)
    assert hold.proved == clock.now()
    hold.release()
    asked = leases.asked
    threading.Event().wait(0.05)
    assert (leases.released, leases.asked - asked <= 1) == (True, True)


@pytest.mark.usefixtures("quick")
def test_heartbeat_stops_and_wakes_the_turn_when_lost() -> None:
    leases, clock = Renewing(None, LeaseLostError("taken over")), Here()
    hold = kept(leases, clock, clock.woken.is_set)
    assert leases.asked == 2
    with pytest.raises(LeaseLostError):
        hold.renew()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("answer", [NoAnswerError("no answer"), UnreachableError("the disk is full")])
def test_release_without_an_answer_is_no_error(answer: KatakeiError) -> None:
    leases = Renewing(answer)
    hold = kept(leases, Here(), lambda: leases.asked >= 2)
    hold.release()
    asked = leases.asked
    threading.Event().wait(0.05)
    assert (leases.released, leases.asked - asked <= 1) == (True, True)


def rests(leases: Renewing) -> bool:
    """Whether no heartbeat is sent for ten of its intervals; one may have been under way."""
    threading.Event().wait(0.02)
    asked = leases.asked
    threading.Event().wait(0.1)
    return leases.asked == asked


@pytest.mark.usefixtures("quick")
def test_heartbeat_stops_at_its_bound() -> None:
    leases, clock = Renewing(None), Here()
    hold = kept(leases, clock, lambda: leases.asked >= 2, NOON + seconds(60))
    clock.sleep(seconds(61))
    assert (rests(leases), leases.released) == (True, False)
    hold.stop()


@pytest.mark.usefixtures("quick")
def test_heartbeat_goes_on_when_its_bound_moves() -> None:
    leases, clock = Renewing(None), Here()
    hold = kept(leases, clock, lambda: leases.asked >= 2, NOON + seconds(60))
    hold.beat_until(NOON + seconds(100))
    clock.sleep(seconds(61))
    asked, end = leases.asked, threading.Event()
    assert any(leases.asked > asked + 2 or end.wait(0.01) for _ in range(1000))
    hold.release()


@pytest.mark.usefixtures("quick")
def test_heartbeat_stops_without_progress_and_goes_on_with_it() -> None:
    leases, clock = Renewing(None), Here()
    hold = kept(leases, clock, lambda: leases.asked >= 2)
    clock.sleep(seconds(59))
    asked, end = leases.asked, threading.Event()
    assert any(leases.asked > asked + 2 or end.wait(0.01) for _ in range(1000))
    clock.sleep(seconds(2))
    assert rests(leases)
    asked = leases.asked
    hold.progress()
    assert any(leases.asked > asked + 2 or end.wait(0.01) for _ in range(1000))
    hold.stop()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("sign", [LeaseKeeper.renew, lambda hold: hold.prove(NOON), LeaseKeeper.progress])
def test_heartbeat_goes_on_for_a_minute_after_each_sign(sign: Callable[[LeaseKeeper], None]) -> None:
    leases, clock = Renewing(None), Here()
    hold = kept(leases, clock, lambda: leases.asked >= 2)
    clock.sleep(seconds(61))
    assert rests(leases)
    sign(hold)
    asked, end = leases.asked, threading.Event()
    assert any(leases.asked > asked + 2 or end.wait(0.01) for _ in range(1000))
    clock.sleep(seconds(61))
    assert rests(leases)
    hold.stop()


@pytest.mark.usefixtures("quick")
def test_minute_without_progress_begins_when_the_next_turn_is_due() -> None:
    leases, clock = Renewing(None), Here()
    hold = kept(leases, clock, lambda: leases.asked >= 2)
    hold.progress(clock.now() + seconds(30))
    clock.sleep(seconds(89))
    asked, end = leases.asked, threading.Event()
    assert any(leases.asked > asked + 2 or end.wait(0.01) for _ in range(1000))
    clock.sleep(seconds(2))
    assert rests(leases)
    hold.stop()


class Surprised(Renewing):
    """Leases whose second renewal meets an error that nobody foresaw."""

    def renew(self, lease: Lease) -> None:
        super().renew(lease)
        if self.asked == 2:
            raise RecursionError


@pytest.mark.usefixtures("quick")
def test_heartbeat_that_fails_unforeseen_counts_as_lost(caplog: pytest.LogCaptureFixture) -> None:
    leases, clock = Surprised(None), Here()
    hold = kept(leases, clock, clock.woken.is_set)
    assert "heartbeat failed" in caplog.text
    assert hold.until < clock.now()
    with pytest.raises(LeaseLostError, match="the heartbeat failed with an internal error \\(RecursionError\\)"):
        hold.renew()
    assert leases.asked == 2


def test_lease_confirmed_before_a_jump_allows_no_act() -> None:
    leases, clock = Renewing(None), Here()
    hold = LeaseKeeper(cast("Leases", leases), clock, Lease(BOTH, ours, 1), clock.now())
    assert hold.until - clock.now() == seconds(10)
    clock.sleep(seconds(1))
    clock.jumped = clock.now()
    assert hold.until < clock.now()
    clock.sleep(seconds(1))
    hold.renew()
    assert hold.until - clock.now() == seconds(10)


def test_late_answer_to_an_older_question_shortens_nothing() -> None:
    leases, clock = Renewing(None), Here()
    hold = LeaseKeeper(cast("Leases", leases), clock, Lease(BOTH, ours, 1), clock.now())
    clock.sleep(seconds(5))
    hold.prove(clock.now())
    hold.prove(NOON)
    assert hold.proved == clock.now()
