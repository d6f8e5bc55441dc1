"""One GET request on one new connection, with a time limit for the whole request. The status is not judged here.

It is written by hand because http.client limits each read alone: a target that sends its headers one byte at a time
would hold it for hours.
"""

import re
import socket
import ssl
from collections.abc import Callable

from katakei import __version__
from katakei.domain.ports import CheckRequest

SCHEMES = frozenset({"http", "https"})

_STATUS = re.compile(rb"\r?\n?HTTP/\d(?:\.\d)? (\d{3})(?: [^\r\n]*)?\r?\n")
_MOST = 65_536
_REST_SECONDS = 0.2
"""The rest of the answer is read for this long, so that the target can end it without an error."""

Left = Callable[[], float]
"""Says how many seconds remain; negative when the time is over."""


def host(question: CheckRequest) -> str:
    """The Host header as ELB sends it: address:port."""
    address = f"[{question.address}]" if ":" in question.address else question.address
    return f"{address}:{question.port}"


def url(question: CheckRequest) -> str:
    """The URL of the request, as a person would type it."""
    return f"{question.scheme}://{host(question)}{question.path}"


def describe(error: Exception) -> str:
    """What happened to the connection, in words that follow the URL."""
    if isinstance(error, ConnectionRefusedError):
        return "refused the connection"
    if isinstance(error, ConnectionError):
        return "broke the connection off"
    if isinstance(error, ssl.SSLError):
        return f"failed to speak TLS ({error.reason or error})"
    if isinstance(error, OSError):
        return f"cannot be reached ({error.strerror or error})"
    return str(error)


def connect(question: CheckRequest, seconds: float) -> socket.socket:
    """A new connection. Raises OSError; TimeoutError when `seconds` are over."""
    if seconds <= 0:
        raise TimeoutError
    return socket.create_connection((question.address, question.port), seconds)


def get(question: CheckRequest, left: Left) -> int:
    """The final status of the answer.

    Raises:
        OSError: The connection failed; TimeoutError when the time is over.
        ValueError: The answer is not HTTP.
    """
    plain = connect(question, left())
    with _wrapped(plain, left) if question.scheme == "https" else plain as connection:
        _wait(connection, left)
        connection.sendall(_request(question))
        status = _status(connection, left)
        _read_rest(connection)
        return status


def _request(question: CheckRequest) -> bytes:
    lines = (
        f"GET {question.path} HTTP/1.1",
        f"Host: {host(question)}",
        f"User-Agent: katakei/{__version__}",
        "Accept: */*",
        "Connection: close",
    )
    if any(letter in question.path for letter in "\r\n \0"):
        raise ValueError("is no path that HTTP can carry")
    return "\r\n".join((*lines, "", "")).encode()


def _status(connection: socket.socket, left: Left) -> int:
    """Reads past 1xx answers, which are interim (RFC 9110 section 15.2)."""
    read = b""
    while len(read) < _MOST:
        found = _STATUS.match(read)
        if found and not found[1].startswith(b"1"):
            return int(found[1])
        interim, ends, rest = read.partition(b"\r\n\r\n")
        if found and ends:
            read = rest
            continue
        if not found and b"\n" in read.lstrip(b"\r\n"):
            break
        _wait(connection, left)
        more = connection.recv(4096)
        if not more:
            raise ValueError("ended the connection without an answer" if not interim else "broke the answer off")
        read += more
    raise ValueError("answered something that is not HTTP")


def _wait(connection: socket.socket, left: Left) -> None:
    seconds = left()
    if seconds <= 0:
        raise TimeoutError
    connection.settimeout(seconds)


def _wrapped(plain: socket.socket, left: Left) -> socket.socket:
    """TLS without validation, as ELB uses it for targets (docs/aws.md 6)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        _wait(plain, left)
        return context.wrap_socket(plain)
    except BaseException:
        plain.close()
        raise


def _read_rest(connection: socket.socket) -> None:
    connection.settimeout(_REST_SECONDS)
    try:
        for _ in range(_MOST // 4096):
            if not connection.recv(4096):
                return
    except OSError:  # the status is known; how the target closes does not matter
        return
