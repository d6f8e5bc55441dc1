"""How a lease is taken from a holder that fell silent, and how it is kept."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.contracts.ledgers import BOTH, ID, OTHER, owner
from tests.properties import paper
from tests.properties.paper import Heart, Paper
from tests.properties.things import seconds
from tests.properties.world import NOON, TurnedClock

from katakei.domain.errors import KatakeiError, LeaseHeldError, LeaseLostError, NoAnswerError, UnreachableError
from katakei.domain.leases import Heartbeat, Lease
from katakei.runtime import lease_keeper
from katakei.runtime.lease_keeper import LeaseKeeper, acquire

ours, theirs = owner(1), owner(2, "elsewhere")


class Here(TurnedClock):
    """A clock of our own, and what is said while it is watched. `woken` counts who wanted the next turn at once."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.woken = threading.Event()

    def sleep(self, span: timedelta) -> None:
        super().sleep(span)
        assert self.time < NOON + seconds(20_000), "it watches for ever"

    def wake(self) -> None:
        self.woken.set()


class Held10sAgo:
    """A paper on which somebody else took both groups, and a rival of his that comes ten seconds later."""

    def __init__(self, *naps: tuple[float, float]) -> None:
        self.paper, self.clock = Paper(), Here()
        self.paper.hearts[theirs] = Heart(NOON)
        for since, until in naps:
            self.paper.hearts[theirs].stops(NOON + seconds(since), NOON + seconds(until))
        self.lease = self.paper.take(BOTH, theirs, OTHER, frozenset(), NOON)
        self.clock.sleep(seconds(10))

    def ask(self, silent: frozenset[Heartbeat]) -> Lease:
        return self.paper.take(BOTH, ours, ID, silent, self.clock.now())

    def taken(self, *, sure: bool = False) -> LeaseKeeper:
        return acquire(self.paper, self.clock, self.ask, self.clock.said.append, sure=sure)  # type: ignore[arg-type]  # only asked


def passed(clock: TurnedClock) -> float:
    return (clock.now() - NOON).total_seconds()


def test_a_holder_that_was_heard_of_just_now_refuses_at_once() -> None:
    there = Held10sAgo()
    with pytest.raises(LeaseHeldError, match="r-two"):
        there.taken()
    assert (passed(there.clock), there.clock.said) == (10, [])


def test_a_silent_holder_is_taken_over_when_it_was_silent_for_thirty_seconds_of_our_own_clock() -> None:
    there = Held10sAgo((1, 10_000))
    hold = there.taken()
    assert 40 <= passed(there.clock) <= 44
    assert "r-two" in there.clock.said[0]
    assert hold.lease.epoch > there.lease.epoch


@pytest.mark.parametrize("wakes", [12, 25, 39])
def test_a_holder_whose_heart_beats_again_meanwhile_refuses_at_once(wakes: float) -> None:
    there = Held10sAgo((1, wakes))
    with pytest.raises(LeaseHeldError):
        there.taken()
    assert wakes <= passed(there.clock) <= wakes + 4


def test_a_heart_that_beats_refuses_also_where_the_store_tells_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper, "YOUNG", seconds(-1))
    there = Held10sAgo()
    with pytest.raises(LeaseHeldError):
        there.taken()
    assert passed(there.clock) <= 18


def test_whoever_wants_to_be_sure_sees_the_heart_beat_before_it_is_refused() -> None:
    there = Held10sAgo()
    with pytest.raises(LeaseHeldError):
        there.taken(sure=True)
    assert 10 < passed(there.clock) <= 17


def test_whoever_wants_to_be_sure_takes_over_from_a_holder_that_died_right_after_a_heartbeat() -> None:
    with pytest.raises(LeaseHeldError):
        Held10sAgo((9, 10_000)).taken()
    there = Held10sAgo((9, 10_000))
    assert there.taken(sure=True).lease.epoch > there.lease.epoch
    assert 40 <= passed(there.clock) <= 44
    assert "it is watched for that long now" in there.clock.said[0]


def test_a_holder_whose_process_is_seen_to_live_refuses_at_once_also_whoever_wants_to_be_sure() -> None:
    there = Held10sAgo()
    there.paper.alive.add(theirs)
    with pytest.raises(LeaseHeldError):
        there.taken(sure=True)
    assert (passed(there.clock), there.clock.said) == (10, [])


def test_a_lease_that_is_given_back_meanwhile_is_taken_at_once() -> None:
    there = Held10sAgo((1, 10_000))

    def ask(silent: frozenset[Heartbeat]) -> Lease:
        if passed(there.clock) > 20:
            there.paper.release(there.lease)
        return there.ask(silent)

    acquire(there.paper, there.clock, ask, there.clock.said.append)  # type: ignore[arg-type]  # only asked
    assert passed(there.clock) <= 24


def test_a_look_without_an_answer_spoils_no_watch_and_a_store_that_is_gone_ends_it() -> None:
    there = Held10sAgo((1, 10_000))
    gone = [seconds(15), seconds(25)]

    def ask(silent: frozenset[Heartbeat]) -> Lease:
        if gone[0] <= there.clock.now() - NOON <= gone[1]:
            raise NoAnswerError("no answer")
        return there.ask(silent)

    acquire(there.paper, there.clock, ask, there.clock.said.append)  # type: ignore[arg-type]  # only asked
    assert passed(there.clock) <= 44

    there, gone = Held10sAgo((1, 10_000)), [seconds(15), seconds(10_000)]
    with pytest.raises(NoAnswerError):
        acquire(there.paper, there.clock, ask, there.clock.said.append)  # type: ignore[arg-type]  # only asked


def test_no_act_begins_with_less_than_ten_seconds_of_the_lease_left() -> None:
    there = Held10sAgo((1, 10_000))
    hold = there.taken()
    asked = hold.proved
    assert hold.until - asked == seconds(10)
    there.clock.sleep(seconds(7))
    assert hold.proved == asked


class Renewing:
    """Leases that answer each renewal, and the giving back, with the next of these, and the last one for ever."""

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


def kept(leases: Renewing, clock: Here, until: Callable[[], bool]) -> LeaseKeeper:
    hold = LeaseKeeper(leases, clock, Lease(BOTH, ours, 1), NOON).keep()  # type: ignore[arg-type]  # only these are asked
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
def test_it_beats_by_itself_until_it_is_given_back_and_trouble_with_the_journal_ends_nothing() -> None:
    leases, clock = Renewing(None, UnreachableError("the disk is full"), None), Here()
    clock.sleep(seconds(60))
    hold = kept(leases, clock, lambda: leases.asked >= 4)
    assert hold.proved == clock.now()
    hold.release()
    asked = leases.asked
    threading.Event().wait(0.05)
    assert (leases.released, leases.asked - asked <= 1) == (True, True)


@pytest.mark.usefixtures("quick")
def test_who_finds_it_lost_beats_no_more_and_calls_for_the_next_turn() -> None:
    leases, clock = Renewing(None, LeaseLostError("taken over")), Here()
    hold = kept(leases, clock, clock.woken.is_set)
    assert leases.asked == 2
    with pytest.raises(LeaseLostError):
        hold.renew()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("answer", [NoAnswerError("no answer"), UnreachableError("the disk is full")])
def test_a_lease_that_cannot_be_given_back_is_no_error_and_ends_by_itself(answer: KatakeiError) -> None:
    leases = Renewing(answer)
    hold = kept(leases, Here(), lambda: leases.asked >= 2)
    hold.release()
    asked = leases.asked
    threading.Event().wait(0.05)
    assert (leases.released, leases.asked - asked <= 1) == (True, True)
