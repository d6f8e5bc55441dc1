"""The HTTP client of a Katakei server: one request, one answer or one error that a person understands.

A token is sent with every request. It goes only to the server that was named: redirects are refused, and plain HTTP is
accepted only for this machine, because anyone on the way could read the token.
"""

import ipaddress
import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from katakei import __version__
from katakei.domain.errors import (
    ExitCode,
    KatakeiError,
    LeaseHeldError,
    NoAnswerError,
    RefusedError,
    TemporarilyUnavailableError,
    UnreachableError,
    UsageError,
)
from katakei.domain.outside_text import harmless

if TYPE_CHECKING:
    import urllib3

CONNECT_LIMIT = timedelta(seconds=5)
ANSWER_LIMIT = timedelta(seconds=30)
"""How long one answer may take. A plan surveys AWS, which takes seconds."""
STREAM_SILENCE = timedelta(seconds=45)
"""A stream without a byte for so long is cut; the server sends a comment every 15 s."""
MAX_ANSWER = 64 * 1024 * 1024
MAX_SENTENCE = 2000
FIRST_REDIRECT, UNAUTHORIZED, FIRST_SERVER_ERROR = 300, 401, 500
COMES_BACK = frozenset({429, 503, 504})
"""Too many requests; AWS, the journal or the server itself does not answer now."""

Query = Mapping[str, str | bool | int | None]


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a server.

    Attributes:
        origin: Scheme, host and port.
        path: What precedes every path of the API: '' or text that begins with '/'.
    """

    origin: str
    path: str

    def __str__(self) -> str:
        return f"{self.origin}{self.path}"


def address_of(url: str) -> Address:
    """The address that a person gave.

    Raises:
        UsageError: It is no HTTPS URL, and no HTTP URL of this machine; or it holds a name and password.
    """
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError as error:
        raise UsageError(f"the server {url!r} is not a URL: give https://host") from error
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.query or parts.fragment:
        raise UsageError(f"the server {url!r} is not the URL of a server: give https://host")
    if parts.username or parts.password:
        raise UsageError("the URL of the server holds a password: remove it, and give a token in KATAKEI_TOKEN")
    if parts.scheme == "http" and not _is_this_machine(parts.hostname):
        raise UsageError(f"the server http://{parts.hostname} would get the token unencrypted: give an https:// URL")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Address(f"{parts.scheme}://{host}{port}", parts.path.rstrip("/"))


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class ServerApi:
    """The API of one server, for one person or job. Each request is tried once."""

    def __init__(self, address: Address, token: str) -> None:
        """Opens no connection yet.

        Args:
            address: Where the server is.
            token: Sent as a bearer token; '' sends none.
        """
        self.address = address
        self._token = token
        self._pool: urllib3.PoolManager | None = None

    def with_token(self, token: str) -> "ServerApi":
        """The same server for the owner of another token."""
        return ServerApi(self.address, token)

    def get(self, path: str, query: Query | None = None) -> Any:
        """What the server answers to a question, as decoded JSON.

        Raises:
            UsageError: There is no such thing.
            RefusedError: The server refuses it.
            UnreachableError: The server cannot be reached, or denies access.
            NoAnswerError: No answer came, or the server asks to come back later.
        """
        return self._request("GET", path, query, None)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Gives a command. Raises as `get`."""
        return self._request("POST", path, None, body)

    def delete(self, path: str, query: Query | None = None) -> Any:
        """Removes something. Raises as `get`."""
        return self._request("DELETE", path, query, None)

    @contextmanager
    def stream(self, path: str, after: int) -> Iterator[Iterator[bytes]]:
        """The lines of an event stream.

        Args:
            path: The path of the stream.
            after: The number of the last event that is known; the server sends those that follow.

        Raises:
            As `get`; NoAnswerError also when the connection is cut.
        """
        headers = {**self._headers(), "Accept": "text/event-stream", "Last-Event-ID": str(after)}
        with self._translated():
            answer = self._opened().request(
                "GET", self._url(path, None), headers=headers, preload_content=False, redirect=False, retries=False
            )
        try:
            with self._translated():
                if answer.status >= FIRST_REDIRECT:
                    raise _error(answer.status, answer.read(MAX_ANSWER), self.address)
            yield self._lines(answer)
        finally:
            answer.close()

    def _lines(self, answer: "urllib3.BaseHTTPResponse") -> Iterator[bytes]:
        rest = b""
        with self._translated():
            while chunk := answer.read1(65536):
                *lines, rest = (rest + chunk).split(b"\n")
                if len(rest) > MAX_ANSWER:
                    raise UnreachableError(f"{self.address} sent a line without an end; check the URL of the server")
                yield from (line.rstrip(b"\r") for line in lines)

    def _request(self, method: str, path: str, query: Query | None, body: Mapping[str, Any] | None) -> Any:
        content = None if body is None else json.dumps(body).encode()
        headers = self._headers() | ({"Content-Type": "application/json"} if content is not None else {})
        with self._translated():
            answer = self._opened().request(
                method, self._url(path, query), body=content, headers=headers, redirect=False, retries=False,
                preload_content=False,
            )  # fmt: skip
            try:
                data = answer.read(MAX_ANSWER + 1)
            finally:
                answer.close()
        if len(data) > MAX_ANSWER:
            raise UnreachableError(f"{self.address} sent more than {MAX_ANSWER >> 20} MiB; check the URL of the server")
        if answer.status >= FIRST_REDIRECT:
            raise _error(answer.status, data, self.address)
        try:
            return json.loads(data) if data else None
        except ValueError as error:
            raise UnreachableError(
                f"{self.address} did not answer as a Katakei server does; check the URL of the server"
            ) from error

    def _headers(self) -> dict[str, str]:
        shown = {"Accept": "application/json", "User-Agent": f"katakei/{__version__}"}
        return shown | ({"Authorization": f"Bearer {self._token}"} if self._token else {})

    def _url(self, path: str, query: Query | None) -> str:
        given = {
            name: _written(value) for name, value in (query or {}).items() if value is not None and value is not False
        }
        return f"{self.address}{path}{'?' + urlencode(given) if given else ''}"

    def _opened(self) -> "urllib3.PoolManager":
        if self._pool is None:
            import urllib3  # noqa: PLC0415 - commands without a server must start fast

            timeout = urllib3.Timeout(connect=CONNECT_LIMIT.total_seconds(), read=STREAM_SILENCE.total_seconds())
            context = ssl.create_default_context() if self.address.origin.startswith("https:") else None
            self._pool = urllib3.PoolManager(timeout=timeout, ssl_context=context, maxsize=4)
        return self._pool

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turns the errors of the HTTP library into ours."""
        import urllib3  # noqa: PLC0415

        try:
            yield
        except urllib3.exceptions.SSLError as error:
            raise UnreachableError(
                f"the certificate of {self.address} is not accepted ({_short(error)}): use the name in it, or give"
                " the CA file in SSL_CERT_FILE"
            ) from error
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.NameResolutionError) as error:
            raise TemporarilyUnavailableError(
                f"the server {self.address} cannot be reached ({_short(error)}): check the URL and the network"
            ) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise NoAnswerError(f"the server {self.address} did not answer ({_short(error)})") from error


def segment(text: str) -> str:
    """The text as one segment of a path."""
    return quote(text, safe="")


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _short(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    text = str(reason or error).rpartition(": ")[2] or type(error).__name__
    return harmless(text)[:200]


def _error(status: int, data: bytes, address: Address) -> KatakeiError:
    """The error that an answer tells. The sentence of the server is outside text."""
    exit_code, code, sentence = _told(data)
    if status in COMES_BACK or (status >= FIRST_SERVER_ERROR and not sentence):
        return NoAnswerError(sentence or f"the server {address} answered with status {status}")
    if status == UNAUTHORIZED:
        return UnreachableError(
            sentence or f"the server {address} does not accept the token: give a valid one in KATAKEI_TOKEN"
        )
    if not sentence:
        return UnreachableError(f"{address} answered with status {status}; check the URL of the server")
    if code == "lease_held":
        return LeaseHeldError(sentence)
    kinds: Mapping[int, type[KatakeiError]] = {ExitCode.USAGE: UsageError, ExitCode.REFUSED: RefusedError}
    return kinds.get(exit_code, UnreachableError)(sentence)


def _told(data: bytes) -> tuple[int, str, str]:
    """The exit code, the code and the sentence of an error; 0 and '' where the answer holds none."""
    try:
        told = json.loads(data)["error"]
        return int(told["exit_code"]), str(told["code"]), harmless(str(told["message"]))[:MAX_SENTENCE]
    except (ValueError, KeyError, TypeError):
        return 0, "", ""
