"""Tests of the languages: every text has a translation with the same placeholders, and no translation is unused."""

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from string import Formatter
from typing import Any

import pytest
from tests.unit.render.translatable import named

from katakei.cli.progress import SIGNALED
from katakei.domain.notifications import Language
from katakei.domain.phases import Intent, Phase
from katakei.domain.plan import PlanKind
from katakei.domain.results import Result
from katakei.planning.reasons import PlanCode
from katakei.render import access_reasons, answers, groups, live_table, plan, plan_reasons, reasons
from katakei.render.japanese import CATALOG
from katakei.render.report import summary
from katakei.render.report.page import RESTORE, SERVING
from katakei.render.translation import ENGLISH, translator

JAPANESE = translator(Language.JAPANESE)
TABLES: tuple[Mapping[Any, str], ...] = (
    access_reasons.ACTS,
    answers.DONE,
    groups.HOW,
    live_table.NAMES,
    plan.PART_NAMES,
    reasons.DEFAULTS,
    reasons.EXPIRY,
    reasons.WORK_STATES,
    summary.OUTCOMES,
    SIGNALED,
)
"""The tables whose texts `Translator.of` gets."""
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


def test_every_text_has_a_japanese_one_and_no_more() -> None:
    help_only = {"Commands", "Examples:", "Options", "Show the version and exit.", "Show this message and exit."}
    assert texts() - set(CATALOG.texts) == set()
    assert set(CATALOG.texts) - texts() - help_only == set()


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
