"""The idle side of a blue and a green group: no listener uses it; its servers are stepped and rolled all the same."""

import pytest
from tests.e2e.command import Katakei
from tests.e2e.ground import Ground
from tests.e2e.stage import SHOP, Play, Plays, Stage

pytestmark = pytest.mark.lab
plays = Plays()

FILE = SHOP.replace("LaravelTargetGroup", "green") + "window: {floor: 0}\n"
NOBODY = "no listener forwards to green, so no target in it can serve"


def green(ground: Ground, *ids: str) -> Ground:
    """A group that nothing forwards to, with these servers in it; what is asked from now on is asked of it."""
    elb = ground.aws.get("elbv2")
    [blue] = elb.describe_target_groups(TargetGroupArns=[ground.group])["TargetGroups"]
    made = elb.create_target_group(Name="green", Protocol="HTTP", Port=8080, VpcId=blue["VpcId"])
    ground.group = made["TargetGroups"][0]["TargetGroupArn"]
    if ids:
        elb.register_targets(TargetGroupArn=ground.group, Targets=[{"Id": one} for one in ids])
    return ground


@plays
def a_server_is_registered_into_it_and_taken_out_by_hand(katakei: Katakei, ground: Ground) -> None:
    first = green(ground).ids[0]
    done = katakei("register", "green", first, within=30)
    assert (done.code, ground.places()) == (0, [(first, 8080)]), done.all()
    assert NOBODY in done.out
    assert "returned" in done.out

    done = katakei("deregister", "green", first, "--force", within=60)
    assert (done.code, ground.places()) == (0, []), done.all()


@plays
def it_is_rolled_where_a_floor_of_0_is_accepted(katakei: Katakei, ground: Ground) -> None:
    green(ground, *ground.ids)
    places = ground.places()
    refused = katakei("roll", "green", "--run", "true", "--only-these-groups", "--force")
    assert (refused.code, "floor: 0" in refused.err) == (4, True), refused.all()

    katakei.file(FILE)
    done = katakei("roll", "--release", "v2", "--only-these-groups", within=90)
    assert (done.code, ground.places(), ground.starts()) == (0, places, [1, 1]), done.all()
    assert NOBODY in done.out
    assert ground.releases() == ["v2", "v2"]
    assert set(ground.states().values()) == {"unused"}


@plays.each()
def test_it(play: Play, stage: Stage) -> None:
    stage.show(play)
