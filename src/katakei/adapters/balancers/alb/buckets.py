"""Token buckets: how often we ask AWS, at half of what it documents, so that others of the account can still work.

Shared by everything in this process that asks the same endpoint with the same credentials. Never asks anything itself.
"""

import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum

from katakei.domain.errors import NoAnswerError
from katakei.domain.ports import Clock


class Kind(Enum):
    """Tokens of a full bucket, and tokens that come back each second.

    Half of the capacities of "Request throttling for the Elastic Load Balancing API". EC2 and STS have buckets of
    their own, which we keep as small.
    """

    REGISTRATION = ("registration", 10, 2.0)
    DESCRIBE = ("describe", 20, 5.0)
    ACCOUNT = ("account", 20, 5.0)  # every ELBv2 action of the account together
    OTHER = ("other", 20, 5.0)

    @property
    def capacity(self) -> float:
        """Tokens in a full bucket."""
        return float(self.value[1])

    @property
    def refill(self) -> float:
        """Tokens that come back each second."""
        return float(self.value[2])


class Buckets:
    """One bucket of each kind. May be used from several threads: who comes first is served first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens: dict[Kind, tuple[float, datetime]] = {}

    def take(self, kinds: Iterable[Kind], by: datetime) -> None:
        """Takes a token of each kind, waiting for them until `by` at the latest. Raises Unseen: nothing was taken."""
        with self._lock:
            now = self._clock.now()
            left = {kind: self._left(kind, now) - 1 for kind in kinds}
            ready = now + max(timedelta(seconds=max(0.0, -tokens / kind.refill)) for kind, tokens in left.items())
            if ready > by:
                raise NoAnswerError(
                    "not asked yet: our own limit of AWS calls, half of the documented one, is used up for now"
                )
            self._tokens.update({kind: (tokens, now) for kind, tokens in left.items()})
        self._wait(ready)

    def empty(self, kinds: Iterable[Kind]) -> None:
        """AWS itself throttled us: others use the account too, so what we thought was left is not."""
        with self._lock:
            now = self._clock.now()
            self._tokens.update({kind: (min(0.0, self._left(kind, now)), now) for kind in kinds})

    def _left(self, kind: Kind, now: datetime) -> float:
        tokens, at = self._tokens.get(kind, (kind.capacity, now))
        return min(kind.capacity, tokens + (now - at).total_seconds() * kind.refill)

    def _wait(self, ready: datetime) -> None:
        """The clock's `wake` is meant for the loop, not for us: it is passed on when it reached this wait instead."""
        woken = False
        while (rest := ready - self._clock.now()) > timedelta(0):
            self._clock.sleep(rest)
            woken = woken or self._clock.now() < ready
        if woken:
            self._clock.wake()


_SHARED: dict[str, Buckets] = {}
_SHARING = threading.Lock()


def shared(where: str, clock: Clock) -> Buckets:
    """The buckets of this process for one place (endpoint and profile)."""
    with _SHARING:
        return _SHARED.setdefault(where, Buckets(clock))
