"""Judge of one run, from what was observed outside Katakei. It uses nothing that Katakei reports.

Each promise has a function that names every violation.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.acceptance.evidence import Evidence, ServerStart

MINUTE = timedelta(minutes=1)
UNUSED_PORT = 65535  # `roll` proves its right to deregister on a port that no target has
CHANGING_CALLS = {"RegisterTargets", "DeregisterTargets"}


@dataclass(frozen=True, slots=True)
class Requirements:
    """The requirements of a run.

    Attributes:
        floor, floor_per_zone: targets that must serve at any time.
        rate: requests a second that must have been sent.
        observations: the most observations in one minute.
        changing_calls: how often a target may be deregistered and registered (None: not checked).
    """

    floor: int
    floor_per_zone: int = 0
    rate: float = 0
    observations: int = 30
    changing_calls: int | None = 1


@dataclass(frozen=True, slots=True)
class Measurements:
    """The measurements of one run; durations in seconds.

    `changing_calls` counts the calls that deregistered and registered a server.
    """

    requests: int
    rate: float
    slow: int
    failed: int
    slowest: float
    answered: int
    serving: int
    serving_by_zone: Mapping[str, int]
    in_traffic: int
    seconds_out: Mapping[str, float]
    settled: Mapping[str, float]
    starts: Mapping[str, int]
    changing_calls: Mapping[str, tuple[int, int]]
    observations: int
    calls: Mapping[str, int]
    lasted: float

    def text(self) -> str:
        """Returns one line for each promise."""
        lines = (
            f"requests: {self.requests} ({self.rate:.1f}/s, {self.slow} slow), failed: {self.failed}",
            f"answered by the servers: {self.answered}, slowest quick one: {self.slowest:.2f} s",
            f"least serving: {self.serving}, by zone: {_shown(self.serving_by_zone)}, in traffic: {self.in_traffic}",
            f"seconds out: {_shown(self.seconds_out)}",
            f"seconds between the last new request and the work: {_shown(self.settled)}",
            f"work done: {_shown(self.starts)}; deregistered and registered: {_shown(self.changing_calls)}",
            f"observations in a minute: {self.observations} at most; calls: {_shown(self.calls)}",
            f"lasted: {self.lasted:.0f} s",
        )
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The measurements of one run, and every violation."""

    measured: Measurements
    faults: tuple[str, ...]

    def text(self) -> str:
        """Returns the measurements and violations as text."""
        return "\n".join([self.measured.text(), *(f"FAULT: {fault}" for fault in self.faults)])


def judge(seen: Evidence, requirements: Requirements) -> Verdict:
    """Judge one run."""
    measured = measure(seen)
    return Verdict(measured, tuple(_faults(seen, measured, requirements)))


def measure(seen: Evidence) -> Measurements:
    """Measure one run."""
    states, flows = _history(seen, "state"), _history(seen, "traffic")
    calls = [call for call in seen.calls if _within(seen, call)]
    zones = sorted({zone for entry in states for zone in entry["zones"]})
    return Measurements(
        requests=seen.traffic.requests,
        rate=seen.traffic.requests / (seen.traffic.lasted.total_seconds() or 1),
        slow=seen.traffic.slow,
        failed=seen.traffic.failed,
        slowest=seen.traffic.slowest.total_seconds(),
        answered=seen.answered,
        serving=min((entry["serving"] for entry in states), default=0),
        serving_by_zone={zone: min(entry["zones"].get(zone, 0) for entry in states) for zone in zones},
        in_traffic=min((entry["serving"] for entry in flows), default=0),
        seconds_out={server: round(_seconds_out(states, server), 1) for server in seen.servers},
        settled={server: _settled(starts, flows, server) for server, starts in seen.starts.items() if starts},
        starts={server: len(seen.starts[server]) for server in seen.servers},
        changing_calls={server: _changing_calls(calls, server) for server in seen.servers},
        observations=_highest_per_minute(_observations(calls, seen.group)),
        calls=dict(Counter(call["action"] for call in calls)),
        lasted=(seen.ended - seen.begun).total_seconds(),
    )


def _faults(seen: Evidence, measured: Measurements, requirements: Requirements) -> Iterator[str]:
    if not seen.exits or seen.exits[-1] != 0:
        yield f"it ended with {seen.exits}"
    yield from dropped(seen, measured, requirements)
    yield from floors(measured, requirements)
    yield from _work(seen, measured)
    if seen.before != seen.after:
        yield f"registrations differ: {sorted(seen.before ^ seen.after)}"
    if measured.observations > requirements.observations:
        yield f"{measured.observations} observations in one minute"
    for server, word in {entry["id"]: entry["state"] for entry in _history(seen, "state")}.items():
        if word != "healthy":
            yield f"{server} was left {word}"
    for server, (out, back) in measured.changing_calls.items():
        if (
            out < 1
            or back < 1
            or (requirements.changing_calls is not None and max(out, back) > requirements.changing_calls)
        ):
            yield f"{server} was deregistered by {out} calls and registered by {back}"


def dropped(seen: Evidence, measured: Measurements, requirements: Requirements) -> Iterator[str]:
    """Yields violations: failed requests, or counts of clients and servers that differ."""
    if measured.failed:
        yield f"{measured.failed} requests failed, first {seen.traffic.first_failures}"
    seen_answered = measured.requests - measured.failed
    if measured.answered != seen_answered:
        yield f"the servers answered {measured.answered} requests, the clients saw {seen_answered}"
    if measured.rate < requirements.rate:
        yield f"only {measured.rate:.1f} requests a second, {seen.traffic.held_back} held back: this run proves nothing"


def floors(measured: Measurements, requirements: Requirements) -> Iterator[str]:
    """Yields violations: too few targets that served or got new requests."""
    if measured.serving < requirements.floor:
        yield f"only {measured.serving} served"
    if measured.in_traffic < requirements.floor:
        yield f"only {measured.in_traffic} got new requests from the data plane"
    for zone, serving in measured.serving_by_zone.items():
        if serving < requirements.floor_per_zone:
            yield f"only {serving} served in {zone}"


def _work(seen: Evidence, measured: Measurements) -> Iterator[str]:
    for server, starts in seen.starts.items():
        if [start.release for start in starts] != [seen.release]:
            yield f"{server} was started {len(starts)} times: {starts}"
    for server, seconds in measured.settled.items():
        if seconds <= 0:
            yield f"work began on {server} while it got new requests"


def _within(seen: Evidence, entry: Mapping[str, Any]) -> bool:
    return seen.begun <= datetime.fromisoformat(entry["at"]) <= seen.ended


def _history(seen: Evidence, kind: str) -> list[dict[str, Any]]:
    """Returns the group's entries of this run, after the last earlier one, which shows the state at the start."""
    entries = [entry for entry in seen.history if entry["kind"] == kind and entry["group"] == seen.group]
    earlier = [entry for entry in entries if datetime.fromisoformat(entry["at"]) < seen.begun]
    return earlier[-1:] + [entry for entry in entries if _within(seen, entry)]


def _seconds_out(states: list[dict[str, Any]], server: str) -> float:
    """Returns the seconds between leaving `healthy` and being healthy again, added up."""
    total, left = 0.0, None
    for entry in states:
        if entry["id"] != server:
            continue
        at = datetime.fromisoformat(entry["at"])
        if entry["state"] != "healthy":
            left = left or at
        elif left:
            total, left = total + (at - left).total_seconds(), None
    return total


def _settled(starts: Sequence[ServerStart], flows: list[dict[str, Any]], server: str) -> float:
    """Returns the shortest time between the last new request and a start of work; 0 if it still got requests."""
    spans = [0.0]
    for start in starts:
        does = [entry for entry in flows if entry["id"] == server and _before(entry, start.at)]
        gone = [entry for entry in does if entry["traffic"] == "draining"]
        if does and gone and does[-1]["traffic"] != "in_service":
            spans.append((start.at - datetime.fromisoformat(gone[-1]["at"])).total_seconds())
    return round(min(spans[1:], default=0.0), 1) if len(spans) > len(starts) else 0.0


def _before(entry: Mapping[str, Any], at: datetime) -> bool:
    return datetime.fromisoformat(entry["at"]) <= at


def _changing_calls(calls: list[dict[str, Any]], server: str) -> tuple[int, int]:
    named = Counter(
        call["action"]
        for call in calls
        if call["action"] in CHANGING_CALLS
        and any(target.get("id") == server and target.get("port") != UNUSED_PORT for target in call["targets"])
    )
    return named["DeregisterTargets"], named["RegisterTargets"]


def _observations(calls: list[dict[str, Any]], group: str) -> list[datetime]:
    observations = [call for call in calls if call["action"] == "DescribeTargetHealth" and call["group"] == group]
    return sorted(datetime.fromisoformat(call["at"]) for call in observations)


def _highest_per_minute(times: list[datetime]) -> int:
    """Returns the highest number of times within any one minute."""
    return max((sum(first <= at < first + MINUTE for at in times) for first in times), default=0)


def _shown(figures: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {figure}" for name, figure in figures.items())
