"""What the reader asks of Linux: the filter of packets, the table of sockets, the interfaces, and the lost packets."""

import socket
import struct
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.unit.adapters.probes.roads import NAME, TARGET, TARGET_SIX, Pair
from tests.unit.adapters.probes.wire_packets import ip, packed
from tests.unit.adapters.probes.world import Wire

from katakei.adapters.probes.wire import kernel
from katakei.adapters.probes.wire.kernel import UnableError, dropped, interface_of, open_packets, packet_filter, sockets
from katakei.adapters.probes.wire.tracker import Socket

FOUR, SIX = ("10.0.0.5", "10.0.0.200"), ("fd00::5", "fd00::99")
IPV4, IPV6, ARP = 0x0800, 0x86DD, 0x0806
INCOMING, OUTGOING = 0, 4
ACCEPTED, REJECTED = 0xFFFFFFFF, 0


def tcp(source: int, target: int) -> bytes:
    return struct.pack(">HHIIBBHHH", source, target, 1, 1, 0x50, 16, 1000, 0, 0)


def filtered(packet: bytes, protocol: int = IPV4, kind: int = INCOMING, *, loopback: bool = False) -> bool:
    """Runs the filter as the kernel does: a read behind the end of the packet rejects it."""
    program, accumulator, index, at = packet_filter([80, 8080], loopback), 0, 0, 0
    special = {0xFFFFF000: protocol, 0xFFFFF004: kind}
    while True:
        code, yes, no, value = program[at]
        at += 1
        size = {0x20: 4, 0x28: 2, 0x48: 2, 0x30: 1, 0xB1: 1}.get(code, 0)
        place = value + (index if code == 0x48 else 0)
        if code in {0x20, 0x28, 0x30} and value in special:
            accumulator = special[value]
        elif size and place + size > len(packet):
            return False
        elif code == 0xB1:
            index = (packet[value] & 15) * 4
        elif size:
            accumulator = int.from_bytes(packet[place : place + size], "big")
        elif code == 0x06:
            assert value in {ACCEPTED, REJECTED}
            return value == ACCEPTED
        else:
            at += yes if {0x15: accumulator == value, 0x45: bool(accumulator & value)}[code] else no


@pytest.mark.parametrize(("ends", "protocol"), [(FOUR, IPV4), (SIX, IPV6)])
@pytest.mark.parametrize(
    ("ports", "passes"), [((80, 5), True), ((5, 80), True), ((8080, 5), True), ((5, 8080), True), ((5, 81), False)]
)
def test_filter_lets_both_directions_of_the_ports_pass(
    ends: tuple[str, str],
    protocol: int,
    ports: tuple[int, int],
    passes: bool,  # noqa: FBT001 - a row
) -> None:
    assert filtered(ip(*ends, tcp(*ports)), protocol) is passes


def test_filter_finds_the_ports_behind_ip_options() -> None:
    plain = ip(*FOUR, tcp(5, 80))
    options = b"\x01" * 8
    assert filtered(bytes([0x47]) + plain[1:20] + options + plain[20:])
    assert not filtered(bytes([0x47]) + plain[1:20] + tcp(80, 80)[:8] + tcp(5, 6))


@pytest.mark.parametrize("fragment", [0x2000, 0x0001, 0x1FFF, 0x2001])
def test_filter_lets_every_fragment_pass(fragment: int) -> None:
    assert filtered(ip(*FOUR, b"somewhere in a segment", fragment=fragment))
    assert not filtered(ip(*FOUR, tcp(5, 6), fragment=0x4000))


@pytest.mark.parametrize(("kind", "passes"), [*((each, True) for each in (0, 43, 44, 51, 60, 135)), (58, False)])
def test_filter_lets_every_ipv6_extension_pass(kind: int, passes: bool) -> None:  # noqa: FBT001 - a row
    assert filtered(ip(*SIX, tcp(5, 6), extension=bytes([kind, 6, 0]) + b"\0" * 6), IPV6) is passes


def test_filter_rejects_what_is_no_tcp() -> None:
    packet = bytearray(ip(*FOUR, tcp(5, 80)))
    assert not filtered(bytes(packet), ARP)
    packet[9] = 17
    assert not filtered(bytes(packet))


def test_filter_takes_the_incoming_copy_alone_on_loopback() -> None:
    packet = ip(*FOUR, tcp(5, 80))
    assert not filtered(packet, kind=OUTGOING, loopback=True)
    assert filtered(packet, kind=INCOMING, loopback=True)
    assert filtered(packet, kind=OUTGOING)


def row(family: int = socket.AF_INET, *, sent: int = 9, received: int = 9, unread: int = 0, unsent: int = 0) -> Socket:
    """A row of sock_diag, made by hand."""
    own, peer = ("::ffff:10.0.0.5", "fd00::9") if family == socket.AF_INET6 else ("10.0.0.5", "10.0.0.9")
    pair = packed(own).ljust(16, b"\0") + packed(peer).ljust(16, b"\0")
    body = struct.pack(">BBBBHH", family, 8, 0, 0, 80, 40_000) + pair + b"\0" * 12
    body = body.ljust(56, b"\0") + struct.pack("=II", unread, unsent)
    info = b"\0" * 44 + struct.pack("=III", sent, 0, received) + b"\0" * 44
    return kernel._row(body.ljust(72, b"\0") + struct.pack("=HH", 4 + len(info), 2) + info)


def test_a_row_has_its_ends_and_its_state() -> None:
    assert (row().key, row().state) == ((packed("10.0.0.9"), 40_000, packed("10.0.0.5"), 80), 8)
    assert row(socket.AF_INET6).key == (packed("fd00::9"), 40_000, packed("10.0.0.5"), 80)


def test_silence_is_the_shorter_of_both_directions() -> None:
    assert [row(sent=5, received=70).silence, row(sent=70, received=5).silence] == [5, 5]


def test_bytes_in_either_queue_are_told() -> None:
    assert [row().queued, row(unread=1).queued, row(unsent=1).queued] == [False, True, True]


def test_table_has_half_closed_connections_and_no_listener(wire: Wire) -> None:
    def states() -> list[int]:
        return [each.state for each in sockets(frozenset({wire.port}), frozenset({packed("127.0.0.1")}))]

    assert states() == [1]
    wire.client.shutdown(socket.SHUT_WR)
    assert wire.server.recv(1) == b""
    assert states() == [8]


@pytest.mark.parametrize(("address", "rows"), [("127.0.0.1", 1), ("127.0.0.2", 0)])
def test_table_is_of_the_own_addresses(wire: Wire, address: str, rows: int) -> None:
    assert len(sockets(frozenset({wire.port}), frozenset({packed(address)}))) == rows
    assert sockets(frozenset({1}), frozenset({packed("127.0.0.1")})) == []


def test_table_has_ipv6_too() -> None:
    six = Wire.open(socket.AF_INET6, "::1")
    assert len(sockets(frozenset({six.port}), frozenset({packed("::1")}))) == 1
    six.close()


def test_a_question_that_the_kernel_refuses_is_an_error() -> None:
    with pytest.raises(OSError, match="the kernel refused a question"):
        kernel._netlink(4, 99, b"")


class Changing:
    """Netlink sockets of a table that changes while it is read, so often."""

    def __init__(self, times: int) -> None:
        self.times, self.asked = times, 0

    def __call__(self, *_: int) -> "Changing":
        self.asked += 1
        return self

    def settimeout(self, seconds: float) -> None:
        assert seconds < 10

    def send(self, question: bytes) -> None:
        assert len(question) >= 16

    def recv(self, _: int) -> bytes:
        changed = 0x10 if self.asked <= self.times else 0
        return struct.pack("=IHHII", 20, 20, 2 | changed, 1, 0) + b"body" + struct.pack("=IHHII", 16, 3, 2, 1, 0)

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize("times", [0, 9, 10])
def test_a_table_that_changed_is_read_again(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    link = Changing(times)
    monkeypatch.setattr(socket, "socket", link)
    if times == 10:
        with pytest.raises(OSError, match="changed all the time"):
            kernel._netlink(4, 20, b"")
    else:
        assert kernel._netlink(4, 20, b"") == [(20, b"body")]
        assert link.asked == times + 1


def test_packets_that_do_not_fit_are_counted_once(wire: Wire) -> None:
    packets = open_packets("lo", [wire.port])
    packets.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    for _ in range(20):
        wire.ask()
        wire.answer()
    assert dropped(packets) > 0
    assert dropped(packets) == 0
    packets.close()


def test_the_interface_is_the_one_that_has_the_addresses() -> None:
    assert interface_of([packed("127.0.0.1"), packed("127.9.9.9")]) == "lo"
    road = Pair(1500, whole=True)
    try:
        with ThreadPoolExecutor(1, initializer=road.enter) as pool:
            own = [packed(TARGET), packed(TARGET_SIX)]
            assert pool.submit(interface_of, own).result() == NAME
            with pytest.raises(UnableError, match=f"belong to several interfaces .lo, {NAME}"):
                pool.submit(interface_of, [*own, packed("::1")]).result()
    finally:
        road.close()
    with pytest.raises(UnableError, match=r"no interface here has the address 198\.18\.78\.2"):
        interface_of([packed(TARGET)])


def test_a_mapped_address_is_the_address_itself() -> None:
    assert kernel.packed("::ffff:10.0.0.5") == packed("10.0.0.5")
    with pytest.raises(OSError, match="illegal"):
        kernel.packed("10.0.0")
