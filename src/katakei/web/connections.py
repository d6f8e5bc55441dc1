"""The connections of the server: uvicorn's HTTP/1.1 protocol, with bounds that uvicorn does not have.

A connection that sends no whole head in time is cut, one too many gets 503, and a stream whose reader has stopped can
be cut at once (`ABORT`): a normal close would wait for that reader.
"""

import asyncio
from collections import Counter
from typing import Any, ClassVar

from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from katakei.web.settings import WebSettings

ABORT = "abort"
"""In the state of a request: cuts its connection."""
FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\nContent-Type: application/json\r\n\r\n"
    b'{"error": {"code": "busy", "message": "the server has too many connections; try again in a moment",'
    b' "exit_code": 5}}'
)


class Connection(H11Protocol):
    """One connection."""

    settings = WebSettings()
    trusted: frozenset[str] = frozenset()
    from_address: ClassVar[Counter[str]] = Counter()

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._waiting: asyncio.TimerHandle | None = None
        self._address = ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        """Takes the connection, or refuses it when there are too many."""
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""
        self.from_address[self._address] += 1
        own = 0 if self._address in self.trusted else self.from_address[self._address]
        if own > self.settings.max_connections_each or len(self.connections) > self.settings.max_connections:
            transport.write(FULL)
            transport.close()
            return
        self.app_state = {**self.app_state, ABORT: transport.abort}
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Counts it no more."""
        self.from_address[self._address] -= 1
        if self.from_address[self._address] <= 0:
            del self.from_address[self._address]
        self._head_arrived()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Notes that a whole head has arrived."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._head_arrived()

    def on_response_complete(self) -> None:
        """Waits for the next head."""
        super().on_response_complete()
        if self.cycle is None or self.cycle.response_complete:
            self._await_head()

    def _await_head(self) -> None:
        self._head_arrived()
        self._waiting = self.loop.call_later(self.settings.header_within.total_seconds(), self.transport.abort)

    def _head_arrived(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


def protocol_of(settings: WebSettings, trusted: frozenset[str]) -> type[Connection]:
    """The protocol of one server.

    Args:
        settings: The limits.
        trusted: The addresses of proxies; the limit of connections from one address does not count for them.
    """
    own = {"settings": settings, "trusted": trusted, "from_address": Counter[str]()}
    return type("Connection", (Connection,), own)
