"""Token buckets of the API, with AWS's documented capacity and refill: one for each category, one for the account.

The time is an argument.
"""

from __future__ import annotations

from dataclasses import dataclass

REGISTRATION = ("RegisterTargets", "DeregisterTargets")
INTENSIVE = ("CreateLoadBalancer", "SetSubnets")
ACCOUNT = "account"
BUCKETS = {
    "registration": (20.0, 4.0),
    "describe": (40.0, 10.0),
    "mutating": (20.0, 3.0),
    "intensive": (10.0, 0.2),
    ACCOUNT: (40.0, 10.0),
}


@dataclass(slots=True)
class Bucket:
    """The tokens left at a time. The time is in seconds of any clock that never goes back."""

    capacity: float
    refill: float
    tokens: float
    at: float

    def fill(self, now: float) -> float:
        """Refill. Returns the tokens at this time."""
        self.tokens = min(self.capacity, self.tokens + max(0.0, now - self.at) * self.refill)
        self.at = now
        return self.tokens


def category(action: str) -> str:
    """Returns the category whose bucket an action uses, besides the account's bucket."""
    if action in REGISTRATION:
        return "registration"
    if action in INTENSIVE:
        return "intensive"
    return "describe" if action.startswith(("Describe", "Get")) else "mutating"


class RateLimiter:
    """All buckets of one account and region. Not thread-safe; its owner holds a lock."""

    def __init__(self, now: float) -> None:
        self._buckets = {name: Bucket(size, refill, size, now) for name, (size, refill) in BUCKETS.items()}

    def take(self, action: str, now: float) -> bool:
        """Take a token from both buckets. Returns whether the call may pass; a rejected call costs nothing."""
        buckets = (self._buckets[category(action)], self._buckets[ACCOUNT])
        if any(bucket.fill(now) < 1 for bucket in buckets):
            return False
        for bucket in buckets:
            bucket.tokens -= 1
        return True
