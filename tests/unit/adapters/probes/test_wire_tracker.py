"""All connections of a port: what the kernel's table adds, what lost packets take away, and the bounds."""

import struct

import pytest
from tests.unit.adapters.probes.wire_packets import (
    CLIENT_PORT,
    GET,
    IDLE_MS,
    OWN,
    PEER,
    PORT,
    Talk,
    ip,
    judged,
    packed,
    talk,
    tracker,
)

from katakei.adapters.probes.wire import tracker as module
from katakei.adapters.probes.wire.connection import ACK
from katakei.adapters.probes.wire.tracker import NOT_ASKED

SIX, OTHER_SIX = "fd00::5", "fd00::99"
SEGMENT = struct.pack(">HHIIBBHHH", CLIENT_PORT, PORT, 1, 1, 0x50, ACK, 1000, 0, 0)


def test_every_idle_connection_of_the_table_makes_it_quiet() -> None:
    it = tracker()
    talks = [Talk(it, port=port).open() for port in (1, 2, 3)]
    found = judged(it, [each.row() for each in talks])
    assert (found.quiet, found.idle) == (True, 3)


def test_one_busy_connection_is_busy_and_has_an_age() -> None:
    it = tracker()
    quiet, busy = Talk(it, port=1).open(), Talk(it, port=2).open()
    busy.ask()
    found = judged(it, [quiet.row(), busy.row()], now=103.0)
    assert (found.quiet, found.requests, found.oldest, found.idle) == (False, 1, 3.0, 1)


def test_a_connection_never_seen_is_unknown_until_silent_for_long() -> None:
    it = tracker()
    unseen = Talk(it)
    assert judged(it, [unseen.row(silence=IDLE_MS)]).unknown == 1
    found = judged(it, [unseen.row(silence=IDLE_MS + 1)])
    assert (found.quiet, found.silent) == (True, 1)


def test_a_busy_connection_that_was_silent_for_long_holds_nothing() -> None:
    it = talk().ask()
    assert judged(it.tracker, [it.row(silence=IDLE_MS + 1)]).quiet


def test_bytes_in_the_queues_of_an_idle_connection_are_busy() -> None:
    it = talk()
    assert judged(it.tracker, [it.row(queued=True)]).requests == 1


@pytest.mark.parametrize("state", range(1, 13))
def test_only_states_without_pending_requests_are_left_out(state: int) -> None:
    it = tracker()
    assert judged(it, [Talk(it).row(state)]).quiet is (state in NOT_ASKED)
    assert frozenset({3, 5, 6, 7, 10, 12}) == NOT_ASKED


def test_a_followed_connection_counts_until_the_table_lacks_it_twice() -> None:
    it = talk().ask()
    for expected in (1, 0):
        it.tracker.before_table()
        assert judged(it.tracker, []).requests == expected
    assert it.state == "gone"


def test_a_connection_younger_than_the_table_is_not_missing() -> None:
    it = Talk(tracker())
    for _ in range(3):
        it.tracker.before_table()
        it.tracker.connections.clear()
        it.open().ask()
        assert judged(it.tracker, []).requests == 1


def test_an_absence_before_it_was_known_does_not_count() -> None:
    it = talk().ask()
    assert judged(it.tracker, []).requests == 1
    for expected in (1, 0):
        it.tracker.before_table()
        assert judged(it.tracker, []).requests == expected


def test_bytes_behind_a_packet_are_not_of_it() -> None:
    """A network card fills short packets up."""
    it = talk()
    tcp = struct.pack(">HHIIBBHHH", CLIENT_PORT, PORT, it.client, it.server, 0x50, ACK, 1000, 0, 0)
    it.take(ip(PEER, OWN, tcp) + b"\0" * 6)
    assert it.state == "idle"


def test_a_row_between_two_absences_counts_them_anew() -> None:
    it = talk().ask()
    for table in ([], [it.row()], []):
        it.tracker.before_table()
        assert judged(it.tracker, table).requests == 1


def test_data_on_a_connection_that_no_socket_has_ends_elsewhere() -> None:
    it = talk().ask()
    it.tracker.before_table()
    judged(it.tracker, [])
    it.answer()
    it.tracker.before_table()
    assert not judged(it.tracker, []).quiet
    assert judged(it.tracker, []).elsewhere


def test_a_connection_closed_after_the_table_was_read_is_not_unknown() -> None:
    it = talk()
    it.tracker.before_table()
    it.end()
    assert judged(it.tracker, [it.row()]).quiet
    it.tracker.before_table()
    assert not judged(it.tracker, [it.row()]).quiet


def test_lost_packets_make_every_connection_unknown_and_doubt_stays() -> None:
    it = tracker()
    idle, doubtful = Talk(it, port=1).open(), Talk(it, port=2).open().ask(b"nonsense\r\n\r\n")
    it.lose_all()
    assert (idle.state, doubtful.state) == ("unknown", "busy")
    found = judged(it, [idle.row(), doubtful.row()])
    assert (found.unknown, found.requests, found.idle) == (1, 1, 0)
    assert idle.ask().answer().state == "idle"


@pytest.mark.parametrize("fragment", [0x2000, 0x0001, 0x1FFF])
def test_a_fragment_makes_every_connection_unknown(fragment: int) -> None:
    it = talk()
    it.take(ip(PEER, OWN, SEGMENT, fragment=fragment))
    assert it.state == "unknown"


def test_the_smallest_fragment_makes_every_connection_unknown() -> None:
    """A segment may come in pieces of eight bytes."""
    it = talk()
    it.take(ip(PEER, OWN, SEGMENT[:8], fragment=0x2000))
    assert it.state == "unknown"
    it = Talk(tracker(SIX), own=SIX, peer=OTHER_SIX).open()
    it.take(ip(OTHER_SIX, SIX, SEGMENT[:8], extension=bytes([44, 6]) + b"\0" * 7))
    assert it.state == "unknown"


@pytest.mark.parametrize(("cut", "length"), [(1, 0), (60, 0), (0, 5)])
def test_a_truncated_packet_makes_every_connection_unknown(cut: int, length: int) -> None:
    it = talk()
    packet = bytearray(ip(PEER, OWN, SEGMENT + b"x" * 60))
    if length:
        packet[2:4] = struct.pack(">H", 20 + length)
    it.take(bytes(packet[: len(packet) - cut]))
    assert it.state == "unknown"


def test_a_packet_of_a_strange_length_of_zero_makes_them_unknown() -> None:
    it = talk()
    packet = bytearray(ip(PEER, OWN, SEGMENT))
    packet[2:4] = b"\0\0"
    it.take(bytes(packet))
    assert it.state == "unknown"


@pytest.mark.parametrize("rubbish", [b"", b"\x45", b"\x60" + b"\0" * 30, b"\x00" * 80])
def test_what_is_no_ip_packet_changes_nothing(rubbish: bytes) -> None:
    it = talk()
    it.take(rubbish)
    assert it.state == "idle"


def test_fragments_between_others_change_nothing() -> None:
    it = talk()
    it.take(ip("10.9.9.9", "10.9.9.8", SEGMENT, fragment=0x2000))
    assert it.state == "idle"


def test_ports_and_addresses_of_others_are_not_followed() -> None:
    it = tracker()
    Talk(it, own="10.0.0.6").open().ask()
    it.packet(ip(PEER, OWN, struct.pack(">HHIIBBHHH", 5, 6, 1, 1, 0x50, ACK, 1, 0, 0) + GET), 1.0)
    assert not it.connections


def test_a_packet_between_two_own_ports_makes_every_connection_unknown() -> None:
    it = talk()
    it.take(ip(OWN, OWN, struct.pack(">HHIIBBHHH", PORT, PORT, 1, 1, 0x50, ACK, 1, 0, 0) + GET))
    assert it.state == "unknown"


def test_ipv6_is_followed_alike() -> None:
    it = Talk(tracker(SIX), own=SIX, peer=OTHER_SIX).open().ask()
    assert it.state == "busy"
    assert it.answer().state == "idle"


@pytest.mark.parametrize(
    ("extension", "lost"),
    [
        (bytes([0, 6, 0]) + b"\1\4" + b"\0" * 4, True),
        (bytes([60, 6, 0]) + b"\1\4" + b"\0" * 4, True),
        (bytes([44, 6]) + b"\0" * 7, True),
        (bytes([51, 6, 4]) + b"\0" * 22, True),
        (bytes([0, 44, 0]) + b"\1\4\0\0\0\0" + bytes([6]) + b"\0" * 7, True),
        (bytes([0, 58, 0]) + b"\1\4" + b"\0" * 4, False),
        (bytes([44, 17]) + b"\0" * 7, False),
    ],
)
def test_ipv6_extensions_around_tcp_make_them_unknown(extension: bytes, lost: bool) -> None:  # noqa: FBT001 - a row
    it = Talk(tracker(SIX), own=SIX, peer=OTHER_SIX).open()
    it.take(ip(OTHER_SIX, SIX, SEGMENT, extension=extension))
    assert it.state == ("unknown" if lost else "idle")


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CONNECTIONS", 3)
    monkeypatch.setattr(module, "MAX_HELD", 4_000)
    it = tracker()
    talks = [Talk(it, port=port).open() for port in range(1, 6)]
    assert [each.state for each in talks] == ["idle"] * 3 + ["gone"] * 2
    assert judged(it, [each.row() for each in talks]).unknown == 2
    for each in talks[:3]:
        each.ask(GET[:-4] + b"\r\nX: " + b"y" * 1_900)
    assert sum(each.held for each in it.connections.values()) <= 4_000
    assert [each.state for each in talks[:3]] == ["busy"] * 3


def test_own_addresses_are_told_apart_on_one_interface() -> None:
    it = tracker("127.0.1.1")
    assert Talk(it, own="127.0.1.1", peer="127.0.0.1").open().ask().state == "busy"
    assert Talk(it, own="127.0.1.2", peer="127.0.0.1").open().ask().state == "gone"
    assert (packed("127.0.0.1"), CLIENT_PORT, packed("127.0.1.1"), PORT) in it.connections
