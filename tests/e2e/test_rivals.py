"""One rollout per group among all who share a journal: rivals at once, and an owner that stood still for too long."""

import signal

import pytest
from tests.e2e.command import Katakei, Running
from tests.e2e.ground import Ground
from tests.e2e.stage import SHOP, Play, Plays, Stage

from katakei.lab import clock

pytestmark = pytest.mark.lab
plays = Plays()
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
def of_three_at_once_one_works_and_the_others_are_refused(katakei: Katakei, ground: Ground) -> None:
    _of_three_one_works(katakei, ground, None)


@plays
def of_three_at_once_that_share_a_journal_in_s3_one_works(katakei: Katakei, ground: Ground) -> None:
    _of_three_one_works(katakei, ground, _in_s3(ground))


@plays
def an_owner_that_stood_still_for_longer_than_its_lease_writes_nothing_and_begins_no_act(
    katakei: Katakei, ground: Ground
) -> None:
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
def test_it(play: Play, stage: Stage) -> None:
    stage.show(play)
