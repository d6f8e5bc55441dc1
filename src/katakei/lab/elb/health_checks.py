"""Health checks: one probe as a load balancer makes it, and the thread that checks all targets on schedule.

`states` decides what the result of a check means.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from katakei.lab import clock
from katakei.lab.elb import health_codes, states
from katakei.lab.elb.api.targets import health_check_port
from katakei.lab.elb.health_codes import matches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from katakei.lab.address import BoundAddress
    from katakei.lab.elb.health_codes import Health
    from katakei.lab.elb.model import Check, Group, Registration, TargetKey
    from katakei.lab.elb.target_state import TargetState

AGENT = "ELB-HealthChecker/2.0"
MAX_BODY = 65536
HTTP2_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
SETTINGS = 4


@dataclass(frozen=True, slots=True)
class ProbeTarget:
    """What to check: the bound address, the Host header, the check's settings, and the load balancer's own address."""

    bound_address: BoundAddress
    host: str
    check: Check
    source: str | None = None
    grpc: bool = False


async def probe(probe_target: ProbeTarget) -> Health:
    """Check a target once.

    Returns:
        `health_codes.HEALTHY`, or the health that this failure stands for. A refused connection, a reset or a
            malformed answer is not the same as a timeout.
    """
    try:
        async with asyncio.timeout(probe_target.check.timeout.total_seconds()):
            return await _ask(probe_target)
    except TimeoutError:
        return health_codes.TIMED_OUT
    except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return health_codes.FAILED


async def _ask(probe_target: ProbeTarget) -> Health:
    secure = _unverified_tls() if probe_target.check.protocol in {"HTTPS", "TLS"} else None
    source = (probe_target.source, 0) if probe_target.source else None
    reader, writer = await asyncio.open_connection(*probe_target.bound_address, ssl=secure, local_addr=source)
    try:
        if probe_target.check.protocol not in {"HTTP", "HTTPS"}:
            return health_codes.HEALTHY
        if probe_target.grpc:
            return await _speaks_http2(reader, writer)
        code = await _get(reader, writer, probe_target)
    finally:
        writer.transport.abort()
    return health_codes.HEALTHY if matches(probe_target.check.matcher or "200", code) else health_codes.mismatch(code)


async def _get(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, probe_target: ProbeTarget) -> int:
    path = probe_target.check.path or "/"
    lines = (f"GET {path} HTTP/1.1", f"Host: {probe_target.host}", "Connection: close", f"User-Agent: {AGENT}", "", "")
    writer.write("\r\n".join(lines).encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    version, code, *_ = head[0].split(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError(head[0])
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    await reader.readexactly(min(int(headers.get("content-length", "0")), MAX_BODY))
    return int(code)


async def _speaks_http2(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Health:
    """Check for HTTP/2 SETTINGS. The lab treats them as the default gRPC code 12, whatever the matcher."""
    writer.write(HTTP2_HELLO)
    frame = await reader.readexactly(9)
    return health_codes.HEALTHY if frame[3] == SETTINGS else health_codes.FAILED


def _unverified_tls() -> ssl.SSLContext:
    """Returns a TLS context that accepts any certificate, as load balancers do with their targets."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


POLL_INTERVAL = 0.05  # seconds between two readings of the schedule
Due = tuple[str, "TargetKey"]


class HealthChecker:
    """Checks the targets of all groups while it runs.

    Each check is a task of its own, so that a slow answer does not shift the schedule.

    Args:
        states: returns the states of all regions and accounts.
    """

    def __init__(self, states: Callable[[], Sequence[TargetState]]) -> None:
        self._states = states
        self._next: dict[Due, tuple[datetime, datetime]] = {}
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="health-checks", daemon=True)

    def start(self) -> None:
        """Start to check."""
        self._thread.start()

    def close(self) -> None:
        """Stop. No check is in progress when this returns."""
        self._closing.set()
        self._thread.join(10)

    def due(self, now: datetime) -> list[tuple[Due, ProbeTarget]]:
        """Returns the checks to start now. The next check of a target follows this one's start, not its answer."""
        found = []
        seen = set()
        for state in self._states():
            with state.locked():
                for group, r in _checkable(state, now):
                    name = (group.arn, r.key)
                    seen.add(name)
                    since, at = self._next.get(name, (None, now))
                    if since != r.since:
                        at = r.since + state.switches.propagation
                    if at <= now:
                        found.append((name, _probe_target(state, group, r)))
                        at = max(at + group.check.interval, now) if since == r.since else now + group.check.interval
                    self._next[name] = (r.since, at)
        self._next = {name: at for name, at in self._next.items() if name in seen}
        return found

    def _run(self) -> None:
        asyncio.run(self._loop())

    async def _loop(self) -> None:
        tasks: set[asyncio.Task[None]] = set()
        while not self._closing.is_set():
            for (arn, key), probe_target in self.due(clock.now()):
                task = asyncio.create_task(self._check(arn, key, probe_target))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            await clock.pause(POLL_INTERVAL)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _check(self, arn: str, key: TargetKey, probe_target: ProbeTarget) -> None:
        begun = clock.now()
        result = await probe(probe_target)
        for state in self._states():  # all but one do not know the group
            state.record_check(arn, key, result, begun)


def _checkable(state: TargetState, now: datetime) -> Iterator[tuple[Group, Registration]]:
    for group in state.groups():
        for r in group.registrations.values():
            if states.checkable(group, r, now) and r.key.port is not None:
                yield group, r


def _probe_target(state: TargetState, group: Group, r: Registration) -> ProbeTarget:
    api_port = int(health_check_port(group, r.key) or 0)
    bound_address = state.environment.bound_address(r.key.id, api_port)
    users = state.balancers_of(group.arn)
    source = state.balancers[users[0]].node if users else None
    return ProbeTarget(
        bound_address, f"{bound_address.address}:{api_port}", group.check, source, grpc=group.version == "GRPC"
    )
