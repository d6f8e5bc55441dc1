"""One TCP connection as its packets show it: idle (proven), busy, or unknown.

It is idle only when both directions are at the end of a message, no bytes are missing, every request has its response,
and the client has acknowledged the last byte. Whatever was not seen makes it unknown, whatever is unclear makes it busy
until it is closed.
"""

from katakei.adapters.probes.wire.http1 import REQUEST_LINE, DoubtError, Exchange

FIN, SYN, RST, ACK = 1, 2, 4, 16
MASK = 0xFFFFFFFF
MAX_AHEAD = 262144
"""The most bytes of one direction that are kept because bytes before them have not come yet."""

IDLE, BUSY, UNKNOWN = "idle", "busy", "unknown"


class LostError(Exception):
    """Bytes of this connection were not seen."""


def apart(later: int, earlier: int) -> int:
    """How far one sequence number is behind another; they wrap around after 2**32."""
    return ((later - earlier + 0x80000000) & MASK) - 0x80000000


def _may_begin(data: bytes) -> bool:
    """Whether a packet in mid-stream may begin a request.

    The same bytes may stand in an upload. Only HEAD would then end the response at another place than the true one.
    """
    line = REQUEST_LINE.match(data)
    return line is not None and line.group(1) != b"HEAD"


class Stream:
    """The bytes of one direction in their order.

    Attributes:
        next: The sequence number of the next byte.
        end: The sequence number of the FIN; None while there is none.
        ended: The FIN came in its order.
        ahead: Pieces behind a hole, with their sequence numbers.
    """

    __slots__ = ("ahead", "end", "ended", "next")

    def __init__(self, first: int) -> None:
        self.next = first
        self.end: int | None = None
        self.ended = False
        self.ahead: list[tuple[int, bytes]] = []

    @property
    def held(self) -> int:
        """How many bytes are kept."""
        return sum(len(data) for _, data in self.ahead)

    def take(self, seq: int, data: bytes, fin: bool) -> bytes:  # noqa: FBT001 - called for each packet
        """The bytes that are in order now. Raises LostError."""
        if fin:
            end = (seq + len(data)) & MASK
            if self.end is not None and self.end != end:
                raise LostError("two ends of one direction")
            self.end = end
        gap = apart(seq, self.next)
        if gap > 0 and data:
            if len(self.ahead) >= 1000 or self.held + len(data) > MAX_AHEAD:
                raise LostError("too much came ahead of missing bytes")
            self.ahead.append((seq, data))
            return b""
        ready = data[-gap:] if gap <= 0 else b""
        self.next = (self.next + len(ready)) & MASK
        if self.ahead and ready:
            ready += self._filled()
        if self.end is not None and not self.ended and self.next == self.end:
            self.ended = True
            self.next = (self.next + 1) & MASK
        return ready

    def _filled(self) -> bytes:
        """What came ahead and is in order now."""
        ready = b""
        for seq, data in sorted(self.ahead, key=lambda piece: apart(piece[0], self.next)):
            gap = apart(seq, self.next)
            if gap > 0:
                break
            tail = data[-gap:]
            ready += tail
            self.next = (self.next + len(tail)) & MASK
        self.ahead = [piece for piece in self.ahead if apart(piece[0], self.next) > 0]
        return ready


class Connection:
    """What the packets of one connection have shown so far.

    Attributes:
        first: The server's first sequence number; None where the beginning was not seen.
        doubt: Why it counts as busy until it is closed; '' while nothing is unclear.
        closed: The server's FIN was acknowledged, or the client reset the connection.
        busy_since: When the oldest request in progress began, or when it became unclear.
        missing: How often in a row the kernel's table did not have it.
        packets: How many packets with data came.
    """

    __slots__ = (
        "_client",
        "_confirmed",
        "_exchange",
        "_fin",
        "_reached",
        "_server",
        "busy_since",
        "closed",
        "doubt",
        "first",
        "missing",
        "packets",
        "packets_when_missed",
    )

    def __init__(self) -> None:
        self._client: Stream | None = None
        self._server: Stream | None = None
        self._exchange: Exchange | None = None
        self._reached = 0
        self._confirmed = False
        self._fin: int | None = None
        self.first: int | None = None
        self.doubt = ""
        self.closed = False
        self.busy_since = 0.0
        self.missing = self.packets = self.packets_when_missed = 0

    def opened(self, server: int, client: int) -> None:
        """The server accepted the connection: both first sequence numbers are known."""
        self.first = server
        self._begin(client, (server + 1) & MASK)
        self._confirmed = True

    def _begin(self, client: int, server: int) -> None:
        self._client, self._server, self._exchange = Stream(client), Stream(server), Exchange()
        self._reached = server

    def lose(self) -> None:
        """Packets of it were lost: nothing is known any more. What was unclear stays unclear."""
        self._client = self._server = self._exchange = None
        self._confirmed = False

    def doubtful(self, why: str, now: float) -> None:
        """Something is unclear: it is busy until it is closed."""
        if not self.doubt:
            self.doubt = why
            self.busy_since = self.busy_since or now
        self.lose()

    @property
    def state(self) -> str:
        """IDLE, BUSY or UNKNOWN."""
        client, server, exchange = self._client, self._server, self._exchange
        if self.doubt:
            return BUSY
        if client is None or server is None or exchange is None or not self._confirmed:
            return UNKNOWN
        if client.ahead or server.ahead or not exchange.complete or self._reached != server.next:
            return BUSY
        return IDLE

    @property
    def requests(self) -> int:
        """How many requests are in progress, as far as is known; at least one where it is busy."""
        known = len(self._exchange.open) if self._exchange else 0
        return max(1, known) if self.state == BUSY else 0

    @property
    def held(self) -> int:
        """How many bytes are kept."""
        if self._client is None or self._server is None or self._exchange is None:
            return 0
        return self._client.held + self._server.held + self._exchange.held

    def from_client(self, seq: int, ack: int, flags: int, data: bytes, now: float) -> None:
        """A packet of the client that is no SYN."""
        if data:
            self.packets += 1
        if flags & RST or (self._fin is not None and flags & ACK and apart(ack, self._fin) > 0):
            self.closed = self._ends(seq, flags)
            return
        if self._client is None and data and not self.doubt and _may_begin(data):
            self._begin(seq, ack)
        client, server, exchange = self._client, self._server, self._exchange
        if client is None or server is None or exchange is None:
            return
        try:
            if flags & ACK and apart(ack, self._reached) > 0:
                if apart(ack, server.next) > 0:
                    raise LostError("the client acknowledged bytes that were not seen")
                self._reached = ack
            ready = client.take(seq, data, bool(flags & FIN)) if data or flags & FIN else b""
            if ready:
                if exchange.complete:
                    self.busy_since = now
                exchange.requests.feed(ready)
        except LostError:
            self.lose()
        except DoubtError as why:
            self._unclear(str(why), now)

    def _ends(self, seq: int, flags: int) -> bool:
        """The client acknowledged the server's FIN, or reset the connection exactly where its next byte would be.

        Another RST may be forged or late, and the kernel ignores it too.
        """
        return not flags & RST or (self._client is not None and seq == self._client.next)

    def from_server(self, seq: int, ack: int, flags: int, data: bytes, now: float) -> None:
        """A packet of the server that is no SYN."""
        if data:
            self.packets += 1
        if flags & FIN:
            self._fin = (seq + len(data)) & MASK
        client, server, exchange = self._client, self._server, self._exchange
        if client is None or server is None or exchange is None or flags & RST:
            return
        try:
            if flags & ACK and apart(ack, client.next) > 0:
                raise LostError("the server acknowledged bytes that were not seen")
            if not self._confirmed and data and not self._confirm(seq, data, server):
                return
            ready = server.take(seq, data, bool(flags & FIN)) if data or flags & FIN else b""
            if ready:
                exchange.responses.feed(ready)
        except LostError:
            self.lose()
        except DoubtError as why:
            self._unclear(str(why), now)

    def _confirm(self, seq: int, data: bytes, server: Stream) -> bool:
        """In mid-stream only a response that begins exactly where the request's acknowledgment ends proves its place.

        Returns:
            False for bytes sent again from before the request.
        """
        gap = apart(seq, server.next)
        if gap < 0 and apart((seq + len(data)) & MASK, server.next) <= 0:
            return False
        if gap != 0 or not data.startswith(b"HTTP/1."):
            raise LostError("the response does not begin at the acknowledgment of the request")
        self._confirmed = True
        return True

    def _unclear(self, why: str, now: float) -> None:
        """In mid-stream the first bytes may have been no request at all; then it is only unknown."""
        if self._confirmed:
            self.doubtful(why, now)
        else:
            self.lose()
