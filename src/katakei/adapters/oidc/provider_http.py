"""HTTP to an OpenID Connect provider: HTTPS only, bounded in time and size, no redirects, strict JSON.

Plain HTTP is allowed to a loopback address, because nobody else can listen there; tests use it.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import SplitResult, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import HTTPError

from katakei.adapters.system.clock import SystemClock
from katakei.domain.access_reasons import AccessCode, access_reason
from katakei.domain.errors import TemporarilyUnavailableError, UnauthorizedError

TIMEOUT = urllib3.Timeout(connect=3, read=5, total=8)
LONGEST = timedelta(seconds=10)
"""For one whole answer."""
MAX_BYTES = 512 * 1024
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

JsonObject = Mapping[str, Any]
"""An object as a provider sent it. It does not leave this package."""


class StrictJsonError(ValueError):
    """Text that is no JSON object, or one that two readers could understand differently."""


def strict_object(text: bytes | str) -> dict[str, Any]:
    """The JSON object in a text.

    Raises:
        StrictJsonError: It is no object, has a key twice, or a number that JSON does not have.
    """
    try:
        found = json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_no_constant)
    except StrictJsonError:
        raise
    except (ValueError, RecursionError) as error:
        raise StrictJsonError("it is not valid JSON") from error
    if not isinstance(found, dict):
        raise StrictJsonError("it is not a JSON object")
    return found


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise StrictJsonError("it has a key twice")
    return found


def _no_constant(text: str) -> None:
    raise StrictJsonError(f"it has the number {text}")


def checked_url(url: object, what: str) -> str:
    """A URL to which something may be sent.

    Args:
        url: What the configuration or the provider gave.
        what: What it is, for the message.

    Raises:
        UnauthorizedError: It is not an HTTPS URL, or plain HTTP to another address than loopback.
    """
    parts = _parts(url)
    plain = parts is None or not parts.hostname or parts.username is not None or bool(parts.fragment)
    if parts is None or plain or not _encrypted(parts):
        raise refused(f"{what} is not an https:// address")
    return str(url)


def _encrypted(parts: SplitResult) -> bool:
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)


def _parts(url: object) -> SplitResult | None:
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def refused(text: str) -> UnauthorizedError:
    """The error of a provider whose answers are not acceptable."""
    return UnauthorizedError(reasons=(access_reason(AccessCode.LOGIN_REFUSED, text=text),))


class ProviderHttp:
    """Requests to providers. Each is made once; the caller tries again later."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._direct = urllib3.PoolManager(timeout=TIMEOUT, retries=False)

    def get(self, url: str) -> dict[str, Any]:
        """The JSON object at an address. Raises UnauthorizedError, TemporarilyUnavailableError."""
        return self._answer("GET", url, {}, None)

    def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
        """The JSON object that answers a form. Raises UnauthorizedError, TemporarilyUnavailableError."""
        return self._answer("POST", url, headers, form)

    def _answer(
        self, method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None
    ) -> dict[str, Any]:
        host = urlsplit(checked_url(url, "the address of the provider")).hostname or ""
        sent = {"Accept": "application/json", "User-Agent": "katakei", **headers}
        body = urlencode(form) if form is not None else None
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        until = self._clock.now() + LONGEST
        try:
            answer = self._pool(url, host).request(
                method, url, body=body, headers=sent, redirect=False, preload_content=False
            )
            try:
                content = self._content(answer, until)
            finally:
                answer.close()
        except (HTTPError, OSError) as error:
            raise TemporarilyUnavailableError(
                f"the OpenID Connect provider {host} does not answer ({type(error).__name__}): try again later"
            ) from error
        if answer.status >= 500 or answer.status == 429:
            raise TemporarilyUnavailableError(
                f"the OpenID Connect provider {host} answers with status {answer.status}: try again later"
            )
        if answer.status != 200:
            raise refused(f"the provider {host} answered with status {answer.status}")
        if len(content) > MAX_BYTES:
            raise refused(f"the answer of the provider {host} is too large")
        try:
            return strict_object(content)
        except StrictJsonError as error:
            raise refused(f"the answer of the provider {host} cannot be read: {error}") from error

    def _content(self, answer: urllib3.BaseHTTPResponse, until: datetime) -> bytes:
        """The body, read for a bounded time: a timeout of the library bounds only each single read."""
        content = b""
        while len(content) <= MAX_BYTES and (piece := answer.read1(MAX_BYTES, decode_content=True)):
            content += piece
            if self._clock.now() > until:
                raise TimeoutError
        return content

    def _pool(self, url: str, host: str) -> urllib3.PoolManager:
        """A pool for the address, through the proxy of the environment where there is one."""
        proxy = getproxies().get(url.partition(":")[0])
        if not proxy or host in LOOPBACK or proxy_bypass(host):
            return self._direct
        return urllib3.ProxyManager(proxy, timeout=TIMEOUT, retries=False)
