"""The runbook by hand: status, groups, deregister, register."""

from datetime import timedelta

import pytest
from tests.e2e.command import Katakei
from tests.e2e.ground import Ground
from tests.e2e.stage import Play, Plays, Stage

pytestmark = pytest.mark.lab
plays = Plays()


@plays
def status_and_groups_show_what_the_load_balancer_shows(katakei: Katakei, ground: Ground) -> None:
    done = katakei("status")
    assert done.code == 0
    assert done.out.startswith("LaravelTargetGroup (ap-northeast-1, account ")
    assert "2 of 2 serving" in done.out
    for target in ground.ids:
        row = next(line.split() for line in done.out.splitlines() if line.startswith(target))
        assert row[2] == "8080"
        assert row[4] == "healthy"

    data = katakei("status", "LaravelTargetGroup", "--json", TARGET_GROUP_ARN=None).data
    assert (data["name"], data["arn"], data["serving"], data["total"]) == ("LaravelTargetGroup", ground.group, 2, 2)
    keys = {"id", "port", "zone", "name", "state", "reason", "description", "since", "held_by"}
    keys |= {"release", "release_state"}
    assert [set(target) for target in data["targets"]] == [keys] * 2
    assert sorted(target["id"] for target in data["targets"]) == sorted(ground.ids)

    assert "2/2" in katakei("groups").out
    (group,) = katakei("groups", "--json").data["groups"]
    assert (group["arn"], group["serving"], group["total"]) == (ground.group, 2, 2)


@plays
def deregister_and_register_take_one_side_out_and_back(katakei: Katakei, ground: Ground) -> None:
    first, other = ground.ids
    places = ground.places()
    ground.set_delay(timedelta(seconds=15))  # long enough to see the target drain on a busy machine

    # given a runbook that exports its target; when it is deregistered
    step = katakei.start("deregister", INSTANCE_ID=first)
    step.until("draining")
    ground.becomes(first, "draining")
    seen = {target["id"]: target for target in katakei("status", "--json").data["targets"]}

    # then it can be watched by the load balancer's own words while it drains
    assert seen[other]["state"] == "healthy"
    assert seen[first]["state"] == "draining"
    assert seen[first]["reason"] == "Target.DeregistrationInProgress"
    assert seen[first]["description"] == "Target deregistration is in progress"
    assert seen[first]["held_by"].startswith("r-")

    # and the command returns when nothing reaches it any more, having said first how to undo it
    done = step.end(60)
    assert done.code == 0
    assert done.out.index("aws elbv2 register-targets") < done.out.index("draining")
    assert f"Id={first},Port=8080" in done.out
    assert ground.states() == {other: "healthy"}

    # and whoever asks is told who holds it out
    status = katakei("status").out
    assert f"1 of 2 serving · 1 held out by {seen[first]['held_by']}" in status
    lines = iter(status.splitlines())
    row = next(line for line in lines if line.startswith(first))
    assert "absent" in row
    assert f"held out by {seen[first]['held_by']} since " in next(lines)

    # and the last one that serves is refused, and nothing is changed, nor by a second time
    changes = ground.changes()
    again = katakei("deregister", first)
    assert (again.code, again.out) == (0, f"{first} (web-1) is out already, since {seen[first]['held_by']}\n")
    refused = katakei("deregister", other)
    assert refused.code == 4
    assert "only 0 registrations of LaravelTargetGroup would serve, but the floor is 1" in refused.err
    assert "--force" in refused.err
    assert ground.changes() == changes

    # when it is registered without a port, it goes back with the recorded one, said aloud, and serves on return
    done = katakei("register", first)
    assert done.code == 0
    assert "is registered as rollout" in done.out
    assert "returned" in done.out
    assert ground.places() == places
    assert ground.states() == {first: "healthy", other: "healthy"}
    assert ground.changes() == ["DeregisterTargets", "RegisterTargets"]


@plays
def no_wait_returns_once_the_load_balancer_shows_it(katakei: Katakei, ground: Ground) -> None:
    first = ground.ids[0]
    done = katakei("deregister", "LaravelTargetGroup", f"{first}:8080", "--no-wait", within=15, TARGET_GROUP_ARN=None)
    assert done.code == 0
    assert ground.states().get(first, "draining") == "draining"

    done = katakei("register", f"{first}:8080", "--no-wait", within=15)
    assert done.code == 0
    assert ground.states()[first] in {"initial", "healthy"}


@plays
def deregister_with_a_port_takes_one_registration_out(katakei: Katakei, ground: Ground) -> None:
    first, other = ground.ids
    elb = ground.aws.get("elbv2")
    elb.register_targets(TargetGroupArn=ground.group, Targets=[{"Id": first, "Port": 9999}])
    rest = sorted([(first, 8080), (other, 8080)])

    done = katakei("deregister", f"{first}:9999")
    assert (done.code, ground.places()) == (0, rest), done.all()
    assert f"Id={first},Port=9999" in done.out
    assert f"Id={first},Port=8080" not in done.out
    rows = {(row["id"], row["port"]): row for row in katakei("status", "--json").data["targets"]}
    assert rows[first, 8080]["state"] == "healthy"
    assert (rows[first, 9999]["state"], rows[first, 9999]["held_by"][:2]) == ("absent", "r-")

    done = katakei("register", first, "--no-wait")
    assert (done.code, ground.places()) == (0, sorted([*rest, (first, 9999)])), done.all()
    assert f"{first} (web-1) is registered at port 9999 too, because rollout r-" in done.out


@plays
def force_breaks_the_floor_and_says_so(katakei: Katakei, ground: Ground) -> None:
    done = katakei("deregister", *ground.ids, "--force", "--no-wait")
    assert done.code == 0
    assert "the floor of LaravelTargetGroup is 0, so an outage is accepted" in done.out
    assert set(ground.states().values()) <= {"draining"}


@plays
def deregister_prints_events_as_json(katakei: Katakei, ground: Ground) -> None:
    first = ground.ids[0]
    events = katakei("deregister", first, "--no-wait", "--json").events
    kinds = [event["event"] for event in events]
    assert (kinds[0], kinds[-1]) == ("Planned", "Ended")
    assert events[0]["restore"][0].startswith("aws elbv2 register-targets")
    assert events[0]["kind"] == "deregister"
    assert events[-1]["exit"] == 0
    assert events[-1]["left_out"] == [first]

    (rollout,) = katakei("list", "--json").data["rollouts"]
    shown = katakei("show", rollout["rollout"], "--json").data
    assert shown["targets"][0]["id"] == first
    assert shown["finished"]


@plays.each()
def test_play(play: Play, stage: Stage) -> None:
    stage.show(play)
