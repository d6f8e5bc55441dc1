"""HTTP client of the lab's tests: it retries nothing, and shows a broken connection as status 0."""

import re
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Self
from urllib.parse import urlsplit

from katakei.lab import clock


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. Status 0 means that the connection broke."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def server(self) -> str:
        found = re.search(r'"instance": "i-(\d)"', self.body)
        return found[1] if found else "none"


class Client:
    """One keep-alive connection. It retries nothing and stores no cookie."""

    def __init__(self, address: tuple[str, int], *, tls: bool = False, timeout: float = 10) -> None:
        self._http = HTTPConnection(*address, timeout=timeout)
        if tls:
            unverified = ssl.create_default_context()
            unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
            self._http = HTTPSConnection(*address, timeout=timeout, context=unverified)

    def get(self, path: str = "/", method: str = "GET", **headers: str) -> Answer:
        try:
            self._http.request(method, path, headers={name.replace("_", "-"): text for name, text in headers.items()})
            answer = self._http.getresponse()
            return Answer(answer.status, dict(answer.headers), answer.read().decode())
        except (OSError, HTTPException) as error:
            return Answer(0, {}, repr(error))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()


class BackgroundRequest:
    """A request in the background of a test."""

    def __init__(self, what: Callable[[], Answer]) -> None:
        self._answer: Answer | None = None
        self.seconds = 0.0
        self._thread = threading.Thread(target=self._run, args=(what,))
        self._thread.start()

    def _run(self, what: Callable[[], Answer]) -> None:
        began = clock.monotonic()
        self._answer = what()
        self.seconds = clock.monotonic() - began

    def answer(self) -> Answer:
        self._thread.join(25)
        assert self._answer
        return self._answer


def address_of(url: str) -> tuple[str, int]:
    """Returns host and port of an http URL."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 80


def get(url: str, path: str = "/", timeout: float = 10) -> Answer:
    """Send one GET on a new connection."""
    with Client(address_of(url), timeout=timeout) as client:
        return client.get(path)
