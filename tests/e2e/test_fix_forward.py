"""After a failed deploy: the fixed release goes out by the same command, under load, and what is missing is named."""

import shlex
from datetime import timedelta

import pytest
from tests.e2e.command import Katakei
from tests.e2e.ground import Ground
from tests.e2e.stage import Play, Plays, Stage

from katakei.lab.traffic import Traffic

pytestmark = pytest.mark.lab
plays = Plays()

SHOP = """\
service: shop
balancer: {alb: {target_groups: [LaravelTargetGroup]}}
drain: {settle: 1s, until: delay}
work:
  ssm:
    run: |
      if [ "$KATAKEI_RELEASE" = v9 ]; then echo broken > release; exit 3; fi
      echo "$KATAKEI_RELEASE" > release
      ./bin/restart
check: {http: {path: /health}, within: 20s}
warm: {soak: 1s}
"""


@plays
def broken_release_is_fixed_by_the_next_roll_without_losing_a_request(katakei: Katakei, ground: Ground) -> None:
    places = ground.places()
    katakei.file(SHOP)
    clients = Traffic(ground.lab.url, 30, slow_seconds=2, longest=timedelta(minutes=3))
    clients.start()
    try:
        broken = katakei("roll", "--release", "v9", within=90)
        assert (broken.code, ground.starts()) == (3, [0, 0]), broken.all()
        refused = katakei("roll", "--release", "v10", "--only", ground.ids[1])
        assert refused.code == 4, refused.all()
        assert f"while {ground.ids[0]}" in refused.err
        recap = next(line for line in broken.out.splitlines() if " roll a fix " in line)
        assert recap.endswith("(takes web-1 first)")
        fix = shlex.split(recap.partition(" katakei ")[2].partition("  (")[0])
        assert fix == ["roll", "--release", "v10"]
        fixed = katakei(*fix, within=90)
    finally:
        seen = clients.stop()
    assert fixed.code == 0, fixed.all()
    assert (seen.failed, seen.first_failures) == (0, ())
    assert seen.requests > 100
    assert (ground.releases(), ground.starts(), ground.places()) == (["v10", "v10"], [1, 1], places)
    first = katakei("list", "--json").data["rollouts"][1]["rollout"]
    assert f"is out since {first} (failed v9): taken first" in fixed.out
    assert "Out of service before this rollout; to register that by hand" in fixed.out
    assert "taken first" not in katakei("plan", "--release", "v11").out


@plays
def missing_right_or_program_is_found_before_a_target_is_out(katakei: Katakei, ground: Ground) -> None:
    katakei.file(SHOP)
    for action, named in (
        ("RegisterTargets", "allow elasticloadbalancing:RegisterTargets in their IAM policy"),
        ("DeregisterTargets", "allow elasticloadbalancing:DeregisterTargets in their IAM policy"),
        ("SendCommand", "allow ssm:SendCommand on the document AWS-RunShellScript and on the instances"),
    ):
        ground.lab.faults(deny=[action])
        assert katakei("plan", "--release", "v2").code == 0
        denied = katakei("roll", "--release", "v2", within=40)
        assert (denied.code, set(ground.states().values())) == (5, {"healthy"}), denied.all()
        assert named in denied.err
        assert "Nothing was changed" in denied.err
    ground.lab.faults(deny=[])
    missing = katakei("roll", "LaravelTargetGroup", "--run", "/opt/none/deploy v2", "--release", "v2", within=40)
    assert (missing.code, ground.starts()) == (5, [0, 0]), missing.all()
    assert f"there is no program /opt/none/deploy on {ground.ids[0]}" in missing.err
    assert katakei("list", "--json").data["rollouts"] == []


@plays.each()
def test_play(play: Play, stage: Stage) -> None:
    stage.show(play)
