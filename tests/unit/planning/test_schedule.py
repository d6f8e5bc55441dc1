"""Tests of the schedule: who leaves when, by window, floors, gates and overlap, if all take the same time."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.given import a_plan, a_target, seconds

from katakei.domain.model import RolloutId
from katakei.domain.plan import HeldTarget, Plan
from katakei.domain.spec import Approval, Drain, Gate, Overlap, Window
from katakei.planning.forecast import forecast
from katakei.planning.schedule import schedule

DRAIN, BACK = seconds(30), seconds(20)


def an_overlapping_plan(
    targets: int = 4,
    *,
    window: int = 1,
    floor: int = 1,
    per_zone: int = 0,
    soak: float = 30,
    zones: Sequence[str] = ("a", "c"),
    gates: tuple[Gate, ...] = (),
) -> Plan:
    """Settle 30 s: a target gives its place 5 s after it serves."""
    return a_plan(
        targets,
        window=window,
        floor=floor,
        per_zone=per_zone,
        zones=zones,
        soak=seconds(soak),
        drain=Drain(settle=DRAIN),
        overlap=Overlap.AUTO,
        gates=gates,
    )


def length(plan: Plan, overlap: Overlap | None = None) -> timedelta:
    return schedule(plan, DRAIN, BACK, overlap).length


def test_schedule_covers_the_soak_by_the_next_drain() -> None:
    plan = an_overlapping_plan()
    assert length(plan) == seconds(4 * (30 + 20 + 5) + 25)
    assert length(plan, Overlap.NEVER) == seconds(4 * (30 + 20 + 30))


def test_schedule_gives_a_place_at_most_settle_before_the_end() -> None:
    assert length(an_overlapping_plan(soak=90)) == seconds(4 * (30 + 20 + 90) - 3 * 30)


def test_schedule_begins_work_only_after_that_soak() -> None:
    short = schedule(an_overlapping_plan(), seconds(10), BACK)
    assert short.length == seconds(10 + 4 * (20 + 30))


@pytest.mark.parametrize("soak", [0, 5])
def test_schedule_has_nothing_to_cover_in_a_short_soak(soak: float) -> None:
    plan = an_overlapping_plan(soak=soak)
    assert length(plan) == length(plan, Overlap.NEVER) == seconds(4 * 55)


def test_schedule_of_two_targets_never_overlaps() -> None:
    plan = an_overlapping_plan(2)
    assert length(plan) == length(plan, Overlap.NEVER) == seconds(160)


def test_schedule_needs_one_proven_target_in_each_zone() -> None:
    """The last target of zone c finds nobody else there, and each in zone a one that is proven."""
    alone = an_overlapping_plan(4, zones=("a", "a", "a", "c"))
    assert length(alone) == seconds(2 * 55 + 80 + 80)
    assert length(an_overlapping_plan(4, zones=("a", "a", "a", ""))) == length(alone)


def test_schedule_counts_only_proven_targets_for_the_floor() -> None:
    assert length(an_overlapping_plan(4, floor=2)) == length(an_overlapping_plan(4))
    assert length(an_overlapping_plan(4, floor=3)) == seconds(4 * 80)


def test_schedule_counts_only_proven_targets_for_the_floor_of_a_zone() -> None:
    assert length(an_overlapping_plan(3, zones=("a",))) == seconds(3 * 55 + 25)
    assert length(an_overlapping_plan(3, zones=("a",), per_zone=2)) == seconds(3 * 80)


def test_schedule_passes_over_a_target_whose_zone_needs_it() -> None:
    zones = ("a", "a", "a", "c", "c", "c")
    assert length(an_overlapping_plan(6, zones=zones, per_zone=2)) == seconds(6 * 55 + 25)  # a, c, a, c, a, c


def test_schedule_waits_for_all_before_a_gate() -> None:
    gate = Gate("half", 2, Approval())
    plan = an_overlapping_plan(4, gates=(gate, replace(gate, name="first", after=0)))
    assert length(plan) == seconds(2 * (2 * 55 + 25))
    assert length(an_overlapping_plan(4, window=4, floor=0, gates=(gate,))) == seconds(2 * 80)


def test_schedule_gives_no_overlapped_place_to_a_held_target() -> None:
    """It is out already, and is taken first, in a free place. Then it counts again."""
    plan = an_overlapping_plan(4)
    held = replace(plan, held=tuple(HeldTarget(target.id, RolloutId("r-before")) for target in plan.targets[2:]))
    assert length(held) == seconds(80 + 55 + 55 + 80)


def test_schedule_counts_bystanders() -> None:
    plan = an_overlapping_plan(2)
    others = tuple(a_target(number, plan.groups) for number in (2, 3))
    floors = {arn: replace(floor, base=4) for arn, floor in plan.floors.items()}
    assert length(replace(plan, bystanders=others, floors=floors)) == seconds(2 * 55 + 25)


def test_schedule_of_nothing_takes_no_time() -> None:
    plan = an_overlapping_plan(0)
    assert (length(plan), forecast(plan).rounds, forecast(plan).total) == (seconds(0), 0, seconds(0))


def test_schedule_stays_cheap_with_many_targets() -> None:
    """A thousand targets of which one may leave at a time."""
    assert schedule(an_overlapping_plan(1000, window=1000, floor=999), DRAIN, BACK).at_once == 1


def test_forecast_says_what_the_overlap_saves() -> None:
    found = forecast(an_overlapping_plan())
    assert (found.per_target, found.rounds) == (seconds(40 + 15 + 30), 4)
    assert (found.total, found.saved, found.covered) == (seconds(4 * 85 - 75), seconds(75), seconds(25))
    never = forecast(replace(an_overlapping_plan(), spec=replace(an_overlapping_plan().spec, overlap=Overlap.NEVER)))
    assert (never.total, never.saved, never.covered) == (seconds(4 * 85), seconds(0), seconds(0))


def test_forecast_of_one_round_covers_nothing() -> None:
    assert forecast(an_overlapping_plan(2, window=2, floor=0)).covered == seconds(0)


def test_forecast_counts_the_work_of_each_round_at_most() -> None:
    """The floor lets one go at a time. A window of three waits for soaks where the work is short."""
    plan = an_overlapping_plan(6, window=3, floor=5, soak=90)
    assert forecast(plan).rounds == 6


def in_waves(*ends: int, pause: float = 0, window: int = 4, limit: int | None = None) -> Plan:
    plan = an_overlapping_plan(ends[-1], window=window, floor=0)
    rule = Window(pause_between=seconds(pause))
    return replace(plan, spec=replace(plan.spec, window=rule), waves=ends, limit=limit)


def test_schedule_begins_a_wave_after_the_one_before() -> None:
    assert length(in_waves(1, 4)) == seconds(2 * 80)
    assert length(in_waves(1, 2, 4, pause=300)) == seconds(3 * 80 + 2 * 300)
    assert length(in_waves(4)) == seconds(80)


def test_schedule_never_overlaps_two_waves() -> None:
    assert length(in_waves(2, 4, window=1)) == seconds(2 * (55 + 80))


def test_schedule_ends_with_the_limit() -> None:
    assert length(in_waves(1, 4, pause=300, limit=1)) == seconds(80)
    assert length(in_waves(4, window=1, limit=2)) == seconds(55 + 80)


def test_forecast_blames_no_floor_for_small_waves() -> None:
    found = forecast(in_waves(1, 2, 3))
    assert (found.at_once, found.limited_by) == (1, None)
    assert forecast(in_waves(4, limit=1)).limited_by is None
    tight = replace(in_waves(4), floors={arn: replace(each, count=3) for arn, each in in_waves(4).floors.items()})
    assert forecast(tight).limited_by is not None
