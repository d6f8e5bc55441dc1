"""One more attempt by the command: on what failed, by whom, and when it is refused."""

from pathlib import Path

import pytest
from tests.e2e.command import Katakei
from tests.e2e.ground import Ground
from tests.e2e.stage import Play, Plays, Stage

pytestmark = pytest.mark.lab
plays = Plays()

WORK = """'echo "$KATAKEI_ATTEMPT" >> tried; cat mended && echo "$KATAKEI_RELEASE" > release && ./bin/restart'"""
FILE = f"""\
service: shop
balancer: {{alb: {{target_groups: [LaravelTargetGroup]}}}}
drain: {{settle: 1s, until: delay}}
work: {{ssm: {{run: {WORK}}}}}
warm: {{soak: 1s}}
"""


def _failed(katakei: Katakei) -> str:
    """A rollout whose first target failed: the file that its work needs is missing there."""
    katakei.file(FILE)
    done = katakei("roll", "--release", "v2")
    assert done.code == 3, done.all()
    return str(katakei("list", "--json").data["rollouts"][0]["rollout"])


def _tried(ground: Ground) -> list[list[str]]:
    logs = [Path(target.folder) / "tried" for target in ground.lab.targets]
    return [log.read_text().split() if log.exists() else [] for log in logs]


@plays
def what_failed_is_mended_and_tried_once_more(katakei: Katakei, ground: Ground) -> None:
    places, rollout, first = ground.places(), _failed(katakei), ground.lab.targets[0]
    assert len(ground.places()) == 1
    (Path(first.folder) / "mended").touch()
    done = katakei("retry", rollout, "web-1")
    assert done.code == 1, done.all()  # the other one was never worked on
    assert "1 done, 1 skipped" in done.out
    assert (_tried(ground), ground.releases(), ground.places()) == ([["1", "2"], []], ["v2", "v1"], places)
    assert "retry requested by" in katakei("show", rollout).out


@plays
def what_fails_again_stays_out_and_its_restore_lines_are_printed(katakei: Katakei, ground: Ground) -> None:
    rollout = _failed(katakei)
    done = katakei("retry", rollout, ground.ids[0])
    assert (done.code, _tried(ground)) == (3, [["1", "2"], []])
    assert "aws elbv2 register-targets" in done.out


@plays
def who_cannot_be_tried_again_is_named_and_nothing_is_written(katakei: Katakei, ground: Ground) -> None:
    rollout = _failed(katakei)
    before = katakei("show", rollout).out
    for words, said in (
        ((ground.ids[0], "web-9"), f"'web-9' is no target of rollout {rollout}"),
        ((ground.ids[0], "web-2"), "is skipped: nothing was done to it that could be tried again"),
    ):
        done = katakei("retry", rollout, *words)
        assert (done.code, done.out) == (2, ""), done.all()
        assert said in done.err
    assert katakei("retry", "r-nosuch", "web-1").code == 2
    assert katakei("show", rollout).out == before


@plays
def what_a_later_rollout_has_done_is_not_undone(katakei: Katakei, ground: Ground) -> None:
    rollout = _failed(katakei)
    for target in ground.lab.targets:
        (Path(target.folder) / "mended").touch()
    ground.put_back()
    assert katakei("register", ground.ids[0]).code == 0
    assert katakei("roll", "--release", "v3", within=90).code == 0
    done = katakei("retry", rollout, "web-1")
    assert (done.code, ground.releases()) == (4, ["v3", "v3"])
    assert "was worked on by rollout" in done.err


@plays
def a_rollout_that_somebody_drives_takes_the_word(katakei: Katakei, ground: Ground) -> None:
    katakei.file(FILE.replace("warm:", "on_failure: {max_failures: 1}\nwarm:").replace("1s, until", "8s, until"))
    (Path(ground.lab.targets[1].folder) / "mended").touch()
    running = katakei.start("roll", "--release", "v2", "--force")
    running.until("left_out")
    (Path(ground.lab.targets[0].folder) / "mended").touch()
    rollout = katakei("list", "--json").data["rollouts"][0]["rollout"]
    word = katakei("retry", rollout, "web-1")
    assert word.code == 0, word.all()
    assert "retry recorded; the process that drives the rollout carries it out" in word.out
    done = running.end()
    assert (done.code, ground.releases()) == (0, ["v2", "v2"]), done.all()


@plays.each()
def test_it(play: Play, stage: Stage) -> None:
    stage.show(play)
