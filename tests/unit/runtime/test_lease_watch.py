"""The watch over unfinished rollouts, by the clock of this process and the heartbeats that the store shows."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.properties.builders import seconds

from katakei.domain.leases import Heartbeat, Owner
from katakei.domain.model import Arn, RolloutId
from katakei.domain.ports import LeaseStatus, Liveness, RolloutHeader
from katakei.runtime.lease_watch import SWEEP_INTERVAL, LeaseWatch, OwnerlessRollout

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
WEB, API = Arn("arn:web"), Arn("arn:api")
ID = RolloutId("r-one")
OWNER = Owner("kim", "far", 1, 1, "boot")
BEAT = Heartbeat(WEB, 3, 7)
ALIVE = LeaseStatus(ID, OWNER, Liveness.ALIVE, seconds(1), BEAT)


@dataclass
class Store:
    """A journal, its leases and the clock, as one test sets them."""

    groups: tuple[Arn, ...] = (WEB,)
    held: dict[Arn, LeaseStatus] = field(default_factory=dict)
    time: datetime = NOON

    def find(
        self, *, service: str | None = None, group: Arn | None = None, unfinished: bool = False
    ) -> list[RolloutHeader]:
        assert (service, group, unfinished) == (None, None, True)
        return [RolloutHeader(ID, "shop", self.groups, NOON, None, "kim")]

    def holder(self, group: Arn) -> LeaseStatus | None:
        return self.held.get(group)

    def now(self) -> datetime:
        return self.time

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"the watch only reads, but asked for {name}")


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def watch(store: Store) -> LeaseWatch:
    return LeaseWatch(store, store, store)  # type: ignore[arg-type]  # it has what the watch asks


def test_a_free_rollout_is_ownerless_at_once(watch: LeaseWatch) -> None:
    assert watch.sweep(()) == [OwnerlessRollout(ID, frozenset())]
    assert watch.sweep({ID}) == []


def test_a_dead_owner_is_tried_at_once(store: Store, watch: LeaseWatch) -> None:
    store.held = {WEB: replace(ALIVE, liveness=Liveness.GONE)}
    assert watch.sweep(()) == [OwnerlessRollout(ID, frozenset())]


def test_a_dead_owner_in_a_shared_store_is_watched_first(store: Store, watch: LeaseWatch) -> None:
    """An offer would be refused again and again, and each costs a worker the whole journal of the rollout."""
    store.held = {WEB: replace(ALIVE, liveness=Liveness.GONE, watched=True)}
    for pause in (0, 15, 14):
        store.time += seconds(pause)
        assert watch.sweep(()) == []
    store.time += seconds(1)
    assert watch.sweep(()) == [OwnerlessRollout(ID, frozenset({BEAT}))]


def test_an_advancing_heartbeat_is_never_silent(store: Store, watch: LeaseWatch) -> None:
    for number in range(20):
        store.held = {WEB: replace(ALIVE, beat=Heartbeat(WEB, 3, number))}
        assert watch.sweep(()) == []
        store.time += SWEEP_INTERVAL


@pytest.mark.parametrize("liveness", [Liveness.ALIVE, Liveness.UNKNOWN])
def test_the_same_heartbeat_for_30_s_is_silent(store: Store, watch: LeaseWatch, liveness: Liveness) -> None:
    """Also of a process that exists: one that hangs is replaced."""
    store.held = {WEB: replace(ALIVE, liveness=liveness)}
    assert watch.sweep(()) == []
    for pause in (15, 14):
        store.time += seconds(pause)
        assert watch.sweep(()) == []
    assert watch.due_in() == seconds(1)
    store.time += seconds(1)
    assert watch.sweep(()) == [OwnerlessRollout(ID, frozenset({BEAT}))]


@pytest.mark.parametrize("groups", [(WEB, API), (API, WEB)], ids=["silent-first", "silent-last"])
def test_a_heartbeat_of_another_group_keeps_it_alive(store: Store, watch: LeaseWatch, groups: tuple[Arn, ...]) -> None:
    store.groups = groups
    store.held = {WEB: ALIVE, API: replace(ALIVE, beat=Heartbeat(API, 3, 0))}
    watch.sweep(())
    store.time += seconds(15)
    store.held[API] = replace(ALIVE, beat=Heartbeat(API, 3, 1))
    watch.sweep(())
    store.time += seconds(15)
    assert watch.sweep(()) == []
    store.time += seconds(15)
    assert watch.sweep(()) == [OwnerlessRollout(ID, frozenset({BEAT, Heartbeat(API, 3, 1)}))]


def test_due_in_is_the_sweep_interval_at_most(store: Store, watch: LeaseWatch) -> None:
    assert watch.due_in() == SWEEP_INTERVAL
    store.held = {WEB: ALIVE}
    watch.sweep(())
    assert watch.due_in() == SWEEP_INTERVAL
    store.time += timedelta(seconds=29.9)
    assert watch.due_in() == seconds(0.25)


@pytest.mark.parametrize(("took", "pause"), [(0, 5), (1, 4), (2.5, 2.5), (4, 4), (5, 5), (60, 0.25)])
def test_sweeps_begin_every_5_s_unless_they_take_long(
    store: Store, watch: LeaseWatch, took: float, pause: float
) -> None:
    """The next sweep comes at once after one that took a minute: a heartbeat may be old enough by then."""
    held, store.held = store.held, {WEB: ALIVE}

    def slow(group: Arn) -> LeaseStatus | None:
        store.time += seconds(took)
        return held.get(group)

    store.holder = slow  # type: ignore[method-assign]  # a store that answers late
    watch.sweep(())
    assert watch.due_in() == seconds(pause)


def test_a_store_that_does_not_answer_keeps_the_watch(store: Store, watch: LeaseWatch) -> None:
    store.held = {WEB: ALIVE}
    watch.sweep(())
    store.time += seconds(15)
    watch.sweep(())
    store.time += seconds(7)
    broken, store.holder = store.holder, None  # type: ignore[assignment, method-assign]  # any fault
    with pytest.raises(TypeError):
        watch.sweep(())
    store.holder = broken  # type: ignore[method-assign]
    store.time += seconds(8)
    assert watch.sweep(()) == [OwnerlessRollout(ID, frozenset({BEAT}))]


def test_a_long_outage_of_the_store_begins_the_watch_anew(store: Store, watch: LeaseWatch) -> None:
    """Its owner could not send a heartbeat either, and is about to."""
    store.held = {WEB: ALIVE}
    watch.sweep(())
    store.time += seconds(40)
    assert watch.sweep(()) == []
