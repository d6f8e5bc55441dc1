"""Parsers for one direction of an HTTP/1.1 connection. They keep header lines and chunk sizes, never a body.

Whatever two programs could read differently is a `DoubtError`: a bare line feed, a folded line, two lengths. The
caller then counts the connection as busy until it is closed.
"""

import re

MAX_HEAD = 65536
"""The most bytes of a head, of one line of a chunk, or of a trailer section. An ALB accepts 64 KB of headers."""

MAX_OPEN = 100
"""The most requests that may wait for their responses on one connection."""

REQUEST_LINE = re.compile(rb"([A-Z]{1,20}) [!-~\x80-\xff]+ HTTP/1\.([01])\r\n")
STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: [^\r\n\x00]*)?\r\n")
_FIELDS = re.compile(rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n\x00]*\r\n)*\r\n")
_LENGTH = re.compile(rb"\ncontent-length:[ \t]*([^\r]*?)[ \t]*\r")
_CODING = re.compile(rb"\ntransfer-encoding:[ \t]*([^\r]*?)[ \t]*\r")
_CONNECTION = re.compile(rb"\nconnection:([^\r]*)\r")
_NUMBER = re.compile(rb"[0-9]{1,18}")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n\x00]*)?\r\n")

HEAD, BODY, CHUNK, CHUNK_END, TRAILER, UNTIL_CLOSED = range(6)
_START = {"request": re.compile(rb"[A-Z]{1,20}(?: |$)"), "response": re.compile(rb"HTTP/1\.[01] ")}


class DoubtError(Exception):
    """The bytes can be read in more than one way, or are no HTTP/1.1."""


class Fields:
    """What a head says of its body.

    Attributes:
        length: The bytes of the body; None where no Content-Length is given.
        chunked: The body comes in chunks.
        last: The sender closes the connection after this message.
    """

    __slots__ = ("chunked", "last", "length")

    def __init__(self, head: bytes, first: int, minor: bytes) -> None:
        """Reads the fields of `head`, whose first line has `first` bytes. Raises DoubtError."""
        if not _FIELDS.fullmatch(head, first):
            raise DoubtError("a header line that can be read in more than one way")
        lower = head[first - 2 :].lower()
        lengths, codings = set(_LENGTH.findall(lower)), _CODING.findall(lower)
        if len(lengths) > 1 or (codings and (lengths or codings != [b"chunked"] or minor == b"0")):
            raise DoubtError("a body whose length is given in more than one way")
        self.chunked = bool(codings)
        self.length: int | None = None
        for length in lengths:
            if not _NUMBER.fullmatch(length):
                raise DoubtError("a Content-Length that is no number")
            self.length = int(length)
        said = b",".join(_CONNECTION.findall(lower))
        self.last = b"close" in said or (minor == b"0" and b"keep-alive" not in said)


class Parser:
    """The messages of one direction, in whatever pieces their bytes come."""

    __slots__ = ("_chunked", "_exchange", "_kind", "held", "left", "state")

    def __init__(self, kind: str, exchange: "Exchange") -> None:
        self._kind = _START[kind]
        self._exchange = exchange
        self._chunked = False  # the body that is skipped is one chunk of several
        self.held = b""
        self.left = 0
        self.state = HEAD

    @property
    def at_boundary(self) -> bool:
        """Whether the last message is complete, and no byte of another one has come."""
        return self.state == HEAD and not self.held

    def feed(self, data: bytes) -> None:
        """Takes the next bytes. Raises DoubtError."""
        while data:
            if self.state == BODY:
                data = self._body(data)
            elif self.state == HEAD:
                data = self._head(data)
            elif self.state == UNTIL_CLOSED:
                return
            else:
                data = self._chunk_line(data)

    def _body(self, data: bytes) -> bytes:
        """Skips bytes of a body, or of one chunk."""
        if len(data) < self.left:
            self.left -= len(data)
            return b""
        data, self.left = data[self.left :], 0
        if self._chunked:
            self.state = CHUNK_END
        else:
            self.state = HEAD
            self.completed()
        return data

    def _head(self, data: bytes) -> bytes:
        held, self.held = self.held, b""
        data = held + data if held else data
        end = data.find(b"\r\n\r\n", max(0, len(held) - 3))
        if end < 0:
            start = data[:24]
            if len(data) > MAX_HEAD or (len(start) >= 9 and not self._kind.match(start)) or b"\n\n" in data[-4096:]:
                raise DoubtError("this is no head of HTTP/1.1")
            self.held = data
            return b""
        if end > MAX_HEAD:
            raise DoubtError("a head that is too long")
        self.begun(data[: end + 4])
        return data[end + 4 :]

    def _chunk_line(self, data: bytes) -> bytes:
        """One line between chunks: a size, the end of a chunk, or a line of the trailer section."""
        held, self.held = self.held, b""
        data = held + data if held else data
        end = data.find(b"\n")
        if end < 0:
            if len(data) > MAX_HEAD:
                raise DoubtError("a line of a chunk that is too long")
            self.held = data
            return b""
        line, rest = data[: end + 1], data[end + 1 :]
        if self.state == CHUNK:
            size = _CHUNK.fullmatch(line)
            if not size:
                raise DoubtError("a chunk whose size cannot be read")
            self.left = int(size.group(1), 16)
            self.state = BODY if self.left else TRAILER
        elif self.state == CHUNK_END:
            if line != b"\r\n":
                raise DoubtError("a chunk that is longer than its size")
            self.state = CHUNK
        elif line == b"\r\n":
            self.state = HEAD
            self.completed()
        elif not _FIELDS.fullmatch(line + b"\r\n"):
            raise DoubtError("a trailer that can be read in more than one way")
        return rest

    def body(self, fields: Fields) -> bool:
        """Goes on to the body that these fields announce. False where they announce none."""
        self._chunked = fields.chunked
        if fields.chunked:
            self.state = CHUNK
            return True
        if fields.length:
            self.state, self.left = BODY, fields.length
            return True
        return False

    def begun(self, head: bytes) -> None:
        """A whole head has come."""
        raise NotImplementedError

    def completed(self) -> None:
        """A whole message has come."""


class Exchange:
    """Both directions of one connection: which requests wait for their response.

    Attributes:
        open: The methods of the requests whose response is not complete, in their order.
        closing: One side said that it closes the connection after the present message.
    """

    __slots__ = ("closing", "open", "requests", "responses")

    def __init__(self) -> None:
        self.open: list[bytes] = []
        self.closing = False
        self.requests = Requests("request", self)
        self.responses = Responses("response", self)

    @property
    def complete(self) -> bool:
        """Whether every request that has begun has its whole response."""
        return not self.open and not self.closing and self.requests.at_boundary and self.responses.at_boundary

    @property
    def held(self) -> int:
        """How many bytes are kept."""
        return len(self.requests.held) + len(self.responses.held)


class Requests(Parser):
    """The direction of the client."""

    __slots__ = ()

    def begun(self, head: bytes) -> None:
        """A request waits for its response from its head on."""
        line = REQUEST_LINE.match(head)
        if not line or line.group(1) == b"CONNECT" or len(self._exchange.open) >= MAX_OPEN:
            raise DoubtError("a request that is not understood")
        fields = Fields(head, line.end(), line.group(2))
        self._exchange.open.append(line.group(1))
        self._exchange.closing = self._exchange.closing or fields.last
        self.body(fields)


class Responses(Parser):
    """The direction of the server."""

    __slots__ = ()

    def begun(self, head: bytes) -> None:
        """Finds where the response ends (RFC 9112, section 6.3)."""
        line = STATUS_LINE.match(head)
        if not line or not self._exchange.open:
            raise DoubtError("a response to no request")
        fields, status = Fields(head, line.end(), line.group(1)), line.group(2)
        if status == b"101":
            raise DoubtError("the connection speaks another protocol from here on")
        if status < b"200":
            if fields.chunked or fields.length:
                raise DoubtError("an interim response with a body")
            return
        self._exchange.closing = self._exchange.closing or fields.last
        if status in (b"204", b"304") or self._exchange.open[0] == b"HEAD":
            self.completed()
        elif fields.length is None and not fields.chunked:
            self.state = UNTIL_CLOSED
        elif not self.body(fields):
            self.completed()

    def completed(self) -> None:
        """The oldest request has its response."""
        self._exchange.open.pop(0)
