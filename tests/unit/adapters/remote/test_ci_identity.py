"""The identity of a CI job: where its token comes from, and its exchange at the server."""

import json
from collections.abc import Iterator

import pytest
from tests.unit.adapters.remote.fake_server import FakeServer, fake_server

from katakei.adapters.remote.ci_identity import exchanged, identity
from katakei.adapters.remote.http_client import ServerApi, address_of
from katakei.domain.errors import UnreachableError


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with fake_server() as server:
        yield server


def test_job_without_a_token_has_no_identity() -> None:
    assert identity({}, "https://rolls.example.com") == ""
    assert identity({"ACTIONS_ID_TOKEN_REQUEST_URL": "https://x"}, "https://rolls.example.com") == ""


def test_gitlab_token_comes_from_its_variable() -> None:
    assert identity({"KATAKEI_ID_TOKEN": " a.b.c\n"}, "https://rolls.example.com") == "a.b.c"


def test_github_token_is_asked_for_this_server(server: FakeServer) -> None:
    server.says(200, {"value": "a.b.c"})
    env = {
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{server.url}/token?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "runner",
    }
    assert identity(env, "https://rolls.example.com") == "a.b.c"
    (asked,) = server.asked
    assert asked.path == "/token?api-version=2.0&audience=https%3A%2F%2Frolls.example.com"
    assert asked.headers["Authorization"] == "Bearer runner"


@pytest.mark.parametrize("body", [{}, {"value": ""}, {"value": 7}, []])
def test_github_that_gives_no_token_is_one_sentence(server: FakeServer, body: object) -> None:
    server.says(200, body)
    env = {"ACTIONS_ID_TOKEN_REQUEST_URL": server.url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "runner"}
    with pytest.raises(UnreachableError, match="id-token: write"):
        identity(env, "https://rolls.example.com")


def test_token_is_exchanged_for_one_service(server: FakeServer) -> None:
    server.says(201, {"secret": "kk_short", "expires": "2026-11-28T12:00:00+00:00"})
    assert exchanged(ServerApi(address_of(server.url), ""), "a.b.c", "shop") == "kk_short"
    assert json.loads(server.asked[0].body) == {"token": "a.b.c", "service": "shop"}
    server.says(200, {})
    with pytest.raises(UnreachableError, match="gave no token"):
        exchanged(ServerApi(address_of(server.url), ""), "a.b.c", "shop")
