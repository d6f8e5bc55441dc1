"""Text from outside: one harmless line, harmless output, harmless JSON with the same value."""

import json
import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from katakei.domain.outside_text import escaped_json, harmless, hidden, one_line
from katakei.domain.reasons import ReasonCode, reason

PIECES = (
    *("\n", "\r", "\r\n", "\t", " ", "\x00", "\x1b[31m", "\x1b]52;c;aGk=\x07", "\x9b2J", "\x85", "\x7f", "\u2028"),
    *("\u202e", "\u2066", "\u200b", "\ufeff", "\U000e0041", "\ud800", "\uffff", "\x1c", "\v", "\f", "\u3000", "\xa0"),
    *("::", ":", "::error::x", "##[error]x", "##vso[x]", "#", "##teamcity[x]", "web", "片系", "\\", '"', "&", "<b>"),
)
HOSTILE = st.lists(st.sampled_from(PIECES) | st.characters(), max_size=12).map("".join)
SEEN_FORMATS = {0x6DD, 0x70F, 0x8E2, 0x890, 0x891, 0x110BD, 0x110CD, *range(0x600, 0x606)}  # Arabic and Kaithi signs


def commands(text: str) -> list[str]:
    """The lines on which a CI system would act, as GitHub's runner reads them: `::` after white space, `##[` anywhere.

    Azure Pipelines and TeamCity read `##name[` in the same way.
    """
    lines = [line.strip() for line in text.split("\n")]
    return [line for line in lines if line.startswith("::") or any(f"##{name}[" in line for name in ("", "vso"))]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("web-1", "web-1"),
        (" web 1\t", "web 1"),
        ("web\r\n::error::x", r"web ::error::x"),
        ("::stop-commands::x", r"\x3a:stop-commands::x"),
        ("\x1b[1mweb\x1b[0m ##[error]x", r"web \x23#[error]x"),
        ("web\u202e\x9b2J", r"web\u202e\x9b2J"),
        ("\U000e0041\ud800", r"\U000e0041\ud800"),
        ("片系 👍 葛󠄀", "片系 👍 葛󠄀"),
    ],
)
def test_one_line_writes_out_what_could_act(text: str, seen: str) -> None:
    assert one_line(text) == seen


@given(HOSTILE)
def test_one_line_is_one_harmless_line(text: str) -> None:
    line = one_line(text)
    assert not hidden(line)
    assert len(line.splitlines()) <= 1
    assert commands(line) == []
    assert one_line(line) == line


@given(HOSTILE)
def test_harmless_keeps_lines_and_nothing_that_acts(text: str) -> None:
    plain = harmless(text)
    assert not hidden(plain)
    assert plain.count("\n") == text.count("\n")
    assert commands(plain) == []
    assert harmless(plain) == plain


@given(HOSTILE)
@example("\u202e \U000e0041 ##")
def test_escaped_json_keeps_the_value(text: str) -> None:
    line = escaped_json(json.dumps({"name": text}, ensure_ascii=False))
    assert json.loads(line) == {"name": text}
    assert not hidden(line)
    assert commands(line) == []


def test_hidden_knows_every_control_and_format_character() -> None:
    unseen = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    acting = {number for number in range(sys.maxunicode + 1) if unicodedata.category(chr(number)) in unseen}
    assert [hex(number) for number in acting - SEEN_FORMATS - {9, 10} if not hidden(chr(number))] == []


def test_reason_makes_its_facts_one_line() -> None:
    assert reason(ReasonCode.WORK_REFUSED, text="no\n::error::space\x1b").value("text") == r"no ::error::space\x1b"
