"""Tests of the request: shares, defaults, commands, and differences from a recorded request."""

import pytest
from tests.unit.given import a_spec, seconds

from katakei.domain.spec import (
    Command,
    DrainUntil,
    FailedTargetPolicy,
    HttpCheck,
    Selection,
    Share,
    Spec,
    TargetOrder,
    Variable,
    Window,
    differences,
)


@pytest.mark.parametrize(
    ("share", "base", "down", "up"),
    [
        (Share(count=3), 8, 3, 3),
        (Share(count=0), 8, 0, 0),
        (Share(percent=50), 5, 2, 3),
        (Share(percent=25), 8, 2, 2),
        (Share(percent=1), 8, 0, 1),
        (Share(percent=0), 8, 0, 0),
        (Share(percent=100), 8, 8, 8),
    ],
)
def test_share_rounds_to_the_safe_side(share: Share, base: int, down: int, up: int) -> None:
    assert (share.down(base), share.up(base)) == (down, up)


def test_share_text_is_as_configured() -> None:
    assert (str(Share(count=2)), str(Share(percent=50))) == ("2", "50%")


def test_spec_defaults_match_the_contract() -> None:
    spec = Spec("shop", ("web",), Command("manual"))
    assert spec.window == Window(Share(count=1), Share(percent=50), 0, TargetOrder.ZONE)
    assert (spec.drain.settle, spec.drain.until, spec.soak) == (seconds(30), DrainUntil.DELAY, seconds(30))
    assert (spec.check.http, spec.check.within, spec.check.asked) == (None, seconds(60), True)
    assert (spec.limits.draining_from_delay, spec.limits.draining_extra) == (True, seconds(60))
    assert (spec.limits.working, spec.limits.warming, spec.limits.waiting) == (
        seconds(900),
        seconds(300),
        seconds(1800),
    )
    assert (spec.on_failure.max_failures, spec.on_failure.failed_target) == (0, FailedTargetPolicy.KEEP_OUT)
    assert (spec.targets, spec.revert) == (Selection(), None)
    assert HttpCheck("/health").expect == "200"


def test_equal_specs_have_no_differences() -> None:
    assert differences(a_spec(), a_spec()) == ()


def test_variable_text_never_shows_a_secret() -> None:
    env = (Variable("A", "hello"), Variable("B", None, "TOKEN"), Variable("C", ssm_parameter="/app/db"))
    (told,) = differences(a_spec(), a_spec(work=Command("ssm", "true", env=env)))
    assert told == "work.env none, now A=hello, B={secret: TOKEN}, C={ssm_parameter: /app/db}"


def test_spec_lists_all_commands() -> None:
    both = a_spec(revert=Command("local", "undo"))
    assert (both.commands, a_spec().commands) == ((both.work, both.revert), (both.work,))


def test_differences_name_key_and_both_values() -> None:
    now = a_spec(
        work=Command("ssm", "deploy"),
        soak=seconds(1),
        window=Window(floor=Share(count=1), order=TargetOrder.LISTED),
        revert=Command("ssm", "undo"),
    )
    assert differences(a_spec(), now) == (
        "work.run true, now deploy",
        "window.floor 50%, now 1",
        "window.order zone, now listed",
        "soak 0:00:10, now 0:00:01",
        "revert none, now ssm: undo",
    )
