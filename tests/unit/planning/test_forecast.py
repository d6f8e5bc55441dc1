"""Tests of the forecast: how long a plan takes, and which settings decide that."""

from dataclasses import replace

import pytest
from tests.unit.given import a_group, a_plan, seconds

from katakei.domain.model import RolloutId
from katakei.domain.plan import Floor, HeldTarget, PlanKind
from katakei.domain.spec import Drain, DrainUntil
from katakei.planning.forecast import PartName, forecast
from katakei.planning.reasons import PlanCode, reason


def test_forecast_adds_drain_health_check_and_soak() -> None:
    found = forecast(a_plan())
    assert [(part.name, part.length) for part in found.parts] == [
        (PartName.DRAIN, seconds(40)),
        (PartName.FIRST_HEALTH_CHECK, seconds(15)),
        (PartName.SOAK, seconds(10)),
    ]
    assert found.per_target == seconds(65)


def test_forecast_leaves_out_a_short_soak() -> None:
    names = [part.name for part in forecast(a_plan(soak=seconds(4))).parts]
    assert names == [PartName.DRAIN, PartName.FIRST_HEALTH_CHECK, PartName.SECOND_OBSERVATION]


DELAY = reason(PlanCode.SETTING_DEREGISTRATION_DELAY)


def test_forecast_names_the_setting_of_every_part() -> None:
    assert [part.setting for part in forecast(a_plan()).parts] == [
        DELAY,
        reason(PlanCode.SETTING_HEALTH_CHECK_INTERVAL),
        reason(PlanCode.SETTING_SOAK),
    ]
    assert forecast(a_plan(soak=seconds(4))).parts[-1].setting == reason(PlanCode.SETTING_FIXED)


def test_forecast_names_the_setting_of_the_drain() -> None:
    assert forecast(a_plan()).parts[0].setting == DELAY
    slow = forecast(a_plan(drain=Drain(settle=seconds(41)))).parts[0]
    assert (slow.length, slow.setting) == (seconds(41), reason(PlanCode.SETTING_SETTLE))
    assert forecast(a_plan(drain=Drain(settle=seconds(40)))).parts[0].setting == DELAY


def test_forecast_of_a_probed_drain_is_its_settle() -> None:
    probed = forecast(a_plan(drain=Drain(settle=seconds(30), until=DrainUntil.PROOF))).parts[0]
    assert (probed.length, probed.setting) == (
        seconds(30),
        reason(PlanCode.SETTING_SETTLE_UP_TO_DELAY, delay=40.0),
    )


@pytest.mark.parametrize(("targets", "window", "rounds"), [(2, 1, 2), (8, 2, 4), (5, 2, 3), (3, 8, 1)])
def test_forecast_repeats_the_parts_for_each_round(targets: int, window: int, rounds: int) -> None:
    found = forecast(a_plan(targets, window=window, floor=0))
    assert (found.rounds, found.total) == (rounds, seconds(65) * rounds)


def test_forecast_uses_the_slowest_group() -> None:
    plan = replace(a_plan(), groups=(a_group(), a_group("slow", delay=seconds(300))))
    assert forecast(plan).parts[0].length == seconds(300)


def test_forecast_of_a_manual_step_is_one_part() -> None:
    parts = {kind: [part.name for part in forecast(replace(a_plan(), kind=kind)).parts] for kind in PlanKind}
    assert parts[PlanKind.DEREGISTER] == [PartName.DRAIN]
    assert parts[PlanKind.REGISTER] == [PartName.FIRST_HEALTH_CHECK, PartName.SECOND_OBSERVATION]


# -- how many at a time


@pytest.mark.parametrize(
    ("targets", "window", "floor", "at_once", "rounds", "total"),
    [
        (2, 2, 1, 1, 2, 60 + 65),  # where a place is free, the floor asks for two observations and not for the soak
        (4, 2, 2, 2, 2, 65 + 65),
        (4, 4, 1, 3, 2, 60 + 65),
        (4, 4, 0, 4, 1, 65),
        (4, 3, 3, 1, 4, 3 * 60 + 65),
    ],
)
def test_forecast_counts_what_the_floor_permits(
    *, targets: int, window: int, floor: int, at_once: int, rounds: int, total: float
) -> None:
    found = forecast(a_plan(targets, window=window, floor=floor))
    assert (found.at_once, found.rounds, found.total) == (at_once, rounds, seconds(total))
    fewer = reason(PlanCode.LIMITED_BY_FLOOR, group="web0", floor=floor, window=window)
    assert found.limited_by == (fewer if at_once < window else None)


def test_forecast_counts_what_the_floor_of_each_zone_permits() -> None:
    found = forecast(a_plan(4, window=4, floor=0, per_zone=1))
    assert (found.at_once, found.rounds) == (2, 2)
    assert found.limited_by == reason(PlanCode.LIMITED_BY_ZONE_FLOOR, group="web0", floor=1, window=4)
    uneven = forecast(a_plan(4, window=4, floor=0, per_zone=1, zones=("a", "a", "a", "c")))
    assert uneven.rounds == 3  # the only target of zone c could never leave; the checks refuse such a plan


def test_forecast_counts_two_registrations_of_one_target() -> None:
    plan = a_plan(2, window=2, floor=2)
    [one, other] = plan.targets
    ports = [replace(one.registrations[0], port=port) for port in (80, 81)]
    both = replace(
        plan, targets=(replace(one, registrations=tuple(ports)), other), floors={plan.groups[0].arn: Floor(1, 3)}
    )
    assert (forecast(both).at_once, forecast(both).rounds) == (1, 2)


def test_forecast_takes_held_targets_first_without_a_floor() -> None:
    plan = a_plan(3, window=2, floor=1)
    held = replace(plan, held=(HeldTarget(plan.targets[0].id, RolloutId("r-before")),))
    assert (forecast(plan).rounds, forecast(held).rounds) == (2, 2)
    narrow = replace(held, floors={arn: Floor(2, 3) for arn in held.floors})
    assert (forecast(narrow).at_once, forecast(narrow).rounds) == (1, 3)


def test_forecast_of_a_manual_step_takes_all_at_once() -> None:
    plan = replace(a_plan(3, window=3, floor=2), kind=PlanKind.DEREGISTER)
    assert (forecast(plan).rounds, forecast(plan).at_once, forecast(plan).limited_by) == (1, 3, None)


def test_forecast_counts_a_target_without_a_zone_in_its_group() -> None:
    plan = a_plan(4, window=4, floor=2)
    zoneless = replace(plan, targets=tuple(replace(target, zone="") for target in plan.targets))
    assert (forecast(zoneless).at_once, forecast(zoneless).rounds) == (2, 2)
