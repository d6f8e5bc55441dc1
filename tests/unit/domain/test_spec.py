"""Tests of the request: shares, defaults, commands, and differences from a recorded request."""

from dataclasses import replace

import pytest
from tests.unit.given import a_spec, seconds

from katakei.domain.spec import (
    Check,
    Command,
    CounterSource,
    Drain,
    DrainUntil,
    FailedTargetPolicy,
    HttpCheck,
    Limits,
    OnFailure,
    Selection,
    Share,
    Spec,
    TargetOrder,
    Variable,
    Window,
)
from katakei.domain.spec_differences import differences


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


def test_limit_that_differs_is_named_alone() -> None:
    limits = a_spec().limits
    longer = replace(limits, working=limits.working + seconds(60))
    assert differences(a_spec(), a_spec(limits=longer)) == ("limits.working 1m, now 2m",)


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
        "warm.soak 10s, now 1s",
        "revert none, now ssm: undo",
    )


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (
            a_spec(check=Check(HttpCheck("/up", port=81), seconds(20))),
            "check.http none, now path /up, expect 200, port 81",
        ),
        (a_spec(check=Check(within=seconds(20), asked=False)), "check asked, now none"),
        (a_spec(drain=Drain(counter=CounterSource(command="./n"))), "drain.counter none, now command ./n"),
        (a_spec(drain=Drain(probe="ssm")), "drain.witness none, now ssm"),
        (a_spec(groups=("web", "api")), "balancer.alb.target_groups web, now web, api"),
        (a_spec(targets=Selection(only=("web-1",))), "targets none, now web-1"),
        (a_spec(targets=Selection(tags=(("Role", "web"),))), "targets.tag none, now Role, web"),
        (a_spec(work=Command("local", "true")), "work ssm, now local"),
        (
            a_spec(limits=Limits(seconds(90), False, seconds(60), seconds(60), seconds(600))),
            "limits.draining delay+1m, now 1m 30s",
        ),
        (
            a_spec(limits=Limits(seconds(90), True, seconds(60), seconds(60), seconds(600))),
            "limits.draining delay+1m, now delay+1m 30s",
        ),
        (a_spec(on_failure=OnFailure(2)), "on_failure.max_failures 0, now 2"),
    ],
)
def test_differences_write_values_as_the_file_does(now: Spec, told: str) -> None:
    assert told in differences(a_spec(), now)
    assert not any("(" in each or "=" in each for each in differences(a_spec(), now))
