"""Every error has a sentence and an exit code; the codes are the command line's."""

import inspect

import pytest
from tests.unit.given import a_group, a_target

from katakei.domain import errors
from katakei.domain.errors import ExitCode, KatakeiError, RejectedError

ERRORS: dict[str, type[KatakeiError]] = {
    name: value for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, KatakeiError)
}


def test_the_exit_codes_are_the_promised_ones() -> None:
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
def test_an_error_says_its_sentence_and_is_no_success(name: str) -> None:
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
def test_the_code_tells_whose_turn_it_is(name: str, code: int) -> None:
    assert ERRORS[name]("").code == code


def test_a_rejection_tells_which_registrations_were_refused() -> None:
    [place] = a_target(0, [a_group()]).registrations
    assert RejectedError("InvalidTarget", {place: "not running"}).which == {place: "not running"}
    assert RejectedError("InvalidTarget").which == {}


def test_every_error_of_the_core_is_one_of_ours() -> None:
    raised = [value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, Exception)]
    assert set(raised) == set(ERRORS.values())
