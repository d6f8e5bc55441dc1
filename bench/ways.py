"""Each target's way through one run, read from the lab's log of calls, its history, and the servers' own logs."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.acceptance.evidence import Evidence

from bench.limit import Way
from bench.rivals import WORK_LOG
from katakei.lab.options import Target

TRAFFIC = {"/", "/slow", "/stream"}


def ways(seen: Evidence, targets: Sequence[Target]) -> Iterator[Way]:
    """Of those that were taken out, worked on once, and came back."""
    for target in targets:
        way = _way(seen, target)
        if way:
            yield way


def _way(seen: Evidence, target: Target) -> Way | None:
    folder = Path(target.folder)
    out, back = (_called(seen, action, target.id) for action in ("DeregisterTargets", "RegisterTargets"))
    work = [datetime.fromtimestamp(float(line), UTC) for line in _lines(folder / WORK_LOG)]
    healthy = [at for at in _healthy(seen.history, target.id) if back and at >= back[-1]]
    if not out or not back or len(work) != 2 or not healthy:
        return None
    ended = [at for at in _requests(folder) if seen.begun <= at <= work[0]]
    moments = (out[0], max(ended, default=out[0]), *work, back[-1], healthy[0])
    return Way(*((at - seen.begun).total_seconds() for at in moments))


def _called(seen: Evidence, action: str, target: str) -> list[datetime]:
    named = [
        call for call in seen.calls if call["action"] == action and target in {t.get("id") for t in call["targets"]}
    ]
    return [datetime.fromisoformat(call["at"]) for call in named]


def _healthy(history: Sequence[Mapping[str, Any]], target: str) -> list[datetime]:
    became = [entry for entry in history if entry["kind"] == "state" and entry["id"] == target]
    return [datetime.fromisoformat(entry["at"]) for entry in became if entry["state"] == "healthy"]


def _requests(folder: Path) -> Iterator[datetime]:
    """When each request of the traffic ended, health checks and questions of the machine itself left out."""
    for line in _lines(folder / "requests.log"):
        at, path, *_ = line.split()
        if path.partition("?")[0] in TRAFFIC:
            yield datetime.fromisoformat(at)


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []
