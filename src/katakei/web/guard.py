"""The guard: what happens to every request before the application sees it, and to every answer.

It gives the request an id, refuses foreign hosts and origins, limits rates, reads the body within its limits, adds the
security headers, and turns an unexpected error into a sentence. It knows nothing of rights.
"""

import asyncio
import logging
import math
import secrets
from contextlib import suppress
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from katakei.domain.errors import ExitCode
from katakei.web.connections import ABORT
from katakei.web.errors import RETRY_AFTER, Problem, internal_problem
from katakei.web.rates import Buckets
from katakei.web.settings import WebSettings
from katakei.web.site import Site

log = logging.getLogger(__name__)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
HSTS = "max-age=31536000"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_DIGITS = 10
"""Digits of a Content-Length; Python reads longer numbers slowly."""
MAX_DISCARDED = 16 * 1024 * 1024
"""Bytes of a body that is too large which are read and dropped before the answer."""
DISCARD_WITHIN = 1.0
"""Seconds for that."""
PROBES = frozenset({"/healthz", "/readyz"})
"""A load balancer asks for these by the address of the machine, so every Host is accepted. They tell nothing."""


class StalledError(Exception):
    """The client has read nothing for too long; its connection was cut."""


class Guard:
    """The outermost layer of the application (ASGI)."""

    def __init__(self, app: ASGIApp, site: Site, settings: WebSettings) -> None:
        self._app = app
        self.site = site
        self._buckets = Buckets(settings.address_rate, settings.address_burst)
        self.settings = settings
        self.received = 0  # bytes of all bodies that are being received or used

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the start and end of the application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["request_id"] = secrets.token_hex(6)
        answer = _Answer(scope, send, self)
        if problem := self._problem(scope):
            await problem.response()(scope, receive, answer.send)
            return
        try:
            await self._with_body(scope, receive, answer.send)
        except StalledError:
            return
        except Exception:
            log.exception("request failed", extra={"facts": {"request": scope["request_id"], "path": scope["path"]}})
            if answer.started:  # the stream ends; nothing else can be said
                raise
            await internal_problem(scope["request_id"]).response()(scope, receive, answer.send)

    def _problem(self, scope: Scope) -> Problem | None:
        """Why the request is refused as a whole; None: it is not."""
        headers = Headers(scope=scope)
        address = (scope.get("client") or ("", 0))[0]
        if wait := self._buckets.take(address, asyncio.get_running_loop().time()):
            return too_many_problem(wait)
        if sum(len(name) + len(value) for name, value in scope["headers"]) > self.settings.max_head:
            sentence = f"the headers are larger than {self.settings.max_head // 1024} KiB; send smaller ones"
            return Problem(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "too_large", sentence, ExitCode.USAGE)
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if scope["path"] not in PROBES and (len(hosts) != 1 or not self.site.is_host(hosts[0])):
            sentence = "this server does not answer for this host; use the address that people open (--base-url)"
            return _refused(HTTPStatus.MISDIRECTED_REQUEST, "unknown_host", sentence)
        crossing = scope["method"] not in SAFE and headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}
        if crossing or len(origins) > 1 or any(not self.site.is_origin(each) for each in origins):
            sentence = "the request comes from a page of another site; open the console itself"
            return _refused(HTTPStatus.FORBIDDEN, "foreign_origin", sentence)
        return None

    async def _with_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Goes on with the whole body, so that a slow one keeps no handler and no thread busy."""
        headers = Headers(scope=scope)
        if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
            await self._app(scope, receive, send)
            return
        reader = _BodyReader(self, receive)
        try:
            async with asyncio.timeout(self.settings.body_within.total_seconds()):
                problem = await reader.read(headers.get("content-length", "0"))
        except TimeoutError:
            sentence = f"the body did not arrive within {self.settings.body_within.total_seconds():g} s; send it again"
            problem = Problem(HTTPStatus.REQUEST_TIMEOUT, "slow_body", sentence, ExitCode.USAGE)
        try:
            if problem:
                response = problem.response()
                response.headers["Connection"] = "close"  # the rest of the body is not read
                await response(scope, receive, send)
            elif not reader.gone:
                await self._app(scope, _replayed(bytes(reader.body), receive), send)
        finally:
            self.received -= len(reader.body)


class _BodyReader:
    """Receives one body within the limits of the guard.

    Attributes:
        body: What has arrived.
        gone: Whether the client went away before the end.
    """

    def __init__(self, guard: Guard, receive: Receive) -> None:
        self.body = bytearray()
        self.gone = False
        self._guard = guard
        self._receive = receive

    async def read(self, length: str) -> Problem | None:
        """The whole body. Returns the problem when it breaks a limit."""
        limit = self._guard.settings.max_body
        if not length.isdecimal() or len(length) > MAX_DIGITS or int(length) > limit:
            return await self._discarded()
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.gone = True
                return None
            part = message.get("body", b"")
            self.body += part
            self._guard.received += len(part)
            if len(self.body) > limit:
                return await self._discarded()
            if self._guard.received > self._guard.settings.max_bodies:
                return busy_problem()
            more = message.get("more_body", False)
        return None

    async def _discarded(self) -> Problem:
        """Reads on for a while, so that the client reads the answer: it may send everything before it reads."""
        read = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(DISCARD_WITHIN):
                while read < MAX_DISCARDED:
                    message = await self._receive()
                    read += len(message.get("body", b""))
                    if message["type"] == "http.disconnect" or not message.get("more_body", False):
                        break
        return _too_large(self._guard.settings.max_body)


class _Answer:
    """Sends an answer with the headers that every answer has."""

    def __init__(self, scope: Scope, send: Send, guard: Guard) -> None:
        self.started = False
        self._scope = scope
        self._send = send
        self._secure = guard.site.secure
        self._stalled_after = guard.settings.stalled_after.total_seconds()

    async def send(self, message: Message) -> None:
        """One message of the answer."""
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers["X-Request-Id"] = self._scope["request_id"]
            headers.setdefault("Cache-Control", "no-store")
            if self._secure:
                headers["Strict-Transport-Security"] = HSTS
            facts = {"request": self._scope["request_id"], "method": self._scope["method"], "path": self._scope["path"]}
            log.info("request", extra={"facts": {**facts, "status": message["status"]}})
        try:
            async with asyncio.timeout(self._stalled_after):
                await self._send(message)
        except TimeoutError:
            log.info("reader stalled", extra={"facts": {"request": self._scope["request_id"]}})
            if abort := self._scope.get("state", {}).get(ABORT):
                abort()
            raise StalledError from None


def too_many_problem(wait: float) -> Problem:
    """The problem of a client that asks too often."""
    seconds = max(1, math.ceil(wait))
    sentence = f"too many requests; try again in {seconds} s"
    return Problem(HTTPStatus.TOO_MANY_REQUESTS, "too_many", sentence, ExitCode.UNREACHABLE, retry_after=seconds)


def busy_problem() -> Problem:
    """The problem of a server that has too much to do."""
    sentence = "the server has too many requests in progress; try again in a moment"
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "busy", sentence, ExitCode.UNREACHABLE, retry_after=RETRY_AFTER)


def _too_large(limit: int) -> Problem:
    sentence = f"the body is larger than {limit // 1024} KiB; send a smaller one"
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", sentence, ExitCode.USAGE)


def _refused(status: HTTPStatus, code: str, sentence: str) -> Problem:
    return Problem(status, code, sentence, ExitCode.UNREACHABLE)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Gives the body at once, then what the connection tells: that the client went away."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay
