"""A person's words to a rollout that somebody else drives: pause, resume, wait, unlock."""

import signal

import pytest
from tests.e2e.command import Katakei
from tests.e2e.ground import Ground
from tests.e2e.stage import SHOP, Play, Plays, Stage

from katakei.lab import clock

pytestmark = pytest.mark.lab
plays = Plays()


def _rollout(katakei: Katakei) -> str:
    return str(katakei("list", "--json").data["rollouts"][0]["rollout"])


@plays
def a_pause_finishes_what_is_in_hand_and_resume_goes_on(katakei: Katakei, ground: Ground) -> None:
    katakei.file(SHOP)
    running = katakei.start("roll", "--release", "v2")
    running.until("draining")
    rollout = _rollout(katakei)
    assert katakei("pause", rollout).code == 0
    running.until("to go on, run: katakei resume")
    clock.sleep(10)
    assert (ground.releases(), set(ground.states().values())) == (["v2", "v1"], {"healthy"})
    again = katakei("pause", rollout)
    assert (again.code, "is paused already" in again.err) == (2, True)
    resumed = katakei("resume", rollout)
    assert (resumed.code, "the process that drives the rollout carries it out" in resumed.out) == (0, True)
    waited = katakei("wait", rollout)
    assert (waited.code, "2 done" in waited.out) == (0, True), waited.all()
    assert (running.end().code, ground.releases()) == (0, ["v2", "v2"])
    for word in ("pause", "resume", "abort"):
        late = katakei(word, rollout)
        assert (late.code, f"there is nothing to {word}" in late.err) == (2, True)


@plays
def a_pause_outlives_the_process_and_resume_drives_where_nobody_does(katakei: Katakei, ground: Ground) -> None:
    katakei.file(SHOP)
    running = katakei.start("roll", "--release", "v2")
    running.until("draining")
    rollout = _rollout(katakei)
    katakei("pause", rollout)
    running.tell(signal.SIGKILL)
    running.end()
    carried = katakei.start("roll", "--release", "v2")
    carried.until("paused by")
    carried.tell(signal.SIGINT)
    assert carried.end().code == 130
    assert "not finished" in katakei("wait", rollout, "--timeout", "1", within=90).out
    done = katakei("resume", rollout, within=90)
    assert (done.code, ground.releases()) == (0, ["v2", "v2"]), done.all()


@plays
def a_lease_whose_holder_is_stuck_is_let_go_and_its_holder_does_nothing_more(katakei: Katakei, ground: Ground) -> None:
    katakei.file(SHOP)
    running = katakei.start("roll", "--release", "v2")
    running.until("draining")
    running.tell(signal.SIGSTOP)
    assert katakei("roll", "--release", "v2").code == 4
    unlocked = katakei("unlock", "LaravelTargetGroup")
    assert (unlocked.code, "it was held by rollout" in unlocked.out) == (0, True), unlocked.all()
    assert "was not held by anybody" in katakei("unlock", "LaravelTargetGroup").out
    done = katakei("roll", "--release", "v2", within=120)
    assert (done.code, ground.starts()) == (0, [1, 1]), done.all()
    changes = len(ground.changes())
    running.tell(signal.SIGCONT)
    woken = running.end()
    assert (woken.code, len(ground.changes())) == (4, changes), woken.all()
    assert ground.starts() == [1, 1]


@plays.each()
def test_it(play: Play, stage: Stage) -> None:
    stage.show(play)
