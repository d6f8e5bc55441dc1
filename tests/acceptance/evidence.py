"""Evidence of one run, collected outside Katakei: the lab's logs, the servers' logs, the traffic's counts.

Nothing here asks Katakei, and nothing is judged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore.session import Session

from katakei.lab import clock
from katakei.lab.process import Lab
from katakei.lab.traffic import Figures

Place = tuple[str, int, str]
"""A registration as DescribeTargetHealth shows it: id, port and zone ('' if it shows none)."""


@dataclass(frozen=True, slots=True)
class ServerStart:
    """One line of a server's starts.log."""

    at: datetime
    release: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """One run. `history` and `calls` are the lab's logs since its start; the rest is of this run only."""

    group: str
    release: str
    servers: tuple[str, ...]
    begun: datetime
    ended: datetime
    exits: tuple[int, ...]
    before: frozenset[Place]
    after: frozenset[Place]
    starts: Mapping[str, tuple[ServerStart, ...]]
    answered: int
    traffic: Figures
    history: tuple[dict[str, Any], ...]
    calls: tuple[dict[str, Any], ...]


class EvidenceCollector:
    """Records the state at its creation and again at `end`."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._logs = {path: path.stat().st_size for path in self._paths("starts.log", "requests.log")}
        self._before = registrations(lab)
        self._begun = clock.now()

    def end(self, release: str, exits: tuple[int, ...], traffic: Figures) -> Evidence:
        """Returns everything since this object was made."""
        return Evidence(
            group=self._lab.target_group_arn,
            release=release,
            servers=tuple(target.id for target in self._lab.targets),
            begun=self._begun,
            ended=clock.now(),
            exits=exits,
            before=self._before,
            after=registrations(self._lab),
            starts={target.id: self._starts(Path(target.folder)) for target in self._lab.targets},
            answered=sum(_answered(line) for path in self._paths("requests.log") for line in self._new(path)),
            traffic=traffic,
            history=tuple(self._lab.history()),
            calls=tuple(self._lab.calls()),
        )

    def _paths(self, *names: str) -> list[Path]:
        return [Path(target.folder) / name for target in self._lab.targets for name in names]

    def _new(self, path: Path) -> list[str]:
        with path.open("rb") as log:
            log.seek(self._logs[path])
            return log.read().decode().splitlines()

    def _starts(self, folder: Path) -> tuple[ServerStart, ...]:
        lines = [line.split() for line in self._new(folder / "starts.log")]
        return tuple(ServerStart(datetime.fromisoformat(at), release) for at, _, release in lines)


def _answered(line: str) -> bool:
    """Whether a line of requests.log is a request of the traffic that was answered with 200."""
    _, path, status, _ = line.split()
    return status == "200" and path.partition("?")[0] in {"/", "/slow"}


def registrations(lab: Lab) -> frozenset[Place]:
    """Returns what DescribeTargetHealth lists now, in any state."""
    session: Any = Session()
    session.set_credentials(lab.env["AWS_ACCESS_KEY_ID"], lab.env["AWS_SECRET_ACCESS_KEY"])
    client = session.create_client("elbv2", lab.env["AWS_REGION"], endpoint_url=lab.endpoint)
    try:
        listed = client.describe_target_health(TargetGroupArn=lab.target_group_arn)["TargetHealthDescriptions"]
    finally:
        client.close()
    shown = [one["Target"] for one in listed]
    return frozenset((target["Id"], target["Port"], target.get("AvailabilityZone", "")) for target in shown)
