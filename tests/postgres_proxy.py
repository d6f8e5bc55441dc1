"""A proxy on loopback before PostgreSQL that loses connections around a COMMIT, and answers late.

It reads the protocol without TLS: the word COMMIT in what a client sends is a COMMIT.
"""

import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum

CHUNK = 65536


class Loss(Enum):
    """Where a connection is lost."""

    BEFORE = "before the server got the COMMIT"
    AFTER = "after the server answered, before the client got the answer"


class Proxy:
    """Passes every connection on to a port of this machine until a test changes that.

    Attributes:
        port: The port that clients use.
        losses: What happens to the next COMMITs, in this order; then all go through.
        commits: How many COMMITs were seen.
        delay: Seconds by which each answer is late.
    """

    def __init__(self, port: int) -> None:
        self.losses: list[Loss | None] = []
        self.commits = 0
        self.delay = 0.0
        self._server = port
        self._lock = threading.Lock()
        self._closed = False
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Ends every connection."""
        self._closed = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Loses every connection that is open now."""
        with self._lock:
            for each in self._open:
                _shut(each)

    @contextmanager
    def losing(self, seed: int) -> Iterator[None]:
        """Every second COMMIT loses its connection, half of them after the server wrote everything."""
        chance = random.Random(seed)  # noqa: S311 - not a secret
        self.losses = [chance.choice([None, None, Loss.BEFORE, Loss.AFTER]) for _ in range(1000)]
        try:
            yield
        finally:
            self.losses = []

    def _accept(self) -> None:
        with suppress(OSError):
            while not self._closed:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self._server), timeout=10)
                except OSError:  # as a client meets it without the proxy
                    client.close()
                    continue
                server.settimeout(None)
                for each in (client, server):
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self._lock:
                    self._open |= {client, server}
                pair = _Pair(self, client, server)
                threading.Thread(target=pair.to_server, daemon=True).start()
                threading.Thread(target=pair.to_client, daemon=True).start()

    def next_loss(self, sent: bytes) -> Loss | None:
        """What happens to this piece of what a client sends."""
        if b"COMMIT" not in sent:
            return None
        with self._lock:
            self.commits += 1
            return self.losses.pop(0) if self.losses else None

    def forget(self, *sockets: socket.socket) -> None:
        """Closes a connection that no thread uses any more.

        A socket that is closed earlier gives its number to the next connection, and a thread that is about to read
        takes an answer of that one.
        """
        with self._lock:
            self._open -= set(sockets)
        for each in sockets:
            each.close()


class _Pair:
    """One connection of a client."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self._loses_answer = False
        self._lock = threading.Lock()
        self._threads = 2

    def to_server(self) -> None:
        with suppress(OSError):
            while sent := self._client.recv(CHUNK):
                loss = self._proxy.next_loss(sent)
                if loss is Loss.BEFORE:
                    break
                self._loses_answer = self._loses_answer or loss is Loss.AFTER
                self._server.sendall(sent)
        self._end()

    def to_client(self) -> None:
        with suppress(OSError):
            while answer := self._server.recv(CHUNK):
                if self._loses_answer:
                    break
                if self._proxy.delay:
                    time.sleep(self._proxy.delay)
                self._client.sendall(answer)
        self._end()

    def _end(self) -> None:
        for each in (self._client, self._server):
            _shut(each)
        with self._lock:
            self._threads -= 1
            last = not self._threads
        if last:
            self._proxy.forget(self._client, self._server)


def _shut(each: socket.socket) -> None:
    """Ends a connection, and wakes the threads that read it."""
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
