"""Steady traffic on a URL from a process of its own, over keep-alive connections, with every request counted.

Nothing is retried: a broken connection is a failed request, as for a client that must not repeat a request.
"""

import json
import math
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from katakei.lab.errors import LabError
from katakei.lab.load_generator import LoadPlan


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that was not answered with 2xx. Status 0 means no answer at all; `why` holds the error."""

    at: datetime
    path: str
    status: int
    release: str
    why: str


@dataclass(frozen=True, slots=True)
class Figures:
    """The counts of the traffic."""

    requests: int = 0
    failed: int = 0
    first_failures: tuple[Failure, ...] = ()  # at most 20
    releases: Mapping[str, int] = field(default_factory=dict)  # answers by X-Release
    slow: int = 0
    slowest: timedelta = timedelta()  # requests that are slow on purpose do not count
    held_back: int = 0  # not sent, because every client was waiting for an answer
    lasted: timedelta = timedelta()


class Traffic:
    """Traffic on one URL from a child process.

    Args:
        url: where requests go.
        rate: requests a second.
        clients: number of connections; enough for the slow requests if absent.
        slow_fraction: share of the requests that go to `/slow`.
        slow_seconds: duration of those.
        longest: the traffic ends by itself after this time.
        most: the traffic ends by itself after this many requests.
    """

    def __init__(  # noqa: PLR0913 - settings of one load, all with a default
        self,
        url: str,
        rate: float = 50,
        *,
        clients: int | None = None,
        slow_fraction: float = 0.05,
        slow_seconds: float = 3,
        longest: timedelta = timedelta(hours=1),
        most: int = 5_000_000,
    ) -> None:
        parts = urlsplit(url)
        enough = 8 + math.ceil(rate * (0.1 + 1.5 * slow_fraction * slow_seconds))
        self._plan = LoadPlan(
            host=parts.hostname or "127.0.0.1",
            port=parts.port or 80,
            rate=rate,
            clients=enough if clients is None else clients,
            slow_every=round(1 / slow_fraction) if slow_fraction else 0,
            path=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
            slow_path=f"/slow?s={slow_seconds}",
            timeout=slow_seconds + 70,
            longest=longest.total_seconds(),
            most=most,
        )
        self._last = "{}"
        self._process: subprocess.Popen[str] | None = None
        self._reader = threading.Thread(target=self._read, name="figures of the traffic", daemon=True)

    def start(self) -> None:
        """Start the traffic. Returns once the first report has arrived."""
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "katakei.lab.load_generator"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C must not reach it; it ends when its input ends
        )
        if self._process.stdin and self._process.stdout:
            self._process.stdin.write(json.dumps(asdict(self._plan)) + "\n")
            self._process.stdin.flush()
            self._last = self._process.stdout.readline()
        if not self._last:
            raise LabError("the load generator did not start")
        self._reader.start()

    def _read(self) -> None:
        for line in (self._process and self._process.stdout) or ():
            self._last = line

    def figures(self) -> Figures:
        """Returns the counts so far, at most half a second old."""
        seen = json.loads(self._last)
        return Figures(
            requests=seen["requests"],
            failed=seen["failed"],
            first_failures=tuple(
                Failure(**{**each, "at": datetime.fromisoformat(each["at"])}) for each in seen["first_failures"]
            ),
            releases=seen["releases"],
            slow=seen["slow"],
            slowest=timedelta(seconds=seen["slowest"]),
            held_back=seen["held_back"],
            lasted=timedelta(seconds=seen["seconds"]),
        )

    def stop(self) -> Figures:
        """Send nothing more, wait for the requests in flight, and return the final counts.

        Raises:
            LabError: the process failed.
        """
        if self._process is None:
            return Figures()
        if self._process.stdin:
            self._process.stdin.close()
        self._reader.join(self._plan.timeout + 10)
        if self._process.stdout:
            self._process.stdout.close()
        try:
            code = self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait(10)
        if code:
            raise LabError(f"the traffic ended with {code}; its counts are not reliable")
        return self.figures()
