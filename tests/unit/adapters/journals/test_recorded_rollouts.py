"""Whole stores, recorded while their rollouts stood in the middle of every phase: what they tell never changes.

A folder `recorded/events-N` holds what version N of events recorded, and what that version told of each rollout. Both
stores of one recording hold the same rollouts. A file there is never changed.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contracts.ledgers import LEDGERS, Ledger
from tests.recording.expected import expected
from tests.recording.stores import RECORDED, events_of, put_back, told

from katakei.adapters.journals.event_codec import decode, encode
from katakei.domain.events import VERSION
from katakei.domain.phases import FINAL_PHASES, Phase

STORES = sorted(path for path in RECORDED.glob("events-*/*") if path.stem.startswith(("sqlite-", "s3-")))


def name_of(store: Path) -> str:
    return f"{store.parent.name}-{store.stem}"


every_store = pytest.mark.parametrize("recording", STORES, ids=name_of)


@pytest.fixture(scope="module", params=STORES, ids=name_of)
def restored(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Ledger]]:
    """A recording in a store of its own. The tests only read it."""
    recording: Path = request.param
    with LEDGERS[recording.stem.partition("-")[0]](tmp_path_factory.mktemp("restored")) as ledger:
        put_back(ledger, recording)
        yield recording, ledger


@every_store
def test_every_recorded_event_is_written_again_as_it_was(recording: Path) -> None:
    lines = [line for each in events_of(recording).values() for line in each]
    assert len(lines) > 20
    for line in lines:
        assert encode(decode(line)) == line


@every_store
def test_replay_of_a_recorded_rollout_never_changes(recording: Path) -> None:
    found = events_of(recording)
    assert found.keys() == told(recording).keys()
    for rollout, then in told(recording).items():
        now = expected([decode(line) for line in found[rollout]])
        assert {name: then[name] for name in now} == now, rollout


def test_the_journal_reads_every_recorded_event(restored: tuple[Path, Ledger]) -> None:
    recording, ledger = restored
    journal = ledger.journal()
    found = {header.rollout: header for header in journal.find()}
    assert found.keys() == told(recording).keys()
    for rollout, lines in events_of(recording).items():
        events = journal.read(found[rollout].rollout, 0)
        assert [encode(event) for event in events] == lines
        assert (found[rollout].finished is None) == (told(recording)[rollout]["finished"] is None)


def test_version_1_stood_in_every_phase_in_both_stores() -> None:
    """Two of them had a command of several lines, or waited for a person."""
    passing = {phase.value for phase in set(Phase) - FINAL_PHASES}
    for name in ("sqlite-phases.sql", "s3-phases.json"):
        rollouts = [then for then in told(RECORDED / "events-1" / name).values() if then["finished"] is None]
        assert {target["phase"] for then in rollouts for target in then["targets"].values()} >= passing
        assert any("\n" in then["run"] for then in rollouts)
        assert any(then["paused"] for then in rollouts)
        assert any(then["aborting"] for then in rollouts)
        assert any(then["reverting"] for then in rollouts)


def test_the_present_version_of_events_is_recorded() -> None:
    stores = {path.stem.partition("-")[0] for path in STORES if path.parent.name == f"events-{VERSION}"}
    assert stores == {"sqlite", "s3"}
