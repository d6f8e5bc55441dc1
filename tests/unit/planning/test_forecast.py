"""How long it will take, and which settings cost the time."""

from dataclasses import replace

import pytest
from tests.unit.given import a_group, a_plan, seconds

from katakei.domain.plan import PlanKind
from katakei.domain.spec import Drain, DrainUntil
from katakei.planning.forecast import forecast


def test_a_targets_time_is_the_timer_the_first_check_and_the_soak() -> None:
    told = forecast(a_plan())
    assert [(part.name, part.length) for part in told.parts] == [
        ("drain", seconds(40)),
        ("first health check", seconds(15)),
        ("soak", seconds(10)),
    ]
    assert told.per_target == seconds(65)


def test_a_soak_shorter_than_the_two_looks_is_no_part_of_it() -> None:
    names = [part.name for part in forecast(a_plan(soak=seconds(4))).parts]
    assert names == ["drain", "first health check", "second look"]


def test_the_setting_that_costs_the_drain_is_named() -> None:
    assert forecast(a_plan()).parts[0].setting == "the group's deregistration delay"
    slow = forecast(a_plan(drain=Drain(settle=seconds(41)))).parts[0]
    assert (slow.length, slow.setting) == (seconds(41), "drain.settle")
    assert forecast(a_plan(drain=Drain(settle=seconds(40)))).parts[0].setting == "the group's deregistration delay"


def test_with_a_witness_a_drain_takes_its_settle_and_the_timer_is_only_named() -> None:
    witnessed = forecast(a_plan(drain=Drain(settle=seconds(30), until=DrainUntil.PROOF))).parts[0]
    assert (witnessed.length, witnessed.setting) == (
        seconds(30),
        "drain.settle; up to the delay of 40s where something may be pending",
    )


@pytest.mark.parametrize(("targets", "window", "rounds"), [(2, 1, 2), (8, 2, 4), (5, 2, 3), (3, 8, 1)])
def test_the_whole_is_as_many_rounds_as_the_window_needs(targets: int, window: int, rounds: int) -> None:
    told = forecast(a_plan(targets, window=window))
    assert (told.rounds, told.total) == (rounds, seconds(65) * rounds)


def test_of_several_groups_the_slowest_counts() -> None:
    plan = replace(a_plan(), groups=(a_group(), a_group("slow", delay=seconds(300))))
    assert forecast(plan).parts[0].length == seconds(300)


def test_a_step_by_hand_takes_only_its_own_part() -> None:
    parts = {kind: [part.name for part in forecast(replace(a_plan(), kind=kind)).parts] for kind in PlanKind}
    assert parts[PlanKind.DEREGISTER] == ["drain"]
    assert parts[PlanKind.REGISTER] == ["first health check", "second look"]
