"""Token buckets, with a clock that moves only while a caller sleeps."""

from datetime import timedelta

import pytest
from tests.contracts.fake_account import TurnedClock

from katakei.adapters.aws.rate_limits import Limit, TokenBuckets, shared_buckets
from katakei.domain.errors import NoAnswerError

SOON = timedelta(seconds=10)


def test_full_bucket_serves_at_once_then_refills() -> None:
    clock = TurnedClock()
    buckets = TokenBuckets(clock)
    for _ in range(10):
        buckets.take([Limit.ELB_REGISTRATION], clock.now() + SOON)
    assert clock.slept == []
    begun = clock.now()
    for _ in range(20):
        buckets.take([Limit.ELB_REGISTRATION], clock.now() + SOON)
    assert clock.now() - begun == timedelta(seconds=10)


def test_take_refuses_tokens_later_than_deadline() -> None:
    clock = TurnedClock()
    buckets = TokenBuckets(clock)
    for _ in range(10):
        buckets.take([Limit.ELB_REGISTRATION], clock.now())
    with pytest.raises(NoAnswerError, match="Katakei's own limit"):
        buckets.take([Limit.ELB_REGISTRATION], clock.now() + timedelta(seconds=0.4))
    assert clock.slept == []
    buckets.take([Limit.ELB_REGISTRATION], clock.now() + timedelta(seconds=0.5))
    assert clock.slept == [timedelta(seconds=0.5)]


def test_account_limit_counts_all_actions() -> None:
    clock = TurnedClock()
    buckets = TokenBuckets(clock)
    for limit in [Limit.ELB_REGISTRATION] * 10 + [Limit.ELB_DESCRIBE] * 10:
        buckets.take([limit, Limit.ELB_ACCOUNT], clock.now())
    with pytest.raises(NoAnswerError):
        buckets.take([Limit.ELB_DESCRIBE, Limit.ELB_ACCOUNT], clock.now())


def test_bucket_never_exceeds_its_capacity() -> None:
    clock = TurnedClock()
    buckets = TokenBuckets(clock)
    buckets.take([Limit.ELB_DESCRIBE], clock.now())
    clock.time += timedelta(hours=1)
    for _ in range(20):
        buckets.take([Limit.ELB_DESCRIBE], clock.now())
    with pytest.raises(NoAnswerError):
        buckets.take([Limit.ELB_DESCRIBE], clock.now())


def test_empty_makes_next_caller_wait() -> None:
    clock = TurnedClock()
    buckets = TokenBuckets(clock)
    buckets.take([Limit.ELB_DESCRIBE], clock.now())
    buckets.empty([Limit.ELB_DESCRIBE])
    buckets.take([Limit.ELB_DESCRIBE], clock.now() + SOON)
    assert clock.slept == [timedelta(seconds=0.2)]


def test_wake_during_wait_is_passed_on() -> None:
    clock = TurnedClock()
    buckets = TokenBuckets(clock)
    buckets.empty([Limit.ELB_DESCRIBE])
    clock.woken = True
    buckets.take([Limit.ELB_DESCRIBE], clock.now() + SOON)
    assert sum(clock.slept, timedelta(0)) >= timedelta(seconds=0.2)
    assert clock.wakes == 1


def test_shared_buckets_are_one_per_place() -> None:
    clock = TurnedClock()
    assert shared_buckets("here", clock) is shared_buckets("here", TurnedClock())
    assert shared_buckets("here", clock) is not shared_buckets("there", clock)
