"""Rate limits: a token bucket for each key, for a bounded number of keys."""

from collections import OrderedDict

MOST_KEYS = 10_000


class Buckets:
    """One token bucket per key. A key that was not used for long is dropped first; its bucket is full then anyway."""

    def __init__(self, rate: float, burst: int, most: int = MOST_KEYS) -> None:
        """All buckets are full.

        Args:
            rate: Tokens a second that each bucket gains.
            burst: What a bucket holds at most.
            most: How many keys are remembered.
        """
        self._rate = rate
        self._burst = float(burst)
        self._most = most
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, and when

    def take(self, key: str, now: float) -> float:
        """Takes one token.

        Args:
            key: Whose bucket.
            now: The time of a monotonic clock, in seconds.

        Returns:
            0 when there was a token, else the seconds until there is one.
        """
        tokens, since = self._buckets.pop(key, (self._burst, now))
        tokens = min(self._burst, tokens + (now - since) * self._rate)
        wait = 0.0 if tokens >= 1 else (1 - tokens) / self._rate
        self._buckets[key] = (tokens if wait else tokens - 1, now)
        while len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return wait
