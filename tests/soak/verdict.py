"""Verdict on one script, from what was observed outside Katakei and from what Katakei reports."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.acceptance.evidence import Evidence
from tests.acceptance.judge import Measurements, Requirements, dropped, floors
from tests.soak.script import FAILING_WORK, Script, StepKind, Work
from tests.soak.script_lab import WorkStart

DETECTION_GRACE = timedelta(seconds=10)
"""Time after the death of a server in which a deregistration may be based on an older observation."""


@dataclass(frozen=True, slots=True)
class EndState:
    """The end of a run: the output of `katakei show`, the exit code, and what the servers recorded, by target."""

    shown: Mapping[str, Any]
    code: int
    allowed: frozenset[int]  # exit codes
    releases: Mapping[str, str]
    work_starts: Mapping[str, tuple[WorkStart, ...]]
    dropped: Mapping[str, int] = field(default_factory=dict)  # Envoy's counters of failed requests
    words: int = 0  # number of commands that allow one more attempt (retry, revert)
    release: str = "v2"  # the release to be served after exit code 0


def allowed_codes(script: Script) -> frozenset[int]:
    """Returns the exit codes that the script allows."""
    if script.includes(StepKind.ABORT) or script.kills_servers:
        return frozenset({0, 1, 3})
    if script.work not in FAILING_WORK:
        return frozenset({0})
    kept_out = script.failed_target == "keep_out" or script.work is Work.UNHEALTHY
    return frozenset({3 if kept_out else 1})


def violations(script: Script, seen: Evidence, measured: Measurements, end: EndState) -> Iterator[str]:
    """Yields a message for each violation."""
    if end.code not in end.allowed:
        yield f"it ended with {end.code}, not with one of {sorted(end.allowed)}"
    if script.kills_servers:
        yield from _deregistered_below_floor(script, seen)
    else:
        requirements = Requirements(script.floor)
        yield from dropped(seen, measured, requirements)
        yield from floors(measured, requirements)
        yield from (f"the data plane counts {name}: {number}" for name, number in end.dropped.items())
        yield from _unexpected_restarts(seen, measured, end)
    yield from _work_on_live_targets(script, seen, end)
    yield from _repeated_work(end)
    yield from _too_many_failures(script, end)
    yield from _registrations_match(seen, end)


def _registrations_match(seen: Evidence, end: EndState) -> Iterator[str]:
    """Registrations and states must match the exit code and the targets that Katakei names as left out."""
    states = {entry["id"]: entry["state"] for entry in _states(seen)}
    not_in_service = {server for server, state in states.items() if state != "healthy"}
    named = set(end.shown.get("left_out", ()))
    if not_in_service != named:
        yield f"not in service: {sorted(not_in_service)}, named as left out: {sorted(named)}"
    if changed := {place for place in seen.before ^ seen.after if place[0] not in named}:
        yield f"registrations differ: {sorted(changed)}"
    if (end.code == 3) != bool(named):
        yield f"exit code {end.code}, although left out: {sorted(named) or 'nobody'}"
    if end.code == 0 and (old := {server for server, release in end.releases.items() if release != end.release}):
        yield f"exit code 0, but {sorted(old)} serve another release"


def _work_on_live_targets(script: Script, seen: Evidence, end: EndState) -> Iterator[str]:
    """Work must start only on targets without new requests; with the timer, only after its end (promise 2)."""
    for server, works in end.work_starts.items():
        for work in works:
            state, traffic = (_last_value(seen, kind, server, work.at) for kind in ("state", "traffic"))
            if traffic == "in_service" or (script.until == "delay" and state != "absent"):
                yield f"work began on {server} at {work.at:%H:%M:%S.%f} while it was {state}, traffic {traffic}"


def _last_value(seen: Evidence, kind: str, server: str, before: datetime) -> str:
    """Returns the last logged value before a time; a value that never changed is that of a new lab."""
    values = [
        str(entry[kind])
        for entry in seen.history
        if entry["kind"] == kind and entry["id"] == server and datetime.fromisoformat(entry["at"]) <= before
    ]
    return values[-1] if values else "in_service"


def _repeated_work(end: EndState) -> Iterator[str]:
    """Work must start once for each attempt; only a person's command allows another attempt."""
    for server, works in end.work_starts.items():
        if twice := [key for key, times in Counter(work.key for work in works).items() if times > 1]:
            yield f"work began more than once on {server}: {twice}"
        for rollout, times in Counter(work.key.partition("/")[0] for work in works).items():
            if times > 1 + end.words:
                yield f"work began {times} times on {server} in rollout {rollout}"


def _unexpected_restarts(seen: Evidence, measured: Measurements, end: EndState) -> Iterator[str]:
    """A server must restart only through work, and never while it gets new requests."""
    for server, starts in seen.starts.items():
        if len(starts) > len(end.work_starts[server]):
            yield f"{server} was started {len(starts)} times by {len(end.work_starts[server])} pieces of work"
    for server, seconds in measured.settled.items():
        if seconds <= 0:
            yield f"work was done on {server} while it got new requests"


def _too_many_failures(script: Script, end: EndState) -> Iterator[str]:
    """No more targets may fail than were allowed and in progress."""
    bad = script.work in FAILING_WORK and not end.words
    failed = {server for server, works in end.work_starts.items() if works and end.releases[server] != "v2"}
    if bad and len(failed) > script.max_failures + script.window:
        yield f"{sorted(failed)} failed, although {script.max_failures} were allowed and {script.window} in progress"


def _deregistered_below_floor(script: Script, seen: Evidence) -> Iterator[str]:
    """No target may be deregistered below the floor, unless a server has just died."""
    last_failure: datetime | None = None
    for entry in _states(seen):
        at = datetime.fromisoformat(entry["at"])
        if entry["state"] == "unhealthy":
            last_failure = at
        unseen = last_failure is not None and at - last_failure < DETECTION_GRACE
        if entry["state"] == "draining" and entry["serving"] < script.floor and not unseen:
            yield f"{entry['id']} was taken out at {entry['at']}, and only {entry['serving']} served"


def _states(seen: Evidence) -> list[dict[str, Any]]:
    return [entry for entry in seen.history if entry["kind"] == "state" and entry["group"] == seen.group]
