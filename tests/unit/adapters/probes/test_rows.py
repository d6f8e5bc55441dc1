"""The socket table: what is right under `proof` and under `answered`, each row with real sockets.

`pending` is the truth. Where `answered` is quiet although something is pending, the row is one of its named blind
spots; `proof` has none.
"""

import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import pytest
from tests.unit.adapters.probes.secure import certificate
from tests.unit.adapters.probes.world import QUIET, Wire, group, judged

from katakei.domain.model import Group
from katakei.domain.observation import ProbeVerdict
from katakei.domain.spec import DrainUntil

B, Q = ProbeVerdict.BUSY, ProbeVerdict.QUIET
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
HEADERS = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
HTTP, HTTPS = group(), group(protocol="HTTPS")
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n"
UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
STILL = QUIET.total_seconds() + 0.15
OFTEN = timedelta(seconds=5)
"""A pause that a thread which sends every 0.1 s never makes."""


def _idle(wire: Wire) -> None:
    wire.ask()
    time.sleep(0.02)
    wire.answer()


def _unused(wire: Wire) -> None:
    """Opened in advance."""


def _first_request(wire: Wire) -> None:
    wire.ask()


def _unaccepted(wire: Wire) -> None:
    """The target's process is stuck: the kernel alone has the connection and the request."""
    extra = socket.create_connection(wire.listener.getsockname(), timeout=5)
    wire.more.append(extra.close)
    extra.sendall(REQUEST)
    wire.server.close()
    wire.client.close()


def _second_behind_answer(wire: Wire) -> None:
    wire.ask()
    wire.answer()
    wire.ask()


def _early_headers(wire: Wire) -> None:
    wire.ask()
    time.sleep(0.02)
    wire.answer(HEADERS)


def _early_hints(wire: Wire) -> None:
    wire.ask()
    time.sleep(0.02)
    wire.answer(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")


def _continue_then_body(wire: Wire) -> None:
    wire.ask(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
    time.sleep(0.02)
    wire.answer(b"HTTP/1.1 100 Continue\r\n\r\n")
    wire.ask(b"body")


def _continue_without_body(wire: Wire) -> None:
    wire.ask(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
    time.sleep(0.02)
    wire.answer(b"HTTP/1.1 100 Continue\r\n\r\n")


def _silent_events(wire: Wire) -> None:
    wire.ask()
    time.sleep(0.02)
    wire.answer(EVENTS)


def _silent_websocket(wire: Wire) -> None:
    wire.ask()
    time.sleep(0.02)
    wire.answer(UPGRADED + b"\x81\x02hi")


def _websocket_asked(wire: Wire) -> None:
    _silent_websocket(wire)
    time.sleep(0.02)
    wire.ask(b"\x81\x82\0\0\0\0hi")


def _upload_that_pauses(wire: Wire) -> None:
    wire.ask(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
    wire.ask(b"x" * 10)


def _every(wire: Wire, pause: float, act: Callable[[], None]) -> None:
    over = threading.Event()

    def repeat() -> None:
        while not over.wait(pause):
            act()

    thread = threading.Thread(target=repeat)
    thread.start()
    wire.more += [thread.join, over.set]


def _slow_upload(wire: Wire) -> None:
    _upload_that_pauses(wire)
    _every(wire, 0.1, lambda: wire.ask(b"x"))


def _stream(wire: Wire) -> None:
    wire.ask()
    wire.answer(CHUNKED)
    _every(wire, 0.1, lambda: wire.answer(b"1\r\nx\r\n"))


def _stream_that_pauses(wire: Wire) -> None:
    wire.ask()
    time.sleep(0.02)
    wire.answer(CHUNKED)


def _half_closed_client(wire: Wire) -> None:
    wire.ask()
    wire.client.shutdown(socket.SHUT_WR)
    assert wire.server.recv(1) == b""


def _half_closed_and_answered(wire: Wire) -> None:
    _half_closed_client(wire)
    time.sleep(0.02)
    wire.answer()


def _closed_with_bytes_to_send(wire: Wire) -> None:
    wire.client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    wire.server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_000_000)
    wire.ask()
    wire.server.setblocking(False)
    sent = 0
    while sent < 1_500_000:
        try:
            sent += wire.server.send(b"x" * 65536)
        except BlockingIOError:
            break
    assert sent > 1_000_000
    wire.server.close()


def _big_answer_unread(wire: Wire) -> None:
    wire.ask()
    time.sleep(0.02)
    wire.server.setblocking(False)
    try:
        while True:
            wire.server.send(b"x" * 65536)
    except BlockingIOError:
        return


def _secured(wire: Wire, version: ssl.TLSVersion) -> None:
    """The first request comes in the same flight as the end of the handshake."""
    own, trusted = certificate()
    own.minimum_version = own.maximum_version = version
    done: list[ssl.SSLSocket] = []

    def accept() -> None:
        server = own.wrap_socket(wire.server, server_side=True)
        done.append(server)
        assert server.recv(65536) == REQUEST

    thread = threading.Thread(target=accept)
    thread.start()
    client = trusted.wrap_socket(wire.client, server_hostname="target")
    client.sendall(REQUEST)
    thread.join(10)
    wire.client, wire.server = client, done[0]


def _tls12(wire: Wire) -> None:
    _secured(wire, ssl.TLSVersion.TLSv1_2)


def _tls13(wire: Wire) -> None:
    _secured(wire, ssl.TLSVersion.TLSv1_3)


def _pipelined(wire: Wire) -> None:
    wire.ask(REQUEST + REQUEST)
    time.sleep(0.02)
    wire.answer()


@dataclass(frozen=True)
class Row:
    name: str
    act: Callable[[Wire], None]
    pending: bool
    answered: ProbeVerdict
    of: Group = HTTP
    proof: ProbeVerdict = B
    quiet: timedelta = QUIET

    @property
    def requests(self) -> ProbeVerdict | None:
        """What a reader says that began before the connection; None where `requests` is refused."""
        return (B if self.pending else Q) if self.of.plain_http else None


ROWS = (
    Row("an idle connection whose request was answered", _idle, False, Q),
    Row("a connection that was never used", _unused, False, B),
    Row("a first request", _first_request, True, B),
    Row("a request of which the stuck process knows nothing", _unaccepted, True, B),
    Row("a second request right behind an answer", _second_behind_answer, True, B),
    Row("TLS 1.2: a first request", _tls12, True, B, HTTPS),
    Row("TLS 1.3: a first request", _tls13, True, B, HTTPS),
    Row("early headers, then a pause (blind spot)", _early_headers, True, Q),
    Row("103 Early Hints, then a pause (blind spot)", _early_hints, True, Q),
    Row("100 Continue, and the body has come", _continue_then_body, True, B),
    Row("100 Continue, and the body pauses (blind spot)", _continue_without_body, True, Q),
    Row("silent server-sent events (blind spot)", _silent_events, True, Q),
    Row("a silent WebSocket, the server spoke last (blind spot)", _silent_websocket, True, Q),
    Row("a WebSocket, the client spoke last", _websocket_asked, True, B),
    Row("an upload that pauses", _upload_that_pauses, True, B),
    Row("a slow upload", _slow_upload, True, B),
    Row("a chunked stream with short pauses", _stream, True, B, quiet=OFTEN),
    Row("a chunked stream with a long pause (blind spot)", _stream_that_pauses, True, Q),
    Row("a half-closed client (CLOSE-WAIT)", _half_closed_client, True, B),
    Row("a half-closed client that got its answer", _half_closed_and_answered, False, Q),
    Row("a closed server with 1.5 MB to send (FIN-WAIT-1)", _closed_with_bytes_to_send, True, B),
    Row("an answer that the client does not read", _big_answer_unread, True, B),
    Row("two requests in one go, which no ALB sends (blind spot)", _pipelined, True, Q),
    Row("the same idle connection in an HTTPS group", _idle, False, B, HTTPS),
    Row("the same idle connection in a gRPC group", _idle, False, B, group(version="GRPC")),
)


def _played(row: Row) -> tuple[ProbeVerdict, ProbeVerdict]:
    it = Wire.open()
    try:
        row.act(it)
        time.sleep(STILL)
        proof = judged(it.port, DrainUntil.PROOF, row.of, quiet=row.quiet)
        answered = judged(it.port, DrainUntil.ANSWERED, row.of, quiet=row.quiet)
        return proof.verdict, answered.verdict
    finally:
        it.close()


@pytest.fixture(scope="module")
def played() -> dict[str, tuple[ProbeVerdict, ProbeVerdict]]:
    """Some rows at a time: each is mostly waiting."""
    with ThreadPoolExecutor(5) as pool:
        return dict(zip((row.name for row in ROWS), pool.map(_played, ROWS), strict=True))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_row_has_its_verdict(played: dict[str, tuple[ProbeVerdict, ProbeVerdict]], row: Row) -> None:
    proof, answered = played[row.name]
    assert proof is row.proof
    assert answered is row.answered


def test_no_row_with_pending_request_is_quiet() -> None:
    assert not [row.name for row in ROWS if row.pending and row.proof is Q]
    assert all((row.pending and row.answered is Q) == ("blind spot" in row.name) for row in ROWS)


def test_silence_beyond_idle_timeout_is_proof() -> None:
    """By then the load balancer has ended what may have been pending; before that it is busy, with the sentence."""
    wires = [Wire.open() for _ in range(4)]
    for act, wire in zip((_idle, _second_behind_answer, _half_closed_client, _unused), wires, strict=True):
        act(wire)
    time.sleep(1.2)
    early = [judged(wire.port, DrainUntil.PROOF) for wire in wires]
    late = [judged(wire.port, DrainUntil.PROOF, idle=timedelta(seconds=1)) for wire in wires]
    for wire in wires:
        wire.close()
    assert [each.verdict for each in early] == [B] * 4
    assert re.fullmatch(r"1 connection, silent for [1-9][0-9]* s, proved at 500 s", early[0].why)
    assert [each.verdict for each in late] == [Q] * 4
    assert late[0].why == "1 connection, none holds a request"


def test_no_connection_is_quiet_at_once(wire: Wire) -> None:
    for end in (wire.client, wire.server):
        end.close()
    assert judged(wire.port, DrainUntil.PROOF).why == "no connection"


def test_request_in_the_tick_of_an_answer_is_busy() -> None:
    wires = [Wire.open() for _ in range(30)]
    for wire in wires:
        _second_behind_answer(wire)
    time.sleep(STILL)
    found = [judged(wire.port, DrainUntil.ANSWERED).verdict for wire in wires]
    for wire in wires:
        wire.close()
    assert found == [B] * 30
