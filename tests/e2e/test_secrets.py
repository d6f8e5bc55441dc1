"""A secret that local work is told: it gets there, and is nowhere else, whatever the work prints."""

import signal

import pytest
from tests.e2e.command import Katakei
from tests.e2e.ground import Ground
from tests.e2e.stage import Play, Plays, Stage

pytestmark = pytest.mark.lab
plays = Plays()

CANARY = "c4n4ry-3f9a17"
KNOWN = {"TOKEN": CANARY, "WANTED": CANARY, "KATAKEI_LOG": "debug"}
FILE = """\
service: shop
balancer: {alb: {target_groups: [LaravelTargetGroup]}}
drain: {settle: 2s}
work: {local: {run: 'echo "$GREETING $PASSWORD"; test "$PASSWORD" = "$WANTED"', env: {GREETING: hello, PASSWORD: {secret: TOKEN}}}}
warm: {soak: 1s}
"""  # noqa: E501 - one line as people write it


@plays
def a_secret_reaches_the_work_and_nobody_who_asks_afterwards(katakei: Katakei, ground: Ground) -> None:
    katakei.file(FILE)
    missing = katakei("roll", "--release", "v2")
    assert (missing.code, "the secret TOKEN, which is not in the environment" in missing.err) == (4, True)
    assert katakei("list", "--json").data["rollouts"] == []
    done = katakei("roll", "--release", "v2", "--json", within=90, **KNOWN)
    assert (done.code, set(ground.states().values())) == (0, {"healthy"}), done.all()
    rollout = str(katakei("list", "--json").data["rollouts"][0]["rollout"])
    report = katakei("report", rollout, "-o", "-").out
    shown = [done, katakei("logs", rollout), katakei("show", rollout, "--json")]
    assert "hello ***" in shown[1].out
    files = [file.read_bytes() for file in katakei.folder.rglob("*.db*")]
    told = [each.all().encode() for each in shown] + [report.encode(), *files]
    assert files
    assert not [text for text in told if CANARY.encode() in text]
    assert "level=debug" in done.err
    assert "Signature" not in done.err


@plays
def who_carries_on_without_the_secret_is_refused_before_anything_is_done(katakei: Katakei, ground: Ground) -> None:
    katakei.file(FILE)
    running = katakei.start("roll", "--release", "v2", **KNOWN)
    running.until("draining")
    running.tell(signal.SIGKILL)
    running.end()
    changes = len(ground.changes())
    refused = katakei("roll", "--release", "v2")
    assert (refused.code, "export it first" in refused.err, len(ground.changes())) == (4, True, changes)
    rollout = str(katakei("list", "--json").data["rollouts"][0]["rollout"])
    aborted = katakei("abort", rollout, within=90)
    assert (aborted.code, set(ground.states().values())) == (1, {"healthy"}), aborted.all()


@plays.each()
def test_it(play: Play, stage: Stage) -> None:
    stage.show(play)
