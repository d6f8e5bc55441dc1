"""The action for GitHub, played from an empty folder against the lab: exit codes, summary, outputs, cancellation."""

from pathlib import Path

import pytest
from tests.ci.jobs import ActionJob, Script
from tests.e2e.command import Katakei
from tests.e2e.ground import Ground
from tests.e2e.served import Server
from tests.e2e.stage import SHOP, Play, Plays, Stage

pytestmark = pytest.mark.lab
plays = Plays()

JOURNAL = "s3://journals/katakei"
ROLL = """\
service: shop
balancer: {alb: {target_groups: [LaravelTargetGroup]}}
drain: {settle: %s, until: delay}
work:
  ssm:
    run: |
      if [ "$KATAKEI_RELEASE" = bad ]; then exit 7; fi
      echo "$KATAKEI_RELEASE" > release
      ./bin/restart
warm: {soak: 1s}
"""
GRACE = 2
"""Seconds after a signal; GitHub waits 7.5 and 2.5."""


def action(katakei: Katakei, **inputs: str) -> ActionJob:
    return ActionJob(katakei, install="false", **inputs)


def bucket(ground: Ground) -> None:
    region = {"LocationConstraint": ground.lab.env["AWS_REGION"]}
    ground.aws.get("s3").create_bucket(Bucket="journals", CreateBucketConfiguration=region)


def refuses_inputs_that_contradict_each_other(katakei: Katakei, ground: Ground) -> None:
    katakei.file(ROLL % "1s")
    for inputs, said in (
        ({"server": "http://127.0.0.1:1"}, "give server and service together"),
        ({"service": "shop"}, "give server and service together"),
        ({"server": "http://127.0.0.1:1", "service": "shop", "journal": JOURNAL}, "give journal or server, not both"),
        ({"server": "http://127.0.0.1:1", "service": "shop", "lock_wait": "5m"}, "lock-wait works only without"),
        ({"on_cancel": "stop"}, "on-cancel must be abort or leave"),
        ({"config": "nothere.yml", "journal": JOURNAL}, "nothere.yml"),
        ({"release": "--yes\n$(touch forged)`touch forged`", "journal": "j.db"}, "release"),
    ):
        job = action(katakei, **inputs).run()
        assert job.outputs()["exit-code"] == "2", (inputs, job.log.read_text())
        assert said in job.annotations[0], (inputs, job.log.read_text())
    nowhere = action(katakei).run()
    assert nowhere.outputs()["exit-code"] == "4"
    assert "its journal would end with it" in nowhere.annotations[0]
    assert not (katakei.folder / "forged").exists()
    assert ground.changes() == []


@plays
def action_passes_each_exit_code_and_writes_the_summary(katakei: Katakei, ground: Ground) -> None:
    refuses_inputs_that_contradict_each_other(katakei, ground)
    bucket(ground)
    katakei.file(ROLL % "1s")
    failed = action(katakei, journal=JOURNAL, release="bad").run()
    assert failed.steps["roll"].outcome == "failure"
    outputs = failed.outputs()
    assert outputs["exit-code"] == "3", failed.log.read_text()
    assert outputs["rollout"].startswith("r-")
    assert "## FAILED" in failed.summary
    assert "| target | phase | out for | why |" in failed.summary
    assert Path(outputs["report"]).read_text() == failed.summary
    (annotation,) = failed.annotations
    assert "OUT OF SERVICE" in annotation

    frozen = katakei("freeze", "LaravelTargetGroup", "--reason", "the sale\n::error::forged", "--journal", JOURNAL)
    assert frozen.code == 0, frozen.all()
    refused = action(katakei, journal=JOURNAL, release="v9").run()
    assert refused.outputs() == {"rollout": "", "exit-code": "4", "report": ""}, refused.log.read_text()
    assert "no rollout was begun" in refused.summary
    assert "Exit code 4" in refused.summary
    (annotation,) = refused.annotations
    assert annotation.startswith("::error title=katakei::")
    assert "the sale" in annotation
    assert katakei("unfreeze", "LaravelTargetGroup", "--journal", JOURNAL).code == 0

    fixed = action(katakei, journal=JOURNAL, release="v9").run()
    assert fixed.outputs()["exit-code"] == "0", fixed.log.read_text()
    assert fixed.outputs()["rollout"] != outputs["rollout"]
    assert "## DONE" in fixed.summary
    assert (fixed.annotations, fixed.failed) == ([], False)
    assert ground.releases() == ["v9", "v9"]

    katakei.file(f"{ROLL % '1s'}on_failure: {{failed_target: put_back}}\n")
    back = action(katakei, journal=JOURNAL, release="bad").run()
    assert back.outputs()["exit-code"] == "1", back.log.read_text()
    assert set(ground.states().values()) == {"healthy"}


def leaves_a_canceled_rollout_to_the_next_job(katakei: Katakei, ground: Ground) -> None:
    katakei.file(ROLL % "8s")
    first = action(katakei, journal=JOURNAL, on_cancel="leave")

    def cancel(script: Script) -> None:
        script.until(")  draining")
        first.cancel(script, GRACE)

    first.run(cancel)
    assert "NOT FINISHED" in first.summary, first.log.read_text()
    second = action(katakei, journal=JOURNAL).run()
    assert second.outputs()["exit-code"] == "0", second.log.read_text()
    assert second.outputs()["rollout"] == first.outputs()["rollout"]
    assert (ground.starts(), ground.releases()) == ([1, 1], ["v9", "v9"])


@plays
def action_brings_targets_back_or_leaves_them_to_the_next_job(katakei: Katakei, ground: Ground) -> None:
    bucket(ground)
    katakei.file(ROLL % "40s")
    job = action(katakei, journal=JOURNAL)

    def cancel(script: Script) -> None:
        script.until(")  draining")
        job.cancel(script, GRACE)
        assert "finishing the targets in progress" in script.said()
        assert sorted(ground.states().values()) != ["healthy", "healthy"]

    job.run(cancel)
    assert job.steps["roll"].outcome == "cancelled"
    assert set(ground.states().values()) == {"healthy"}, job.log.read_text()
    assert ground.starts() == [0, 0]
    assert "## ABORTED" in job.summary
    assert job.outputs()["rollout"] in job.summary
    assert katakei("wait", "--journal", JOURNAL).code == 1
    leaves_a_canceled_rollout_to_the_next_job(katakei, ground)


@plays
def action_triggers_a_server_without_aws_rights(katakei: Katakei, ground: Ground) -> None:
    server = Server(katakei, {"shop": SHOP})
    token = server.token("--act", "start", "--act", "read", "--act", "abort")
    rights = {name: "" for name in ground.lab.env if name.startswith("AWS_")} | {"KATAKEI_TOKEN": token}
    job = action(katakei, server=server.url, service="shop").run(env=rights)
    assert job.outputs()["exit-code"] == "0", job.log.read_text()
    assert "## DONE" in job.summary
    assert ground.releases() == ["v9", "v9"]
    assert token not in job.log.read_text() + job.summary

    stopped = action(katakei, server=server.url, service="shop", release="v10")

    def cancel(script: Script) -> None:
        script.until(")  draining")
        stopped.cancel(script, 20)

    stopped.run(cancel, rights)
    assert "the abort of rollout" in stopped.log.read_text()
    assert katakei("wait", stopped.outputs()["rollout"], "--timeout", "60").code == 1
    assert set(ground.states().values()) == {"healthy"}
    server.stop()
    server.cutter.close()


@plays.each()
def test_play(play: Play, stage: Stage) -> None:
    stage.show(play)
