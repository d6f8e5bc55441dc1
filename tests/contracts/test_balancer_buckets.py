"""Our own limits, at half of what AWS documents, with the clock turned by hand."""

from datetime import timedelta

import pytest
from tests.contracts.balancer_world import TurnedClock

from katakei.adapters.aws.rate_limits import Limit, TokenBuckets, shared_buckets
from katakei.domain.errors import NoAnswerError

SOON = timedelta(seconds=10)


def test_a_full_bucket_gives_at_once_and_then_at_its_pace() -> None:
    clock = TurnedClock()
    buckets = TokenBuckets(clock)
    for _ in range(10):
        buckets.take([Limit.ELB_REGISTRATION], clock.now() + SOON)
    assert clock.slept == []
    begun = clock.now()
    for _ in range(20):
        buckets.take([Limit.ELB_REGISTRATION], clock.now() + SOON)
    assert clock.now() - begun == timedelta(seconds=10)


def test_a_token_that_comes_too_late_is_not_waited_for_and_not_taken() -> None:
    clock = TurnedClock()
    buckets = TokenBuckets(clock)
    for _ in range(10):
        buckets.take([Limit.ELB_REGISTRATION], clock.now())
    with pytest.raises(NoAnswerError, match="Katakei's own limit"):
        buckets.take([Limit.ELB_REGISTRATION], clock.now() + timedelta(seconds=0.4))
    assert clock.slept == []
    buckets.take([Limit.ELB_REGISTRATION], clock.now() + timedelta(seconds=0.5))
    assert clock.slept == [timedelta(seconds=0.5)]


def test_the_account_is_limited_over_all_kinds() -> None:
    clock = TurnedClock()
    buckets = TokenBuckets(clock)
    for limit in [Limit.ELB_REGISTRATION] * 10 + [Limit.ELB_DESCRIBE] * 10:
        buckets.take([limit, Limit.ELB_ACCOUNT], clock.now())
    with pytest.raises(NoAnswerError):
        buckets.take([Limit.ELB_DESCRIBE, Limit.ELB_ACCOUNT], clock.now())


def test_a_bucket_never_holds_more_than_its_capacity() -> None:
    clock = TurnedClock()
    buckets = TokenBuckets(clock)
    buckets.take([Limit.ELB_DESCRIBE], clock.now())
    clock.time += timedelta(hours=1)
    for _ in range(20):
        buckets.take([Limit.ELB_DESCRIBE], clock.now())
    with pytest.raises(NoAnswerError):
        buckets.take([Limit.ELB_DESCRIBE], clock.now())


def test_when_aws_throttles_our_own_bucket_is_empty_too() -> None:
    clock = TurnedClock()
    buckets = TokenBuckets(clock)
    buckets.take([Limit.ELB_DESCRIBE], clock.now())
    buckets.empty([Limit.ELB_DESCRIBE])
    buckets.take([Limit.ELB_DESCRIBE], clock.now() + SOON)
    assert clock.slept == [timedelta(seconds=0.2)]


def test_a_wake_that_reached_a_wait_for_tokens_is_passed_on() -> None:
    clock = TurnedClock()
    buckets = TokenBuckets(clock)
    buckets.empty([Limit.ELB_DESCRIBE])
    clock.woken = True
    buckets.take([Limit.ELB_DESCRIBE], clock.now() + SOON)
    assert sum(clock.slept, timedelta(0)) >= timedelta(seconds=0.2)
    assert clock.wakes == 1


def test_one_place_has_one_set_of_buckets_in_a_process() -> None:
    clock = TurnedClock()
    assert shared_buckets("here", clock) is shared_buckets("here", TurnedClock())
    assert shared_buckets("here", clock) is not shared_buckets("there", clock)
