"""Tests of the findings of `doctor` that need no question: settings that cost time, and the clock."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.given import a_group, a_spec

from katakei.domain.model import Group
from katakei.domain.spec import Command, Drain, DrainUntil
from katakei.planning.diagnosis import Level, Sign, Topic, found, of_clock, of_times, worst

WEB = a_group()
QUICK_CHECK = replace(WEB.check, interval=timedelta(seconds=5), unhealthy_threshold=2)
GOOD = replace(WEB, delay=timedelta(seconds=30), check=QUICK_CHECK)
SPEC = replace(a_spec(), work=Command("manual"), drain=Drain(until=DrainUntil.DELAY))
PROBED = replace(SPEC, work=Command("ssm", "x"), drain=Drain(until=DrainUntil.PROOF, probe="ssm"))


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def test_good_settings_have_no_finding() -> None:
    assert of_times((GOOD,), SPEC) == (found(Level.OK, Topic.TIME, Sign.TIMES_SHORT),)


@pytest.mark.parametrize(
    ("group", "sign", "facts"),
    [
        (replace(GOOD, delay=seconds(61)), Sign.DELAY_WAITED, {"delay": seconds(61)}),
        (replace(GOOD, delay=seconds(9)), Sign.DELAY_CUTS, {"delay": seconds(9)}),
        (
            replace(GOOD, check=replace(QUICK_CHECK, interval=seconds(11))),
            Sign.CHECK_SLOW,
            {"interval": seconds(11), "costs": seconds(16)},
        ),
        (
            replace(GOOD, check=replace(QUICK_CHECK, interval=seconds(10), unhealthy_threshold=7)),
            Sign.DETECTION_SLOW,
            {"detection": seconds(70)},
        ),
    ],
)
def test_slow_setting_is_a_warning_with_its_seconds(group: Group, sign: Sign, facts: dict[str, timedelta]) -> None:
    assert of_times((group,), SPEC) == (found(Level.WARNING, Topic.TIME, sign, group=group.name, **facts),)


@pytest.mark.parametrize(
    "group",
    [
        replace(GOOD, delay=seconds(60)),
        replace(GOOD, delay=seconds(10)),
        replace(GOOD, check=replace(QUICK_CHECK, interval=seconds(10), unhealthy_threshold=6)),
    ],
)
def test_limits_themselves_are_no_finding(group: Group) -> None:
    assert [row.level for row in of_times((group,), SPEC)] == [Level.OK]


def test_long_delay_costs_nothing_where_a_probe_ends_the_drain() -> None:
    long = replace(GOOD, delay=seconds(300))
    assert [row.level for row in of_times((long,), PROBED)] == [Level.OK]


@pytest.mark.parametrize(
    ("offset", "level", "sign"),
    [
        (None, Level.OK, Sign.CLOCK_UNKNOWN),
        (seconds(-10), Level.OK, Sign.CLOCK_RIGHT),
        (seconds(-11), Level.WARNING, Sign.CLOCK_WRONG),
        (seconds(240), Level.WARNING, Sign.CLOCK_WRONG),
        (seconds(241), Level.FAULT, Sign.CLOCK_WRONG),
    ],
)
def test_clock_is_judged_by_its_distance(offset: timedelta | None, level: Level, sign: Sign) -> None:
    row = of_clock(offset)
    assert (row.level, row.cause) == (level, sign)
    assert dict(row.facts) == ({"by": abs(offset or seconds(0))} if sign is Sign.CLOCK_WRONG else {})


def test_worst_level_decides() -> None:
    ok, warning = of_clock(None), of_clock(seconds(20))
    assert worst([]) is Level.OK
    assert worst([ok]) is Level.OK
    assert worst([ok, warning]) is Level.WARNING
    assert worst([of_clock(seconds(300)), warning]) is Level.FAULT
