"""Streams: every event once, resumed where the reader was, shared by all watchers, ended with the rollout."""

import http.client
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.web.stage import API, REGION, WAIT, WebStage, serving

from katakei.domain.model import RolloutId
from katakei.domain.principals import Role
from katakei.web.settings import WebSettings

FAST = WebSettings(keep_alive=timedelta(seconds=0.2), group_interval=timedelta(seconds=0.2))


class Stream:
    """An open stream of server-sent events."""

    def __init__(self, web: WebStage, path: str, token: str, last: str = "") -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=WAIT)
        web.opened.append(self.connection)
        headers = {"Authorization": f"Bearer {token}", **({"Last-Event-ID": last} if last else {})}
        self.connection.request("GET", f"{API}/{path}", headers=headers)
        self.response = self.connection.getresponse()
        web.opened.append(self.response)
        assert self.response.status == 200

    def next(self) -> tuple[str, str, Any]:
        """The id, the name and the data of the next message; a comment is the name ''."""
        found = {"id": "", "event": "", "data": "null"}
        while line := self.response.readline().decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            found[name or "comment"] = value
        return found["id"], found["event"], json.loads(found["data"])

    def until(self, event: str) -> list[tuple[str, str, Any]]:
        """Every message up to the first one of this name."""
        messages = [self.next()]
        while messages[-1][1] != event:
            messages.append(self.next())
        return messages


def finish(web: WebStage, rollout: str) -> None:
    """Takes turns until the rollout is finished; the simulated clock passes."""
    session = web.dispatch.sessions[RolloutId(rollout)]
    for _ in session.turns():
        pass


def test_finished_rollout_is_sent_and_ended(web: WebStage) -> None:
    token, rollout = web.token(), web.start(web.token())
    finish(web, rollout)
    messages = Stream(web, f"rollouts/{rollout}/events", token).until("ended")
    numbers = [int(number) for number, name, _ in messages if name == "recorded"]
    assert numbers == list(range(1, len(numbers) + 1))
    assert messages[0][2]["kind"] == "Planned"
    assert messages[-2][2]["kind"] == "Finished"
    assert messages[-1][2] == {"number": len(numbers)}


@pytest.mark.parametrize("last", ["3", "1"])
def test_stream_goes_on_after_last_event_id(web: WebStage, last: str) -> None:
    token, rollout = web.token(), web.start(web.token())
    finish(web, rollout)
    numbers = [int(each[0]) for each in Stream(web, f"rollouts/{rollout}/events", token, last).until("ended")[:-1]]
    assert numbers[0] == int(last) + 1
    assert numbers == list(range(numbers[0], numbers[-1] + 1))


@pytest.mark.parametrize("last", ["-1", "x", "99999", "9" * 400, "1.5"])
def test_nonsense_as_last_event_id_is_harmless(web: WebStage, last: str) -> None:
    token, rollout = web.token(), web.start(web.token())
    finish(web, rollout)
    assert Stream(web, f"rollouts/{rollout}/events", token, last).until("ended")


def test_open_stream_gets_new_events_and_comments(tmp_path: Path) -> None:
    with serving(tmp_path, FAST) as web:
        token, rollout = web.token(), web.start(web.token())
        stream = Stream(web, f"rollouts/{rollout}/events", token)
        assert stream.next()[2]["kind"] == "Planned"
        assert stream.next()[1] == ""
        web.ask("POST", f"{API}/rollouts/{rollout}/pause", {}, token=token)
        assert stream.until("recorded")[-1][2]["kind"] == "PauseAsked"


def test_watchers_of_a_group_cost_one_question(tmp_path: Path) -> None:
    with serving(tmp_path, FAST) as web:
        token = web.token()
        streams = [Stream(web, f"groups/{REGION}/web/events", token) for _ in range(20)]
        assert {each.next()[1] for each in streams} == {"group"}
        for each in streams:
            each.next()
        assert web.context.hub.watched == (0, 1)
        assert len(web.source.lister.asked) < 20


def test_end_of_the_server_ends_streams(tmp_path: Path) -> None:
    with serving(tmp_path, FAST) as web:
        stream = Stream(web, f"groups/{REGION}/web/events", web.token())
        stream.next()
        web.end()
        stream.response.read()


def test_logs_are_lines_of_json(web: WebStage) -> None:
    token, rollout = web.token(), web.start(web.token())
    finish(web, rollout)
    lines = web.ask("GET", f"{API}/rollouts/{rollout}/logs?follow=true", token=token).text.splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["WorkEnded"] * 2
    target = json.loads(lines[0])["key"]["target"]
    only = web.ask("GET", f"{API}/rollouts/{rollout}/logs?target={target}", token=token).text.splitlines()
    assert only == lines[:1]


def test_viewer_may_watch(web: WebStage) -> None:
    rollout = web.start(web.token())
    assert Stream(web, f"rollouts/{rollout}/events", web.token(Role.VIEWER, "shop")).next()[1] == "recorded"
