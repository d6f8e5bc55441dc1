"""AWS requests and responses as values, and how they are read from and written to WSGI."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Wsgi = Callable[[Environ, StartResponse], Iterable[bytes]]
MAX_FORM = 1_000_000


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


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One AWS request, read from its signature, headers and form, without knowledge of the service."""

    service: str
    region: str
    action: str
    agent: str
    body: bytes
    signed: bool
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def json(self) -> bool:
        """Whether the service uses JSON with a target header."""
        return self.service in {"ssm", "dynamodb", "logs", "states", "secretsmanager", "events"}


def read_call(environ: Environ) -> ApiCall:
    """Read a request. The body stays readable."""
    body = _body(environ)
    scope = _scope(environ.get("HTTP_AUTHORIZATION", ""))
    text = body.decode("utf-8", "replace") if body else environ.get("QUERY_STRING", "")
    form = dict(parse_qsl(text, keep_blank_values=True)) if "Action=" in text else {}
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    service = scope[1] if scope else "elasticloadbalancing" if form.get("Version") == "2015-12-01" else ""
    action = form.get("Action") or target.rpartition(".")[2] or _of_path(service, environ)
    region = scope[0] if scope else ""
    return ApiCall(service, region, action, environ.get("HTTP_USER_AGENT", ""), body, signed=bool(scope), form=form)


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
    return HttpResponse(status, tuple(headers), body)


def _body(environ: Environ) -> bytes:
    """Read the form or JSON of a call. The body of an upload is not read."""
    length = environ.get("CONTENT_LENGTH") or "0"
    if (
        not length.isdigit()
        or not 0 < int(length) <= MAX_FORM
        or "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "")
    ):
        return b""
    body: bytes = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _scope(authorization: str) -> tuple[str, str] | None:
    """Returns region and service of a SigV4 header."""
    _, found, credential = authorization.partition("Credential=")
    parts = credential.split(",", 1)[0].split("/")
    return (parts[2], parts[3].lower()) if found and len(parts) == 5 else None
