"""Tests of the errors: each has a sentence and an exit code of the command line."""

import inspect

import pytest
from tests.unit.given import a_group, a_target

from katakei.domain import errors
from katakei.domain.errors import ExitCode, KatakeiError, RejectedError

ERRORS: dict[str, type[KatakeiError]] = {
    name: value for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, KatakeiError)
}


def test_exit_codes_match_the_contract() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "DONE": 0,
        "FAILED": 1,
        "USAGE": 2,
        "LEFT_OUT": 3,
        "REFUSED": 4,
        "UNREACHABLE": 5,
        "INTERRUPTED": 130,
    }


@pytest.mark.parametrize("name", sorted(ERRORS))
def test_error_has_sentence_and_failure_code(name: str) -> None:
    error = ERRORS[name]("what, where, and what to do now")
    assert str(error) == "what, where, and what to do now"
    assert error.code is not ExitCode.DONE


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("UsageError", 2),
        ("RefusedError", 4),
        ("LeaseHeldError", 4),
        ("LeaseLostError", 4),
        ("UnreachableError", 5),
        ("NoAnswerError", 5),
        ("RejectedError", 4),
    ],
)
def test_error_code_follows_its_class(name: str, code: int) -> None:
    assert ERRORS[name]("").code == code


def test_rejection_lists_rejected_registrations() -> None:
    [place] = a_target(0, [a_group()]).registrations
    assert RejectedError("InvalidTarget", {place: "not running"}).which == {place: "not running"}
    assert RejectedError("InvalidTarget").which == {}


def test_every_error_is_a_katakei_error() -> None:
    raised = [value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, Exception)]
    assert set(raised) == set(ERRORS.values())
