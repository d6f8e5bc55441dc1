"""Journals of every schema so far, recorded by real rollouts on the lab: every later version reads them.

A file in `recorded/` is never changed. A new schema gets a new recording beside the old ones. The recordings of each
version of events have a folder of their own, see `test_recorded_rollouts.py`.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.contracts.ledgers import LEDGERS, Ledger, fell, owner
from tests.recording.stores import RECORDED, put_back

from katakei.adapters.journals import rollout_headers
from katakei.adapters.journals.event_codec import decode, encode
from katakei.adapters.journals.s3 import bucket
from katakei.domain.phases import Phase
from katakei.domain.ports import RolloutHeader
from katakei.domain.replay import replay

EACH = sorted(path.name for path in RECORDED.iterdir() if path.is_file())


@pytest.fixture(params=EACH)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """The recording, put back where it came from."""
    name: str = request.param
    with LEDGERS[name.partition("-")[0]](tmp_path) as made:
        put_back(made, RECORDED / name)
        yield made


def the_rollout(ledger: Ledger) -> RolloutHeader:
    (header,) = ledger.journal().find()
    return header


def test_recorded_rollout_is_replayed_to_its_end(ledger: Ledger) -> None:
    header = the_rollout(ledger)
    events = ledger.journal().read(header.rollout, 0)
    state = replay(events)
    assert (len(events) > 25, header.service, state.plan.release) == (True, "shop", "v2")
    assert header.finished == state.finished
    assert [standing.phase for standing in state.statuses.values()] == [Phase.DONE, Phase.DONE]


def test_recorded_rollout_accepts_new_events(ledger: Ledger) -> None:
    header = the_rollout(ledger)
    before = ledger.journal().read(header.rollout, 0)
    lease = ledger.leases().take(frozenset(header.groups), owner(), header.rollout)
    ledger.leases().renew(lease)
    ledger.journal().append(lease, header.rollout, len(before), [fell(1)])
    assert ledger.journal().read(header.rollout, 0) == [*before, fell(1)]


def test_recorded_events_survive_a_rewrite() -> None:
    lines = json.loads((RECORDED / "s3-1.json").read_text())["rollouts/r-skqx99xx/snapshot.jsonl"].splitlines()
    for line in lines:
        assert _holds(json.loads(encode(decode(line))), json.loads(line))


def test_present_schema_is_recorded() -> None:
    assert f"sqlite-{rollout_headers.VERSION}.sql" in EACH
    assert f"s3-{bucket.SCHEMA_VERSION}.json" in EACH


def _holds(now: object, then: object) -> bool:
    """Whatever was recorded is there, and as it was; a later version may tell more."""
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        return all(name in now and _holds(now[name], value) for name, value in then.items())
    return now == then
