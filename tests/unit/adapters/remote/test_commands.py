"""The commands of a server over its API: what is sent, and how its stream of news is read."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from tests.unit.adapters.remote.fake_server import FakeServer, fake_server
from tests.unit.given import a_plan

from katakei.adapters.remote import transfer
from katakei.adapters.remote.commands import RemoteCommands, updates
from katakei.adapters.remote.http_client import ServerApi, address_of
from katakei.domain import events as e
from katakei.domain.errors import UnreachableError
from katakei.domain.model import RolloutId, TargetId
from katakei.domain.ports.server import RemoteRequest
from katakei.domain.reasons import ReasonCode, reason
from katakei.render.json_data import plain

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
PLAN = a_plan(2)
ROLLOUT = RolloutId("r-1")
WEB = TargetId("i-1")


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with fake_server() as server:
        yield server


def commands(server: FakeServer) -> RemoteCommands:
    return RemoteCommands(ServerApi(address_of(server.url), "kk_secret"))


@pytest.mark.parametrize(
    ("command", "path", "body"),
    [
        (e.PauseAsked(NOON, "kim"), "pause", {}),
        (e.ResumeAsked(NOON, "kim"), "resume", {}),
        (e.AbortAsked(NOON, "kim"), "abort", {}),
        (e.RevertAsked(NOON, "kim"), "revert", {}),
        (e.RetryAsked(NOON, "kim", (WEB,)), "retry", {"targets": ["i-1"], "again": True}),
        (e.Approved(NOON, "kim", WEB), "work-done", {"targets": ["i-1"]}),
        (e.PromoteAsked(NOON, "kim"), "promote", {}),
        (e.GateAnswered(NOON, "kim", "go live", True), "gates/go%20live/approve", {}),
        (e.GateAnswered(NOON, "kim", "go", False), "gates/go/deny", {}),
        (e.GateSkipped(NOON, "kim", "go", "urgent"), "gates/go/skip", {"reason": "urgent"}),
    ],
)
def test_command_of_a_person_becomes_its_request(
    server: FakeServer, command: e.UserCommand, path: str, body: dict[str, object]
) -> None:
    commands(server).tell(ROLLOUT, command)
    (asked,) = server.asked
    assert (asked.method, asked.path, json.loads(asked.body)) == ("POST", f"/api/v1/rollouts/r-1/{path}", body)


def test_plan_comes_back_as_the_server_made_it(server: FakeServer) -> None:
    written = transfer.plan_written(PLAN)
    server.says(200, {"recorded": written, "restore": ["aws 1"], "restore_held": ["aws 2"], "digest": "d"})
    planned = commands(server).plan(RemoteRequest("shop", "v9", ("i-1",), force=True))
    assert (planned.plan, planned.restore_lines, planned.restore_held) == (PLAN, ("aws 1",), ("aws 2",))
    assert planned.digest == "d"
    accept = {"force": True, "only_these_groups": False, "ignore_draining": False}
    assert json.loads(server.asked[0].body) == {"release": "v9", "only": ["i-1"], "accept": accept}


def test_plan_for_some_targets_says_so_only_then(server: FakeServer) -> None:
    written = transfer.plan_written(PLAN)
    server.says(200, {"recorded": written, "restore": [], "restore_held": [], "digest": "d"})
    commands(server).plan(RemoteRequest("shop", "v9", limit=3, only_outdated=True))
    body = json.loads(server.asked[0].body)
    assert (body["limit"], body["only_outdated"]) == (3, True)


@pytest.mark.parametrize("digest", ["d", None])
def test_start_confirms_the_plan_that_was_shown(server: FakeServer, digest: str | None) -> None:
    server.says(201, {"rollout": "r-1"})
    assert commands(server).start(RemoteRequest("web shop", "v9", as_recorded=True), digest) == "r-1"
    (asked,) = server.asked
    assert asked.path == "/api/v1/services/web%20shop/rollouts"
    body = json.loads(asked.body)
    assert (body["release"], body["as_recorded"], body.get("digest")) == ("v9", True, digest)


@pytest.mark.parametrize("answer", [{}, [], {"rollout": 7}, {"rollout": None}])
def test_answer_without_its_field_is_one_sentence(server: FakeServer, answer: object) -> None:
    server.says(200, answer)
    with pytest.raises(UnreachableError, match="use the version of Katakei that the server has"):
        commands(server).start(RemoteRequest("shop"), None)


def frames(*parts: tuple[str, object]) -> Iterator[bytes]:
    for kind, data in parts:
        yield b"id: 3"
        yield f"event: {kind}".encode()
        yield f"data: {json.dumps(data)}".encode()
        yield b""
        yield b": keep-alive"
        yield b""


def test_stream_gives_events_and_what_is_waited_for() -> None:
    event = e.PauseAsked(NOON, "kim")
    why = reason(ReasonCode.ACTING, targets=(WEB,))
    waiting = {"message": "working", "reason": plain(why), "outputs": {"i-1": "line"}}
    seen = list(updates(frames(("recorded", transfer.events_written([event])[0]), ("waiting", waiting))))
    assert seen[0].events == (event,)
    assert (seen[1].why, seen[1].outputs) == (why, {"i-1": "line"})


def test_stream_of_a_newer_server_keeps_its_sentence() -> None:
    waiting = {"message": "new\x1b[2J words", "reason": {"code": "of_tomorrow", "data": {}}}
    (update,) = updates(frames(("waiting", waiting), ("of_tomorrow", {})))
    assert update.why is not None
    assert "words" in str(dict(update.why.data)["text"])
    assert "\x1b" not in str(dict(update.why.data)["text"])


def test_stream_that_ends_without_a_reason_just_ends() -> None:
    assert list(updates(frames(("ended", {"number": 9})))) == []
    with pytest.raises(UnreachableError, match="the token was revoked"):
        list(updates(frames(("ended", {"message": "the token was revoked", "exit_code": 5}))))


@pytest.mark.parametrize("data", [b"data: {", b"data: 7"])
def test_stream_of_something_else_is_one_sentence(data: bytes) -> None:
    with pytest.raises(UnreachableError, match="cannot be read"):
        list(updates(iter([b"event: recorded", data, b""])))
