"""Every journal, held to the promises of the port `Journal`."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.contracts.ledgers import API, BOTH, ID, LEDGERS, NOON, OTHER, WEB, Ledger, begun, fell, owner, planned, word

from katakei.adapters.system.process import ProcessFate
from katakei.domain import events as e
from katakei.domain.errors import ConcurrentAppendError, LeaseLostError, UsageError
from katakei.domain.events import Event
from katakei.domain.leases import Lease
from katakei.domain.model import RolloutId, TargetId


@pytest.fixture(params=LEDGERS)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    with LEDGERS[request.param](tmp_path) as made:
        yield made


def test_what_was_written_is_read_by_another_process_whole_and_in_order(ledger: Ledger) -> None:
    lease = begun(ledger)
    ledger.journal().append(lease, ID, 1, [fell(2), fell(3)])
    assert ledger.journal().read(ID, 0) == [planned(), fell(2), fell(3)]
    assert ledger.journal().read(ID, 2) == [fell(3)]


def test_an_unknown_rollout_has_no_events(ledger: Ledger) -> None:
    assert ledger.journal().read(ID, 0) == []
    begun(ledger)
    assert ledger.journal().read(OTHER, 0) == []


@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_number_that_is_not_the_next_one_is_overtaken_and_writes_nothing(ledger: Ledger, after: int) -> None:
    lease = begun(ledger)
    ledger.journal().append(lease, ID, 1, [fell(2)])
    with pytest.raises(ConcurrentAppendError):
        ledger.journal().append(lease, ID, after, [fell(9), fell(9)] if after else [planned(), fell(9)])
    assert ledger.journal().read(ID, 0) == [planned(), fell(2)]


def test_a_turn_without_events_still_proves_that_the_lease_is_ours(ledger: Ledger) -> None:
    lease = begun(ledger)
    ledger.journal().append(lease, ID, 1, [])
    ledger.leases().release(lease)
    with pytest.raises(LeaseLostError):
        ledger.journal().append(lease, ID, 1, [])


@pytest.mark.parametrize("lost", BOTH)
def test_an_owner_who_lost_one_of_his_groups_writes_nothing_any_more(ledger: Ledger, lost: str) -> None:
    lease = begun(ledger)
    ledger.leases(lambda *_: ProcessFate.DEAD).take(frozenset({lost}), owner(2), OTHER)  # type: ignore[arg-type]  # parameters of pytest are plain
    with pytest.raises(LeaseLostError):
        ledger.journal().append(lease, ID, 1, [fell(2)])
    assert ledger.journal().read(ID, 0) == [planned()]


def test_a_former_lease_of_the_very_same_process_is_fenced_by_its_epoch(ledger: Ledger) -> None:
    former = begun(ledger)
    ledger.leases().take(BOTH, owner(), ID)
    with pytest.raises(LeaseLostError):
        ledger.journal().append(former, ID, 1, [fell(2)])


def test_a_lease_that_was_never_given_writes_nothing(ledger: Ledger) -> None:
    for invented in (Lease(BOTH, owner(), 1), Lease(frozenset(), owner(), 1)):
        with pytest.raises(LeaseLostError):
            ledger.journal().append(invented, ID, 0, [planned()])
    assert ledger.journal().find() == []


def test_the_number_of_another_owner_s_lease_is_no_lease(ledger: Ledger) -> None:
    lease = begun(ledger)
    for stranger in (owner(2), owner(host="elsewhere"), replace(owner(), started=8), replace(owner(), boot="later")):
        with pytest.raises(LeaseLostError):
            ledger.journal().append(replace(lease, owner=stranger), ID, 1, [fell(2)])


def test_a_turn_without_events_is_overtaken_as_any_other(ledger: Ledger) -> None:
    lease = begun(ledger)
    with pytest.raises(ConcurrentAppendError):
        ledger.journal().append(lease, ID, 0, [])


def test_the_first_event_and_only_that_is_planned(ledger: Ledger) -> None:
    lease = ledger.leases().take(BOTH, owner(), ID)
    wrong: list[tuple[int, list[Event]]] = [(0, [fell(1)]), (0, [planned(), planned()])]
    for after, events in wrong:
        with pytest.raises(ValueError, match="Planned"):
            ledger.journal().append(lease, ID, after, events)
    assert ledger.journal().read(ID, 0) == []


def test_a_word_needs_no_lease_and_takes_the_next_free_number(ledger: Ledger) -> None:
    lease = begun(ledger)
    ledger.journal().tell(ID, word(2))
    with pytest.raises(ConcurrentAppendError):
        ledger.journal().append(lease, ID, 1, [fell(2)])
    ledger.journal().append(lease, ID, 2, [fell(3)])
    assert ledger.journal().read(ID, 0) == [planned(), word(2), fell(3)]


def test_a_word_for_a_rollout_that_is_not_there_is_a_usage_fault(ledger: Ledger) -> None:
    with pytest.raises(UsageError, match="no rollout r-one"):
        ledger.journal().tell(ID, word(1))
    assert ledger.journal().read(ID, 0) == []


def test_rollouts_are_found_newest_first_by_service_group_and_being_unfinished(ledger: Ledger) -> None:
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


def test_a_header_tells_what_the_plan_told(ledger: Ledger) -> None:
    begun(ledger)
    (header,) = ledger.journal().find()
    assert (header.service, header.groups, header.who) == ("shop", tuple(sorted(BOTH)), "kim")
    assert (header.begun, header.finished) == (NOON, None)


def test_a_finished_rollout_that_a_word_reopens_is_unfinished_again(ledger: Ledger) -> None:
    lease = begun(ledger)
    ledger.journal().append(lease, ID, 1, [e.Finished(NOON)])
    assert ledger.journal().find()[0].finished == NOON
    ledger.journal().tell(ID, e.RetryAsked(NOON, "kim", (TargetId("i-1"),)))
    assert ledger.journal().find(unfinished=True)[0].finished is None


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


def test_of_a_turn_that_kill_9_cuts_all_is_there_or_nothing(ledger: Ledger) -> None:
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


def test_of_two_processes_that_want_the_same_number_exactly_one_gets_it(ledger: Ledger) -> None:
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
