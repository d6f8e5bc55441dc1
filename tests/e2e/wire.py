"""A wire between the command and the lab's AWS: it can be cut, and can call credentials expired. It alters nothing."""

import http.client
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.contracts.fake_endpoint import refusal

EXPIRED = "The security token included in the request is expired"


class Wire:
    """One wire, on a port of its own. `expired` is the access key that is accepted no more, '' none."""

    def __init__(self, endpoint: str) -> None:
        self.to = urlsplit(endpoint).netloc
        self.expired = ""
        self._port = 0
        self.mend()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def mend(self) -> None:
        """Listens (again), always on the same port."""
        wire = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"  # a cut wire keeps no connection

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if wire.expired and wire.expired in self.headers["Authorization"]:
                    status, answer = 403, wire._refused(json="X-Amz-Target" in self.headers)
                else:
                    status, answer = wire._passed(self.path, body, dict(self.headers))
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_port
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def cut(self) -> None:
        """Nobody listens any more."""
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.cut()

    def _passed(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self.to, timeout=10)
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _refused(self, *, json: bool) -> bytes:
        told = f'{{"__type": "ExpiredTokenException", "message": "{EXPIRED}"}}'
        return (told if json else refusal("ExpiredToken", EXPIRED)).encode()
