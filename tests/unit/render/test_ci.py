"""Sections and annotations for CI systems: their form, and that no text from outside becomes a command."""

import pytest
from hypothesis import given
from tests.unit.domain.test_outside_text import HOSTILE, commands
from tests.unit.given import NOON

from katakei.render.ci import CiSystem, ci_system, error, folded


@pytest.mark.parametrize(
    ("env", "system"),
    [
        ({"GITHUB_ACTIONS": "true"}, CiSystem.GITHUB),
        ({"GITLAB_CI": "true"}, CiSystem.GITLAB),
        ({"CI": "true"}, CiSystem.NONE),
        ({}, CiSystem.NONE),
    ],
)
def test_ci_system_is_named_by_its_own_variable(env: dict[str, str], system: CiSystem) -> None:
    assert ci_system(env) is system


def test_folded_is_a_group_on_github() -> None:
    assert folded(CiSystem.GITHUB, "web-1: 100%", "a\nb\n", "k", NOON) == "::group::web-1: 100%25\na\nb\n::endgroup::"


def test_folded_is_a_section_on_gitlab() -> None:
    assert folded(CiSystem.GITLAB, "web-1", "a", "r-1/web 1", NOON) == (
        "\x1b[0Ksection_start:1795348800:r-1_web_1[collapsed=true]\r\x1b[0Kweb-1\n"
        "a\n\x1b[0Ksection_end:1795348800:r-1_web_1\r\x1b[0K"
    )


def test_folded_is_nothing_elsewhere() -> None:
    assert folded(CiSystem.NONE, "web-1", "a", "k", NOON) == ""
    assert error(CiSystem.GITLAB, "web-1", "a") == ""


def test_error_escapes_title_and_text() -> None:
    assert error(CiSystem.GITHUB, "a:b,c", "50%\n::x") == r"::error title=a%3Ab%2Cc::50%25 ::x"


@given(HOSTILE)
def test_only_our_own_lines_are_commands(word: str) -> None:
    lines = folded(CiSystem.GITHUB, word, word, word, NOON).splitlines()
    assert commands("\n".join(lines[1:-1])) == []
    assert (lines[0].startswith("::group::"), lines[-1]) == (True, "::endgroup::")
    assert len(error(CiSystem.GITHUB, word, word).splitlines()) == 1
    assert commands(folded(CiSystem.GITLAB, word, word, word, NOON)) == []
