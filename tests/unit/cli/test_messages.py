"""The question on a terminal: its answers, and the bound on waiting for one."""

import json
import os
import select
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from tests.properties.builders import seconds

from katakei.cli import messages, run
from katakei.domain.errors import RefusedError

BOUND = seconds(900)


class Keyboard:
    """Standard input as lines; the last wait for one has no answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *lines: bytes) -> None:
        self.waited: list[float] = []
        self._lines: Iterator[bytes] = iter(lines)
        self._next: bytes | None = None
        monkeypatch.setattr(select, "select", self._select)
        monkeypatch.setattr(os, "read", self._read)

    def _select(self, *words: object) -> tuple[list[int], list[int], list[int]]:
        self.waited.append(words[3])  # type: ignore[arg-type]  # the bound
        self._next = next(self._lines, None)
        return ([0] if self._next is not None else []), [], []

    def _read(self, _descriptor: int, _most: int) -> bytes:
        assert self._next is not None
        return self._next


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        (b"y\n", True),
        (b"Yes\n", True),
        (b"n\n", False),
        (b"no\n", False),
        (b"\n", False),
        ("はい\n".encode(), True),
        ("いいえ\n".encode(), False),
    ],
)
def test_ask_takes_yes_or_no(monkeypatch: pytest.MonkeyPatch, typed: bytes, answer: bool) -> None:  # noqa: FBT001 - a case
    keyboard = Keyboard(monkeypatch, typed)
    assert messages.ask("Go on?", BOUND) is answer
    assert keyboard.waited == [900]


def test_ask_repeats_the_question_after_anything_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Keyboard(monkeypatch, b"what\n", b"y\n")
    assert messages.ask("Go on?", BOUND)
    assert capsys.readouterr().err == "Go on? [y/N]: Error: invalid input\nGo on? [y/N]: "


def test_ask_gives_up_after_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    Keyboard(monkeypatch)
    with pytest.raises(RefusedError, match="not confirmed within 15m; nothing was changed"):
        messages.ask("Go on?", BOUND)


def test_ask_is_aborted_by_a_closed_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    Keyboard(monkeypatch, b"")
    with pytest.raises(click.Abort):
        messages.ask("Go on?", BOUND)


def test_every_line_of_an_error_names_the_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "katakei.yml"
    file.write_text("service: shop\nwork: {ssm: {run: 5}}\nwindow: {floor: lots}\nnonsense: 1\n")
    assert run(["plan", "-f", str(file)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) >= 3
    assert all(line.startswith("katakei: katakei.yml:") for line in lines), lines


def test_say_prints_nothing_that_acts(capsys: pytest.CaptureFixture[str]) -> None:
    messages.say("a\x1b]52;c;aGk=\x07\n::error::b ##[c]\u202e")
    assert capsys.readouterr().out == "a\\x1b]52;c;aGk=\\x07\n\\x3a:error::b \\x23#[c]\\u202e\n"


def test_say_json_escapes_what_acts_and_keeps_the_value(capsys: pytest.CaptureFixture[str]) -> None:
    messages.say_json({"name": "片系\x9b2J##[c]"})
    line = capsys.readouterr().out
    assert line == '{"name": "片系\\u009b2J\\u0023#[c]"}\n'
    assert json.loads(line) == {"name": "片系\x9b2J##[c]"}
