"""Judges how one script ended by what was seen from outside, and holds what Katakei says against it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.acceptance.evidence import Evidence
from tests.acceptance.judge import Asked, Measured, dropped, floors
from tests.soak.script import BAD, Act, Script, Work
from tests.soak.script_lab import Begun

FALLEN = timedelta(seconds=10)
"""For so long a server that died by itself may be missed by the sight on which a take-out rests."""


@dataclass(frozen=True, slots=True)
class End:
    """How it ended: what `katakei show` tells, the exit code, and what the servers tell (all by target)."""

    shown: Mapping[str, Any]
    code: int
    allowed: frozenset[int]  # exit codes
    releases: Mapping[str, str]
    worked: Mapping[str, tuple[Begun, ...]]
    dropped: Mapping[str, int] = field(default_factory=dict)  # by the data plane's own count
    words: int = 0  # how often a person asked for one more attempt, or for a revert
    release: str = "v2"  # what is to be served where it ended with 0


def codes(script: Script) -> frozenset[int]:
    """With which exit codes it may end."""
    if script.does(Act.ABORT) or script.mortal:
        return frozenset({0, 1, 3})
    if script.work not in BAD:
        return frozenset({0})
    kept_out = script.failed_target == "keep_out" or script.work is Work.SICK
    return frozenset({3 if kept_out else 1})


def faults(script: Script, seen: Evidence, measured: Measured, end: End) -> Iterator[str]:
    """Everything that was not as it should be."""
    if end.code not in end.allowed:
        yield f"it ended with {end.code}, not with one of {sorted(end.allowed)}"
    if script.mortal:
        yield from _taken_under_the_floor(script, seen)
    else:
        asked = Asked(script.floor)
        yield from dropped(seen, measured, asked)
        yield from floors(measured, asked)
        yield from (f"the data plane counts {name}: {number}" for name, number in end.dropped.items())
        yield from _restarted(seen, measured, end)
    yield from _on_live(script, seen, end)
    yield from _twice(end)
    yield from _too_many_failed(script, end)
    yield from _as_told(seen, end)


def _as_told(seen: Evidence, end: End) -> Iterator[str]:
    """Registrations and states as the exit code and the names left out say."""
    states = {entry["id"]: entry["state"] for entry in _states(seen)}
    away = {server for server, state in states.items() if state != "healthy"}
    named = set(end.shown.get("left_out", ()))
    if away != named:
        yield f"not in service: {sorted(away)}, named as left out: {sorted(named)}"
    if changed := {place for place in seen.before ^ seen.after if place[0] not in named}:
        yield f"registrations differ: {sorted(changed)}"
    if (end.code == 3) != bool(named):
        yield f"exit code {end.code}, although left out: {sorted(named) or 'nobody'}"
    if end.code == 0 and (old := {server for server, release in end.releases.items() if release != end.release}):
        yield f"exit code 0, but {sorted(old)} serve another release"


def _on_live(script: Script, seen: Evidence, end: End) -> Iterator[str]:
    """Work began only where nothing new was sent to, and by the timer only when that was over (promise 2)."""
    for server, works in end.worked.items():
        for work in works:
            state, traffic = (_last(seen, kind, server, work.at) for kind in ("state", "traffic"))
            if traffic == "in_service" or (script.until == "delay" and state != "absent"):
                yield f"work began on {server} at {work.at:%H:%M:%S.%f} while it was {state}, traffic {traffic}"


def _last(seen: Evidence, kind: str, server: str, before: datetime) -> str:
    """What it was at that time; what never changed is as a lab begins."""
    told = [
        str(entry[kind])
        for entry in seen.history
        if entry["kind"] == kind and entry["id"] == server and datetime.fromisoformat(entry["at"]) <= before
    ]
    return told[-1] if told else "in_service"


def _twice(end: End) -> Iterator[str]:
    """Work on one target: once for each attempt, and only a person's word makes another one."""
    for server, works in end.worked.items():
        if twice := [key for key, times in Counter(work.key for work in works).items() if times > 1]:
            yield f"work began more than once on {server}: {twice}"
        for rollout, times in Counter(work.key.partition("/")[0] for work in works).items():
            if times > 1 + end.words:
                yield f"work began {times} times on {server} in rollout {rollout}"


def _restarted(seen: Evidence, measured: Measured, end: End) -> Iterator[str]:
    """A server was started again only by work, and never while new requests still reached it."""
    for server, starts in seen.starts.items():
        if len(starts) > len(end.worked[server]):
            yield f"{server} was started {len(starts)} times by {len(end.worked[server])} pieces of work"
    for server, seconds in measured.settled.items():
        if seconds <= 0:
            yield f"work was done on {server} while it got new requests"


def _too_many_failed(script: Script, end: End) -> Iterator[str]:
    """As many may fail as were in hand when it was too much."""
    bad = script.work in BAD and not end.words
    failed = {server for server, works in end.worked.items() if works and end.releases[server] != "v2"}
    if bad and len(failed) > script.max_failures + script.window:
        yield f"{sorted(failed)} failed, although {script.max_failures} were allowed and {script.window} in hand"


def _taken_under_the_floor(script: Script, seen: Evidence) -> Iterator[str]:
    """Where servers die by themselves: none is taken out that would be missed, unless one has just fallen."""
    fell: datetime | None = None
    for entry in _states(seen):
        at = datetime.fromisoformat(entry["at"])
        if entry["state"] == "unhealthy":
            fell = at
        unseen = fell is not None and at - fell < FALLEN
        if entry["state"] == "draining" and entry["serving"] < script.floor and not unseen:
            yield f"{entry['id']} was taken out at {entry['at']}, and only {entry['serving']} served"


def _states(seen: Evidence) -> list[dict[str, Any]]:
    return [entry for entry in seen.history if entry["kind"] == "state" and entry["group"] == seen.group]
