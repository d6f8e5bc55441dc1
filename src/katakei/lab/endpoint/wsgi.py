"""AWS requests and responses as values, and how they are read from and written to WSGI."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl

from katakei.lab.endpoint.signatures import RawRequest

Environ = dict[str, Any]
HEADERS = "katakei.headers"
StartResponse = Callable[..., Any]
Wsgi = Callable[[Environ, StartResponse], Iterable[bytes]]
MAX_BODY = 64 * 2**20
"""Limit for a call that is read before its signature is known to be right. S3 signs a hash that is sent first."""
PERMISSIONS = "access-control-"
"""Prefix of the headers by which a browser lets pages of other origins read an answer; moto adds them."""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """Status, headers and complete body of a response."""

    status: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def code(self) -> int:
        """The numeric status."""
        return int(self.status.split(" ", 1)[0])

    def send(self, start: StartResponse) -> Iterable[bytes]:
        """Start the response and return its body."""
        named = [(k, v) for k, v in self.headers if k.lower() != "content-length"]
        start(self.status, [*named, ("Content-Length", str(len(self.body)))])
        return [self.body]


class Protocol(Enum):
    """The format of a service's answers."""

    QUERY = "query"
    EC2 = "ec2"
    S3 = "s3"
    JSON = "json"
    CBOR = "cbor"


REST_XML = frozenset({"route53", "cloudfront"})
"""Services with XML that send no Action. Their errors have the form of the query protocol."""


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One AWS request, read from its signature, headers and form, without knowledge of the service."""

    service: str
    region: str
    action: str
    agent: str
    body: bytes
    account: str
    protocol: Protocol
    form: Mapping[str, str] = field(default_factory=dict)


def raw_request(environ: Environ) -> RawRequest:
    """Returns the request as it came. The handler of the endpoint keeps the headers, which WSGI changes."""
    headers: Iterable[tuple[str, str]] = environ[HEADERS]
    return RawRequest(
        environ["REQUEST_METHOD"],
        environ["RAW_URI"],
        tuple((name.lower(), value.encode("latin-1").decode("utf-8", "replace")) for name, value in headers),
    )


def read_body(environ: Environ, limit: int | None = None) -> bytes:
    """Read the body, which stays readable.

    Raises:
        ValueError: it is longer than `limit`, or its length is not a number.
    """
    length, stream = environ.get("CONTENT_LENGTH") or "0", environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        body: bytes = stream.read() if limit is None else stream.read(limit + 1)
    else:
        if not length.isdigit() or (limit is not None and int(length) > limit):
            raise ValueError(length)
        body = stream.read(int(length)) if int(length) else b""
    if limit is not None and len(body) > limit:
        raise ValueError(len(body))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def read_call(environ: Environ, body: bytes, scope: tuple[str, str], account: str) -> ApiCall:
    """Read a request.

    Args:
        body: the body, empty if it is an upload that was not read.
        scope: region and service of its signature; empty texts if it has none.
        account: the account of its key.
    """
    region, service = scope
    text = body.decode("utf-8", "replace") if body and service != "s3" else environ.get("QUERY_STRING", "")
    form = dict(parse_qsl(text, keep_blank_values=True)) if "Action=" in text else {}
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    action = form.get("Action") or target.rpartition(".")[2] or _of_path(service, environ)
    agent, protocol = environ.get("HTTP_USER_AGENT", ""), _protocol(service.lower(), environ, form)
    return ApiCall(service.lower(), region, action, agent, body, account, protocol, form)


def _protocol(service: str, environ: Environ, form: Mapping[str, str]) -> Protocol:
    if service in {"s3", "ec2"}:
        return Protocol(service)
    kind = environ.get("CONTENT_TYPE", "")
    if "cbor" in environ.get("HTTP_SMITHY_PROTOCOL", "") or kind == "application/cbor":
        return Protocol.CBOR
    in_form = bool(form) or kind.startswith("application/x-www-form-urlencoded")
    if in_form or service in REST_XML or (not service and "HTTP_X_AMZ_TARGET" not in environ):
        return Protocol.QUERY
    return Protocol.JSON


def _of_path(service: str, environ: Environ) -> str:
    """Derive S3's action from method and path, because S3 sends no name."""
    method: str = environ.get("REQUEST_METHOD", "")
    key = environ.get("PATH_INFO", "").strip("/").partition("/")[2]
    if service != "s3" or not (key or "list-type=2" in environ.get("QUERY_STRING", "")):
        return method
    return f"{method.title()}Object" if key else "ListObjectsV2"


def run_wsgi(app: Wsgi, environ: Environ) -> HttpResponse:
    """Run an application and collect its whole response."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start(status: str, headers: list[tuple[str, str]], _exc: object = None) -> Callable[[bytes], object]:
        started.append((status, headers))
        return lambda _data: None

    parts = app(environ, start)
    try:
        body = b"".join(parts)
    finally:
        close = getattr(parts, "close", None)
        if close is not None:
            close()
    status, headers = started[-1]
    kept = tuple((name, value) for name, value in headers if not name.lower().startswith(PERMISSIONS))
    return HttpResponse(status, kept, body)
