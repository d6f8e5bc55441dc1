"""Hand-made packets of one connection, as the reader's filter passes them, and the tracker that takes them."""

import socket
import struct
from collections.abc import Iterable

from katakei.adapters.probes.wire.connection import ACK, FIN, MASK, RST, SYN
from katakei.adapters.probes.wire.tracker import Socket, Tracker, Verdict

PORT, CLIENT_PORT = 8080, 40_000
OWN, PEER = "10.0.0.5", "10.0.0.200"
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
ESTABLISHED = 1
IDLE_MS = 65_000


def packed(address: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def ip(source: str, target: str, tcp: bytes, *, fragment: int = 0, extension: bytes = b"") -> bytes:
    """An IP packet around a TCP segment. `extension` is a whole IPv6 header with its kind in front."""
    if ":" in source:
        kind, body = (extension[0], extension[1:]) if extension else (6, b"")
        return struct.pack(">IHBB", 6 << 28, len(body + tcp), kind, 64) + packed(source) + packed(target) + body + tcp
    return (
        struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, fragment, 64, 6, 0) + packed(source) + packed(target) + tcp
    )


class Talk:
    """One connection seen from outside: it knows both sequence numbers, and sends what the test asks for."""

    def __init__(
        self, tracker: Tracker, *, own: str = OWN, peer: str = PEER, port: int = CLIENT_PORT, first: int = 1000
    ) -> None:
        self.tracker, self.own, self.peer, self.port = tracker, own, peer, port
        self.client, self.server = first & MASK, (first + 500_000) & MASK
        self.now = 100.0

    @property
    def key(self) -> tuple[bytes, int, bytes, int]:
        return (packed(self.peer), self.port, packed(self.own), PORT)

    def open(self) -> "Talk":
        self.from_client(flags=SYN)
        self.client = (self.client + 1) & MASK
        self.from_server(flags=SYN | ACK)
        self.server = (self.server + 1) & MASK
        self.from_client()
        return self

    def from_client(
        self, data: bytes = b"", *, flags: int = ACK, seq: int | None = None, ack: int | None = None
    ) -> None:
        at, of = self.client if seq is None else seq, self.server if ack is None else ack
        tcp = struct.pack(">HHIIBBHHH", self.port, PORT, at & MASK, of & MASK, 0x50, flags, 1000, 0, 0)
        self.take(ip(self.peer, self.own, tcp + data))

    def from_server(
        self, data: bytes = b"", *, flags: int = ACK, seq: int | None = None, ack: int | None = None
    ) -> None:
        at, of = self.server if seq is None else seq, self.client if ack is None else ack
        tcp = struct.pack(">HHIIBBHHH", PORT, self.port, at & MASK, of & MASK, 0x50, flags, 1000, 0, 0)
        self.take(ip(self.own, self.peer, tcp + data))

    def take(self, packet: bytes) -> None:
        self.tracker.packet(packet, self.now)

    def ask(self, data: bytes = GET) -> "Talk":
        """The client sends data in order."""
        for at in range(0, len(data), 60_000):
            piece = data[at : at + 60_000]
            self.from_client(piece)
            self.client = (self.client + len(piece)) & MASK
        return self

    def answer(self, data: bytes = OK, *, acknowledged: bool = True) -> "Talk":
        """The server sends data in order, and the client acknowledges it."""
        self.from_server(data)
        self.server = (self.server + len(data)) & MASK
        if acknowledged:
            self.from_client()
        return self

    def end(self, *, acknowledged: bool = True) -> "Talk":
        """The server closes."""
        self.from_server(flags=ACK | FIN)
        self.server = (self.server + 1) & MASK
        if acknowledged:
            self.from_client()
        return self

    def reset(self, seq: int | None = None) -> "Talk":
        self.from_client(flags=RST, seq=seq)
        return self

    def row(self, state: int = ESTABLISHED, silence: int = 0, *, queued: bool = False) -> Socket:
        return Socket(self.key, state, silence, queued)

    @property
    def state(self) -> str:
        """idle, busy or unknown; `gone` when it is not followed any more."""
        connection = self.tracker.connections.get(self.key)
        return connection.state if connection else "gone"

    @property
    def doubt(self) -> str:
        """Why it is busy until it is closed."""
        return self.tracker.connections[self.key].doubt


def tracker(*addresses: str) -> Tracker:
    return Tracker(frozenset({PORT}), frozenset(packed(each) for each in addresses or (OWN,)))


def talk() -> Talk:
    """An open connection whose beginning was seen."""
    return Talk(tracker()).open()


def judged(tracker: Tracker, table: Iterable[Socket], now: float = 103.0) -> Verdict:
    return tracker.judge(list(table), IDLE_MS, now)
