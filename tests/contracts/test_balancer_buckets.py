"""Our own limits, at half of what AWS documents, with the clock turned by hand."""

from datetime import timedelta

import pytest
from tests.contracts.balancer_world import TurnedClock

from katakei.adapters.balancers.alb.buckets import Buckets, Kind, shared
from katakei.domain.errors import NoAnswerError

SOON = timedelta(seconds=10)


def test_a_full_bucket_gives_at_once_and_then_at_its_pace() -> None:
    clock = TurnedClock()
    buckets = Buckets(clock)
    for _ in range(10):
        buckets.take([Kind.REGISTRATION], clock.now() + SOON)
    assert clock.slept == []
    begun = clock.now()
    for _ in range(20):
        buckets.take([Kind.REGISTRATION], clock.now() + SOON)
    assert clock.now() - begun == timedelta(seconds=10)


def test_a_token_that_comes_too_late_is_not_waited_for_and_not_taken() -> None:
    clock = TurnedClock()
    buckets = Buckets(clock)
    for _ in range(10):
        buckets.take([Kind.REGISTRATION], clock.now())
    with pytest.raises(NoAnswerError, match="our own limit"):
        buckets.take([Kind.REGISTRATION], clock.now() + timedelta(seconds=0.4))
    assert clock.slept == []
    buckets.take([Kind.REGISTRATION], clock.now() + timedelta(seconds=0.5))
    assert clock.slept == [timedelta(seconds=0.5)]


def test_the_account_is_limited_over_all_kinds() -> None:
    clock = TurnedClock()
    buckets = Buckets(clock)
    for kind in [Kind.REGISTRATION] * 10 + [Kind.DESCRIBE] * 10:
        buckets.take([kind, Kind.ACCOUNT], clock.now())
    with pytest.raises(NoAnswerError):
        buckets.take([Kind.DESCRIBE, Kind.ACCOUNT], clock.now())


def test_a_bucket_never_holds_more_than_its_capacity() -> None:
    clock = TurnedClock()
    buckets = Buckets(clock)
    buckets.take([Kind.DESCRIBE], clock.now())
    clock.time += timedelta(hours=1)
    for _ in range(20):
        buckets.take([Kind.DESCRIBE], clock.now())
    with pytest.raises(NoAnswerError):
        buckets.take([Kind.DESCRIBE], clock.now())


def test_when_aws_throttles_our_own_bucket_is_empty_too() -> None:
    clock = TurnedClock()
    buckets = Buckets(clock)
    buckets.take([Kind.DESCRIBE], clock.now())
    buckets.empty([Kind.DESCRIBE])
    buckets.take([Kind.DESCRIBE], clock.now() + SOON)
    assert clock.slept == [timedelta(seconds=0.2)]


def test_a_wake_that_reached_a_wait_for_tokens_is_passed_on() -> None:
    clock = TurnedClock()
    buckets = Buckets(clock)
    buckets.empty([Kind.DESCRIBE])
    clock.woken = True
    buckets.take([Kind.DESCRIBE], clock.now() + SOON)
    assert sum(clock.slept, timedelta(0)) >= timedelta(seconds=0.2)
    assert clock.wakes == 1


def test_one_place_has_one_set_of_buckets_in_a_process() -> None:
    clock = TurnedClock()
    assert shared("here", clock) is shared("here", TurnedClock())
    assert shared("here", clock) is not shared("there", clock)
