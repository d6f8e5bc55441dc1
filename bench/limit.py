"""Limit of a run: the shortest possible rollout with the same safety, from what that run showed.

Pure: seconds in, seconds out. Start-up, observations and messages of a tool are not included. The limit of many
targets is the list-scheduling bound: the next target takes the first free place in the window.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapreplace

OBSERVATION_INTERVAL = 5.0
"""Seconds between the two observations that promise 1 requires. A longer soak covers them."""

IDLE_PROOF = 60.0 + 5.0
"""Seconds of silence that prove a kept connection idle: the load balancer's idle timeout and 5 s."""

QUIET_PROOF = 5.0
"""Seconds of quiet that `answered`, `counter` and `requests` require."""


@dataclass(frozen=True, slots=True)
class TargetTimes:
    """One target's times as the lab and the server recorded them, in seconds since the start of the run.

    `pending` is the end of the last request before the work; `began` and `ended` are of the work.
    """

    deregistered: float
    pending: float
    began: float
    ended: float
    registered: float
    healthy: float


@dataclass(frozen=True, slots=True)
class SafetyTerms:
    """The safety settings of a run.

    `overlap`: a soaking target gives its place to the next one, as `warm.overlap: auto` does with more than two.
    """

    settle: float
    delay: float
    soak: float
    until: str = "proof"
    keeps_idle: bool = True
    overlap: bool = False


@dataclass(frozen=True, slots=True)
class TimeParts:
    """The parts of one target's shortest time."""

    drain: float
    work: float
    check: float
    soak: float

    @property
    def whole(self) -> float:
        """The sum of all parts."""
        return self.drain + self.work + self.check + self.soak


def parts(times: TargetTimes, terms: SafetyTerms) -> TimeParts:
    """Returns the shortest parts: settle or pending requests with their proof, but at most the timer; then work, first
    passed check and soak.
    """
    pending = max(times.pending - times.deregistered, 0.0) + _proof(terms)
    return TimeParts(
        drain=max(terms.settle, min(pending, terms.delay)),
        work=times.ended - times.began,
        check=times.healthy - times.registered,
        soak=max(terms.soak, OBSERVATION_INTERVAL),
    )


def _proof(terms: SafetyTerms) -> float:
    """Returns the seconds after which the end of a request is proved."""
    if terms.until in {"counter", "requests"}:
        return QUIET_PROOF
    if not terms.keeps_idle:
        return 0.0
    return QUIET_PROOF if terms.until == "answered" else IDLE_PROOF


def shortest(targets: Sequence[TimeParts], window: int, terms: SafetyTerms) -> float:
    """Returns the shortest total for a window of this size, with the targets in the order of their take-out.

    With overlap, a soaking target holds its place only until its two observations. The target that takes its place is
    taken out at most `settle` before that soak ends, and its work waits for the end.
    """
    places = [(0.0, 0.0)] * window  # when each place is free, and when the soak of its last target ends
    for each in targets:
        free, soaked = places[0]
        worked = max(max(free, soaked - terms.settle) + each.drain, soaked) + each.work
        healthy = worked + each.check
        soaked = healthy + each.soak
        heapreplace(places, (healthy + min(OBSERVATION_INTERVAL, each.soak) if terms.overlap else soaked, soaked))
    return max(soaked for _, soaked in places)
