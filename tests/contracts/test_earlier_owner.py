"""An owner of an earlier version that is alive while this version starts: it keeps its rollout and its lease.

The stores are recordings of that version. Its rollouts and leases are exactly as it wrote them, and it is sent only
commands that it can read.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.contracts.ledgers import LEDGERS, Ledger, S3Ledger, SqliteLedger
from tests.properties.builders import seconds
from tests.recording.carrying import Carried
from tests.recording.drivers import Process, StageClock
from tests.recording.stores import RECORDED, dump, put_back, told

from katakei.adapters.journals import lease_holders
from katakei.adapters.journals.event_codec import encode
from katakei.adapters.journals.s3.bucket import unchanged_since
from katakei.adapters.system.process import Place, ProcessFate
from katakei.domain.errors import ExitCode
from katakei.domain.events import OwnerChanged
from katakei.domain.leases import HEARTBEAT_INTERVAL, Owner
from katakei.domain.model import RolloutId

pytestmark = pytest.mark.slow

VERSION_1 = RECORDED / "events-1"
SHAPES: dict[str, Any] = json.loads((VERSION_1 / "shapes.json").read_text(encoding="utf-8"))["records"]
STORES = {"sqlite": VERSION_1 / "sqlite-phases.sql", "s3": VERSION_1 / "s3-phases.json"}
SILENCE = timedelta(seconds=30)
OF_TYPE = {"moment": (str,), "string": (str,), "string | null": (str, type(None)), "[string]": (list,)}


class Beside(Carried):
    """A command of this version beside the recorded owner.

    Attributes:
        seen: What this process knows of the owner's process.
        beating: Whether the owner sends a heartbeat every 5 s, as its version does.
    """

    exit_codes = Carried.exit_codes | {ExitCode.REFUSED}
    seen = ProcessFate.ALIVE
    beating = True

    def fate(self, owner: Owner, place: Place) -> ProcessFate:
        return super().fate(owner, place) if owner in self.living else self.seen

    def process(self, *given: Any) -> Process:
        process = super().process(*given)
        process.clock = StageClock(self.aws, self._beat)
        self._beaten = self.aws.clock.time
        return process

    def _beat(self) -> None:
        while self.beating and self.aws.clock.time - self._beaten >= HEARTBEAT_INTERVAL:
            self._beaten += HEARTBEAT_INTERVAL
            heartbeat(self.store, self.rollout)

    @property
    def owner(self) -> Owner:
        found = self.now().owner
        assert found is not None
        return found


def heartbeat(store: Ledger, rollout: RolloutId) -> None:
    """One heartbeat of the earlier version: its lease rows with a greater number, and nothing else."""
    if isinstance(store, SqliteLedger):
        with closing(sqlite3.connect(store.path)) as connection, connection:
            connection.execute("UPDATE leases SET beat = beat + 1 WHERE rollout = ?", (rollout,))
    if isinstance(store, S3Ledger):
        for key in store.bucket.keys("leases/"):
            found = store.bucket.get(key)
            row = json.loads(found.text) if found else {}
            if found and row["rollout"] == rollout:
                assert store.bucket.put(key, json.dumps(row | {"beat": row["beat"] + 1}), unchanged_since(found))


@pytest.fixture(scope="module", params=STORES)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A recording of the earlier version. Each test uses other rollouts of it."""
    with LEDGERS[request.param](tmp_path_factory.mktemp("earlier")) as ledger:
        put_back(ledger, STORES[request.param])
        yield ledger


def beside(store: Ledger, folder: Path, name: str, seen: ProcessFate = ProcessFate.ALIVE) -> Beside:
    rollout = RolloutId(f"r-{name}")
    stage = Beside(store, folder, rollout, told(STORES["sqlite"])[rollout]["aws"], 0)
    stage.seen = seen
    return stage


@pytest.mark.parametrize("seen", [ProcessFate.ALIVE, ProcessFate.UNKNOWN])
def test_owner_that_sends_heartbeats_is_never_replaced(store: Ledger, tmp_path: Path, seen: ProcessFate) -> None:
    stage = beside(store, tmp_path, "draining", seen)
    before, owner = stage.events(stage.rollout), stage.owner
    for _ in range(3):
        ran = stage.carry_on()
        assert ran.code == ExitCode.REFUSED
        assert f"held by rollout r-draining of {owner}" in ran.err
    assert stage.events(stage.rollout) == before
    assert not [call for call in stage.aws.log.calls if call.kind in {"register", "deregister", "start"}]


def test_owner_is_replaced_once_it_was_silent_for_long(
    store: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease_holders, "FRESH_HEARTBEAT", seconds(-60))  # the restored objects of S3 are seconds old
    stage = beside(store, tmp_path, "working", ProcessFate.UNKNOWN)
    stage.beating = False
    before, owner, begun = stage.events(stage.rollout), stage.owner, stage.aws.clock.time
    stage.carry_on(dies=lambda state: state.owner != owner)
    taken = stage.events(stage.rollout)[len(before)]
    assert isinstance(taken, OwnerChanged)
    assert taken.at - begun >= SILENCE


READING = (
    ("list", "--json"),
    ("list", "--service", "shop", "--json"),
    ("show", "ROLLOUT", "--json"),
    ("logs", "ROLLOUT", "--json"),
    ("report", "ROLLOUT", "--json"),
    ("status", "GROUP", "--json"),
    ("groups", "--json"),
)


def test_commands_that_read_change_nothing(store: Ledger, tmp_path: Path) -> None:
    before, stage = dump(store), beside(store, tmp_path, "soaking")
    names = {"ROLLOUT": stage.rollout, "GROUP": stage.groups[0].name}
    for words in READING:
        ran = stage.command(*(names.get(word, word) for word in words))
        assert (ran.code, bool(json.loads(ran.out))) == (ExitCode.DONE, True), words
    assert dump(store) == before


COMMANDS = {
    "PauseAsked": ("warming", "pause"),
    "AbortAsked": ("checking", "abort"),
    "ResumeAsked": ("paused", "resume"),
    "Approved": ("manual", "approve"),
    "RevertAsked": ("reverting", "revert"),
}
"""Kind of event to a recorded rollout and the command given to it. Refusals are tested first: they write nothing."""


@pytest.mark.parametrize("kind", COMMANDS)
def test_command_that_the_owner_cannot_read_is_refused(
    store: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("katakei.app.control.version_needed", lambda _command: 2)
    name, word = COMMANDS[kind]
    stage = beside(store, tmp_path, name)
    before = stage.events(stage.rollout)
    ran = stage.command(word, stage.rollout, "--json")
    assert ran.code == ExitCode.REFUSED
    assert "older Katakei" in ran.err
    assert stage.events(stage.rollout) == before


@pytest.mark.parametrize("kind", COMMANDS)
def test_command_is_written_as_the_owner_can_read_it(store: Ledger, tmp_path: Path, kind: str) -> None:
    name, word = COMMANDS[kind]
    stage = beside(store, tmp_path, name)
    before, owner = stage.events(stage.rollout), stage.owner
    assert stage.command(word, stage.rollout, "--json").code == ExitCode.DONE
    (event,) = stage.events(stage.rollout)[len(before) :]
    line = json.loads(encode(event))
    assert line.pop("kind") == kind
    assert line.keys() == SHAPES[kind].keys()
    assert all(isinstance(value, OF_TYPE[SHAPES[kind][field]["type"]]) for field, value in line.items())
    assert stage.owner == owner
