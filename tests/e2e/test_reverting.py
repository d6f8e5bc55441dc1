"""What a rollout touched is taken back by the command: by itself, from another terminal, afterwards; and when not."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.e2e.command import Katakei
from tests.e2e.ground import Ground
from tests.e2e.stage import Play, Plays, Stage

from katakei.lab.traffic import Traffic

pytestmark = pytest.mark.lab
plays = Plays()

FILE = """\
service: shop
balancer: {alb: {target_groups: [LaravelTargetGroup]}}
drain: {settle: 2s, until: delay}
work: {ssm: {run: 'cp release before; echo "$KATAKEI_RELEASE" > release && ./bin/restart'}}
check: {http: {path: /health}, within: 3s}
warm: {soak: 1s}
revert: {ssm: {run: 'cp before release && ./bin/restart && echo "$KATAKEI_RELEASE" >> taken-back'}}
"""
BY_ITSELF = FILE.replace("./bin/restart'}}\n", './bin/restart; test "$KATAKEI_NAME" = web-1\'}}\n', 1)


@contextmanager
def no_request_fails(ground: Ground) -> Iterator[None]:
    traffic = Traffic(ground.lab.url, rate=20, slow_fraction=0)
    traffic.start()
    try:
        yield
    finally:
        figures = traffic.stop()
    assert (figures.failed, figures.requests > 100) == (0, True), figures


def _rollout(katakei: Katakei) -> str:
    return str(katakei("list", "--json").data["rollouts"][0]["rollout"])


def _taken_back(ground: Ground) -> list[list[str]]:
    """Of which release, on each server."""
    logs = [Path(target.folder) / "taken-back" for target in ground.lab.targets]
    return [log.read_text().split() if log.exists() else [] for log in logs]


@plays
def a_bad_release_is_taken_back_by_itself_and_by_nobody_twice(katakei: Katakei, ground: Ground) -> None:
    places = ground.places()
    katakei.file(f"{BY_ITSELF}on_failure: {{then: revert}}\n")
    with no_request_fails(ground):
        done = katakei("roll", "--release", "v2", within=120)
    assert (done.code, ground.releases(), ground.places()) == (1, ["v1", "v1"], places), done.all()
    assert (ground.starts(), _taken_back(ground)) == ([2, 2], [["v2"], ["v2"]])
    assert "revert by on_failure: 1 target failed" in done.out
    assert "reverted by on_failure: 2 of 2 updated targets reverted" in done.out
    again = katakei("revert", _rollout(katakei))
    assert (again.code, "was reverted already" in again.err) == (2, True), again.all()


@plays
def nothing_but_what_was_touched_is_taken_back(katakei: Katakei, ground: Ground) -> None:
    katakei.file(f"{BY_ITSELF.replace('web-1', 'nobody')}on_failure: {{then: revert, failed_target: put_back}}\n")
    done = katakei("roll", "--release", "v2", within=120)
    assert (done.code, ground.releases(), ground.starts()) == (1, ["v1", "v1"], [2, 0]), done.all()
    assert set(ground.states().values()) == {"healthy"}


@plays
def what_succeeded_is_taken_back_afterwards_unless_a_later_rollout_came(katakei: Katakei, ground: Ground) -> None:
    katakei.file(FILE)
    assert katakei("roll", "--release", "v2", within=90).code == 0
    rollout = _rollout(katakei)
    with no_request_fails(ground):
        done = katakei("revert", rollout, within=90)
    assert (done.code, ground.releases(), _taken_back(ground)) == (0, ["v1", "v1"], [["v2"], ["v2"]]), done.all()
    assert katakei("wait", rollout).code == 1  # who asked for v2 does not have it
    katakei.file(FILE.replace("revert:", "# revert:"))
    assert katakei("roll", "--release", "v3", within=90).code == 0
    late, without = katakei("revert", rollout), katakei("revert", _rollout(katakei))
    assert (late.code, "was worked on by rollout" in late.err) == (4, True), late.all()
    assert (without.code, "write revert: {ssm: " in without.err) == (4, True), without.all()
    assert ground.releases() == ["v3", "v3"]


@plays
def a_rollout_that_somebody_drives_is_turned_round_from_another_terminal(katakei: Katakei, ground: Ground) -> None:
    katakei.file(FILE)
    running = katakei.start("roll", "--release", "v2")
    running.until("soaking")
    word = katakei("revert", _rollout(katakei))
    assert (word.code, "revert recorded; the process that drives" in word.out) == (0, True), word.all()
    done = running.end()
    assert (done.code, ground.releases(), ground.starts()) == (1, ["v1", "v1"], [2, 0]), done.all()
    assert "reverted by" in done.out


@plays.each()
def test_it(play: Play, stage: Stage) -> None:
    stage.show(play)
