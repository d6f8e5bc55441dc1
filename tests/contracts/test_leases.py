"""Every journal's leases, held to the promises of the port `Leases`."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.contracts.ledgers import (
    API,
    BOTH,
    ID,
    LEDGERS,
    OTHER,
    WEB,
    Ledger,
    SqliteLedger,
    begun,
    fell,
    owner,
    planned,
    taken_over,
)

from katakei.adapters.journals import lease_holders, lease_queries
from katakei.adapters.system import process
from katakei.adapters.system.process import Place, ProcessFate
from katakei.domain.errors import LeaseHeldError, LeaseLostError
from katakei.domain.leases import SILENCE_LIMIT, Owner
from katakei.domain.ports import Liveness


@pytest.fixture(params=LEDGERS)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    with LEDGERS[request.param](tmp_path) as made:
        yield made


@pytest.fixture(params=sorted(LEDGERS.keys() - {"sqlite"}))
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """A store that several machines may use."""
    with LEDGERS[request.param](tmp_path) as made:
        yield made


def all_are(verdict: ProcessFate) -> Callable[[Owner, Place], ProcessFate]:
    return lambda _owner, _place: verdict


def test_take_of_free_group_raises_epoch(ledger: Ledger) -> None:
    epochs = []
    for pid in range(3):
        lease = ledger.leases().take(BOTH, owner(pid), ID)
        epochs.append(lease.epoch)
        ledger.leases().release(lease)
    assert epochs == sorted(set(epochs))


@pytest.mark.parametrize("verdict", [ProcessFate.ALIVE, ProcessFate.UNKNOWN])
def test_holder_not_known_dead_is_named_and_kept(ledger: Ledger, verdict: ProcessFate) -> None:
    lease = ledger.leases().take(BOTH, owner(41), ID)
    with pytest.raises(
        LeaseHeldError, match=r"r-one of kim@here \(pid 41\) since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC: \w"
    ):
        ledger.leases(all_are(verdict)).take(frozenset({WEB}), owner(2), OTHER)
    ledger.leases().renew(lease)


@pytest.mark.parametrize("verdict", [ProcessFate.ALIVE, ProcessFate.UNKNOWN])
def test_recently_heard_holder_is_watched_only_without_process(ledger: Ledger, verdict: ProcessFate) -> None:
    ledger.leases().take(BOTH, owner(41), ID)
    with pytest.raises(
        LeaseHeldError, match=r"heard of \ds ago. The same command takes over once it has been silent for 30s"
    ) as held:
        ledger.leases(all_are(verdict)).take(BOTH, owner(2), OTHER)
    assert not held.value.silent
    assert {beat.group for beat in held.value.unsure} == (BOTH if verdict is ProcessFate.UNKNOWN else set())


@pytest.fixture
def old(monkeypatch: pytest.MonkeyPatch) -> None:
    """No heartbeat is young by the store's own clock."""
    monkeypatch.setattr(lease_holders, "FRESH_HEARTBEAT", timedelta(seconds=-60))


@pytest.mark.usefixtures("old")
@pytest.mark.parametrize("verdict", [ProcessFate.ALIVE, ProcessFate.UNKNOWN])
def test_watched_silent_holder_is_replaced_and_fenced(ledger: Ledger, verdict: ProcessFate) -> None:
    former, rival = begun(ledger), ledger.leases(all_are(verdict))
    with pytest.raises(LeaseHeldError) as held:
        rival.take(BOTH, owner(2), ID)
    assert {beat.group for beat in held.value.silent} == BOTH
    assert held.value.unsure == held.value.silent
    present = rival.take(BOTH, owner(2), ID, held.value.silent)
    assert present.epoch > former.epoch
    with pytest.raises(LeaseLostError):
        ledger.leases().renew(former)
    with pytest.raises(LeaseLostError):
        ledger.journal().append(former, ID, 1, [fell(2)])


@pytest.mark.usefixtures("old")
def test_holder_with_new_heartbeat_is_kept(ledger: Ledger) -> None:
    lease, rival = begun(ledger), ledger.leases(all_are(ProcessFate.UNKNOWN))
    with pytest.raises(LeaseHeldError) as held:
        rival.take(BOTH, owner(2), ID)
    ledger.leases().renew(lease)
    with pytest.raises(LeaseHeldError) as again:
        rival.take(BOTH, owner(2), ID, held.value.silent)
    assert again.value.silent.isdisjoint(held.value.silent)
    ledger.leases().renew(lease)


@pytest.mark.usefixtures("old")
def test_silence_of_one_holder_frees_no_other(ledger: Ledger) -> None:
    ledger.leases().take(frozenset({WEB}), owner(1), ID)
    ledger.leases().take(frozenset({API}), owner(2), OTHER)
    rival = ledger.leases(all_are(ProcessFate.UNKNOWN))
    with pytest.raises(LeaseHeldError) as held:
        rival.take(BOTH, owner(3), ID)
    for beat in held.value.silent:
        with pytest.raises(LeaseHeldError):
            rival.take(BOTH, owner(3), ID, frozenset({beat}))


def test_take_is_all_groups_or_none(ledger: Ledger) -> None:
    ledger.leases().take(frozenset({WEB}), owner(1), ID)
    with pytest.raises(LeaseHeldError):
        ledger.leases(all_are(ProcessFate.ALIVE)).take(BOTH, owner(2), OTHER)
    free = ledger.leases(all_are(ProcessFate.ALIVE)).take(frozenset({API}), owner(3), OTHER)
    ledger.leases().renew(free)


@pytest.fixture
def long_ago(old: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every heartbeat is older by the store's own clock than the time after which an owner may be replaced."""
    del old
    monkeypatch.setattr(lease_holders, "SILENCE_LIMIT", timedelta(seconds=-60))


@pytest.mark.usefixtures("long_ago")
def test_dead_holder_is_replaced_and_fenced(ledger: Ledger) -> None:
    former = begun(ledger)
    present = ledger.leases(all_are(ProcessFate.DEAD)).take(BOTH, owner(2), ID)
    assert present.epoch > former.epoch
    with pytest.raises(LeaseLostError):
        ledger.leases().renew(former)
    with pytest.raises(LeaseLostError):
        ledger.journal().append(former, ID, 1, [fell(2)])
    ledger.journal().append(present, ID, 1, [fell(3)])
    assert ledger.journal().read(ID, 1) == [fell(3)]


def test_young_heartbeat_beats_a_dead_process_in_a_shared_store(shared: Ledger) -> None:
    """Twins restored from one snapshot agree in boot id, host name and machine-id; each misses the other's process."""
    living = begun(shared)
    twin = shared.leases(all_are(ProcessFate.DEAD))
    with pytest.raises(
        LeaseHeldError, match="gone from this machine, but may run on one restored from the same snapshot"
    ) as held:
        twin.take(BOTH, owner(2), ID)
    assert {beat.group for beat in held.value.silent} == BOTH  # it is watched at once, although it was heard of
    shared.leases().renew(living)
    with pytest.raises(LeaseHeldError):
        twin.take(BOTH, owner(2), ID, held.value.silent)
    shared.journal().append(living, ID, 1, [fell(2)])


def test_dead_process_in_a_shared_store_is_replaced_once_watched(shared: Ledger) -> None:
    former = begun(shared)
    twin = shared.leases(all_are(ProcessFate.DEAD))
    with pytest.raises(LeaseHeldError) as held:
        twin.take(BOTH, owner(2), ID)
    twin.take(BOTH, owner(2), ID, held.value.silent)
    with pytest.raises(LeaseLostError):
        shared.leases().renew(former)


def test_dead_process_in_a_store_of_one_machine_is_replaced_at_once(tmp_path: Path) -> None:
    with LEDGERS["sqlite"](tmp_path) as ledger:
        former = begun(ledger)
        ledger.leases(all_are(ProcessFate.DEAD)).take(BOTH, owner(2), ID)
        with pytest.raises(LeaseLostError):
            ledger.leases().renew(former)


def test_release_of_lost_lease_frees_nothing(ledger: Ledger) -> None:
    former = ledger.leases().take(BOTH, owner(1), ID)
    present = taken_over(ledger, frozenset({WEB}), owner(2), ID)
    ledger.leases().release(former)
    ledger.leases().renew(present)
    ledger.leases(all_are(ProcessFate.ALIVE)).take(frozenset({API}), owner(3), OTHER)


def test_process_retakes_only_its_own_rollout(ledger: Ledger) -> None:
    alive = all_are(ProcessFate.ALIVE)
    first = ledger.leases(alive).take(BOTH, owner(), ID)
    again = ledger.leases(alive).take(BOTH, owner(), ID)
    assert again.epoch > first.epoch
    with pytest.raises(LeaseLostError):
        ledger.leases().renew(first)
    with pytest.raises(LeaseHeldError):
        ledger.leases(alive).take(BOTH, owner(), OTHER)


def test_unlock_names_and_fences_the_holder(ledger: Ledger) -> None:
    lease = begun(ledger)
    assert re.fullmatch(r"rollout r-one of kim@here \(pid \d+\) since .* UTC", ledger.leases().unlock(WEB) or "")
    with pytest.raises(LeaseLostError):
        ledger.leases().renew(lease)
    with pytest.raises(LeaseLostError):
        ledger.journal().append(lease, ID, 1, [fell(2)])
    taken = ledger.leases(all_are(ProcessFate.ALIVE)).take(frozenset({WEB}), owner(2), OTHER)
    assert taken.epoch > lease.epoch


def test_unlock_of_free_group_names_nobody(ledger: Ledger) -> None:
    assert ledger.leases().unlock(WEB) is None
    ledger.leases().release(begun(ledger))
    assert ledger.leases().unlock(WEB) is None


def test_holder_of_free_group_is_nobody(ledger: Ledger) -> None:
    assert ledger.leases().holder(WEB) is None
    lease = begun(ledger)
    ledger.leases().release(lease)
    assert ledger.leases().holder(WEB) is None


@pytest.mark.parametrize("verdict", [ProcessFate.ALIVE, ProcessFate.UNKNOWN])
def test_holder_with_a_young_heartbeat_is_alive(ledger: Ledger, verdict: ProcessFate) -> None:
    lease = ledger.leases().take(BOTH, owner(41), ID)
    ledger.leases().renew(lease)
    found = ledger.leases(all_are(verdict)).holder(WEB)
    assert found is not None
    assert (found.rollout, found.owner, found.liveness) == (ID, owner(41), Liveness.ALIVE)
    assert found.silent_for is not None
    assert abs(found.silent_for) < timedelta(seconds=6)
    ledger.leases().renew(lease)


@pytest.mark.usefixtures("old")
@pytest.mark.parametrize(
    ("verdict", "liveness"),
    [
        (ProcessFate.ALIVE, Liveness.ALIVE),
        (ProcessFate.UNKNOWN, Liveness.UNKNOWN),
        (ProcessFate.DEAD, Liveness.GONE),
    ],
)
def test_holder_without_a_young_heartbeat_is_judged_by_its_process(
    ledger: Ledger, verdict: ProcessFate, liveness: Liveness
) -> None:
    ledger.leases().take(BOTH, owner(41), ID)
    found = ledger.leases(all_are(verdict)).holder(WEB)
    assert found is not None
    assert found.liveness is liveness


@pytest.mark.usefixtures("old")
def test_holder_says_whether_a_dead_owner_must_be_watched(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `take` does: in a shared store a dead process counts only after a long silence."""
    ledger.leases().take(BOTH, owner(41), ID)
    dead, shared = ledger.leases(all_are(ProcessFate.DEAD)), not ledger.url.startswith("sqlite:")
    for limit in (SILENCE_LIMIT, timedelta(seconds=-60)):
        monkeypatch.setattr(lease_holders, "SILENCE_LIMIT", limit)
        found = dead.holder(WEB)
        assert found is not None
        assert found.watched is (shared and limit == SILENCE_LIMIT)
    assert dead.take(BOTH, owner(42), ID).owner == owner(42)


def test_holder_that_is_silent_is_gone_although_its_process_exists(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.leases().take(BOTH, owner(41), ID)
    monkeypatch.setattr(lease_holders, "FRESH_HEARTBEAT", timedelta(seconds=-60))
    monkeypatch.setattr(lease_queries, "SILENCE_LIMIT", timedelta(seconds=-60))
    found = ledger.leases(all_are(ProcessFate.ALIVE)).holder(WEB)
    assert found is not None
    assert found.liveness is Liveness.GONE


def test_young_heartbeat_in_a_shared_store_outranks_a_dead_process(ledger: Ledger) -> None:
    ledger.leases().take(BOTH, owner(41), ID)
    found = ledger.leases(all_are(ProcessFate.DEAD)).holder(WEB)
    assert found is not None
    shared = not ledger.url.startswith("sqlite:")
    assert found.liveness is (Liveness.ALIVE if shared else Liveness.GONE)


def test_take_of_no_group_is_refused(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="at least one group"):
        ledger.leases().take(frozenset(), owner(), ID)


HOLDER = """
import sys
from tests.contracts.ledgers import BOTH, ID, fell, journal_at, leases_at
from katakei.adapters.system import process
from katakei.domain.errors import LeaseHeldError, LeaseLostError
journal, leases = journal_at(sys.argv[1]), leases_at(sys.argv[1])
journal.find()
print("ready", flush=True)
silent = frozenset()
for line in sys.stdin:
    try:
        if line == "take\\n":
            lease = leases.take(BOTH, process.current_owner(), ID, silent)
        else:
            journal.append(lease, ID, 1, [fell(2)])
        print("done", flush=True)
    except (LeaseHeldError, LeaseLostError) as refusal:
        silent = getattr(refusal, "silent", silent)
        print(type(refusal).__name__, flush=True)
"""


class Rival:
    """Another process that takes and writes when it is told to."""

    def __init__(self, url: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.hears()

    def told(self, word: str) -> None:
        assert self.process.stdin is not None
        os.write(self.process.stdin.fileno(), f"{word}\n".encode())

    def hears(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ends(self, how: signal.Signals = signal.SIGKILL) -> None:
        self.process.send_signal(how)
        self.process.communicate()


@pytest.fixture
def rivals(ledger: Ledger) -> Iterator[list[Rival]]:
    both = [Rival(ledger.url), Rival(ledger.url)]
    yield both
    for rival in both:
        rival.ends()


def test_concurrent_takes_have_one_winner(ledger: Ledger, rivals: list[Rival]) -> None:
    for _ in range(5):
        for rival in rivals:
            rival.told("take")
        assert sorted(rival.hears() for rival in rivals) == ["LeaseHeldError", "done"]
        ledger.leases().release(taken_over(ledger, BOTH, owner(), ID))


def test_killed_holder_is_replaced_on_the_same_host(ledger: Ledger, rivals: list[Rival]) -> None:
    dead, next_one = rivals
    dead.told("take")
    assert dead.hears() == "done"
    next_one.told("take")
    assert next_one.hears() == "LeaseHeldError"
    dead.ends()
    next_one.told("take")
    if not isinstance(ledger, SqliteLedger):  # other machines may share it: the young heartbeat has to be watched first
        assert next_one.hears() == "LeaseHeldError"
        next_one.told("take")
    assert next_one.hears() == "done"


def test_stopped_owner_writes_nothing_after_replacement(ledger: Ledger, rivals: list[Rival]) -> None:
    sleeper = rivals[0]
    ledger.leases().release(begun(ledger))
    sleeper.told("take")
    assert sleeper.hears() == "done"
    sleeper.process.send_signal(signal.SIGSTOP)
    sleeper.told("write")
    taken = taken_over(ledger, BOTH, process.current_owner(), ID)
    sleeper.process.send_signal(signal.SIGCONT)
    assert sleeper.hears() == "LeaseLostError"
    assert ledger.journal().read(ID, 0) == [planned()]
    ledger.journal().append(taken, ID, 1, [fell(9)])
