"""The HTTP port of a worker, for machines that watch it: its figures, and whether it still fetches jobs.

It asks for no token: everybody who reaches the port may read. The figures hold names of services, and no ids, commands
or secrets.
"""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET, AF_INET6
from types import TracebackType
from typing import Any, Self

from katakei.domain.errors import UsageError

READ_LIMIT = 5.0
"""Seconds that a client may take for each piece of its request."""
MAX_REQUESTS = 8
"""Requests that are answered at once. More connections are closed."""
TEXT = "text/plain; charset=utf-8"
FIGURES = "text/plain; version=0.0.4; charset=utf-8"


class StatusServer:
    """Answers GET /metrics and GET /healthz until the end of the block.

    Attributes:
        place: Where it listens: `address:port`.
    """

    def __init__(self, place: str, figures: Callable[[], bytes], healthy: Callable[[], bool]) -> None:
        """Listens.

        Args:
            place: `address:port`; port 0: any free one.
            figures: The figures as text.
            healthy: Whether the worker works.

        Raises:
            UsageError: The place is none, or cannot be used.
        """
        host, port = _split(place)
        try:
            self._server = _Server(host, port, figures, healthy)
        except OSError as error:
            why = error.strerror or error
            raise UsageError(f"cannot listen on {place} ({why}): give another address for the figures") from error
        self.place = f"{place.rpartition(':')[0]}:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="katakei-status", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    """A thread for each request, as far as there are not too many."""

    daemon_threads = True

    def __init__(self, host: str, port: int, figures: Callable[[], bytes], healthy: Callable[[], bool]) -> None:
        self.figures, self.healthy = figures, healthy
        self._free = threading.BoundedSemaphore(MAX_REQUESTS)
        self.address_family = AF_INET6 if ":" in host else AF_INET
        super().__init__((host, port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answers in a thread, or closes the connection."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """As the library's."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is not worth a line in the log."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = READ_LIMIT

    def do_GET(self) -> None:
        if self.path == "/metrics":
            self._answer(200, FIGURES, self.server.figures())
        elif self.path == "/healthz":
            self._answer(*((200, TEXT, b"ok\n") if self.server.healthy() else (503, TEXT, b"fetches no jobs\n")))
        else:
            self._answer(404, TEXT, b"there are /metrics and /healthz\n")

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        return "katakei"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library calls it so
        """A reading every few seconds is not worth a line in the log."""


def _split(place: str) -> tuple[str, int]:
    host, _, port = place.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise UsageError(f"{place} is no address with a port: give 127.0.0.1:9480, for example")
    return host.removeprefix("[").removesuffix("]"), int(port)
