"""Requests that the lab makes to itself, in this process: from a prepared request of botocore to WSGI."""

from __future__ import annotations

from io import IOBase
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest

    from katakei.lab.endpoint.wsgi import Environ

SIGNING_NAMES = {"elbv2": "elasticloadbalancing"}
"""Names of services in a signature, where they differ from botocore's."""


def environ_of(request: AWSPreparedRequest, service: str, region: str, account: str) -> tuple[Environ, bytes]:
    """Returns the request for moto, which learns service, region and account from its headers, and the body."""
    parts = urlsplit(request.url)
    body = _body(request)
    scope = f"STACK/20260101/{region}/{SIGNING_NAMES.get(service, service)}/aws4_request"
    headers = Headers(
        {name: _text(value) for name, value in request.headers.items() if name.lower() != "content-length"}
    )
    headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
    headers["X-Moto-Account-Id"] = account
    builder = EnvironBuilder(
        path=parts.path, query_string=parts.query, method=request.method, headers=headers, data=body
    )
    environ: Environ = builder.get_environ()
    environ["RAW_URI"] = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return environ, body


def _body(request: AWSPreparedRequest) -> bytes:
    body: object = request.body
    if isinstance(body, IOBase):
        body = body.read()
    return body.encode() if isinstance(body, str) else bytes(body) if isinstance(body, bytes | bytearray) else b""


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
