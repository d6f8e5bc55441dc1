"""`katakei roll` while AWS, the disk, or somebody else gets in the way."""

import resource
import sys
from pathlib import Path

import pytest
from tests.e2e.command import Katakei, Running
from tests.e2e.ground import Ground
from tests.e2e.stage import Play, Plays, Stage
from tests.e2e.wire import Wire

from katakei.lab import clock

pytestmark = pytest.mark.lab
plays = Plays()

CONFIGURATION = """\
service: shop
balancer: {alb: {target_groups: [LaravelTargetGroup]}}
window: {max_unavailable: 1, floor: 1}
drain: {settle: 1s, until: delay}
work: {ssm: {run: 'echo "$KATAKEI_RELEASE" > release && ./bin/restart'}}
check: {http: {path: /health}, within: 10s}
warm: {soak: 1s}
"""
BY_HAND = CONFIGURATION.replace("{ssm: {run: 'echo \"$KATAKEI_RELEASE\" > release && ./bin/restart'}}", "{manual: }")


def new_keys(folder: Path, ground: Ground) -> tuple[str, str]:
    """Writes new temporary credentials into the shared file. Returns its path and the id of the key."""
    made = ground.aws.get("sts").get_session_token()["Credentials"]
    path = folder / "credentials"
    lines = (
        "[default]",
        f"aws_access_key_id = {made['AccessKeyId']}",
        f"aws_secret_access_key = {made['SecretAccessKey']}",
        f"aws_session_token = {made['SessionToken']}",
    )
    path.write_text("\n".join(lines))
    return str(path), made["AccessKeyId"]


def first_out(katakei: Katakei) -> tuple[Running, str]:
    """A rollout by hand whose first target waits for a person; and its name."""
    katakei.file(BY_HAND)
    roll = katakei.start("roll", "-f", "katakei.yml")
    roll.until("ready for manual work")
    (rollout,) = katakei("list", "--json").data["rollouts"]
    return roll, rollout["rollout"]


@plays.slow
def roll_survives_expired_credentials_and_a_cut_network(katakei: Katakei, ground: Ground) -> None:
    katakei.file(CONFIGURATION)
    with Wire(ground.lab.endpoint) as wire:
        file, old = new_keys(katakei.folder, ground)
        env = {
            "AWS_ENDPOINT_URL": wire.url,
            "AWS_SHARED_CREDENTIALS_FILE": file,
            "AWS_ACCESS_KEY_ID": None,
            "AWS_SECRET_ACCESS_KEY": None,
        }
        roll = katakei.start("roll", "--release", "v2", **env)
        roll.until("draining")
        wire.expired = old
        roll.until("the AWS credentials have expired: renew them")
        new_keys(katakei.folder, ground)
        roll.until("soaking")
        wire.cut()
        roll.until("AWS cannot be reached for")
        clock.sleep(3)
        wire.mend()
        done = roll.end(90)
    assert done.code == 0, done.all()
    assert "it goes on by itself" in done.out
    assert (ground.starts(), ground.releases()) == ([1, 1], ["v2", "v2"])


@plays.slow
def roll_stops_on_a_full_disk_and_carries_on_later(katakei: Katakei, ground: Ground) -> None:
    katakei.file(CONFIGURATION)
    roll = katakei.start("roll", "--release", "v2")
    roll.until("working")
    if sys.platform != "linux":
        pytest.skip("only Linux can limit another process")
    resource.prlimit(roll.process.pid, resource.RLIMIT_FSIZE, (1, 1))
    done = roll.end()
    assert done.code == 5, done.all()

    done = katakei("roll", "--release", "v2", within=120)
    assert done.code == 0, done.all()
    assert "carrying it on as it was planned" in done.out
    assert (ground.starts(), ground.releases()) == ([1, 1], ["v2", "v2"])
    assert set(ground.states().values()) == {"healthy"}


@plays.slow
def roll_includes_a_target_registered_meanwhile(katakei: Katakei, ground: Ground) -> None:
    katakei.file(CONFIGURATION.replace("floor: 1", "floor: 0"))
    late = {"TargetGroupArn": ground.group, "Targets": [{"Id": ground.ids[1], "Port": ground.lab.targets[1].port}]}
    ground.aws.get("elbv2").deregister_targets(**late)
    ground.becomes(ground.ids[1], "absent")
    roll = katakei.start("roll", "--release", "v2")
    roll.until("working")
    ground.aws.get("elbv2").register_targets(**late)
    done = roll.end(90)
    assert done.code == 0, done.all()
    assert f"{ground.ids[1]} (web-2)  somebody registered it during the rollout; it is updated at the end" in done.out
    assert ground.releases() == ["v2", "v2"]


@plays.slow
def roll_stops_when_a_done_target_fails(katakei: Katakei, ground: Ground) -> None:
    katakei.file(CONFIGURATION)
    roll = katakei.start("roll", "--release", "v2")
    roll.until("  done")
    ground.lab.faults(target_dead=[ground.ids[0]])
    done = roll.end(120)
    assert done.code == 3, done.all()
    assert f"{ground.ids[0]} (web-1)  left service again: unhealthy" in done.out
    assert "web-1  FAILED LATE  left service after it was done: unhealthy" in done.out
    assert "it does not serve" in done.out
    assert ground.states()[ground.ids[1]] == "healthy"


@plays.slow
def roll_ends_when_its_group_is_deleted(katakei: Katakei, ground: Ground) -> None:
    roll, name = first_out(katakei)
    elb = ground.aws.get("elbv2")
    for listener in elb.describe_listeners(LoadBalancerArn=ground.lab.load_balancer_arn)["Listeners"]:
        elb.delete_listener(ListenerArn=listener["ListenerArn"])
    elb.delete_target_group(TargetGroupArn=ground.group)
    assert katakei("approve", name).code == 0
    done = roll.end(60)
    assert done.code == 1, done.all()
    assert "gone: somebody deleted the target group LaravelTargetGroup" in done.out
    assert done.out.count("no longer registered (") == 1, done.out
    assert done.out.count("not touched (") == 1, done.out


@plays.slow
def roll_leaves_a_stopped_target_out(katakei: Katakei, ground: Ground) -> None:
    roll, name = first_out(katakei)
    ground.aws.get("ec2").stop_instances(InstanceIds=[ground.ids[0]])
    assert katakei("approve", name).code == 0
    done = roll.end(60)
    assert done.code == 3, done.all()
    assert "web-1  OUT OF SERVICE  the check did not pass within 10s" in done.out
    assert ground.states()[ground.ids[1]] == "healthy"


@plays.each()
def test_play(play: Play, stage: Stage) -> None:
    stage.show(play)
