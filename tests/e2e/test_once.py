"""Work is done exactly once, by the command, whatever becomes of the server, its agent and the commands sent to it.

What was done is read from a file that the work itself writes on its server.
"""

from datetime import timedelta
from pathlib import Path

import pytest
from tests.e2e.command import Katakei, Running
from tests.e2e.ground import Ground
from tests.e2e.stage import Play, Plays, Stage

from katakei.lab import clock

pytestmark = pytest.mark.lab
plays = Plays()

FILE = """\
service: shop
balancer: {{alb: {{target_groups: [LaravelTargetGroup]}}}}
drain: {{settle: 6s, until: delay}}
work: {{ssm: {{run: 'echo "$KATAKEI_ATTEMPT" >> tried; {work}; echo "$KATAKEI_RELEASE" > release && ./bin/restart'}}}}
limits: {{working: {limit}}}
warm: {{soak: 0s}}
"""
TOO_LATE = 90
"""Seconds: so long a start is good; the ten that have passed before are for what its target's clock may seem ahead."""

ROLL = ("roll", "--release", "v2", "--only")


def begun(katakei: Katakei, ground: Ground, work: str = "true", limit: str = "1m") -> Running:
    """A rollout of the first server, as far as its draining."""
    katakei.file(FILE.format(work=work, limit=limit))
    running = katakei.start(*ROLL, ground.ids[0])
    running.until("draining")
    return running


def tried(ground: Ground) -> list[str]:
    """The attempts whose work really began on the first server."""
    log = Path(ground.lab.targets[0].folder) / "tried"
    return log.read_text().split() if log.exists() else []


def dies(ground: Ground) -> None:
    """The agent, once it was asked what the start must know: what it is sent from now on is accepted and not run."""
    clock.sleep(4)
    ground.lab.faults(agent_dead=[ground.ids[0]], deliver_late=True)


def lives(ground: Ground) -> None:
    """The agent again; what had been sent to it meanwhile arrives after all, however late."""
    ground.lab.faults(agent_dead=[])


@plays
def work_that_a_reboot_interrupted_is_never_begun_again_by_itself(katakei: Katakei, ground: Ground) -> None:
    running = begun(katakei, ground, "sleep 60")
    running.until("work started")
    assert clock.wait_for(lambda: tried(ground) == ["1"], 20)
    ground.aws.get("ec2").reboot_instances(InstanceIds=[ground.ids[0]])
    done = running.end(90)
    assert (done.code, tried(ground)) == (3, ["1"]), done.all()
    assert "left out of service" in done.out
    assert "the machine was started anew while it ran" in done.out


@plays
def a_start_that_arrives_a_little_late_does_the_work_once(katakei: Katakei, ground: Ground) -> None:
    running = begun(katakei, ground)
    dies(ground)
    running.until("whether the work runs cannot be seen")
    clock.sleep(5)
    lives(ground)
    assert (running.end().code, tried(ground)) == (0, ["1"]), running.said()


@plays.slow
def a_start_that_arrives_far_too_late_is_refused_and_the_next_attempt_does_the_work_once(
    katakei: Katakei, ground: Ground
) -> None:
    running = begun(katakei, ground, limit="10s")
    dies(ground)
    running.until("told never to begin", within=60)
    clock.sleep(TOO_LATE)
    lives(ground)
    done = running.end(120)
    assert (done.code, tried(ground)) == (0, ["2"]), done.all()
    assert "the work was refused, nothing was done" in done.out


@plays
def a_command_that_is_delivered_twice_does_the_work_once(katakei: Katakei, ground: Ground) -> None:
    ground.lab.faults(deliver_twice=True)
    done = begun(katakei, ground).end()
    ground.lab.faults(deliver_twice=False)
    assert (done.code, tried(ground), ground.starts()) == (0, ["1"], [1, 0]), done.all()


DEAD = timedelta(minutes=10)


@pytest.mark.acceptance
@pytest.mark.parametrize(("limit", "code", "done"), [("15m", 0, ["1"]), ("5m", 3, [])], ids=["within", "beyond"])
def test_an_agent_that_is_dead_for_ten_minutes_does_the_work_once_or_never(
    katakei: Katakei, ground: Ground, limit: str, code: int, done: list[str]
) -> None:
    running = begun(katakei, ground, limit=limit)
    dies(ground)
    try:
        clock.sleep(DEAD.total_seconds())
        lives(ground)
        ended = running.end(600)
        clock.sleep(20)  # what was sent long ago arrives now
        assert (ended.code, tried(ground)) == (code, done), ended.all()
    finally:
        lives(ground)


@plays.each()
def test_it(play: Play, stage: Stage) -> None:
    stage.show(play)
