"""One connection in hand-made packets: what is proven idle, what is busy, and what nobody can know."""

import itertools
import random

import pytest
from tests.unit.adapters.probes.wire_packets import GET, OK, Talk, talk, tracker

from katakei.adapters.probes.wire.connection import ACK, FIN, MASK, SYN

CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;name=value\r\nhello\r\n10\r\n"
    b"0123456789abcdef\r\n0\r\nExpires: 0\r\n\r\n"
)
POST = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
UPLOAD = b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
CLOSE = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"


def test_a_new_connection_is_idle() -> None:
    assert talk().state == "idle"


def test_a_request_is_busy_until_its_response_is_acknowledged() -> None:
    it = talk().ask()
    assert it.state == "busy"
    it.answer(OK[:-1])
    assert it.state == "busy"
    it.answer(OK[-1:], acknowledged=False)
    assert it.state == "busy"
    it.from_client()
    assert it.state == "idle"


@pytest.mark.parametrize("first", [1000, MASK - 3, MASK - 20, MASK - 500_010])
@pytest.mark.parametrize(
    ("request_", "response"),
    [
        (GET, OK),
        (GET, CHUNKED),
        (POST, OK),
        (UPLOAD, CHUNKED),
        (b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"),
        (GET, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 900\r\n\r\n"),
        (GET, b"HTTP/1.1 204 No Content\r\n\r\n"),
        (GET, b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK),
        (
            b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + OK[17:],
        ),
        (GET, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        (GET, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok"),
    ],
)
def test_every_split_gives_idle_only_at_the_end(request_: bytes, response: bytes, first: int) -> None:
    for at, after in itertools.product(range(1, len(request_)), (1, len(response) // 2, len(response) - 1)):
        it = Talk(tracker(), first=first).open()
        for piece in (request_[:at], request_[at:]):
            it.ask(piece)
            assert it.state == "busy"
        for piece in (response[:after], response[after:]):
            assert it.state == "busy"
            it.answer(piece)
        assert it.state == "idle", (at, after)
    it = Talk(tracker(), first=first).open()
    for byte in request_:
        it.ask(bytes([byte]))
    for byte in response:
        assert it.state == "busy"
        it.answer(bytes([byte]))
    assert it.state == "idle"


def test_pieces_in_any_order_and_twice_give_the_same() -> None:
    dice = random.Random(7)  # noqa: S311 - an order that can be played again
    for _ in range(300):
        it = Talk(tracker(), first=dice.choice((1000, MASK - 30))).open()
        at = sorted(dice.sample(range(1, len(POST)), 3))
        pieces = [(0, POST)] if dice.random() < 0.2 else []
        pieces += [(begin, POST[begin:end]) for begin, end in zip([0, *at], [*at, len(POST)], strict=True)]
        pieces += [(begin, POST[begin : begin + 9]) for begin in dice.sample(range(len(POST)), 2)]
        dice.shuffle(pieces)
        for begin, piece in pieces:
            it.from_client(piece, seq=it.client + begin)
            assert it.state == "busy"
        it.client = (it.client + len(POST)) & MASK
        it.answer()
        assert it.state == "idle"


def test_a_hole_is_busy_until_it_is_filled() -> None:
    it = talk()
    it.from_client(GET[10:], seq=it.client + 10)
    assert it.state == "busy"
    it.from_client(GET[:10])
    it.client += len(GET)
    assert it.answer().state == "idle"


def test_a_hole_in_the_bytes_of_the_server_is_busy() -> None:
    it = talk()
    it.from_server(b"x", seq=it.server + 5)
    assert it.state == "busy"


def test_too_many_pieces_behind_a_hole_make_it_unknown() -> None:
    it = talk()
    for piece in range(1000):
        it.from_client(b"x", seq=it.client + 10 + 2 * piece)
    assert it.state == "busy"
    it.from_client(b"x", seq=it.client + 5000)
    assert it.state == "unknown"


def test_too_many_bytes_behind_a_hole_make_it_unknown() -> None:
    it = talk()
    for piece in range(300):
        it.from_client(b"x" * 1000, seq=it.client + 10 + piece * 1000)
    assert it.state == "unknown"


@pytest.mark.parametrize("by", ["client", "server"])
def test_an_acknowledgment_of_bytes_never_seen_makes_it_unknown(by: str) -> None:
    it = talk()
    if by == "client":
        it.from_client(ack=it.server + 1)
    else:
        it.from_server(ack=it.client + 1)
    assert it.state == "unknown"


def test_an_unknown_connection_is_known_again_by_a_whole_exchange() -> None:
    it = Talk(tracker())
    it.ask()
    assert it.state == "unknown"
    it.answer()
    assert it.state == "idle"


@pytest.mark.parametrize("gap", [-5, 3])
def test_mid_stream_needs_a_response_at_the_acknowledgment(gap: int) -> None:
    it = Talk(tracker())
    it.ask()
    it.from_server(OK, seq=it.server + gap)
    it.from_client(ack=it.server + gap + len(OK))
    assert it.state == "unknown"


def test_mid_stream_does_not_believe_a_head_in_an_upload() -> None:
    it = Talk(tracker())
    it.ask(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
    it.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
    assert it.state == "unknown"


def test_mid_stream_skips_bytes_that_are_sent_again() -> None:
    it = Talk(tracker())
    it.ask()
    it.from_server(b"old", seq=it.server - 3)
    assert it.answer().state == "idle"


def test_bytes_that_are_no_request_leave_mid_stream_unknown() -> None:
    it = Talk(tracker())
    it.ask(b"xxxx\r\n\r\n")
    it.answer()
    assert it.state == "unknown"
    it.ask(GET + b"not a request\r\n\r\n")
    assert it.state == "unknown"


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\nHost: a\n\n",
        b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length : 1\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n",
        b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x55" * 500,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"get / HTTP/1.1\r\n\r\n",
        b"\r\nGET / HTTP/1.1\r\n\r\n",
        UPLOAD[:-13] + b"zz\r\n",
        UPLOAD[:-13] + b"1\nx\r\n",
        UPLOAD[:-10] + b"abcd\r\n",
        UPLOAD[:-2] + b"X y\r\n\r\n",
        b"GET /" + b"a" * 70_000,
        GET * 101,
    ],
)
def test_doubtful_requests_stay_busy_until_closed(request_: bytes) -> None:
    it = talk().ask(request_)
    assert it.doubt
    assert it.state == "busy"
    assert it.answer().state == "busy"
    assert it.answer().state == "busy"
    assert it.ask().answer().state == "busy"
    assert it.end().state == "gone"


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        b"HTTP/1.1 200 OK\r\n a: b\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        OK + OK,
        CHUNKED[:-2] + b"bad\r\n\r\n",
    ],
)
def test_doubtful_responses_stay_busy_until_closed(response: bytes) -> None:
    it = talk().ask().answer(response)
    assert it.doubt
    assert it.state == "busy"
    assert it.ask().answer().state == "busy"
    assert it.end().state == "gone"


def test_an_unsolicited_response_is_busy_until_closed() -> None:
    it = talk().answer(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
    assert it.state == "busy"
    assert it.end(acknowledged=False).state == "busy"
    it.from_client()
    assert it.state == "gone"


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nbody",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        CLOSE,
    ],
)
def test_a_response_that_ends_the_connection_is_busy_until_the_end(response: bytes) -> None:
    it = talk().ask().answer(response)
    assert it.state == "busy"
    it.end(acknowledged=False)
    assert it.state == "busy"
    it.from_client(ack=it.server - 1)
    assert it.state == "busy", "only the last byte is acknowledged, and not the end"
    it.from_client()
    assert it.state == "gone"


def test_a_request_line_in_an_upload_is_part_of_the_upload() -> None:
    it = talk().ask(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (2 * len(GET))).ask(GET)
    assert it.answer(b"HTTP/1.1 100 Continue\r\n\r\n").state == "busy"
    assert it.answer().state == "busy"
    it.ask(GET)
    assert it.state == "idle"


def test_pipelined_requests_need_all_their_responses() -> None:
    it = talk().ask(GET + GET).answer()
    assert it.state == "busy"
    assert it.answer().state == "idle"


@pytest.mark.parametrize("head_first", [True, False])
def test_each_pipelined_response_is_read_by_its_own_method(head_first: bool) -> None:  # noqa: FBT001 - a row
    head, bare = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"
    it = talk().ask(head + GET if head_first else GET + head)
    it.answer(bare if head_first else OK)
    assert it.state == "busy"
    assert it.answer(OK if head_first else bare).state == "idle"


def test_a_piece_of_an_unsolicited_response_is_busy() -> None:
    assert talk().answer(b"HTTP/1").state == "busy"


def test_an_early_response_does_not_end_an_upload() -> None:
    it = talk().ask(POST[:-1]).answer()
    assert it.state == "busy"
    assert it.ask(POST[-1:]).state == "idle"


def test_a_half_closed_client_is_idle_once_answered() -> None:
    it = talk().ask()
    it.from_client(flags=ACK | FIN)
    it.client += 1
    assert it.state == "busy"
    assert it.answer().state == "idle"


def test_a_fin_ahead_of_its_bytes_counts_when_they_have_come() -> None:
    it = talk()
    it.from_client(GET[5:], seq=it.client + 5, flags=ACK | FIN)
    it.from_client(GET[:5])
    it.client += len(GET) + 1
    assert it.answer().state == "idle"


def test_two_ends_of_one_direction_make_it_unknown() -> None:
    it = talk()
    it.from_client(flags=ACK | FIN)
    it.from_client(b"x", flags=ACK | FIN)
    assert it.state == "unknown"


def test_only_an_exact_reset_of_the_client_ends_a_connection() -> None:
    it = talk().ask()
    assert it.reset(it.client + 1).state == "busy"
    assert it.reset().state == "gone"
    it = talk().ask()
    it.from_server(flags=ACK | 4)
    assert it.state == "busy"


def test_an_acknowledgment_that_comes_late_changes_nothing() -> None:
    it = talk().ask().answer()
    it.from_client(ack=it.server - 10)
    assert it.state == "idle"


def test_keepalive_probes_change_nothing() -> None:
    it = talk().ask().answer()
    it.from_client(seq=it.client - 1)
    it.from_client(b"\0", seq=it.client - 1)
    it.from_server(seq=it.server - 1)
    assert it.state == "idle"


def test_data_with_a_syn_is_busy_until_closed() -> None:
    it = Talk(tracker())
    it.from_client(GET, flags=SYN)
    it.client += 1 + len(GET)
    it.from_server(flags=SYN | ACK)
    it.server += 1
    it.from_client()
    assert it.state == "busy"
    assert it.answer().state == "busy"
    assert it.end().state == "gone"


def test_a_syn_alone_begins_nothing() -> None:
    it = Talk(tracker())
    it.from_client(flags=SYN)
    assert it.state == "gone"


def test_a_repeated_syn_ack_changes_nothing_and_a_new_one_begins_anew() -> None:
    it = talk().ask()
    it.from_server(flags=SYN | ACK, seq=1000 + 500_000, ack=1001)
    assert it.state == "busy"
    it.client, it.server = 5, 6
    assert it.open().state == "idle"


def test_data_with_a_syn_ack_is_busy() -> None:
    it = Talk(tracker())
    it.from_server(OK, flags=SYN | ACK)
    assert it.state == "busy"
