"""`katakei roll` and `plan`: under traffic, with manual work, failing, interrupted, killed, beside rivals."""

import random
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from tests.e2e.command import Katakei, Running
from tests.e2e.ground import Ground
from tests.e2e.stage import SHOP, Play, Plays, Stage

from katakei.lab import clock
from katakei.lab.traffic import Figures, Traffic

pytestmark = pytest.mark.lab
plays = Plays()

RELEASE = """'echo "$KATAKEI_RELEASE" > release && ./bin/restart'"""
RESTORE = "To restore every registration by hand at any time:"


def configuration(work: str = f"{{ssm: {{run: {RELEASE}}}}}", settle: int = 1, more: str = "") -> str:
    return f"""\
service: shop
balancer: {{alb: {{target_groups: [LaravelTargetGroup]}}}}
drain: {{settle: {settle}s, until: delay}}
work: {work}
check: {{http: {{path: /health}}, within: 20s}}
warm: {{soak: 1s}}
{more}
"""


@contextmanager
def traffic(url: str) -> Iterator[list[Figures]]:
    """Keep-alive clients, some of them slow; what they saw is in the list afterwards."""
    clients = Traffic(url, 30, slow_seconds=2, longest=timedelta(minutes=3))
    clients.start()
    seen: list[Figures] = []
    try:
        yield seen
    finally:
        seen.append(clients.stop())


@plays
def roll_loses_no_request_under_traffic(katakei: Katakei, ground: Ground) -> None:
    places = ground.places()
    katakei.file(configuration())
    with traffic(ground.lab.url) as seen:
        done = katakei("roll", "--release", "v2", within=90)
    assert done.code == 0, done.all()
    assert (seen[0].failed, seen[0].first_failures) == (0, ())
    assert seen[0].requests > 100
    assert (ground.releases(), ground.starts()) == (["v2", "v2"], [1, 1])
    assert ground.places() == places
    assert done.out.splitlines()[0] == RESTORE
    recap = done.out[done.out.index("DONE  v2 of shop on LaravelTargetGroup (rollout r-") :].splitlines()
    assert recap[1:] == ["  web-1  done, serves v2", "  web-2  done, serves v2"]
    for target in ground.ids:
        said = [line for line in done.out.splitlines() if target in line]
        order = ["draining", "out", "working", "work ended with exit code 0", "checking", "warming", "soaking", "done"]
        assert [word for line in said for word in order if line.endswith(f"  {word}")] == order

    (rollout,) = katakei("list", "--json").data["rollouts"]
    assert (rollout["service"], rollout["finished"] is None) == ("shop", False)
    shown = katakei("show", rollout["rollout"], "--json").data
    assert (shown["exit"], shown["release"]) == (0, "v2")
    assert [target["phase"] for target in shown["targets"]] == ["done", "done"]
    assert "finished after" in katakei("show", rollout["rollout"]).out


@plays
def plan_changes_nothing_and_says_what_would_happen(katakei: Katakei, ground: Ground) -> None:
    katakei.file(configuration())
    done = katakei("plan", "--release", "v2")
    assert done.code == 0
    for words in (
        "roll shop to v2, 2 targets",
        "work     by ssm: echo",
        "1 of 2 must serve",
        "window   1",
        "takes    about",
    ):
        assert words in done.out
    data = katakei("plan", "--release", "v2", "--json").data
    assert [target["id"] for target in data["order"]] == [t.id for t in ground.lab.targets]
    assert data["predicted_seconds"] == 2 * sum(part["length"] for part in data["parts"])
    assert data["window"] == 1
    assert ground.changes() == []
    assert katakei("list").out == "no rollouts in this journal\n"


def by_hand(katakei: Katakei, ground: Ground) -> tuple[Running, str]:
    """One target is out and waits for a person."""
    katakei.file(configuration("{manual: }"))
    roll = katakei.start("roll", "--only", ground.ids[0], "-f", "katakei.yml")
    roll.until("ready for manual work")
    return roll, next(word for word in roll.said().split() if word.startswith("r-"))


@plays
def roll_with_manual_work_is_approved_from_elsewhere(katakei: Katakei, ground: Ground) -> None:
    roll, name = by_hand(katakei, ground)
    assert "work     by hand" in roll.said()
    assert f"katakei approve {name} {ground.ids[0]}" in roll.said()

    rival = katakei("roll", "-f", "katakei.yml", "--only", ground.ids[0])
    assert rival.code == 4
    assert f"held by rollout {name}" in rival.err
    step = katakei("deregister", ground.ids[1])
    assert step.code == 4
    assert name in step.err
    waiting = katakei("show", name).out
    assert f"waiting for: {ground.ids[0]} working since" in waiting

    assert katakei("approve", name, ground.ids[1]).code == 2
    approved = katakei("approve", name, ground.lab.targets[0].address)
    assert approved.code == 0
    assert approved.out.startswith(f"approved: {ground.ids[0]} (web-1); ")
    assert f" checks what was approved and registers it again. To follow it: katakei logs -f {name}\n" in approved.out
    done = roll.end()
    assert done.code == 0, done.all()
    assert set(ground.states().values()) == {"healthy"}
    assert katakei("approve", name).code == 2


@plays.slow
def abort_from_elsewhere_brings_targets_back(katakei: Katakei, ground: Ground) -> None:
    katakei.file(configuration(settle=20))
    roll = katakei.start("roll", "--release", "v3", "--json")
    roll.until("SeenOut")
    name = next(iter(katakei("list", "--json").data["rollouts"]))["rollout"]
    accepted = katakei("abort", name, "--json")
    assert (accepted.code, accepted.data) == (0, {"accepted": name})
    late = katakei("pause", name)
    assert (late.code, "is being aborted" in late.err) == (2, True)
    done = roll.end()
    assert done.code == 1, done.all()
    assert [target["phase"] for target in done.events[-1]["targets"]] == ["returned", "skipped"]
    assert set(ground.states().values()) == {"healthy"}
    assert ground.starts() == [0, 0]
    again = katakei("abort", name)
    assert again.code == 2
    assert "is finished; there is nothing to abort" in again.err


@plays.slow
def abort_without_an_owner_brings_targets_back(katakei: Katakei, ground: Ground) -> None:
    roll, name = by_hand(katakei, ground)
    roll.tell(signal.SIGKILL)
    roll.end()
    plan = katakei("plan")
    assert plan.code == 4
    assert name in plan.err
    done = katakei("abort", name)
    assert done.code == 1, done.all()
    assert "bringing back what is out of service" in done.out
    assert set(ground.states().values()) == {"healthy"}


@plays
def roll_with_failed_work_leaves_its_target_out(katakei: Katakei, ground: Ground) -> None:
    katakei.file(configuration("{ssm: {run: 'echo broken >&2; exit 7'}}"))
    done = katakei("roll")
    assert done.code == 3, done.all()
    first, name = next(line for line in done.out.splitlines() if "order    1." in line).split()[2:4]
    name = name.strip("()")
    recap = done.out[done.out.index("FAILED  shop on LaravelTargetGroup (rollout r-") :]
    assert f"{name}  OUT OF SERVICE  the work ended with exit code 7; last lines:" in recap
    assert "| broken" in recap
    assert "not touched" in recap
    assert "Next:  see everything  katakei logs r-" in recap
    assert "katakei register LaravelTargetGroup web-" in recap
    assert sorted(ground.states().values()) == ["healthy"]
    assert f"held by {first}" not in katakei("status").out


@plays.slow
def roll_with_failed_work_returns_its_target_if_configured(katakei: Katakei, ground: Ground) -> None:
    katakei.file(configuration("{ssm: {run: exit 7}}", more="on_failure: {failed_target: put_back}"))
    done = katakei("roll")
    assert done.code == 1, done.all()
    assert sorted(ground.states().values()) == ["healthy", "healthy"]


@plays.slow
def roll_after_one_interrupt_finishes_targets_and_carries_on(katakei: Katakei, ground: Ground) -> None:
    katakei.file(configuration())
    roll = katakei.start("roll", "--release", "v4")
    roll.until("working")
    roll.tell(signal.SIGINT)
    done = roll.end()
    assert done.code == 130, done.all()
    assert "finishing the targets in progress" in done.err
    assert "NOT FINISHED" in done.out
    assert "OUT OF SERVICE" not in done.out
    assert sorted(ground.starts()) == [0, 1]

    other = katakei("roll", "--release", "v5")
    assert other.code == 4
    assert "release v4, now v5" in other.err
    assert "--as-recorded" in other.err

    done = katakei("roll", "--release", "v4")
    assert done.code == 0, done.all()
    assert done.out.splitlines()[0] == RESTORE
    assert "carrying it on as it was planned" in done.out
    assert (ground.starts(), ground.releases()) == ([1, 1], ["v4", "v4"])


@plays.slow
def roll_after_two_interrupts_stops_at_once(katakei: Katakei, ground: Ground) -> None:
    roll, name = by_hand(katakei, ground)
    roll.tell(signal.SIGTERM)
    roll.until("finishing the targets in progress")
    roll.tell(signal.SIGTERM)
    done = roll.end(20)
    assert done.code == 130
    assert re.search(r"^  \S+ +OUT OF SERVICE", done.err, re.MULTILINE), done.err
    assert done.err.count("OUT OF SERVICE") == 1
    assert f"katakei abort {name}" in done.err


@plays.slow
def roll_after_a_kill_carries_on_and_works_once(katakei: Katakei, ground: Ground) -> None:
    katakei.file(configuration())
    release = "v8"
    roll = katakei.start("roll", "--release", release)
    roll.until("draining")
    clock.sleep(random.uniform(0, 20))  # noqa: S311 - any moment will do
    roll.tell(signal.SIGKILL)
    killed = roll.end()
    assert killed.code == -signal.SIGKILL
    done = katakei("roll", "--release", release, within=90)
    assert done.code == 0, killed.out + done.all()
    assert done.out.splitlines()[0] == RESTORE
    assert (ground.starts(), ground.releases()) == ([1, 1], [release, release])
    assert set(ground.states().values()) == {"healthy"}


@plays.slow
def roll_goes_on_without_a_reader(katakei: Katakei, ground: Ground) -> None:
    katakei.file(configuration())
    words = [sys.executable, "-m", "katakei.cli", "roll", "--release", "v6", "--only", ground.ids[0]]
    with subprocess.Popen(words, cwd=katakei.folder, env=katakei.env, stdout=subprocess.PIPE) as roll:
        assert roll.stdout is not None
        assert roll.stdout.readline().decode().strip() == RESTORE
        roll.stdout.close()
        assert roll.wait(60) == 0
    assert sum(ground.starts()) == 1
    assert set(ground.states().values()) == {"healthy"}


@plays.slow
def roll_needs_no_file_with_a_group_and_a_command(katakei: Katakei, ground: Ground) -> None:
    work = 'test "$KATAKEI_RELEASE" = v7 && echo "$KATAKEI_RELEASE" > release && ./bin/restart'
    words = ("roll", "LaravelTargetGroup", "--run", work, "--release", "v7", "--only", "web-1", "--yes")
    done = katakei(*words, "--journal", str(katakei.folder / "mine.db"), within=120, CI="true")
    assert done.code == 0, done.all()
    assert sum(ground.starts()) == 1
    assert (katakei.folder / "mine.db").exists()


# -- a group that no listener uses

IDLE_FILE = SHOP.replace("LaravelTargetGroup", "green") + "window: {floor: 0}\n"
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
def manual_steps_work_in_an_idle_group(katakei: Katakei, ground: Ground) -> None:
    first = green(ground).ids[0]
    done = katakei("register", "green", first, within=30)
    assert (done.code, ground.places()) == (0, [(first, 8080)]), done.all()
    assert NOBODY in done.out
    assert "returned" in done.out

    refused = katakei("deregister", "green", first, "--force")
    assert (refused.code, "in LaravelTargetGroup. Take it out of all" in refused.err) == (4, True), refused.all()
    assert ground.places() == [(first, 8080)]
    done = katakei("deregister", "green", first, "--force", "--only-these-groups", within=60)
    assert (done.code, ground.places()) == (0, []), done.all()
    assert "requests go on through other groups" in done.out


@plays
def roll_of_an_idle_group_needs_a_floor_of_0(katakei: Katakei, ground: Ground) -> None:
    green(ground, *ground.ids)
    places = ground.places()
    refused = katakei("roll", "green", "--run", "true", "--only-these-groups", "--force")
    assert (refused.code, "floor: 0" in refused.err) == (4, True), refused.all()

    katakei.file(IDLE_FILE)
    done = katakei("roll", "--release", "v2", "--only-these-groups", within=90)
    assert (done.code, ground.places(), ground.starts()) == (0, places, [1, 1]), done.all()
    assert NOBODY in done.out
    assert ground.releases() == ["v2", "v2"]
    assert set(ground.states().values()) == {"unused"}


# -- several at once

QUIET = 7  # seconds after which a heartbeat is not young any more


def _in_s3(ground: Ground) -> str:
    region = {"LocationConstraint": "ap-northeast-1"}
    ground.aws.get("s3").create_bucket(Bucket="journals", CreateBucketConfiguration=region)
    return "s3://journals/katakei"


def _rolls(katakei: Katakei, journal: str | None) -> Running:
    return katakei.start("roll", "--release", "v2", KATAKEI_JOURNAL=journal)


def _of_three_one_works(katakei: Katakei, ground: Ground, journal: str | None) -> None:
    katakei.file(SHOP)
    three = [_rolls(katakei, journal) for _ in range(3)]
    assert clock.wait_for(lambda: sum(each.process.poll() is not None for each in three) == 2, 30, 0.05)
    refused = [each.end() for each in three if each.process.poll() is not None]
    (worked,) = (each for each in three if each.process.poll() is None)
    worked.until("draining")
    late = _rolls(katakei, journal).end(within=15)
    for each in (*refused, late):
        assert (each.code, "is held by rollout r-" in each.err) == (4, True), each.all()
        assert "takes over once it has been silent for 30s" in each.err
    assert (worked.end().code, ground.releases(), ground.starts()) == (0, ["v2", "v2"], [1, 1])


@plays
def roll_of_three_at_once_lets_one_work(katakei: Katakei, ground: Ground) -> None:
    _of_three_one_works(katakei, ground, None)


@plays
def roll_of_three_at_once_in_s3_lets_one_work(katakei: Katakei, ground: Ground) -> None:
    _of_three_one_works(katakei, ground, _in_s3(ground))


@plays
def roll_of_a_suspended_owner_writes_nothing_more(katakei: Katakei, ground: Ground) -> None:
    journal = _in_s3(ground)
    katakei.file(SHOP)
    owner = _rolls(katakei, journal)
    owner.until("draining")
    owner.tell(signal.SIGSTOP)
    clock.sleep(QUIET)
    taker = _rolls(katakei, journal)
    taker.until("it is watched for that long now")
    assert taker.end(within=150).code == 0, taker.said()
    assert (ground.releases(), ground.starts()) == (["v2", "v2"], [1, 1])
    before = ground.changes()
    owner.tell(signal.SIGCONT)
    woken = owner.end()
    assert (woken.code, "another process has taken over" in woken.err) == (4, True), woken.all()
    assert (ground.changes(), ground.starts()) == (before, [1, 1])


@plays.each()
def test_play(play: Play, stage: Stage) -> None:
    stage.show(play)
