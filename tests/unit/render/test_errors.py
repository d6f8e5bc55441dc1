"""Tests of errors as text."""

from katakei.domain.errors import RefusedError, UsageError
from katakei.planning.reasons import PlanCode, reason
from katakei.render.errors import error_text

EMPTY = reason(PlanCode.GROUP_EMPTY, group="web")
UNUSED = reason(PlanCode.UNUSED_GROUP, group="api")


def test_error_text_of_a_sentence_is_the_sentence() -> None:
    assert error_text(UsageError("give one of them")) == "give one of them"


def test_error_text_of_one_reason_is_one_line() -> None:
    assert (
        error_text(RefusedError(reasons=(EMPTY,)))
        == "web has no targets, so there is nothing to do; register some first"
    )


def test_error_text_lists_several_reasons() -> None:
    assert error_text(RefusedError(reasons=(EMPTY, UNUSED))).splitlines() == [
        "- web has no targets, so there is nothing to do; register some first",
        "- no listener forwards to api, so no target in it can serve",
    ]


def test_str_of_an_error_names_its_codes() -> None:
    assert str(RefusedError(reasons=(EMPTY, UNUSED))) == "group_empty {'group': 'web'}; unused_group {'group': 'api'}"
