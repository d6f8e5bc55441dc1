"""Tests of the languages: every text has a translation with the same placeholders, and no translation is unused."""

import re
from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from string import Formatter
from typing import Any

import click
import pytest
from tests.unit.render.translatable import named, raised, shape, written

from katakei.cli import katakei
from katakei.cli.help_text import TranslatedFormatter
from katakei.cli.progress import SIGNALED
from katakei.domain.access import RIGHTS
from katakei.domain.notifications import Language
from katakei.domain.phases import Intent, Phase
from katakei.domain.plan import PlanKind
from katakei.domain.results import Result
from katakei.planning.reasons import PlanCode
from katakei.render import (
    access_reasons,
    answers,
    diagnosis,
    groups,
    live_table,
    plan,
    plan_reasons,
    reasons,
)
from katakei.render import switch as switch_text
from katakei.render.japanese import CATALOG, errors, outside, preparation, switch
from katakei.render.report import summary
from katakei.render.report.page import RESTORE, SERVING
from katakei.render.translation import ENGLISH, Translator, translator

JAPANESE = translator(Language.JAPANESE)
TABLES: tuple[Mapping[Any, str], ...] = (
    access_reasons.ACTS,
    {act: right.meaning for act, right in RIGHTS.items()},
    answers.DONE,
    diagnosis.ADVICE,
    diagnosis.LEVELS,
    diagnosis.SENTENCES,
    diagnosis.TOPICS,
    groups.HOW,
    live_table.NAMES,
    plan.DISRUPTIONS,
    plan.PART_NAMES,
    plan_reasons.WHY_NOT_STOPPED,
    plan_reasons.ROUTE_TROUBLES,
    switch_text.PHASES,
    reasons.DEFAULTS,
    reasons.EXPIRY,
    reasons.WORK_STATES,
    summary.OUTCOMES,
    SIGNALED,
)
"""The tables whose texts `Translator.of` gets."""


class _Number(str):
    """A value that fits every placeholder: also one that counts."""

    __slots__ = ()

    def __format__(self, noun: str) -> str:
        return f"3 {noun}s" if noun else "3"


NUMBERS = _Number("3")
LIST_END = " and {more} more"
SENTENCES: dict[str, str] = dict(
    reasons.SENTENCES.items() | plan_reasons.SENTENCES.items() | access_reasons.SENTENCES.items()
)
NAMED: tuple[type[Enum], ...] = (Phase, Result, Intent, PlanKind)


def fields(template: str) -> set[str]:
    """The names of the placeholders of a template."""
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def texts() -> set[str]:
    """Every English text that a translator gets."""
    tables = {text for table in TABLES for text in table.values() if text}
    return {*named(), *tables, SERVING, RESTORE, LIST_END}


def helps() -> set[str]:
    """Every text that the help of all commands shows, asked for as a reader of Japanese."""
    asked: set[str] = set()

    class Noted(Translator):
        def of(self, text: str) -> str:
            asked.add(text)
            return super().of(text)

    def walk(command: click.Command, context: click.Context) -> None:
        formatter = TranslatedFormatter(Noted(JAPANESE.language, JAPANESE.catalog), 80, 80)
        command.format_help(context, formatter)
        inner = command.list_commands(context) if isinstance(command, click.Group) else []
        for name in inner:
            found = command.get_command(context, name) if isinstance(command, click.Group) else None
            assert found is not None
            walk(found, click.Context(found, info_name=name, parent=context))

    walk(katakei, click.Context(katakei, info_name="katakei"))
    return {text for text in asked if not text.startswith("\b")}


def test_every_help_text_has_a_japanese_one() -> None:
    assert helps() - set(CATALOG.texts) == set()


WORDS = re.compile("[a-z]{3}")
PACKAGES = ("app", "cli", "config", "planning", "runtime", "bootstrap", "remote_bootstrap", "domain", "web", "workers")
"""The packages whose errors are all translated. Adapters say many rare things, of which the usual ones are."""


@pytest.mark.parametrize("package", PACKAGES)
def test_every_error_of_a_package_is_known_in_japanese(package: str) -> None:
    known = {shape(template) for template in CATALOG.known}
    said = {text for text in raised(package) if WORDS.search(text.replace("{}", ""))}
    assert said - known == set()


def test_no_known_sentence_is_unused() -> None:
    unused = {
        each
        for each in {**errors.TEXTS, **outside.TEXTS, **preparation.KNOWN, **switch.KNOWN}
        if shape(each) not in written()
    }
    assert unused == set()


@pytest.mark.parametrize("template", sorted(CATALOG.known))
def test_known_sentence_names_no_other_placeholder(template: str) -> None:
    japanese = CATALOG.known[template]
    forms = {form for _, name, form, _ in Formatter().parse(japanese) if name is not None}
    assert fields(japanese) <= fields(template)
    assert forms <= {"", "text", "lines", "span", "list"}
    filled = template.format(**dict.fromkeys(fields(template), NUMBERS))
    assert JAPANESE.known(filled) != filled


@pytest.mark.parametrize(
    ("english", "japanese"),
    [
        ("not confirmed within 15m; nothing was changed", "15分以内に確認されませんでした。何も変更していません"),
        (
            "there is no command 'rol'; did you mean roll?",
            "コマンド 'rol' はありません。もしかして: roll",
        ),
        ("3 connections, none holds a request", "接続 3 件、処理中のリクエストなし"),
        ("1 connection, none holds a request", "接続 1 件、処理中のリクエストなし"),
        (
            "which rollout? 7 are not finished: a, b, c, d, e and 2 more",
            "どのロールアウトか指定してください。未完了が 7 件あります: a, b, c, d, e ほか 2 件",
        ),
        ("- not confirmed; nothing was changed", "- not confirmed; nothing was changed"),
        ("exit status {0}", "exit status {0}"),
        (
            "Invalid value for '--timeout': 0 is not in the range 1<=x<=9.",
            "'--timeout' の値が正しくありません: 0 は範囲 1<=x<=9 の外です",
        ),
        ("", ""),
    ],
)
def test_finished_sentence_is_found_again(english: str, japanese: str) -> None:
    assert JAPANESE.known(english) == japanese
    assert ENGLISH.known(english) == english


def test_every_text_has_a_japanese_one_and_no_more() -> None:
    assert texts() - set(CATALOG.texts) == set()
    assert set(CATALOG.texts) - texts() - helps() == set()


@pytest.mark.parametrize("text", sorted(CATALOG.texts))
def test_japanese_text_has_the_same_placeholders(text: str) -> None:
    assert fields(CATALOG.texts[text]) == fields(text)


def test_every_reason_has_a_japanese_sentence_and_no_more() -> None:
    assert set(CATALOG.reasons) == {str(code) for code in SENTENCES}
    assert {str(code) for code in PlanCode} <= set(CATALOG.reasons)


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_japanese_sentence_shows_every_fact(code: str) -> None:
    japanese = CATALOG.reasons[code]
    assert fields(japanese) == fields(SENTENCES[code])
    assert not japanese.endswith("。")


def test_every_named_value_has_a_japanese_word() -> None:
    assert set(CATALOG.names) == {(kind.__name__, value.value) for kind in NAMED for value in kind}


@pytest.mark.parametrize(
    ("length", "english", "japanese"),
    [
        (timedelta(seconds=45), "45s", "45秒"),
        (timedelta(seconds=72), "1m 12s", "1分12秒"),
        (timedelta(minutes=5), "5m", "5分"),
        (timedelta(hours=2, minutes=5), "2h 05m", "2時間5分"),
        (timedelta(hours=1, seconds=20), "1h 00m", "1時間0分"),
    ],
)
def test_duration_is_written_in_each_language(length: timedelta, english: str, japanese: str) -> None:
    assert (ENGLISH.span(length), JAPANESE.span(length)) == (english, japanese)


def test_long_list_says_how_many_more_there_are() -> None:
    assert ENGLISH.listed("abcdefg") == "a, b, c, d, e and 2 more"
    assert JAPANESE.listed("abcdefg") == "a, b, c, d, e ほか 2 件"


def test_text_without_translation_stays_english() -> None:
    assert JAPANESE.of("nothing of this kind") == "nothing of this kind"
    assert ENGLISH("{failures:target} failed", failures=1) == "1 target failed"
