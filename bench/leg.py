"""One run of one contender on a lab of its own, under load, judged from outside; and each target's times in it."""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.acceptance.evidence import Evidence, EvidenceCollector
from tests.acceptance.judge import Requirements, judge

from bench import tool
from bench.contenders import RELEASE, WORK_LOG, prepare
from bench.design import ClientLoad, Leg, Scenario
from bench.limit import TargetTimes
from bench.result import Result
from katakei.lab.options import LabOptions, Target
from katakei.lab.process import Lab
from katakei.lab.traffic import Traffic

SETTLE_SECONDS = 2.0
"""Seconds of traffic before the tool starts, and after its last change has reached the data plane."""

_BEGINNING = threading.Lock()

STREAM = 40
PAGE = "/slow?s=0.05"
"""Path of most requests: an answer that takes 50 ms, like a page of an application."""


def traffic(load: ClientLoad, url: str) -> Traffic:
    """Returns the traffic of a load, not started yet."""
    if load is ClientLoad.STREAMS:
        return Traffic(f"{url}/stream?s={STREAM}", 20 / STREAM, clients=60, slow_fraction=0)
    return (
        Traffic(url + PAGE, 200, slow_fraction=0.05)
        if load is ClientLoad.BUSY
        else Traffic(url + PAGE, 2, slow_fraction=0)
    )


def run(leg: Leg, folder: Path, ending: threading.Event) -> Result:
    """Run on a new lab. Returns the result."""
    scenario = leg.scenario
    delay, lag, interval = (timedelta(seconds=span) for span in (scenario.delay, scenario.lag, scenario.interval))
    with _lab(LabOptions(scenario.targets, delay, lag, interval, port=8080)) as lab:
        lab.faults(close_idle=not leg.contender.keeps_idle)
        command, env = prepare(leg, lab, folder)
        collector, clients = EvidenceCollector(lab), traffic(scenario.load, lab.url)
        clients.start()
        try:
            ending.wait(SETTLE_SECONDS)
            used = tool.run(command, env, folder, longest(scenario), ending)
            ending.wait(SETTLE_SECONDS + scenario.lag)
        finally:
            seen = clients.stop()
        evidence = collector.end(RELEASE, (used.exit,), seen)
        return _result(used, evidence, tuple(target_times(evidence, lab.targets)))


@contextmanager
def _lab(options: LabOptions) -> Iterator[Lab]:
    """Start labs one at a time: each start uses two seconds of CPU that others measure on."""
    lab = Lab(options)
    with _BEGINNING:
        lab.start()
    try:
        yield lab
    finally:
        lab.stop()


def longest(scenario: Scenario) -> float:
    """Returns a limit in seconds that no tool needs: timer, proof, checks and soak of each target in sequence."""
    return 120.0 + scenario.targets * (scenario.delay + 150.0)


def _result(used: tool.Usage, seen: Evidence, times: tuple[TargetTimes, ...]) -> Result:
    measured = judge(seen, Requirements(floor=0, observations=10_000, changing_calls=None)).measured
    calls = [call for call in seen.calls if seen.begun <= datetime.fromisoformat(call["at"]) <= seen.ended]
    return Result(
        used=used,
        requests=seen.traffic.requests,
        failed=seen.traffic.failed,
        out=tuple(measured.seconds_out.values()),
        serving=measured.serving,
        calls=dict(Counter(_kind(call) for call in calls)),
        observations=measured.observations,
        bytes_in=sum(call["bytes_in"] for call in calls),
        bytes_out=sum(call["bytes_out"] for call in calls),
        times_by_target=times,
        faults=tuple(_faults(seen, times)),
    )


def _kind(call: Mapping[str, Any]) -> str:
    """Returns one of CALL_KINDS."""
    action = call["action"]
    if action in {"RegisterTargets", "DeregisterTargets"}:
        return "acts"
    if action == "DescribeTargetHealth":
        return "observations"
    return "Run Command" if call["service"] == "ssm" else "other"


def _faults(seen: Evidence, times: tuple[TargetTimes, ...]) -> Iterator[str]:
    """Yields reasons why this run is not a measurement. (Lost requests are no such reason.)"""
    if seen.exits != (0,):
        yield f"it ended with {seen.exits[0]}"
    if len(times) != len(seen.servers):
        yield f"{len(times)} of {len(seen.servers)} targets were worked on once and came back"
    if seen.traffic.held_back > seen.traffic.requests / 20:
        yield f"{seen.traffic.held_back} requests could not be sent in time"
    if seen.before != seen.after:
        yield f"registrations differ: {sorted(seen.before ^ seen.after)}"


UNUSED_PORT = 65535  # Katakei proves its right to deregister on a port that no target has
TRAFFIC = {"/", "/slow", "/stream"}


def target_times(seen: Evidence, targets: Sequence[Target]) -> Iterator[TargetTimes]:
    """Yields the times of each target that was deregistered, worked on once, and registered again."""
    for target in targets:
        times = _times_of(seen, target)
        if times:
            yield times


def _times_of(seen: Evidence, target: Target) -> TargetTimes | None:
    folder = Path(target.folder)
    out, back = (_called(seen, action, target.id) for action in ("DeregisterTargets", "RegisterTargets"))
    work = [datetime.fromtimestamp(float(line), UTC) for line in _lines(folder / WORK_LOG)]
    healthy = [at for at in _healthy(seen.history, target.id) if back and at >= back[-1]]
    if not out or not back or len(work) != 2 or not healthy:
        return None
    ended = [at for at in _requests(folder) if seen.begun <= at <= work[0]]
    moments = (out[0], max(ended, default=out[0]), *work, back[-1], healthy[0])
    return TargetTimes(*((at - seen.begun).total_seconds() for at in moments))


def _called(seen: Evidence, action: str, target: str) -> list[datetime]:
    named = [
        call
        for call in seen.calls
        if call["action"] == action
        and any(one.get("id") == target and one.get("port") != UNUSED_PORT for one in call["targets"])
    ]
    return [datetime.fromisoformat(call["at"]) for call in named]


def _healthy(history: Sequence[Mapping[str, Any]], target: str) -> list[datetime]:
    became = [entry for entry in history if entry["kind"] == "state" and entry["id"] == target]
    return [datetime.fromisoformat(entry["at"]) for entry in became if entry["state"] == "healthy"]


def _requests(folder: Path) -> Iterator[datetime]:
    """Yields the end of each request of the traffic, without health checks and the lab's own requests."""
    for line in _lines(folder / "requests.log"):
        at, path, *_ = line.split()
        if path.partition("?")[0] in TRAFFIC:
            yield datetime.fromisoformat(at)


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []
