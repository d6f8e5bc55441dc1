"""Whether a group still is what the plan was made for."""

from dataclasses import replace

import pytest
from tests.unit.given import a_group, seconds

from katakei.domain.model import Arn
from katakei.reconcile.attributes import changed


def test_a_group_that_is_as_it_was_has_not_changed() -> None:
    assert changed(a_group(), a_group()) == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [("delay", seconds(0)), ("cross_zone", False), ("zonal_shift", ("a",)), ("autoscaling", ("asg",))],
)
def test_every_attribute_a_promise_rests_on_is_compared(name: str, value: object) -> None:
    assert changed(a_group(), replace(a_group(), **{name: value})).startswith(f"{name} was ")  # type: ignore[arg-type]  # by name


def test_another_load_balancer_is_no_change_but_none_is() -> None:
    assert changed(a_group(), a_group(load_balancers=(Arn("arn:other"),))) == ""
    assert changed(a_group(), a_group(load_balancers=())) == "no listener forwards to it any more"
    assert changed(a_group(load_balancers=()), a_group(load_balancers=())) == ""
