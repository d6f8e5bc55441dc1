"""`katakei roll` with the work ec2 on the lab: machines that reboot, and machines that are stopped and started."""

from datetime import timedelta
from pathlib import Path

import pytest
from tests.e2e.command import Katakei
from tests.e2e.ground import Ground
from tests.e2e.stage import Play, Plays, Stage

from katakei.lab.traffic import Traffic

pytestmark = pytest.mark.lab
plays = Plays()

SHOP = """\
service: shop
balancer: {{alb: {{target_groups: [LaravelTargetGroup]}}}}
drain: {{settle: 2s, until: delay}}
work: {{ec2: {{{work}}}}}
disruption: {most}
check: {{http: {{path: /health}}, within: 20s}}
warm: {{soak: 1s}}
"""


@plays
def every_server_is_rebooted_once_without_a_lost_request(katakei: Katakei, ground: Ground) -> None:
    katakei.file(SHOP.format(work="action: reboot", most="restart"))
    refused = katakei("plan")
    assert refused.code == 4, refused.all()
    assert "the configuration allows disruption: restart, but ec2: reboot may go as far as reboot" in refused.err
    katakei.file(SHOP.format(work="action: reboot", most="reboot"))
    plan = katakei("plan")
    assert "work     by ec2: reboot" in plan.out, plan.all()
    assert "at most  the machine is rebooted (disruption: reboot)" in plan.out
    places, starts = ground.places(), ground.starts()
    clients = Traffic(ground.lab.url, 30, slow_seconds=0, longest=timedelta(minutes=3))
    clients.start()
    try:
        done = katakei("roll", within=150)
    finally:
        seen = clients.stop()
    assert done.code == 0, done.all()
    assert (seen.failed, seen.first_failures) == (0, ())
    assert (ground.starts(), ground.places()) == ([each + 1 for each in starts], places)
    assert "rebooted: boot " in katakei("logs", ground.ids[0]).out


@plays
def every_server_is_stopped_and_started_as_another_type(katakei: Katakei, ground: Ground) -> None:
    katakei.file(SHOP.format(work="action: stop_start, instance_type: m9.huge", most="stop_start"))
    refused = katakei("plan")
    assert refused.code == 4, refused.all()
    assert "there is no instance type m9.huge in this region; change instance_type" in refused.err
    katakei.file(SHOP.format(work="action: stop_start, instance_type: t3.medium", most="stop_start"))
    places, starts = ground.places(), ground.starts()
    done = katakei("roll", within=150)
    assert done.code == 0, done.all()
    assert (ground.starts(), ground.places()) == ([each + 1 for each in starts], places)
    machines = [one for many in ground.aws.get("ec2").describe_instances()["Reservations"] for one in many["Instances"]]
    assert {one["InstanceType"] for one in machines} == {"t3.medium"}
    assert {one["State"]["Name"] for one in machines} == {"running"}
    assert "stopped and started as t3.medium; status checks passed" in katakei("logs", ground.ids[0]).out


@plays
def every_server_is_patched_rebooted_and_warmed_up(katakei: Katakei, ground: Ground) -> None:
    steps = "before: {target: {ssm: {run: echo patched >> steps}}}\nafter: {target: {ssm: {run: cat steps; %s}}}\n"
    shop = SHOP.format(work="action: reboot", most="reboot")
    katakei.file(shop + steps % "echo warmed >> steps")
    plan = katakei("plan")
    assert "before   by ssm: echo patched >> steps" in plan.out, plan.all()
    starts, folders = ground.starts(), [Path(each.folder) for each in ground.lab.targets]
    done = katakei("roll", within=150)
    assert done.code == 0, done.all()
    assert ground.starts() == [each + 1 for each in starts]
    assert [(folder / "steps").read_text() for folder in folders] == ["patched\nwarmed\n"] * 2
    logs = katakei("logs", ground.ids[0]).out
    order = [logs.index(part) for part in ("(update, step before)", "(update), exit", "(update, step after)")]
    assert order == sorted(order)
    katakei.file(shop + steps % "exit 3")
    failed = katakei("roll", within=150)
    assert failed.code == 3, failed.all()
    assert "step after: the work ended with exit code 3" in failed.all()
    assert [(folder / "steps").read_text().count("patched") for folder in folders] == [2, 1]


@plays.each()
def test_play(play: Play, stage: Stage) -> None:
    stage.show(play)
