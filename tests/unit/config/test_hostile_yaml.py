"""Hostile and broken YAML: each text is a configuration, or has short faults with their lines."""

import re
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from katakei import config
from katakei.config import text_files
from katakei.config.validation import validate
from katakei.config.yaml_document import LONGEST, MAX_VALUES, read
from katakei.domain.errors import UsageError
from katakei.domain.outside_text import hidden

SMALL = "service: shop\nbalancer: {alb: {target_groups: [web]}}\nwork: {ssm: {run: ./deploy}}\n"
FAULT = re.compile(r"k\.yml:[1-9]\d*: \S.*")
EXAMPLE = (Path(__file__).parents[3] / "docs" / "katakei.yml.example").read_text(encoding="utf-8")
DEEP = "is too deep or too long"


def faults(text: str) -> list[str]:
    """The faults of a text; empty when it is a configuration. Each is one short printable line."""
    try:
        validate(read(text, "k.yml"))
    except UsageError as fault:
        lines = str(fault).split("\n")
        assert [line for line in lines if not FAULT.fullmatch(line)] == []
        assert max(map(len, lines)) <= 2 * LONGEST + 30
        assert not any(hidden(line) for line in lines)
        return lines
    return []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"window: {{max_unavailable: {'9' * 5000}}}", "k.yml:4: window.max_unavailable: '9999"),
        (f"window: {{max_unavailable: '{'9' * 5000}'}}", "k.yml:4: window.max_unavailable: '9999"),
        (f"check: {{http: {{path: /x, port: {'9' * 5000}}}}}", "k.yml:4: check.http.port: must be a whole number"),
        ("window: {max_unavailable: !!int '+-5'}", "k.yml:4: window.max_unavailable: '+-5' is neither"),
        ("window: {max_unavailable: !!int ''}", "k.yml:4: window.max_unavailable: '' is neither"),
        ("window: {floor_per_zone: !!int '-'}", "k.yml:4: window.floor_per_zone: must be a whole number"),
        (f"x: {'[' * 5000}{']' * 5000}", f"k.yml:4: {DEEP}"),
        (f"x: {'{a: ' * 3000}{'}' * 3000}", f"k.yml:4: {DEEP}"),
        ("x:\n" + "".join(" " * n + "a:\n" for n in range(1, 500)), f"k.yml:25: {DEEP}"),
        (f"x: [{'a,' * (MAX_VALUES + 1)}]", f"k.yml:4: {DEEP}"),
        ("x: a\0b", "k.yml:4: this is not YAML: it contains the character U+0000; remove it"),
        ("x: \x1b[31m", "k.yml:4: this is not YAML: it contains the character U+001B; remove it"),
        ('"\\e]0;red": x', r"k.yml:4: \x1b]0;red: is not a known key"),
        ("service: other", "k.yml:4: service: appears twice (also in line 1); keep one of them"),
        ("x: &a 1\ny: &a 2", "k.yml:4: x: is not a known key"),
        ('x: "\\UFFFFFFFF"', "k.yml:4: this is not YAML: Python int too large"),
        ("work: !!python/object:os.system x", "k.yml:4: work: appears twice"),
        (f"{'k' * 900}: x", "k.yml:4: kkk"),
    ],
)
def test_hostile_text_has_one_fault_with_its_line(text: str, said: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert faults(f"{SMALL}{text}\n")[0].startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [\n", "k.yml:2: this is not YAML: expected the node content"),
        ("\tservice: x", "k.yml:1: this is not YAML: found character '\\t'"),
        ("a: 1\n---\nb: 2", "k.yml:2: this is not YAML: but found another document"),
        ("a: *nowhere", "k.yml:1: this is not YAML: found undefined alias"),
        ("- service", "k.yml:1: the file must be keys with values"),
        ("service: \x01", "k.yml:1: this is not YAML"),
        ("service: x\nwork: &a [*a]", "k.yml:2: work: is too deep or too long"),
    ],
)
def test_load_refuses_text_that_is_not_yaml(text: str, said: str) -> None:
    (line,) = faults(text)
    assert line.startswith(said)


def test_load_refuses_exploding_aliases() -> None:
    bomb = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 'x'}]" for n in range(12))
    assert "too deep or too long" in faults(bomb)[0]


def test_half_a_character_is_refused() -> None:
    text = SMALL.replace("run: ./deploy", 'run: "\\ud800"')
    said = "contains half of a character (\\ud800 to \\udfff); write the whole character"
    assert faults(text) == [f"k.yml:3: work.ssm.run: {said}"]
    value = SMALL.replace("run: ./deploy", 'run: ./deploy, env: {NOTE: "\\udfff"}')
    assert faults(value) == [f"k.yml:3: work.ssm.env.NOTE: {said}"]


def test_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "katakei.yml"
    path.write_text(SMALL + "#" * (text_files.MAX_BYTES - len(SMALL)))
    config.load(path, config.Overrides())
    with path.open("a") as file:
        file.write("\n")
    with pytest.raises(UsageError, match=r"katakei.yml: has more than 256 KiB; check whether it is a configuration"):
        config.load(path, config.Overrides())
    with pytest.raises(UsageError, match=r"zero: has more than 256 KiB"):
        config.load(Path("/dev/zero"), config.Overrides())


PIECES = (
    *"\n :-?,[]{}&*!|>'\"%@`#\t\0\\",
    *(
        "service: shop\n",
        "work:",
        "ssm",
        "run",
        "  ",
        "- ",
        "---\n",
        "...\n",
        "&a ",
        "*a",
        "!!int ",
        "!!binary ",
        "<<: ",
    ),
    *(
        "0x1F",
        "1e999",
        "-0",
        "+-5",
        "1_000",
        "~",
        "null",
        "yes",
        ".inf",
        "2020-13-45",
        "\\ud800",
        "\ufeff",
        "\x85",
        "é",
        "\uff19",
    ),
)
pieces = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=40).map("".join)


@settings(max_examples=150, deadline=None)
@given(pieces)
def test_any_text_has_faults_with_lines(text: str) -> None:
    faults(text)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(EXAMPLE)), st.integers(0, 30), pieces)
def test_any_change_of_the_example_has_faults_with_lines(start: int, length: int, text: str) -> None:
    faults(EXAMPLE[:start] + text + EXAMPLE[start + length :])
