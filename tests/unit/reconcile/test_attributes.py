"""Whether a group still is what the plan was made for."""

from dataclasses import replace

import pytest
from tests.unit.given import a_group, seconds

from katakei.domain.model import Arn
from katakei.domain.reasons import ReasonCode, reason
from katakei.reconcile.drift import attribute_changes as changed


def test_a_group_that_is_as_it_was_has_not_changed() -> None:
    assert changed(a_group(), a_group()) == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [("delay", seconds(0)), ("cross_zone", False), ("zonal_shift", ("a",)), ("autoscaling", ("asg",))],
)
def test_every_attribute_a_promise_rests_on_is_compared(name: str, value: object) -> None:
    group = a_group()
    [change] = changed(group, replace(group, **{name: value}))  # type: ignore[arg-type]  # by name
    was = str(getattr(group, name))
    assert change == reason(ReasonCode.ATTRIBUTE_CHANGED, attribute=name, was=was, now=str(value))


def test_another_load_balancer_is_no_change_but_none_is() -> None:
    assert changed(a_group(), a_group(load_balancers=(Arn("arn:other"),))) == ()
    assert changed(a_group(), a_group(load_balancers=())) == (reason(ReasonCode.LISTENER_REMOVED),)
    assert changed(a_group(load_balancers=()), a_group(load_balancers=())) == ()
