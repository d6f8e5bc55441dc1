"""The limit: how short a rollout could have been under the same safety, from what was seen in that very run.

Pure: seconds in, seconds out. What a tool needs for itself (start-up, looks, messages) is no part of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

OBSERVATION_INTERVAL = 5.0
"""Promise 1: a target serves again only after two looks, so far apart. A soak that is longer covers it."""

IDLE_PROOF = 60.0 + 5.0
"""So long a kept connection is silent until it is proved: the load balancer's idle timeout and 5 s."""

QUIET_PROOF = 5.0
"""So long an answered connection, or a counter, is to be quiet."""


@dataclass(frozen=True, slots=True)
class TargetTimes:
    """One target's way, as the lab and the server itself saw it; seconds since the run began.

    `pending` is when the last request ended that reached it before its work; `began` and `ended` are of the work.
    """

    deregistered: float
    pending: float
    began: float
    ended: float
    registered: float
    healthy: float


@dataclass(frozen=True, slots=True)
class SafetyTerms:
    """What safety asked: see design."""

    settle: float
    delay: float
    soak: float
    until: str = "proof"
    keeps_idle: bool = True


@dataclass(frozen=True, slots=True)
class TimeParts:
    """What one target's time is at least made of."""

    drain: float
    work: float
    check: float
    soak: float

    @property
    def whole(self) -> float:
        """All of them, one after the other."""
        return self.drain + self.work + self.check + self.soak


def parts(times: TargetTimes, terms: SafetyTerms) -> TimeParts:
    """Settle or what was pending and its proof, but never more than the timer; work; first passed check; soak."""
    pending = max(times.pending - times.deregistered, 0.0) + _proof(terms)
    return TimeParts(
        drain=max(terms.settle, min(pending, terms.delay)),
        work=times.ended - times.began,
        check=times.healthy - times.registered,
        soak=max(terms.soak, OBSERVATION_INTERVAL),
    )


def _proof(terms: SafetyTerms) -> float:
    """How long after its end a request is known to be over."""
    if terms.until == "counter":
        return QUIET_PROOF
    if not terms.keeps_idle:
        return 0.0
    return QUIET_PROOF if terms.until == "answered" else IDLE_PROOF


def shortest(targets: Sequence[float], window: int) -> float:
    """The shortest that these can take, so many at once: the list-scheduling bound."""
    return max(*targets, sum(targets) / window) if targets else 0.0
