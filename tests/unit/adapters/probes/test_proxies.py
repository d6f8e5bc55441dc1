"""What a target sees of real proxies: nginx's keep-alive pool in front of a slow server, and HTTP/2 in the clear."""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from tests.unit.adapters.probes.world import HERE, QUIET, group, judged, needed

from katakei.domain.observation import ProbeVerdict
from katakei.domain.spec import DrainUntil

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok"
STILL = QUIET.total_seconds() + 0.15
CONF = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream slow {{ server 127.0.0.1:{slow}; keepalive 8; }}
  server {{
    listen 127.0.0.1:{plain}; listen 127.0.0.1:{h2c} http2;
    location / {{ proxy_pass http://slow; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""


class Slow:
    """Answers at once, but for paths that begin with /slow: those wait until it is told to go on."""

    def __init__(self) -> None:
        self.listener = socket.create_server((HERE, 0))
        self.port = int(self.listener.getsockname()[1])
        self.go_on = threading.Event()
        self.holding = threading.Semaphore(0)
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.settimeout(10)
            self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            while request := _until(connection, b"\r\n\r\n"):
                if b" /fast/late" in request:
                    time.sleep(0.03)
                if b" /slow" in request:
                    self.holding.release()
                    self.go_on.wait(10)
                connection.sendall(ANSWER)

    def close(self) -> None:
        self.go_on.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self._threads:
            thread.join(10)


def _until(connection: socket.socket, end: bytes) -> bytes:
    got = b""
    while end not in got:
        more = connection.recv(65536)
        if not more:
            return b""
        got += more
    return got


def _free() -> int:
    with socket.create_server((HERE, 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def _nginx(folder: Path, slow: int) -> Iterator[tuple[int, int]]:
    plain, h2c = _free(), _free()
    conf = folder / "nginx.conf"
    conf.write_text(
        ("user root;" if os.geteuid() == 0 else "") + CONF.format(folder=folder, slow=slow, plain=plain, h2c=h2c)
    )
    log = folder / "error.log"
    with subprocess.Popen([needed("nginx"), "-c", str(conf), "-p", str(folder), "-e", str(log)]) as process:
        try:
            deadline = time.monotonic() + 10
            while True:
                try:
                    socket.create_connection((HERE, h2c), timeout=1).close()
                    break
                except OSError:
                    assert time.monotonic() < deadline, log.read_text()
                    time.sleep(0.02)
            yield plain, h2c
        finally:
            process.terminate()
            process.wait(10)


@pytest.fixture
def slow() -> Iterator[Slow]:
    it = Slow()
    yield it
    it.close()


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()


def test_request_behind_pooled_answer_is_busy(slow: Slow, tmp_path: Path) -> None:
    """The pool hands a connection on within the tick in which its last answer left: equal ages are not idle."""
    with _nginx(tmp_path, slow.port) as (plain, _), ExitStack() as open_now:
        clients = [open_now.enter_context(socket.create_connection((HERE, plain), timeout=5)) for _ in range(8)]
        for client in clients:
            client.sendall(_get("/fast"))
        for client in clients:
            _until(client, b"ok")
            client.sendall(_get("/slow"))
        for _ in clients:
            assert slow.holding.acquire(timeout=5)
        time.sleep(STILL)
        proof, answered = judged(slow.port, DrainUntil.PROOF), judged(slow.port, DrainUntil.ANSWERED)
        slow.go_on.set()
        for client in clients:
            _until(client, b"ok")
        time.sleep(STILL)
        idle = judged(slow.port, DrainUntil.ANSWERED)
    assert (proof.verdict, answered.verdict, answered.open) == (ProbeVerdict.BUSY, ProbeVerdict.BUSY, 8)
    assert (idle.verdict, idle.why) == (ProbeVerdict.QUIET, "8 connections, none holds a request")


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def _h2_get(stream: int, path: str) -> bytes:
    """HEADERS with END_STREAM and END_HEADERS: GET and http from the static table, path and authority literal."""
    block = b"\x82\x86\x04" + bytes([len(path)]) + path.encode() + b"\x01\x01a"
    return _frame(1, 0x5, stream, block)


def _h2_end(client: socket.socket, stream: int) -> None:
    """Until this stream has ended (END_STREAM on its DATA)."""
    got = b""
    while True:
        while len(got) >= 9 and len(got) >= 9 + int.from_bytes(got[:3], "big"):
            size = int.from_bytes(got[:3], "big")
            kind, flags, of = got[3], got[4], int.from_bytes(got[5:9], "big")
            got = got[9 + size :]
            if of == stream and kind in {0, 1} and flags & 1:
                return
        more = client.recv(65536)
        assert more
        got += more


@pytest.mark.parametrize("version", ["HTTP2", "GRPC"])
def test_h2c_with_a_slow_and_a_fast_stream_is_busy(slow: Slow, tmp_path: Path, version: str) -> None:
    """The fast answer came last, so the strict rule would call it answered: hence HTTP/1.1 only."""
    with _nginx(tmp_path, slow.port) as (_, h2c), socket.create_connection((HERE, h2c), timeout=5) as client:
        client.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(4, 0, 0) + _h2_get(1, "/slow"))
        assert slow.holding.acquire(timeout=5)
        client.sendall(_frame(4, 1, 0) + _h2_get(3, "/fast/late"))
        _h2_end(client, 3)
        time.sleep(STILL)
        proof = judged(h2c, DrainUntil.PROOF, group(version=version))
        answered = judged(h2c, DrainUntil.ANSWERED, group(version=version))
        wrongly = judged(h2c, DrainUntil.ANSWERED)
        slow.go_on.set()
        _h2_end(client, 1)
    assert (proof.verdict, answered.verdict) == (ProbeVerdict.BUSY, ProbeVerdict.BUSY)
    assert wrongly.verdict is ProbeVerdict.QUIET, "the trap is gone: has the row lost its point?"
