"""Token buckets that keep Katakei at half of AWS's documented request rates, so that others can use the account too.

The sessions of one process share the buckets of an endpoint and profile. This module makes no calls.
"""

import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum

from katakei.domain.errors import NoAnswerError
from katakei.domain.ports import Clock


class Limit(Enum):
    """One token bucket: its name, its capacity in tokens, and its refill in tokens per second.

    The ELB limits are half of those in "Request throttling for the Elastic Load Balancing API". EC2 and STS document
    larger ones; Katakei needs no more than these.
    """

    ELB_REGISTRATION = ("elbv2 registration", 10, 2.0)
    ELB_DESCRIBE = ("elbv2 describe", 20, 5.0)
    ELB_ACCOUNT = ("elbv2 account", 20, 5.0)  # all ELBv2 actions of the account together
    EC2 = ("ec2", 20, 5.0)
    STS = ("sts", 20, 5.0)

    @property
    def capacity(self) -> float:
        """Tokens in a full bucket."""
        return float(self.value[1])

    @property
    def refill(self) -> float:
        """Tokens added per second."""
        return float(self.value[2])


class TokenBuckets:
    """One bucket for each `Limit`. Thread-safe: callers are served in the order in which they ask."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens: dict[Limit, tuple[float, datetime]] = {}

    def take(self, limits: Iterable[Limit], by: datetime) -> None:
        """Takes one token from each bucket and waits until all of them are available.

        Args:
            limits: the buckets, at least one.
            by: the latest moment to wait for.

        Raises:
            NoAnswerError: the tokens come after `by`. None was taken.

        """
        with self._lock:
            now = self._clock.now()
            left = {limit: self._left(limit, now) - 1 for limit in limits}
            ready = now + timedelta(seconds=max(max(0.0, -tokens / limit.refill) for limit, tokens in left.items()))
            if ready > by:
                raise NoAnswerError(
                    "no call was made: Katakei's own limit of AWS calls, half of the documented one, is used up for now"
                )
            self._tokens.update({limit: (tokens, now) for limit, tokens in left.items()})
        self._wait(ready)

    def empty(self, limits: Iterable[Limit]) -> None:
        """Empties these buckets: AWS throttled a call, so others are using the account as well."""
        with self._lock:
            now = self._clock.now()
            self._tokens.update({limit: (min(0.0, self._left(limit, now)), now) for limit in limits})

    def _left(self, limit: Limit, now: datetime) -> float:
        tokens, at = self._tokens.get(limit, (limit.capacity, now))
        return min(limit.capacity, tokens + (now - at).total_seconds() * limit.refill)

    def _wait(self, ready: datetime) -> None:
        """Sleeps until `ready`. A `wake` of the clock is meant for the main loop, so it is passed on."""
        woken = False
        while (rest := ready - self._clock.now()) > timedelta(0):
            self._clock.sleep(rest)
            woken = woken or self._clock.now() < ready
        if woken:
            self._clock.wake()


_SHARED: dict[str, TokenBuckets] = {}
_SHARED_LOCK = threading.Lock()


def shared_buckets(place: str, clock: Clock) -> TokenBuckets:
    """Returns the buckets that this process keeps for one place.

    Args:
        place: what the limits belong to, as text: an endpoint and a profile.
        clock: the clock of new buckets.

    """
    with _SHARED_LOCK:
        return _SHARED.setdefault(place, TokenBuckets(clock))
