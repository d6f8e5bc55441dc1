"""The present command as words: what the commands of a recap repeat, and what they do not."""

import click
import pytest

from katakei.cli import katakei
from katakei.cli.invocation import invocation
from katakei.render.recap import Invocation


def typed(name: str, *words: str) -> Invocation:
    command = katakei.get_command(click.Context(katakei), name)
    assert command is not None
    with command.make_context(name, list(words)):
        return invocation()


def test_invocation_repeats_the_words_of_roll(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KATAKEI_JOURNAL", "s3://from/environment")
    words = ("web", "--run", "a && b", "--only", "x", "--only", "y", "--force", "--release", "v1", "--yes", "-v")
    where = ("--region", "eu-west-1", "--profile", "p", "--json")
    assert typed("roll", *words, *where) == Invocation(
        ("roll", "web", "--run", "a && b", "--only", "x", "--only", "y", "--force"),
        ("--profile", "p", "--region", "eu-west-1"),
    )


def test_invocation_of_another_command_repeats_where_aws_is() -> None:
    assert typed("abort", "r-1", "--journal", "j.db") == Invocation((), ("--journal", "j.db"))


def test_invocation_outside_a_command_is_empty() -> None:
    assert invocation() == Invocation()
