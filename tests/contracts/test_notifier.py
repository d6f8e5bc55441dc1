"""The notifier against a real HTTP receiver on loopback, and secrets that are nowhere to be seen."""

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from katakei.adapters.notifiers.apprise_notifier import MAX_LATE, AppriseNotifier
from katakei.domain.errors import NoAnswerError, RejectedError
from katakei.domain.notifications import Message, SecretPlace

# A plugin of apprise imports a module that Python 3.13 no longer has; it brings its own replacement.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
CHAT = SecretPlace(variable="CHAT_URL")
MESSAGE = Message("r-1 of shop is done", "Release: v42\nDone: 2 of 2 targets in 1m")
SOON = timedelta(seconds=20)
SECRET = "t0psecret"  # noqa: S105 - of this test


@dataclass
class Receiver:
    """What a chat service heard.

    Attributes:
        statuses: The answers, the first one first; 200 when none is left.
        drips: It sends the answer byte by byte, for ever, until `ended`.
    """

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    drips: bool = False
    heard: list[dict[str, Any]] = field(default_factory=list)
    ended: Event = field(default_factory=Event)


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
            self.send_header("Content-Length", "1000" if receiver.drips else "0")
            self.end_headers()
            while receiver.drips and not receiver.ended.wait(0.2):
                self.wfile.write(b"x")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"json://user:{SECRET}@127.0.0.1:{server.server_port}/{SECRET}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield receiver
        finally:
            receiver.ended.set()
            server.shutdown()
            thread.join()


@pytest.fixture
def chat() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def test_message_arrives_as_plain_text(chat: Receiver) -> None:
    AppriseNotifier({"CHAT_URL": chat.url}).send(CHAT, MESSAGE, SOON)
    (heard,) = chat.heard
    assert (heard["title"], heard["message"]) == (MESSAGE.title, MESSAGE.body)


def test_text_is_neither_a_template_nor_an_escape(chat: Receiver) -> None:
    odd = Message("{{ 7*7 }} %(x)s", "a\\nb {{env}} $HOME <b>")
    AppriseNotifier({"CHAT_URL": chat.url}).send(CHAT, odd, SOON)
    assert (chat.heard[0]["title"], chat.heard[0]["message"]) == (odd.title, odd.body)


def test_url_is_read_from_a_file_at_each_send(chat: Receiver, tmp_path: Path) -> None:
    file = tmp_path / "chat"
    notifier, place = AppriseNotifier({}), SecretPlace(file=str(file))
    with pytest.raises(RejectedError, match=r"chat cannot be read \(No such file or directory\)"):
        notifier.send(place, MESSAGE, SOON)
    file.write_text(f"{chat.url}\n")
    notifier.send(place, MESSAGE, SOON)
    assert len(chat.heard) == 1


@pytest.mark.parametrize("content", ["", "a\nb", "x" * 9000])
def test_file_must_hold_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "chat").write_text(content)
    with pytest.raises(RejectedError, match="must hold one line with the secret"):
        AppriseNotifier({}).send(SecretPlace(file=str(tmp_path / "chat")), MESSAGE, SOON)


def test_missing_variable_is_named(chat: Receiver) -> None:
    notifier = AppriseNotifier({"CHAT_URL": " "})
    with pytest.raises(RejectedError, match="the environment variable CHAT_URL is not set"):
        notifier.send(CHAT, MESSAGE, SOON)
    assert notifier.lacks(CHAT) == "the environment variable CHAT_URL is not set, which notify needs"
    assert AppriseNotifier({"CHAT_URL": chat.url}).lacks(CHAT) is None


@pytest.mark.parametrize("url", [f"nonsense://{SECRET}", SECRET, f"slack://{SECRET}"])
def test_unknown_url_is_rejected_without_quoting_it(url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(RejectedError, match="apprise does not know the URL in CHAT_URL") as raised:
        AppriseNotifier({"CHAT_URL": url}).send(CHAT, MESSAGE, SOON)
    assert SECRET not in str(raised.value)
    assert SECRET not in caplog.text


def test_failure_shows_no_secret_anywhere(
    chat: Receiver, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG, "katakei")
    chat.statuses = [500]
    with pytest.raises(NoAnswerError, match="the service did not accept the message") as raised:
        AppriseNotifier({"CHAT_URL": chat.url}).send(CHAT, MESSAGE, SOON)
    out = capfd.readouterr()
    for text in (str(raised.value), caplog.text, out.out, out.err):
        assert SECRET not in text
    assert out.err == ""


def test_send_is_bounded_while_an_answer_drips(chat: Receiver) -> None:
    chat.drips = True
    notifier = AppriseNotifier({"CHAT_URL": chat.url})
    for _ in range(MAX_LATE):
        begun = time.monotonic()
        with pytest.raises(NoAnswerError, match=r"no answer within 0\.5 s"):
            notifier.send(CHAT, MESSAGE, timedelta(seconds=0.5))
        assert time.monotonic() - begun < 30
    with pytest.raises(NoAnswerError, match="4 earlier messages are still being sent"):
        notifier.send(CHAT, MESSAGE, timedelta(seconds=0.5))


def test_nobody_listens_is_no_answer() -> None:
    with pytest.raises(NoAnswerError):
        AppriseNotifier({"CHAT_URL": "json://127.0.0.1:9/x"}).send(CHAT, MESSAGE, SOON)
