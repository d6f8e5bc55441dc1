"""Overlapping soaks on the lab: the next target drains while one soaks, and goes back untouched if that one fails."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from tests.e2e.command import Katakei
from tests.e2e.ground import Ground
from tests.e2e.stage import Play, Plays, Stage

from katakei.lab.options import LabOptions
from katakei.lab.process import Lab
from katakei.lab.traffic import Traffic

pytestmark = pytest.mark.lab
plays = Plays()
FILE = """\
service: shop
balancer: {alb: {target_groups: [LaravelTargetGroup]}}
drain: {settle: 6s, until: delay}
work: {ssm: {run: 'echo "$KATAKEI_RELEASE" > release && ./bin/restart'}}
warm: {soak: 10s}
"""
FOUR = LabOptions(targets=4, delay=timedelta(seconds=5), interval=timedelta(seconds=1), port=8080)
SLOWEST = 240
"""Seconds for a rollout of four targets; a loaded machine may need most of them."""


@contextmanager
def four_targets(katakei: Katakei) -> Iterator[tuple[Katakei, Ground]]:
    """A lab of four targets, because two targets, as other plays have, never overlap."""
    with Lab(FOUR) as lab:
        command = Katakei(katakei.folder, {**lab.env, "XDG_STATE_HOME": str(katakei.folder)})
        try:
            yield command, Ground(lab)
        finally:
            command.close()


def taken_during_soak(katakei: Katakei) -> dict[str, str]:
    """Returns the soaking target by each target that was taken out during its soak."""
    words = (line.split() for line in katakei("show").out.splitlines() if "draining: during the soak of " in line)
    return {line[2]: line[-2] for line in words}


@plays
def soaks_overlap_under_load_without_a_lost_request(of_two: Katakei, _: Ground) -> None:
    with four_targets(of_two) as (katakei, ground):
        katakei.file(FILE)
        traffic = Traffic(ground.lab.url, rate=20, slow_fraction=0)
        traffic.start()
        done = katakei("roll", "--release", "v2", within=SLOWEST)
        figures = traffic.stop()
        assert (done.code, ground.releases(), ground.starts()) == (0, ["v2"] * 4, [1] * 4), done.all()
        assert (figures.failed, figures.requests > 100) == (0, True), figures
        first = ground.ids[0]
        overlapped = taken_during_soak(katakei)
        assert (len(overlapped), first in overlapped) == (3, False), done.all()
        assert set(overlapped.values()) < set(ground.ids)


@plays
def next_target_goes_back_untouched_when_the_soaking_one_falls(of_two: Katakei, _: Ground) -> None:
    with four_targets(of_two) as (katakei, ground):
        katakei.file(f"{FILE}limits: {{warming: 40s}}\n")
        running = katakei.start("roll", "--release", "v2")
        running.until("draining: during the soak of", SLOWEST)
        [(following, soaking)] = taken_during_soak(katakei).items()
        ground.lab.faults(target_dead=[soaking])
        done = running.end(SLOWEST)
        assert done.code in {1, 3}, done.all()
        assert "went back before its work" in done.out, done.all()
        started = dict(zip(ground.ids, ground.starts(), strict=True))
        assert {target for target, starts in started.items() if starts} == {soaking}, done.all()
        assert ground.states()[following] == "healthy"


@plays.each()
def test_play(play: Play, stage: Stage) -> None:
    stage.show(play)
