"""`katakei roll` and the drain: proof, a probe beside manual work, counters, requests that come late."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.e2e.command import Katakei
from tests.e2e.ground import Ground
from tests.e2e.stage import Play, Plays, Stage

from katakei.lab import clock

pytestmark = pytest.mark.lab
plays = Plays()

FILE = """\
service: shop
balancer: {{alb: {{target_groups: [LaravelTargetGroup]}}}}
drain: {{settle: 2s, {drain}}}
work: {work}
warm: {{soak: 0s}}
"""
RESTART = "{ssm: {run: 'echo \"$KATAKEI_RELEASE\" > release && ./bin/restart'}}"
COUNTER = "until: counter, quiet: 1s, counter: {command: 'curl -fsS http://$ADDRESS:$PORT/in-flight'}"
ROLL = ("roll", "--release", "v2", "--yes", "--only")
TIMER = timedelta(minutes=2)


def _file(katakei: Katakei, ground: Ground, drain: str, work: str = RESTART) -> None:
    """A group with a timer that no test waits for, and this configuration."""
    ground.set_delay(TIMER)
    katakei.file(FILE.format(drain=drain, work=work))


@contextmanager
def _streams(ground: Ground, seconds: int) -> Iterator[None]:
    """Answers under way on both servers, which go on speaking for so long."""
    url = urlsplit(ground.lab.url)
    clients = [http.client.HTTPConnection(url.hostname or "", url.port or 80, timeout=5) for _ in range(4)]
    try:
        for client in clients:
            client.request("GET", f"/stream?s={seconds}")
            client.getresponse().readline()
        yield
    finally:
        for client in clients:
            client.close()


@plays
def proof_ends_the_drain_before_the_timer(katakei: Katakei, ground: Ground) -> None:
    katakei.file(f"service: shop\nbalancer: {{alb: {{target_groups: [LaravelTargetGroup]}}}}\nwork: {RESTART}\n")
    assert "up to the delay of" in katakei("plan").out
    _file(katakei, ground, "until: proof")
    begun = clock.monotonic()
    done = katakei(*ROLL, ground.ids[0])
    assert (done.code, ground.releases()) == (0, ["v2", "v1"]), done.all()
    assert clock.monotonic() - begun < TIMER.total_seconds() / 2


@plays
def requests_in_progress_are_counted_and_no_reader_is_left(katakei: Katakei, ground: Ground) -> None:
    _file(katakei, ground, "until: requests")
    begun = clock.monotonic()
    with _streams(ground, 60):  # older than the reader, which therefore does not know them
        running = katakei.start(*ROLL, ground.ids[0])
        running.until("2 connections unknown", within=60)
    done = running.end()
    assert (done.code, ground.releases()) == (0, ["v2", "v1"]), done.all()
    assert clock.monotonic() - begun < TIMER.total_seconds() / 2
    state, patience = Path(ground.lab.targets[0].folder) / "state", clock.monotonic() + 30
    while left := [it.name for it in state.glob("*/requests/*") if it.name not in {"lock", "forbidden"}]:
        assert clock.monotonic() < patience, left
        clock.sleep(0.2)


@plays
def probe_works_beside_manual_work(katakei: Katakei, ground: Ground) -> None:
    _file(katakei, ground, "witness: ssm", "{manual: }")
    running = katakei.start(*ROLL, ground.ids[0])
    running.until("ready for manual work")
    rollout = katakei("list", "--json").data["rollouts"][0]["rollout"]
    assert katakei("approve", rollout).code == 0
    assert running.end().code == 0


@plays
def cut_after_ends_the_drain_and_counts_connections(katakei: Katakei, ground: Ground) -> None:
    _file(katakei, ground, "until: proof, cut_after: 6s")
    with _streams(ground, 60):
        done = katakei(*ROLL, ground.ids[0])
    assert done.code == 0, done.all()
    assert "no longer waiting for 2 connections (drain.cut_after)" in done.out


@plays
def counter_of_the_user_ends_the_drain(katakei: Katakei, ground: Ground) -> None:
    _file(katakei, ground, COUNTER)
    with _streams(ground, 25):
        done = katakei(*ROLL, ground.ids[0])
    assert done.code == 0, done.all()
    assert "its counter says 2 in flight" in done.out


@plays
def counter_that_fails_leaves_the_timer(katakei: Katakei, ground: Ground) -> None:
    _file(katakei, ground, "until: counter, counter: {command: 'echo no such pool >&2; exit 1'}")
    running = katakei.start(*ROLL, ground.ids[0])
    running.until("its counter told no number: no such pool", within=70)
    running.until("the load balancer's timer of 2m", within=70)


@plays
def requests_after_quiet_are_counted(katakei: Katakei, ground: Ground) -> None:
    _file(katakei, ground, "until: proof", "{ssm: {run: 'sleep 15; ./bin/restart'}}")
    late, target = threading.Event(), ground.lab.targets[0]

    def knock() -> None:
        client = http.client.HTTPConnection(target.address, target.port, timeout=5)
        while not late.wait(1):
            client.request("GET", "/")
            client.getresponse().read()
        client.close()

    running = katakei.start(*ROLL, target.id)
    running.until("work started")
    knocking = threading.Thread(target=knock)
    knocking.start()
    try:
        running.until("arrived after its drain had ended; drain.settle is too short")
    finally:
        late.set()
        knocking.join()
    assert running.end().code == 0


@plays.each()
def test_play(play: Play, stage: Stage) -> None:
    stage.show(play)
