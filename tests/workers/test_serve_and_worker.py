"""`katakei serve` beside `katakei worker`: people and CI jobs use the server, and workers drive the rollouts.

Servers, workers and connections end in the middle. Every wait is generous.
"""

import contextlib
import http.client
import json
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.command import Katakei, Running
from tests.e2e.ground import Ground
from tests.e2e.served import Server
from tests.e2e.stage import QUICK
from tests.workers.team import LONG, fresh_journal

from katakei.adapters.journals.sql_journal import SqlJournal
from katakei.domain import events as e
from katakei.domain.model import RolloutId
from katakei.domain.phases import Phase
from katakei.domain.replay import Rollout, replay
from katakei.lab import clock
from katakei.lab.process import Lab
from katakei.render import events as event_text

pytestmark = [pytest.mark.lab, pytest.mark.play, pytest.mark.slow]

REST = """\
balancer: {alb: {target_groups: [LaravelTargetGroup]}}
drain: {settle: 1s, until: delay}
check: {http: {path: /health}, within: 60s}
"""
SHOP = f"""\
service: shop
{REST}
work:
  ssm: {{run: 'echo "$KATAKEI_RELEASE" > release && ./bin/restart'}}
warm: {{soak: 3s}}
"""
HAND = f"""\
service: hand
{REST}
work: {{manual: }}
warm: {{soak: 1s}}
"""


class Place:
    """The lab, the journal in PostgreSQL, a server and its workers."""

    def __init__(self, katakei: Katakei, lab: Lab) -> None:
        self.katakei, self.ground = katakei, Ground(lab)
        self.journal = SqlJournal(katakei.env["KATAKEI_JOURNAL"])
        self.server = Server(katakei, {"shop": SHOP, "hand": HAND})
        self.headers = {"Authorization": f"Bearer {self.server.issue('--role', 'admin')}"}

    def worker(self) -> Running:
        started = self.katakei.start("worker", "--services", "services")
        started.until("engine started", LONG)
        return started

    def post(self, path: str, **body: object) -> Any:
        """The answer of the API to a command."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.server.cutter.port, timeout=LONG)) as to:
            to.request("POST", f"/api/v1{path}", json.dumps(body), {**self.headers, "Content-Type": "application/json"})
            answer = to.getresponse()
            text = answer.read().decode()
        assert answer.status in {200, 201, 202}, (path, answer.status, text)
        return json.loads(text)

    def events(self, rollout: RolloutId) -> Sequence[e.Event]:
        return self.journal.read(rollout, 0)

    def state(self, rollout: RolloutId) -> Rollout:
        return replay(self.events(rollout))

    def until(self, condition: Callable[[], object]) -> None:
        """Waits until the condition holds."""
        assert clock.wait_for(condition, LONG, 0.2), self.server.running.said()

    def working(self, rollout: RolloutId) -> int:
        """How many targets were worked on, or are."""
        events = self.events(rollout)
        return sum(isinstance(event, e.PhaseChanged) and event.to is Phase.WORKING for event in events)

    def owners(self, rollout: RolloutId) -> list[int]:
        """The processes that drove it, in turn."""
        return [event.owner.pid for event in self.events(rollout) if isinstance(event, e.OwnerChanged)]

    def watch(self, rollout: RolloutId) -> "Watcher":
        watcher = Watcher(self, rollout)
        watcher.start()
        return watcher


class Watcher(threading.Thread):
    """Somebody who watches a rollout by the API, and comes back after each lost connection."""

    def __init__(self, place: Place, rollout: RolloutId) -> None:
        super().__init__(daemon=True)
        self._place, self._path = place, f"/api/v1/rollouts/{rollout}/events"
        self._last = ""
        self.frames: list[tuple[str, Any]] = []

    def run(self) -> None:
        while "ended" not in {kind for kind, _ in self.frames}:
            with contextlib.suppress(OSError, http.client.HTTPException):
                self._read()
            clock.sleep(0.2)

    @property
    def waits(self) -> list[Any]:
        return [data for kind, data in self.frames if kind == "waiting"]

    def codes(self) -> set[str]:
        return {data["reason"]["code"] for data in self.waits}

    def _read(self) -> None:
        headers = {**self._place.headers, **({"Last-Event-ID": self._last} if self._last else {})}
        asking = http.client.HTTPConnection("127.0.0.1", self._place.server.cutter.port, timeout=LONG)
        with contextlib.closing(asking):
            asking.request("GET", self._path, headers=headers)
            kind = ""
            for line in asking.getresponse():
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name == "event":
                    kind = value
                elif name == "id":
                    self._last = value
                elif name == "data":
                    self.frames.append((kind, json.loads(value)))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with fresh_journal() as url, Lab(QUICK) as lab:
        katakei = Katakei(tmp_path, {**lab.env, "XDG_STATE_HOME": str(tmp_path), "KATAKEI_JOURNAL": url})
        made = Place(katakei, lab)
        yield made
        made.server.cutter.close()
        katakei.close()
        made.journal.close()


def test_people_command_by_the_api_what_a_worker_drives(place: Place) -> None:
    """Started, paused, resumed and approved; the server restarts in the middle, and the worker goes on."""
    worker = place.worker()
    rollout = RolloutId(place.post("/services/hand/rollouts", release="v9")["rollout"])
    watcher = place.watch(rollout)
    place.until(lambda: place.working(rollout) and watcher.waits)
    place.post(f"/rollouts/{rollout}/pause")
    place.post(f"/rollouts/{rollout}/work-done", targets=[])
    place.until(lambda: not place.state(rollout).in_progress)
    place.until(lambda: "paused" in watcher.codes())

    before = len(place.events(rollout))
    place.server.stop()
    place.server.start()
    place.post(f"/rollouts/{rollout}/resume")
    place.until(lambda: place.working(rollout) == 2)
    place.post(f"/rollouts/{rollout}/work-done", targets=[])
    place.until(lambda: place.state(rollout).finished)
    watcher.join(LONG)

    events = place.events(rollout)
    assert place.owners(rollout) == [worker.process.pid]
    assert len(events) > before
    assert sum(kind == "recorded" for kind, _ in watcher.frames) == len(events)
    assert watcher.frames[-1][0] == "ended"
    assert all(wait["message"] and wait["reason"]["code"] and wait["since"] for wait in watcher.waits)
    assert "target_waits" in watcher.codes()

    for process in (place.server.running, worker):
        process.tell(signal.SIGTERM)
        ended = process.end(LONG)
        assert ended.code == 0, ended.all()


def test_trigger_waits_through_a_dead_worker_and_a_restart(place: Place) -> None:
    """Each line once and in order, and the exit code of the rollout."""
    worker = place.worker()
    ci: dict[str, Any] = {"KATAKEI_SERVER": place.server.url, "KATAKEI_TOKEN": place.server.token(), "CI": "true"}
    deploy = place.katakei.start("trigger", "shop", "--release", "v9", "--wait", **ci, KATAKEI_JOURNAL=None)
    deploy.until("draining", LONG)
    rollout = RolloutId(place.journal.find(unfinished=True)[0].rollout)
    worker.tell(signal.SIGKILL)
    worker.end(LONG)
    second = place.worker()
    place.server.cutter.cut()
    place.server.stop()
    place.server.start()
    place.until(lambda: len(place.owners(rollout)) == 2)
    place.server.cutter.cut()

    ended = deploy.end(LONG)
    assert ended.code == 0, ended.all()
    assert place.owners(rollout) == [worker.process.pid, second.process.pid]
    assert (place.ground.releases(), place.ground.starts()) == (["v9", "v9"], [1, 1])
    said = [line for line in ended.out.splitlines() if line]
    wanted = [line for line in _lines(place.events(rollout)) if line]
    assert [line for line in said if line in set(wanted)] == wanted


def test_roll_in_a_terminal_shows_what_it_waits_for(place: Place) -> None:
    """No worker is there: the command drives the rollout, and a person at the console sees the sentence."""
    roll = place.katakei.start("roll", "LaravelTargetGroup", "--manual", "--release", "v9", "--yes")
    roll.until("rollout r-", LONG)
    rollout = RolloutId(place.journal.find(unfinished=True)[0].rollout)
    watcher = place.watch(rollout)
    place.until(lambda: watcher.waits)
    aborted = place.katakei("abort", rollout, within=LONG)
    assert aborted.code == 0, aborted.all()
    ended = roll.end(LONG)
    assert ended.code == 1, ended.all()
    watcher.join(LONG)
    assert watcher.frames[-1][0] == "ended"


def _lines(events: Sequence[e.Event]) -> list[str]:
    """The line of each event, as every command shows it."""
    state, lines = replay(events[:1]), []
    for number, event in enumerate(events):
        if number:
            state = replay(events[: number + 1])
        lines += (event_text.line(state, event) or "").splitlines()
    return lines
