"""A switch of requests between two target groups on the lab, under load: by weights, back, at once, and to its end."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from tests.e2e.command import Katakei
from tests.e2e.ground import Ground
from tests.e2e.stage import Play, Plays, Stage
from tests.second_group import add_group

from katakei.lab import clock
from katakei.lab.traffic import Traffic

pytestmark = pytest.mark.lab
plays = Plays()
OLD, NEW = "LaravelTargetGroup", "green"
ENOUGH = 4000
"""Requests for which three points are more than four standard deviations of a random choice."""
POINTS = 3.0


def add_green(ground: Ground) -> str:
    """A second group whose servers say `green`, in no listener."""
    arn = add_group(ground.lab, NEW, 2, listener_port=None, delay=2)
    ids = list(ground.aws.health(arn))
    command: Any = {"commands": ["echo green > release && ./bin/restart"]}
    ssm: Any = ground.aws.get("ssm")
    sent = ssm.send_command(InstanceIds=ids, DocumentName="AWS-RunShellScript", Parameters=command)["Command"]

    def ended(instance: str) -> bool:
        asked = {"CommandId": sent["CommandId"], "InstanceId": instance}
        with suppress(ssm.exceptions.InvocationDoesNotExist):  # for a moment after it was sent
            return bool(ssm.get_command_invocation(**asked)["Status"] == "Success")
        return False

    assert clock.wait_for(lambda: all(map(ended, ids)), 60, 0.2)
    return arn


def routes(ground: Ground) -> Mapping[str, str]:
    """The actions of every listener and rule of the load balancer, by ARN."""
    elb = ground.aws.get("elbv2")
    listeners = elb.describe_listeners(LoadBalancerArn=ground.lab.load_balancer_arn)["Listeners"]
    rules = [rule for each in listeners for rule in elb.describe_rules(ListenerArn=each["ListenerArn"])["Rules"]]
    return {rule["RuleArn"]: json.dumps(rule["Actions"], sort_keys=True) for rule in rules}


def share(traffic: Traffic) -> float:
    """The percentage of the next requests that the new group answers."""
    begin = traffic.figures()
    over = clock.wait_for(lambda: traffic.figures().requests - begin.requests >= ENOUGH, 150, 0.5)
    end = traffic.figures()
    assert over, end
    return 100 * (end.releases.get("green", 0) - begin.releases.get("green", 0)) / (end.requests - begin.requests)


@plays.slow
def requests_follow_the_weights_forward_back_and_to_the_end(katakei: Katakei, ground: Ground) -> None:
    add_green(ground)
    before = routes(ground)
    move = ("switch", OLD, NEW, "--soak", "2s", "--settle", "8s", "--yes")
    calls = len(ground.changes())
    planned = katakei(*move, "--dry-run")
    assert (planned.code, routes(ground), len(ground.changes())) == (0, before, calls), planned.all()
    assert "0 %, 5 %, 25 %, 50 %, 100 %" in planned.out
    traffic = Traffic(ground.lab.url, 200, slow_seconds=1, longest=timedelta(minutes=6))
    traffic.start()
    try:
        by_steps = katakei.start("switch", OLD, NEW, "--soak", "10m", "--settle", "8s", "--yes", "--steps", "75%,100%")
        by_steps.until("every route is at 75 %", 90)
        assert abs(share(traffic) - 75) < POINTS
        assert katakei("abort").code == 0
        ended = by_steps.end(90)
        assert (ended.code, routes(ground)) == (1, before), ended.all()

        to_end = katakei.start("switch", OLD, NEW, "--soak", "10m", "--settle", "8s", "--yes", "--steps", "25%,100%")
        to_end.until("every route is at 25 %", 90)
        assert abs(share(traffic) - 25) < POINTS
        assert katakei("promote").code == 0
        to_end.until("every route is at 100 %", 90)
        back = katakei("switch", "--back")
        ended = to_end.end(90)
        assert (back.code, ended.code, routes(ground)) == (0, 1, before), ended.all()

        at_once = katakei(*move, "--at-once")
        assert at_once.code == 0, at_once.all()
        assert "ALL REQUESTS MOVED" in at_once.out
        assert katakei("roll", OLD, "--run", "true").code == 4
        assert katakei("wait", "last").code == 0
        back = katakei("switch", "--back")
        assert (back.code, routes(ground)) == (0, before), back.all()

        moved = katakei("switch", OLD, NEW, "--at-once", "--soak", "1s", "--yes")
        assert moved.code == 0, moved.all()
        finished = katakei("switch", "--finish", "--yes")
        assert finished.code == 0, finished.all()
        assert katakei("switch", "--back").code == 2
        assert "weight_taken_away" in katakei("plan", OLD, "--run", "true", "--json").out
    finally:
        seen = traffic.stop()
    assert not seen.first_failures, repr(seen)


def more_routes(ground: Ground) -> None:
    """A second listener, and three rules of the first one, all to the old group."""
    elb, forward = ground.aws.get("elbv2"), {"Type": "forward", "TargetGroupArn": ground.group}
    listener = elb.describe_listeners(LoadBalancerArn=ground.lab.load_balancer_arn)["Listeners"][0]["ListenerArn"]
    actions: Any = [forward]
    elb.create_listener(
        LoadBalancerArn=ground.lab.load_balancer_arn, Protocol="HTTP", Port=8099, DefaultActions=actions
    )
    for number in range(1, 4):
        where: Any = [{"Field": "path-pattern", "Values": [f"/{number}/*"]}]
        elb.create_rule(ListenerArn=listener, Priority=number, Conditions=where, Actions=actions)


@plays
def two_listeners_and_three_rules_move_together_or_not_at_all(katakei: Katakei, ground: Ground) -> None:
    add_green(ground)
    more_routes(ground)
    before = routes(ground)
    move = ("switch", OLD, NEW, "--steps", "50%,100%", "--soak", "1s", "--settle", "5s", "--yes")
    ground.lab.faults(deny=["ModifyRule"])
    failed = katakei(*move, within=120)
    assert (failed.code, routes(ground)) == (1, before), failed.all()
    assert "ModifyRule" in failed.out

    ground.lab.faults(deny=[], timeout=1.0, actions=["ModifyRule"], hold=60)
    killed = katakei.start(*move)
    assert clock.wait_for(lambda: routes(ground) != before, 60, 0.2)
    killed.process.kill()
    killed.process.wait(10)
    ground.lab.faults(timeout=0, actions=[])
    carried = katakei(*move, within=150)
    assert carried.code == 0, carried.all()
    moved = [json.loads(actions)[0]["ForwardConfig"]["TargetGroups"] for actions in routes(ground).values()]
    assert {tuple(sorted(each["Weight"] for each in groups)) for groups in moved} == {(0, 100)}

    elb = ground.aws.get("elbv2")
    rule = next(arn for arn in before if elb.describe_rules(RuleArns=[arn])["Rules"][0]["Priority"] == "2")
    other: Any = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}]
    elb.modify_rule(RuleArn=rule, Actions=other)
    back = katakei("switch", "--back", within=120)
    assert back.code == 4, back.all()
    assert {arn for arn, actions in routes(ground).items() if actions != before[arn]} == {rule}


@plays.each()
def test_it(stage: Stage, play: Play) -> None:
    stage.show(play)
