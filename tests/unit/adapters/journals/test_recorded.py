"""Journals of every version so far, recorded by real rollouts on the lab: they are read for ever.

A file here is never changed. A new version of what is kept gets a new recording beside the old ones.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from tests.contracts.ledgers import LEDGERS, Ledger, S3Ledger, SqliteLedger, fell, owner

from katakei.adapters.journals import reading
from katakei.adapters.journals.codec import decode, encode
from katakei.domain.events import VERSION
from katakei.domain.phases import Phase
from katakei.domain.ports import RolloutHeader
from katakei.domain.replay import replay

RECORDED = Path(__file__).parent / "recorded"
EACH = sorted(path.name for path in RECORDED.iterdir())


@pytest.fixture(params=EACH)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """The recording, put back where it came from."""
    name: str = request.param
    with LEDGERS[name.partition("-")[0]](tmp_path) as made:
        if isinstance(made, SqliteLedger):
            made.path.parent.mkdir()
            with closing(sqlite3.connect(made.path)) as connection:
                connection.executescript((RECORDED / name).read_text())
        if isinstance(made, S3Ledger):
            for key, text in json.loads((RECORDED / name).read_text()).items():
                made.bucket.put(key, text)
        yield made


def the_rollout(ledger: Ledger) -> RolloutHeader:
    (header,) = ledger.journal().find()
    return header


def test_what_it_tells_is_understood_to_the_end(ledger: Ledger) -> None:
    header = the_rollout(ledger)
    events = ledger.journal().read(header.rollout, 0)
    state = replay(events)
    assert (len(events) > 25, header.service, state.plan.release) == (True, "shop", "v2")
    assert header.finished == state.finished
    assert [standing.phase for standing in state.statuses.values()] == [Phase.DONE, Phase.DONE]


def test_it_may_be_written_on(ledger: Ledger) -> None:
    header = the_rollout(ledger)
    before = ledger.journal().read(header.rollout, 0)
    lease = ledger.leases().take(frozenset(header.groups), owner(), header.rollout)
    ledger.leases().renew(lease)
    ledger.journal().append(lease, header.rollout, len(before), [fell(1)])
    assert ledger.journal().read(header.rollout, 0) == [*before, fell(1)]


def test_nothing_of_it_is_lost_when_it_is_read_and_written_again() -> None:
    lines = json.loads((RECORDED / "s3-1.json").read_text())["rollouts/r-skqx99xx/snapshot.jsonl"].splitlines()
    for line in lines:
        assert _holds(json.loads(encode(decode(line))), json.loads(line))


def test_the_present_version_is_among_them() -> None:
    assert f"sqlite-{reading.VERSION}.sql" in EACH
    assert f'"events\\": \\"{VERSION}\\"' in (RECORDED / "s3-1.json").read_text().replace('\\"events', '"events')


def _holds(now: object, then: object) -> bool:
    """Whatever was recorded is there, and as it was; a later version may tell more."""
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        return all(name in now and _holds(now[name], value) for name, value in then.items())
    return now == then
