"""The client of a server: what it sends, and which error each answer becomes."""

import json
import socket
from collections.abc import Iterator

import pytest
from tests.unit.adapters.remote.fake_server import FakeServer, fake_server

from katakei.adapters.remote.http_client import Address, ServerApi, address_of, segment
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


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with fake_server() as server:
        yield server


def api(server: FakeServer, token: str = "kk_secret") -> ServerApi:  # noqa: S107 - of this test
    return ServerApi(address_of(server.url), token)


def told(exit_code: int, message: str = "the floor forbids it", code: str = "refused") -> dict[str, object]:
    return {"error": {"code": code, "message": message, "exit_code": exit_code}}


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://rolls.example.com", Address("https://rolls.example.com", "")),
        ("https://rolls.example.com/", Address("https://rolls.example.com", "")),
        ("https://rolls.example.com:8443/katakei/", Address("https://rolls.example.com:8443", "/katakei")),
        ("http://127.0.0.1:8480", Address("http://127.0.0.1:8480", "")),
        ("http://localhost:8480", Address("http://localhost:8480", "")),
        ("http://[::1]:8480", Address("http://[::1]:8480", "")),
    ],
)
def test_address_of_a_server_is_read(url: str, address: Address) -> None:
    assert address_of(url) == address


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("rolls.example.com", "not the URL of a server"),
        ("ftp://rolls.example.com", "not the URL of a server"),
        ("https://", "not the URL of a server"),
        ("https://rolls.example.com/?a=1", "not the URL of a server"),
        ("https://kim:secret@rolls.example.com", "holds a password"),
        ("http://rolls.example.com", "unencrypted"),
        ("http://10.0.0.1:8480", "unencrypted"),
        ("https://rolls.example.com:port", "not a URL"),
    ],
)
def test_bad_address_of_a_server_is_refused(url: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        address_of(url)
    assert "secret" not in str(caught.value)


def test_request_carries_the_token_and_plain_json(server: FakeServer) -> None:
    server.says(200, {"rollouts": []})
    assert api(server).post("/api/v1/x", {"release": "v9"}) == {"rollouts": []}
    (asked,) = server.asked
    assert (asked.method, asked.path, json.loads(asked.body)) == ("POST", "/api/v1/x", {"release": "v9"})
    assert asked.headers["Authorization"] == "Bearer kk_secret"
    assert asked.headers["Content-Type"] == "application/json"


def test_query_leaves_out_what_is_absent(server: FakeServer) -> None:
    api(server, "").get("/api/v1/x", {"service": None, "unfinished": True, "after": 0, "off": False, "group": "a/b c"})
    assert server.asked[0].path == "/api/v1/x?unfinished=true&after=0&group=a%2Fb+c"
    assert "Authorization" not in server.asked[0].headers


@pytest.mark.parametrize(
    ("status", "exit_code", "code", "kind"),
    [
        (404, 2, "not_found", UsageError),
        (422, 2, "invalid", UsageError),
        (409, 4, "lease_held", LeaseHeldError),
        (409, 4, "refused", RefusedError),
        (401, 5, "unauthorized", UnreachableError),
        (403, 5, "forbidden", UnreachableError),
        (429, 5, "too_many", NoAnswerError),
        (500, 130, "internal", UnreachableError),
        (502, 5, "unreachable", UnreachableError),
        (503, 5, "no_answer", NoAnswerError),
    ],
)
def test_error_of_the_server_becomes_its_kind(
    server: FakeServer, status: int, exit_code: int, code: str, kind: type[KatakeiError]
) -> None:
    server.says(status, told(exit_code, code=code))
    with pytest.raises(KatakeiError, match="the floor forbids it") as caught:
        api(server).get("/api/v1/x")
    assert type(caught.value) is kind


@pytest.mark.parametrize("body", [b"", b"<html>nginx</html>", b"[]", b'{"error": 7}', b"\xff"])
@pytest.mark.parametrize("status", [200, 404, 401])
def test_answer_of_something_else_is_one_clear_sentence(server: FakeServer, status: int, body: bytes) -> None:
    server.says(status, body)
    if (status, body) in {(200, b""), (200, b"[]"), (200, b'{"error": 7}')}:
        api(server).get("/api/v1/x")
        return
    with pytest.raises(UnreachableError, match=r"check the URL|give a valid one in KATAKEI_TOKEN") as caught:
        api(server).get("/api/v1/x")
    assert caught.value.code is ExitCode.UNREACHABLE


def test_redirect_is_refused_and_the_token_goes_nowhere(server: FakeServer) -> None:
    with fake_server() as other:
        server.says(302, b"", {"Location": f"{other.url}/steal"})
        with pytest.raises(UnreachableError, match="status 302"):
            api(server).get("/api/v1/x")
        assert other.asked == []


def test_sentence_of_the_server_is_harmless(server: FakeServer) -> None:
    server.says(403, told(5, "no\x1b[2Jscreen" + "x" * 9000))
    with pytest.raises(UnreachableError) as caught:
        api(server).get("/api/v1/x")
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) <= 2000


def test_server_that_is_down_may_come_back() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(TemporarilyUnavailableError, match="cannot be reached") as caught:
            ServerApi(address_of(url), "kk_secret").get("/api/v1/x")
    assert "kk_secret" not in str(caught.value)


def test_connection_that_is_cut_is_no_answer(server: FakeServer) -> None:
    server.says(200, b"{}", {"Transfer-Encoding": "chunked"})  # no chunk follows
    with pytest.raises((NoAnswerError, UnreachableError)):
        api(server).get("/api/v1/x")


def test_stream_gives_lines_and_names_the_last_event(server: FakeServer) -> None:
    server.says(200, b"id: 8\r\ndata: {}\n\n: alive\n", {"Content-Type": "text/event-stream"})
    with api(server).stream("/api/v1/x", 7) as lines:
        assert list(lines) == [b"id: 8", b"data: {}", b"", b": alive"]
    assert server.asked[0].headers["Last-Event-ID"] == "7"


def test_stream_that_is_refused_says_why(server: FakeServer) -> None:
    server.says(404, told(2, "no rollout r-1"))
    with pytest.raises(UsageError, match="no rollout r-1"), api(server).stream("/api/v1/x", 0):
        pass


def test_segment_cannot_leave_its_place_in_the_path() -> None:
    assert segment("../a/b?c#d") == "..%2Fa%2Fb%3Fc%23d"
