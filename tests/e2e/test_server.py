"""Commands with `--server`, and `trigger`, against a real server on the lab: as on the machine of the journal."""

import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.command import Katakei
from tests.e2e.ground import Ground
from tests.e2e.served import Server
from tests.e2e.stage import Play, Plays, Stage

from katakei.adapters.journals.locations import default_url
from katakei.adapters.journals.sql_journal import SqlJournal, SqlLeases
from katakei.domain import events as e
from katakei.domain.model import Arn
from katakei.domain.phases import Phase
from katakei.domain.replay import replay
from katakei.lab import clock
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
      if [ "$KATAKEI_RELEASE" = bad ]; then exit 3; fi
      echo "$KATAKEI_RELEASE" > release
      ./bin/restart
check: {http: {path: /health}, within: 20s}
warm: {soak: 3s}
"""

HELD = """\
service: shop
balancer: {alb: {target_groups: [LaravelTargetGroup]}}
drain: {settle: 1s, until: delay}
work:
  ssm:
    run: |
      touch at_work
      while [ ! -e go_on ]; do sleep 0.2; done
      echo "$KATAKEI_RELEASE" > release
      ./bin/restart
warm: {soak: 1s}
"""


@plays
def server_that_is_told_to_end_leaves_its_rollout_to_the_next(katakei: Katakei, ground: Ground) -> None:
    """The work goes on while no server is there. The next server waits for it and starts nothing twice."""
    journal, leases = SqlJournal(default_url(katakei.env)), SqlLeases(default_url(katakei.env))
    server, places = Server(katakei, {"shop": HELD}), ground.places()
    ci: dict[str, Any] = {"KATAKEI_SERVER": server.url, "KATAKEI_TOKEN": server.token(), "CI": "true"}
    started = katakei("trigger", "shop", "--release", "v9", **ci)
    assert started.code == 0, started.all()
    folders = [Path(target.folder) for target in ground.lab.targets]
    assert clock.wait_for(lambda: any((each / "at_work").exists() for each in folders), 120, 0.1), server.running.said()
    first = server.running
    server.stop()
    [header] = journal.find(unfinished=True)
    assert not any(isinstance(event, e.Interrupted) for event in journal.read(header.rollout, 0))
    assert leases.holder(Arn(ground.group)) is None
    for folder in folders:
        (folder / "go_on").touch()
    server.start()
    assert clock.wait_for(lambda: not journal.find(unfinished=True), 180, 0.2), server.running.said()
    events = journal.read(header.rollout, 0)
    owners = [event.owner.pid for event in events if isinstance(event, e.OwnerChanged)]
    assert owners == [first.process.pid, server.running.process.pid]
    assert (ground.releases(), ground.starts(), ground.places()) == (["v9", "v9"], [1, 1], places)
    assert {status.phase for status in replay(events).statuses.values()} == {Phase.DONE}
    server.stop()
    server.cutter.close()


@plays
def canceled_job_aborts_its_rollout_or_leaves_it(katakei: Katakei, ground: Ground) -> None:
    server, places = Server(katakei, {"shop": SHOP}), ground.places()
    ci: dict[str, Any] = {"KATAKEI_SERVER": server.url, "KATAKEI_TOKEN": server.token(), "CI": "true"}
    for words, word, code, starts in (
        (("--on-cancel", "abort"), signal.SIGTERM, 1, [0, 0]),
        ((), signal.SIGINT, 0, [1, 1]),
    ):
        job = katakei.start("trigger", "shop", "--release", "v9", "--wait", *words, **ci)
        job.until("draining", 120)
        job.tell(word)
        canceled = job.end(120)
        assert canceled.code == 130, canceled.all()
        waited = katakei("wait", within=240, **ci)
        assert (waited.code, ground.starts(), ground.places()) == (code, starts, places), waited.all()
    server.stop()
    server.cutter.close()


@plays
def trigger_waits_through_a_cut_connection_and_a_restart(katakei: Katakei, ground: Ground) -> None:
    server = Server(katakei, {"shop": SHOP})
    places = ground.places()
    ci: dict[str, Any] = {"KATAKEI_SERVER": server.url, "KATAKEI_TOKEN": server.token(), "CI": "true"}
    clients = Traffic(ground.lab.url, 30, slow_seconds=2, longest=timedelta(minutes=4))
    clients.start()
    try:
        deploy = katakei.start("trigger", "shop", "--release", "v9", "--wait", **ci, AWS_ACCESS_KEY_ID=None)
        deploy.until("draining", 60)
        server.cutter.cut()
        deploy.until("working", 60)
        server.stop()
        server.start()
        ended = deploy.end(180)
    finally:
        seen = clients.stop()
    assert ended.code == 0, ended.all()
    assert (seen.failed, seen.first_failures) == (0, ())
    assert (ground.releases(), ground.starts(), ground.places()) == (["v9", "v9"], [1, 1], places)
    lines = [line for line in ended.out.splitlines() if line.endswith((": working", ": done")) or " is done" in line]
    assert len(lines) == len(set(lines)), ended.out
    report = ("report", "-o", "-", "--format", "markdown")
    for words in (("list",), ("show",), ("logs",), report, ("status", "LaravelTargetGroup")):
        remote, local = katakei(*words, **ci), katakei(*words)
        assert (remote.code, remote.out) == (local.code, local.out), words
    waited = katakei("wait", **ci)
    assert waited.code == 0, waited.all()
    server.stop()
    server.cutter.close()


@plays
def server_refuses_what_its_tokens_and_services_do_not_allow(katakei: Katakei, ground: Ground) -> None:
    server = Server(katakei, {"shop": SHOP})
    ci: dict[str, Any] = {
        "KATAKEI_SERVER": server.url,
        "KATAKEI_TOKEN": server.token("--act", "read", "--act", "plan", "--act", "logs"),
    }
    planned = katakei("plan", "shop", "--release", "v9", **ci)
    assert planned.code == 0, planned.all()
    assert "web-1" in planned.out
    for words, code, said in (
        (("trigger", "shop", "--release", "v9"), 5, "does not include"),
        (("trigger", "shopping", "--release", "v9"), 5, "not for shopping"),
        (("plan", "shopping"), 2, "the server has no service shopping; there are: shop"),
        (("plan", "-f", "shop.yml"), 2, "-f does not go together with --server"),
        (("roll", "--run", "./deploy"), 2, "--run does not go together with --server"),
        (("roll", "--manual"), 2, "--manual does not go together with --server"),
        (("deregister", "LaravelTargetGroup", ground.ids[0]), 2, "works on this machine only"),
        (("show", "r-nothere"), 2, "no rollout"),
    ):
        done = katakei(*words, **ci)
        assert done.code == code, (words, done.all())
        assert said in done.err, (words, done.all())
        assert "Traceback" not in done.all()
    for token in ("", "kat_aaaaaaaaaa_" + "b" * 32, "nonsense"):
        done = katakei("list", **{**ci, "KATAKEI_TOKEN": token})
        assert done.code == 5, done.all()
        assert "b" * 32 not in done.all()
    assert ground.changes() == []
    server.stop()
    server.cutter.close()


@plays.each()
def test_play(play: Play, stage: Stage) -> None:
    stage.show(play)
