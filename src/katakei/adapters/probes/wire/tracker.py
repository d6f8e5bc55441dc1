"""All connections of a target's ports, and the verdict over them together with the kernel's table of sockets."""

import struct

from katakei.adapters.probes.wire.connection import ACK, BUSY, IDLE, SYN, Connection

MAX_CONNECTIONS = 20000
"""More are not followed. Those are in the kernel's table alone, and so unknown."""

MAX_HELD = 16 * 1024 * 1024
"""The most bytes kept in all: parts of heads, and pieces that wait for missing ones."""

NOT_ASKED = frozenset((3, 5, 6, 7, 10, 12))
"""SYN_RECV, FIN_WAIT2, TIME_WAIT, CLOSE, LISTEN, NEW_SYN_RECV: no request can be pending in these states."""

SYN_DATA = "data came with a SYN"
TCP, FRAGMENT = 6, 44
_EXTENSIONS = frozenset((0, 43, 44, 51, 60, 135))
_HEADER = struct.Struct(">HHIIBB")


class Socket:
    """One row of the kernel's table: the four-part key, the TCP state, its silence in ms, whether bytes are queued."""

    __slots__ = ("key", "queued", "silence", "state")

    def __init__(self, key: "tuple[bytes, int, bytes, int]", state: int, silence: int, queued: bool) -> None:  # noqa: FBT001 - a row
        self.key, self.state, self.silence, self.queued = key, state, silence, queued


class Verdict:
    """What is pending at one moment.

    Attributes:
        requests: Requests in progress.
        oldest: The age of the oldest, in seconds.
        unknown: Connections about which nothing is known, and that were not silent for long enough.
        idle: Connections that are idle.
        silent: Connections that were silent for longer than any request can last.
        elsewhere: Packets show a connection that this machine's sockets do not have: its traffic ends elsewhere.
    """

    def __init__(self) -> None:
        self.requests = self.unknown = self.idle = self.silent = 0
        self.oldest = 0.0
        self.elsewhere = False

    @property
    def quiet(self) -> bool:
        """Nothing is pending, and everything is known."""
        return not self.requests and not self.unknown and not self.elsewhere

    def busy(self, connection: Connection, now: float) -> None:
        """Counts a busy connection."""
        self.requests += max(1, connection.requests)
        self.oldest = max(self.oldest, now - connection.busy_since if connection.busy_since else 0.0)


class Tracker:
    """Follows the connections between clients and some ports of some own addresses."""

    def __init__(self, ports: "frozenset[int]", addresses: "frozenset[bytes]") -> None:
        self._ports, self._addresses = ports, addresses
        self.connections: dict[tuple[bytes, int, bytes, int], Connection] = {}
        self._gone: set[tuple[bytes, int, bytes, int]] = set()
        self._known: frozenset[tuple[bytes, int, bytes, int]] = frozenset()
        self._held: dict[tuple[bytes, int, bytes, int], int] = {}
        self._elsewhere = False
        self.lost = 0

    def packet(self, data: bytes, now: float) -> None:
        """Takes one IP packet, as far as it was read."""
        version = data[0] >> 4 if data else 0
        if version == 4 and len(data) >= 20:
            at, end = (data[0] & 15) * 4, data[2] << 8 | data[3]
            source, target = data[12:16], data[16:20]
            broken = data[6] & 0x3F or data[7] or data[9] != TCP
        elif version == 6 and len(data) >= 40:
            at, end = 40, 40 + (data[4] << 8 | data[5])
            source, target = data[8:24], data[24:40]
            broken = data[6] != TCP and self._unreadable(data)
            if data[6] != TCP and not broken:
                return
        else:
            return
        if broken or end > len(data) or end < at + 20:
            if source in self._addresses or target in self._addresses:
                self.lose_all()
            return
        sport, dport, seq, ack, offset, flags = _HEADER.unpack_from(data, at)
        payload = data[at + (offset >> 4) * 4 : end]
        inbound = dport in self._ports and target in self._addresses
        outbound = sport in self._ports and source in self._addresses
        if inbound and outbound:
            self.lose_all()
        elif inbound:
            self._from_client((source, sport, target, dport), seq, ack, flags, payload, now)
        elif outbound:
            self._from_server((target, dport, source, sport), seq, ack, flags, payload, now)

    @staticmethod
    def _unreadable(data: bytes) -> bool:
        """Whether an IPv6 packet with extension headers may carry TCP; a fragment counts as such."""
        kind, at = data[6], 40
        while kind in _EXTENSIONS and at + 8 <= len(data):
            if kind == FRAGMENT:
                return data[at] == TCP or data[at] in _EXTENSIONS
            kind, at = data[at], at + (data[at + 1] + 2) * 4 if kind == 51 else at + (data[at + 1] + 1) * 8
        return kind == TCP or kind in _EXTENSIONS

    def _from_client(
        self, key: "tuple[bytes, int, bytes, int]", seq: int, ack: int, flags: int, data: bytes, now: float
    ) -> None:
        connection = self.connections.get(key)
        if flags & SYN:
            if data or flags & ACK:
                self._new(key).doubtful(SYN_DATA, now)
            return
        if connection is None:
            if not data:
                return
            connection = self._new(key)
        connection.from_client(seq, ack, flags, data, now)
        self._after(key, connection, now)

    def _from_server(
        self, key: "tuple[bytes, int, bytes, int]", seq: int, ack: int, flags: int, data: bytes, now: float
    ) -> None:
        connection = self.connections.get(key)
        if flags & SYN:
            self._accepted(key, connection, seq, ack, data, now)
            return
        if connection is None:
            if not data:
                return
            connection = self._new(key)
        connection.from_server(seq, ack, flags, data, now)
        self._after(key, connection, now)

    def _accepted(
        self,
        key: "tuple[bytes, int, bytes, int]",
        connection: "Connection | None",
        seq: int,
        ack: int,
        data: bytes,
        now: float,
    ) -> None:
        """The SYN-ACK: here a connection begins. One that is sent again changes nothing."""
        if connection is not None and connection.first == seq:
            return
        if connection is not None and connection.first is None and connection.doubt == SYN_DATA:
            connection.first = seq
            return
        connection = self._new(key)
        connection.opened(seq, ack)
        if data:
            connection.doubtful(SYN_DATA, now)

    def _new(self, key: "tuple[bytes, int, bytes, int]") -> Connection:
        """A new connection; one beyond the bound is not kept."""
        connection = Connection()
        if key in self.connections or len(self.connections) < MAX_CONNECTIONS:
            self.connections[key] = connection
            self._gone.discard(key)
        return connection

    def _after(self, key: "tuple[bytes, int, bytes, int]", connection: Connection, now: float) -> None:
        """Removes what is closed, and bounds what is kept."""
        if connection.closed:
            self._remove(key)
            return
        held = connection.held
        if held:
            self._held[key] = held
            if len(self._held) * held > MAX_HELD // 4 and sum(self._held.values()) > MAX_HELD:
                connection.doubtful("too many bytes wait for others", now)
                del self._held[key]
        elif key in self._held:
            del self._held[key]

    def _remove(self, key: "tuple[bytes, int, bytes, int]") -> None:
        self.connections.pop(key, None)
        self._held.pop(key, None)
        self._gone.add(key)

    def lose_all(self) -> None:
        """Packets were lost, and nobody knows of which connection."""
        self.lost += 1
        self._held.clear()
        for connection in self.connections.values():
            connection.lose()

    def before_table(self) -> None:
        """The kernel's table is read next: what is known now must be in it."""
        self._gone.clear()
        self._known = frozenset(self.connections)

    def judge(self, table: "list[Socket]", idle: int, now: float) -> Verdict:
        """The verdict, once the packets that came since `before_table` are read too.

        Args:
            table: The sockets of the ports, in every state but LISTEN.
            idle: How long a silent connection must have been silent, in ms.
            now: The present moment, in seconds.
        """
        found = Verdict()
        present = set()
        for socket in table:
            present.add(socket.key)
            connection = self.connections.get(socket.key)
            if connection is not None:
                connection.missing = 0
            if socket.state in NOT_ASKED or (connection is None and socket.key in self._gone):
                continue
            if socket.silence > idle:
                found.silent += 1
            elif connection is None:
                found.unknown += 1
            else:
                self._count(found, connection, now, queued=socket.queued)
        for key in [key for key in self.connections if key not in present]:
            connection = self.connections[key]
            if key in self._known and self._missed(connection):
                self._remove(key)
            else:
                self._count(found, connection, now)
        found.elsewhere = self._elsewhere
        return found

    @staticmethod
    def _count(found: Verdict, connection: Connection, now: float, *, queued: bool = False) -> None:
        state = connection.state
        if state == BUSY or (state == IDLE and queued):
            found.busy(connection, now)
        elif state == IDLE:
            found.idle += 1
        else:
            found.unknown += 1

    def _missed(self, connection: Connection) -> bool:
        """Whether the kernel's table did not have it twice. Data that comes after that ends in no socket here."""
        connection.missing += 1
        if connection.missing == 1:
            connection.packets_when_missed = connection.packets
            return False
        if connection.packets > connection.packets_when_missed:
            self._elsewhere = True
        return True
