"""Tests of the values that a shell gets: what was found in time, whatever goes wrong."""

import threading
from collections.abc import Iterator
from typing import Any

import click
import pytest

from katakei.cli import completion


def context() -> click.Context:
    made = click.Context(click.Command("status"))
    made.params = {"profile": None, "region": None, "journal": None}
    return made


def test_values_found_in_time_count_although_a_call_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "PATIENCE", 0.2)
    over = threading.Event()

    def find(_drivers: Any) -> Iterator[tuple[str, str]]:
        yield "web", ""
        over.wait(60)
        yield "late", ""

    assert completion.within_patience(context(), find) == {"web": ""}
    over.set()


def test_values_found_before_an_error_count() -> None:
    def find(_drivers: Any) -> Iterator[tuple[str, str]]:
        yield "web", "first"
        yield "web", "second"
        yield "", "no name"
        raise ValueError("no answer")

    assert completion.within_patience(context(), find) == {"web": "first"}


def test_items_fit_what_was_typed_and_are_not_too_many() -> None:
    found = {f"web-{number}": "a" for number in range(99)} | {"api": ""}
    assert [item.value for item in completion.items(found, "ap")] == ["api"]
    assert completion.items(found, "api")[0].help is None
    assert len(completion.items(found, "web")) == completion.MOST
