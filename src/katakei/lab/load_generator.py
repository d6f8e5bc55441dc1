"""Load generator: a program that sends requests at a steady rate, counts every one and repeats none.

It reads its plan as one line of JSON from standard input, prints its counts every half second, and ends when standard
input ends. It speaks HTTP itself, because a client library would silently repeat a lost request.
"""

import asyncio
import json
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field

from katakei.lab import clock
from katakei.lab.servers.http1 import MALFORMED_ERRORS, read_body, read_head

MAX_FAILURES = 20
"""Number of failures that are kept in detail."""


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """The requests to send, and the limits after which the program ends."""

    host: str
    port: int
    rate: float
    clients: int
    slow_every: int  # every n-th request is slow; 0: none
    path: str
    slow_path: str
    timeout: float  # seconds until a request counts as unanswered
    longest: float  # seconds
    most: int  # requests


@dataclass(slots=True)
class LoadCount:
    """The counts so far."""

    requests: int = 0
    failed: int = 0
    first_failures: list[dict[str, str | int]] = field(default_factory=list)
    releases: dict[str, int] = field(default_factory=dict)
    slow: int = 0
    slowest: float = 0  # seconds; requests that are slow on purpose do not count
    held_back: int = 0  # not sent, because every client was waiting for an answer
    seconds: float = 0


class Client:
    """One keep-alive connection, opened when first needed and reopened after it ends."""

    def __init__(self, plan: LoadPlan) -> None:
        self._plan = plan
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, path: str) -> tuple[int, str]:
        """Send one request and read the whole answer.

        Returns:
            Status and release.

        Raises:
            OSError: the connection broke. Also EOFError, or one of Malformed.
        """
        if self._streams is None or self._streams[0].at_eof():
            self.close()
            self._streams = await asyncio.open_connection(self._plan.host, self._plan.port)
        reader, writer = self._streams
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {self._plan.host}:{self._plan.port}\r\n\r\n".encode())
        head = await read_head(reader)
        await read_body(reader, head.headers)
        if not head.keeps_alive:
            self.close()
        return head.status, head.headers.get("x-release", "none")

    def close(self) -> None:
        """Close the connection."""
        if self._streams:
            self._streams[1].close()
            self._streams = None


class LoadGenerator:
    """The clients and their counts."""

    def __init__(self, plan: LoadPlan) -> None:
        self.count = LoadCount()
        self._plan = plan
        self._idle = deque(Client(plan) for _ in range(plan.clients))
        self._busy: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set or the plan is done, then wait for the outstanding answers."""
        began, due = clock.monotonic(), 0
        while not stop.is_set() and self.count.requests < self._plan.most and self.count.seconds < self._plan.longest:
            self.count.seconds = clock.monotonic() - began
            while due < self.count.seconds * self._plan.rate:
                due += 1
                self._send(slow=self._plan.slow_every > 0 and due % self._plan.slow_every == 0)
            await clock.pause(0.005)
        if self._busy:
            await asyncio.wait(self._busy, timeout=self._plan.timeout + 1)
        self.count.seconds = clock.monotonic() - began
        for client in self._idle:
            client.close()

    def _send(self, *, slow: bool) -> None:
        if not self._idle:
            self.count.held_back += 1
            return
        task = asyncio.create_task(self._request(self._plan.slow_path if slow else self._plan.path, slow=slow))
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)

    async def _request(self, path: str, *, slow: bool) -> None:
        began, status, release, why = clock.monotonic(), 0, "none", ""
        self.count.requests += 1
        self.count.slow += slow
        async with self._client() as client:
            try:
                async with asyncio.timeout(self._plan.timeout):
                    status, release = await client.get(path)
            except (OSError, EOFError, TimeoutError, *MALFORMED_ERRORS) as error:
                client.close()
                why = f"{type(error).__name__}: {error}"
        self.count.releases[release] = self.count.releases.get(release, 0) + 1
        if not slow:
            self.count.slowest = max(self.count.slowest, clock.monotonic() - began)
        if not 200 <= status < 300:
            self._failed(
                {"at": clock.now().isoformat(), "path": path, "status": status, "release": release, "why": why}
            )

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[Client]:
        # The client that has been idle longest, so that no connection reaches the load balancer's idle timeout.
        client = self._idle.popleft() if self._idle else Client(self._plan)
        yield client
        self._idle.append(client)

    def _failed(self, failure: dict[str, str | int]) -> None:
        self.count.failed += 1
        if len(self.count.first_failures) < MAX_FAILURES:
            self.count.first_failures.append(failure)


async def _report(count: LoadCount) -> None:
    while True:
        print(json.dumps(asdict(count)), flush=True)  # noqa: T201 - the report is this program's output
        await clock.pause(0.5)


async def main() -> None:
    """Run the plan until standard input ends. It also ends when the parent process is killed."""
    loop = asyncio.get_running_loop()
    load = LoadGenerator(LoadPlan(**json.loads(await loop.run_in_executor(None, sys.stdin.readline))))
    stop = asyncio.Event()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    ended = asyncio.create_task(reader.read())
    ended.add_done_callback(lambda _: stop.set())
    reports = asyncio.create_task(_report(load.count))
    await load.run(stop)
    reports.cancel()
    print(json.dumps(asdict(load.count)), flush=True)  # noqa: T201 - as above
    await ended


if __name__ == "__main__":
    asyncio.run(main())
