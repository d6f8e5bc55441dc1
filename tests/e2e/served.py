"""A real server for tests: `katakei serve` with its services, behind a port whose connections can be cut."""

import contextlib
import selectors
import signal
import socket
import threading
from collections.abc import Mapping

from tests.e2e.command import Katakei, Running

from katakei.lab import clock


class Cutter:
    """A port that passes connections on to a server, and cuts all of them when it is told to."""

    def __init__(self, behind: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._behind = behind
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Ends every connection, without a farewell."""
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, socket.create_connection(("127.0.0.1", self._behind), 5) as server:
            self._open += [client, server]
            chosen = selectors.DefaultSelector()
            chosen.register(client, selectors.EVENT_READ, server)
            chosen.register(server, selectors.EVENT_READ, client)
            while True:
                for key, _ in chosen.select(60):
                    part = key.fileobj.recv(65536)  # type: ignore[union-attr]  # both are sockets
                    if not part:
                        return
                    key.data.sendall(part)


class Server:
    """`katakei serve` with services, by their names, behind a port that can be cut."""

    def __init__(self, katakei: Katakei, services: Mapping[str, str]) -> None:
        self._katakei = katakei
        folder = katakei.folder / "services"
        folder.mkdir()
        for name, text in services.items():
            (folder / f"{name}.yml").write_text(text)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self.cutter = Cutter(self._port)
        self.url = f"http://127.0.0.1:{self.cutter.port}"
        self.running = self.start()

    def start(self) -> Running:
        host = f"127.0.0.1:{self.cutter.port}"
        words = ("serve", "--port", str(self._port), "--services", "services", "--allowed-host", host)
        self.running = self._katakei.start(*words, "--base-url", self.url)
        assert clock.wait_for(self._ready, 60, 0.1), self.running.said()
        return self.running

    def _ready(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 2) as asking:
            asking.sendall(
                f"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nConnection: close\r\n\r\n".encode()
            )
            return b" 200 " in asking.recv(65536)
        return False

    def stop(self) -> None:
        self.running.tell(signal.SIGTERM)
        ended = self.running.end(30)
        assert ended.code == 0, ended.all()

    def token(self, *words: str) -> str:
        """The secret of a new token of a deploy job for the service shop."""
        return self.issue("--program", "--service", "shop", *words)

    def issue(self, *words: str) -> str:
        """The secret of a new token."""
        made = self._katakei("token", "create", "deploy", *words)
        assert made.code == 0, made.all()
        return made.out.strip()
