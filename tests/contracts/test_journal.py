"""Every journal, held to the promises of the port `Journal`."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from tests.contracts.ledgers import (
    API,
    BOTH,
    ID,
    LEDGERS,
    NOON,
    OTHER,
    WEB,
    Ledger,
    begun,
    fell,
    owner,
    planned,
    taken_over,
    word,
)

from katakei.domain import events as e
from katakei.domain.errors import ConcurrentAppendError, LeaseLostError, NoAnswerError, UnreachableError, UsageError
from katakei.domain.events import Event
from katakei.domain.leases import Lease
from katakei.domain.model import Arn, RolloutId, TargetId


@pytest.fixture(params=LEDGERS)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    with LEDGERS[request.param](tmp_path) as made:
        yield made


def test_read_returns_events_of_another_process_in_order(ledger: Ledger) -> None:
    lease = begun(ledger)
    ledger.journal().append(lease, ID, 1, [fell(2), fell(3)])
    assert ledger.journal().read(ID, 0) == [planned(), fell(2), fell(3)]
    assert ledger.journal().read(ID, 2) == [fell(3)]


def test_read_of_unknown_rollout_is_empty(ledger: Ledger) -> None:
    assert ledger.journal().read(ID, 0) == []
    begun(ledger)
    assert ledger.journal().read(OTHER, 0) == []


@pytest.mark.parametrize("after", [0, 1, 3])
def test_append_at_wrong_number_writes_nothing(ledger: Ledger, after: int) -> None:
    lease = begun(ledger)
    ledger.journal().append(lease, ID, 1, [fell(2)])
    with pytest.raises(ConcurrentAppendError):
        ledger.journal().append(lease, ID, after, [fell(9), fell(9)] if after else [planned(), fell(9)])
    assert ledger.journal().read(ID, 0) == [planned(), fell(2)]


def test_empty_append_still_checks_the_lease(ledger: Ledger) -> None:
    lease = begun(ledger)
    ledger.journal().append(lease, ID, 1, [])
    ledger.leases().release(lease)
    with pytest.raises(LeaseLostError):
        ledger.journal().append(lease, ID, 1, [])


@pytest.mark.parametrize("lost", BOTH)
def test_append_needs_every_group_of_the_lease(ledger: Ledger, lost: str) -> None:
    lease = begun(ledger)
    taken_over(ledger, frozenset({Arn(lost)}), owner(2), OTHER)
    with pytest.raises(LeaseLostError):
        ledger.journal().append(lease, ID, 1, [fell(2)])
    assert ledger.journal().read(ID, 0) == [planned()]


def test_append_under_former_epoch_is_fenced(ledger: Ledger) -> None:
    former = begun(ledger)
    ledger.leases().take(BOTH, owner(), ID)
    with pytest.raises(LeaseLostError):
        ledger.journal().append(former, ID, 1, [fell(2)])


def test_append_under_invented_lease_writes_nothing(ledger: Ledger) -> None:
    for invented in (Lease(BOTH, owner(), 1), Lease(frozenset(), owner(), 1)):
        with pytest.raises(LeaseLostError):
            ledger.journal().append(invented, ID, 0, [planned()])
    assert ledger.journal().find() == []


def test_append_with_epoch_of_another_owner_is_refused(ledger: Ledger) -> None:
    lease = begun(ledger)
    for stranger in (owner(2), owner(host="elsewhere"), replace(owner(), started=8), replace(owner(), boot="later")):
        with pytest.raises(LeaseLostError):
            ledger.journal().append(replace(lease, owner=stranger), ID, 1, [fell(2)])


def test_empty_append_at_wrong_number_is_refused(ledger: Ledger) -> None:
    lease = begun(ledger)
    with pytest.raises(ConcurrentAppendError):
        ledger.journal().append(lease, ID, 0, [])


def test_append_requires_planned_first_and_only_first(ledger: Ledger) -> None:
    lease = ledger.leases().take(BOTH, owner(), ID)
    wrong: list[tuple[int, list[Event]]] = [(0, [fell(1)]), (0, [planned(), planned()])]
    for after, events in wrong:
        with pytest.raises(ValueError, match="Planned"):
            ledger.journal().append(lease, ID, after, events)
    assert ledger.journal().read(ID, 0) == []


def test_tell_needs_no_lease_and_takes_next_number(ledger: Ledger) -> None:
    lease = begun(ledger)
    ledger.journal().tell(ID, word(2))
    with pytest.raises(ConcurrentAppendError):
        ledger.journal().append(lease, ID, 1, [fell(2)])
    ledger.journal().append(lease, ID, 2, [fell(3)])
    assert ledger.journal().read(ID, 0) == [planned(), word(2), fell(3)]


def test_tell_to_unknown_rollout_is_usage_error(ledger: Ledger) -> None:
    with pytest.raises(UsageError, match="no rollout r-one"):
        ledger.journal().tell(ID, word(1))
    assert ledger.journal().read(ID, 0) == []


def test_find_filters_and_sorts_newest_first(ledger: Ledger) -> None:
    begun_ids = [RolloutId(f"r-{n}") for n in range(3)]
    for hours, (rollout, arns) in enumerate(zip(begun_ids, [BOTH, {WEB}, {API}], strict=True)):
        lease = begun(ledger, rollout, frozenset(arns), hours)
        if hours == 1:
            ledger.journal().append(lease, rollout, 1, [e.Finished(NOON)])
        ledger.leases().release(lease)
    journal = ledger.journal()
    assert [header.rollout for header in journal.find()] == ["r-2", "r-1", "r-0"]
    assert [header.rollout for header in journal.find(group=WEB)] == ["r-1", "r-0"]
    assert [header.rollout for header in journal.find(group=WEB, unfinished=True)] == ["r-0"]
    assert [header.rollout for header in journal.find(service="shop", group=API)] == ["r-2", "r-0"]
    assert journal.find(service="other") == []


def test_find_goes_by_the_order_in_the_store_not_by_clocks(ledger: Ledger) -> None:
    """Each rollout was begun by a machine whose clock is hours behind that of the one before."""
    groups = [BOTH, frozenset({WEB}), frozenset({API}), BOTH]
    for number, arns in enumerate(groups):
        ledger.leases().release(begun(ledger, RolloutId(f"r-{number}"), arns, -number))
    journal = ledger.journal()
    assert [header.rollout for header in journal.find(group=WEB)] == ["r-3", "r-1", "r-0"]
    assert [header.rollout for header in journal.find(group=API)] == ["r-3", "r-2", "r-0"]
    every = [header.rollout for header in journal.find()]
    assert (every[0], set(every[1:3]), every[3]) == ("r-3", {"r-1", "r-2"}, "r-0")


def test_reopened_rollout_keeps_its_place_in_the_order(ledger: Ledger) -> None:
    for number in range(2):
        rollout = RolloutId(f"r-{number}")
        lease = begun(ledger, rollout)
        ledger.journal().append(lease, rollout, 1, [e.Finished(NOON)])
        ledger.leases().release(lease)
    ledger.journal().tell(RolloutId("r-0"), e.RetryAsked(NOON, "kim", (TargetId("i-1"),)))
    assert [header.rollout for header in ledger.journal().find(group=WEB)] == ["r-1", "r-0"]


def test_header_repeats_the_plan(ledger: Ledger) -> None:
    begun(ledger)
    (header,) = ledger.journal().find()
    assert (header.service, header.groups, header.who) == ("shop", tuple(sorted(BOTH)), "kim")
    assert (header.begun, header.finished) == (NOON, None)


def test_find_lists_reopened_rollout_as_unfinished(ledger: Ledger) -> None:
    lease = begun(ledger)
    ledger.journal().append(lease, ID, 1, [e.Finished(NOON)])
    assert ledger.journal().find()[0].finished == NOON
    ledger.journal().tell(ID, e.RetryAsked(NOON, "kim", (TargetId("i-1"),)))
    assert ledger.journal().find(unfinished=True)[0].finished is None


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_two_threads_of_one_process_leave_no_hole(ledger: Ledger, seed: int) -> None:
    lease, journal = begun(ledger), ledger.journal()

    def loop() -> list[Event]:
        """Appends as the loop of a rollout does: at the end that it knows, and again after any failure."""
        written: list[Event] = []
        while len(written) < 12:
            events = [fell(len(written)), fell(len(written) + 1)]
            after = len(journal.read(ID, 0))
            with suppress(ConcurrentAppendError, NoAnswerError):
                journal.append(lease, ID, after, events)
                written += events
        return written

    def person() -> list[Event]:
        """Writes as a person does who presses Enter beside that loop."""
        written: list[Event] = []
        while len(written) < 6:
            with suppress(NoAnswerError, UnreachableError):
                journal.tell(ID, word(len(written)))
                written.append(word(len(written)))
        return written

    with ledger.late_answers(seed), ThreadPoolExecutor(2) as pool:
        appended, told = pool.submit(loop), pool.submit(person)
        written = [*appended.result(60), *told.result(60)]
    events = ledger.journal().read(ID, 1)
    assert journal.read(ID, 1) == events
    assert sorted(map(str, set(events))) == sorted(map(str, set(written)))
    for kind in (e.BecameUnhealthy, e.AbortAsked):
        mine = [event for event in events if isinstance(event, kind)]
        assert list(dict.fromkeys(mine)) == [event for event in dict.fromkeys(written) if isinstance(event, kind)]


WRITER = """
import sys
from tests.contracts.ledgers import BOTH, ID, fell, journal_at, owner
from katakei.domain.leases import Lease
from katakei.adapters.system.process import ProcessFate
journal = journal_at(sys.argv[1])
after = len(journal.read(ID, 0))
while True:
    journal.append(Lease(BOTH, owner(), 1), ID, after, [fell(after // 50)] * 50)
    after += 50
    print(after, flush=True)
"""


def test_append_cut_by_kill_is_all_or_nothing(ledger: Ledger) -> None:
    begun(ledger)
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", WRITER, ledger.url], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            said = [writer.stdout.readline() for _ in range(4)][-1]
            writer.send_signal(signal.SIGKILL)
        kept = len(ledger.journal().read(ID, 0))
        assert kept >= int(said)
        assert (kept - 1) % 50 == 0


RACER = """
import sys
from tests.contracts.ledgers import BOTH, ID, fell, journal_at, owner
from katakei.domain.errors import ConcurrentAppendError
from katakei.domain.leases import Lease
from katakei.adapters.system.process import ProcessFate
journal = journal_at(sys.argv[1])
journal.find()
print("ready", flush=True)
won = []
for number in map(int, sys.stdin):
    try:
        journal.append(Lease(BOTH, owner(), 1), ID, number, [fell(int(sys.argv[2]))] * 2)
        print("won", flush=True)
    except ConcurrentAppendError:
        print("overtaken", flush=True)
"""


def test_concurrent_appends_have_one_winner(ledger: Ledger) -> None:
    begun(ledger)
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, ledger.url, str(n)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for n in range(2)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for turn in range(20):
        after = 1 + 2 * turn
        for racer in racers:
            assert racer.stdin is not None
            os.write(racer.stdin.fileno(), f"{after}\n".encode())
        answers = [racer.stdout.readline() for racer in racers if racer.stdout]
        assert sorted(answers) == ["overtaken\n", "won\n"]
        winner = answers.index("won\n")
        assert ledger.journal().read(ID, after) == [fell(winner)] * 2
    for racer in racers:
        racer.communicate()
