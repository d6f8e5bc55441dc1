"""A person's word about a rollout that is driven on another machine: obeyed there, or carried out here if it died."""

import signal

import pytest
from tests.e2e.command import Katakei, Running
from tests.e2e.ground import Ground
from tests.e2e.stage import SHOP, Play, Plays, Stage

from katakei.lab import clock

pytestmark = pytest.mark.lab
plays = Plays()

ELSEWHERE = """\
import socket
socket.gethostname = lambda: "another-container"
"""


def _driven_elsewhere(katakei: Katakei) -> tuple[Running, str]:
    """A rollout whose first target drains, and whose process cannot be seen from here."""
    katakei.file(SHOP)
    folder = katakei.folder / "elsewhere"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(ELSEWHERE)
    running = katakei.start("roll", "--release", "v2", PYTHONPATH=str(folder))
    running.until("draining")
    return running, str(katakei("list", "--json").data["rollouts"][0]["rollout"])


@plays
def an_abort_right_after_its_driver_died_elsewhere_is_carried_out_from_here(katakei: Katakei, ground: Ground) -> None:
    running, rollout = _driven_elsewhere(katakei)
    running.tell(signal.SIGKILL)
    done = katakei("abort", rollout, within=120)
    assert done.code == 1, done.all()
    assert "whether that process still runs cannot be known from here; heard of" in done.err
    assert (ground.releases(), set(ground.states().values())) == (["v1", "v1"], {"healthy"})


@plays
def an_abort_is_obeyed_by_a_driver_that_lives_elsewhere(katakei: Katakei, ground: Ground) -> None:
    running, rollout = _driven_elsewhere(katakei)
    word = katakei("abort", rollout, within=20)
    assert (word.code, "abort recorded; the process that drives" in word.out) == (0, True), word.all()
    assert (running.end().code, ground.releases()) == (1, ["v1", "v1"])


@plays
def a_rival_is_refused_at_once_also_where_the_driver_lives_elsewhere(katakei: Katakei, ground: Ground) -> None:
    running, rollout = _driven_elsewhere(katakei)
    begun = clock.monotonic()
    rival = katakei("roll", "--release", "v2")
    assert (rival.code, clock.monotonic() - begun < 4) == (4, True), rival.all()
    assert "is held by rollout" in rival.err
    katakei("abort", rollout)
    assert (running.end().code, set(ground.states().values())) == (1, {"healthy"})


@plays.each()
def test_it(play: Play, stage: Stage) -> None:
    stage.show(play)
