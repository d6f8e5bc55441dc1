"""Tests of plans for fewer than all targets: which go first by their earlier work, and which are left alone."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from tests.unit.given import a_group, a_spec, a_target
from tests.unit.surveyed import DOWN, HEALTHY, a_survey, asked, numbers

from katakei.domain.model import RolloutId, TargetId
from katakei.domain.overview import Knowledge
from katakei.domain.plan import Plan
from katakei.domain.spec import TargetOrder, Window
from katakei.planning.forecast import forecast
from katakei.planning.planner import make
from katakei.planning.reasons import PlanCode, reason
from katakei.planning.survey import NO_ACCEPTED_RISKS, HeldOut, PastWork, PlanRequest, Survey

SURE, UNSURE, UNDONE = Knowledge.CONFIRMED, Knowledge.UNCONFIRMED, Knowledge.REVERTED
LISTED = replace(a_spec(), window=Window(order=TargetOrder.LISTED))


def past(*works: PastWork | None) -> Mapping[TargetId, PastWork]:
    return {a_target(n, ()).id: work for n, work in enumerate(works) if work}


def done(ago: int | None, release: str | None = "v1", how: Knowledge = SURE) -> PastWork:
    return PastWork(release, how, ago)


def surveyed(*works: PastWork | None, held: tuple[HeldOut, ...] = ()) -> Survey:
    return a_survey([HEALTHY] * len(works), past=past(*works), held=held)


def limited(limit: int | None = 9, *, only_outdated: bool = False) -> PlanRequest:
    return replace(asked(LISTED), limit=limit, only_outdated=only_outdated)


def planned(request: PlanRequest, survey: Survey) -> Plan:
    return make(request, survey, NO_ACCEPTED_RISKS)


def test_least_recently_done_goes_first() -> None:
    assert numbers(planned(limited(), surveyed(done(0), done(2), done(1), None))) == [3, 1, 2, 0]


def test_failed_one_goes_before_all_that_never_failed() -> None:
    survey = surveyed(done(0), None, done(1, "v1", UNSURE), done(3))
    assert numbers(planned(limited(), survey)) == [2, 1, 3, 0]


def test_failed_one_goes_first_even_if_it_is_unhealthy() -> None:
    survey = replace(a_survey([HEALTHY, DOWN, DOWN]), past=past(done(0), done(0, "v1", UNSURE), done(0)))
    assert numbers(planned(limited(), survey)) == [1, 0, 2]


def test_equal_past_keeps_the_order_of_zones() -> None:
    request = replace(asked(), limit=4)
    assert numbers(planned(request, surveyed(None, None, None, None))) == [0, 2, 1, 3]
    assert numbers(planned(request, surveyed(done(0), done(0), done(1), done(1)))) == [2, 3, 0, 1]


def test_past_changes_nothing_in_a_plan_for_all() -> None:
    assert numbers(planned(asked(LISTED), surveyed(done(0), done(2), done(1, "v1", UNSURE)))) == [0, 1, 2]


def test_held_one_goes_before_failed_ones() -> None:
    web = a_group()
    out = a_target(7, (web,))
    held = HeldOut(out, frozenset(out.registrations), RolloutId("r-0"), ("failed", "v1"))
    survey = surveyed(done(0, "v1", UNSURE), None, held=(held,))
    assert numbers(planned(limited(1), survey)) == [7, 0, 1]


def test_limit_is_recorded_and_said() -> None:
    plan = planned(limited(2), surveyed(None, None, None))
    assert plan.limit == 2
    assert reason(PlanCode.LIMITED, limit=2, targets=3) in plan.notices
    enough = planned(limited(3), surveyed(None, None, None))
    assert not [notice for notice in enough.notices if notice.code == PlanCode.LIMITED]


def test_limit_shortens_the_forecast() -> None:
    one, three = planned(limited(1), surveyed(None, None, None)), planned(limited(3), surveyed(None, None, None))
    assert (forecast(one).rounds, forecast(three).rounds) == (1, 3)
    assert forecast(three).total == 3 * forecast(one).total


@pytest.mark.parametrize(
    ("work", "outdated"),
    [
        (None, True),
        (done(0, "v1"), True),
        (done(0, None), True),
        (done(0, "v2", UNSURE), True),
        (done(0, "v2", UNDONE), True),
        (done(0, "v2"), False),
        (done(None, "v2"), False),
    ],
)
def test_only_outdated_leaves_known_release_alone(work: PastWork | None, *, outdated: bool) -> None:
    plan = planned(limited(None, only_outdated=True), surveyed(work, None))
    assert sorted(numbers(plan)) == ([0, 1] if outdated else [1])
    names = tuple(bystander.name for bystander in plan.bystanders)
    assert names == (() if outdated else ("web0",))
    said = reason(PlanCode.CURRENT_LEFT_ALONE, targets=((str(a_target(0, ()).id), "web0"),), release="v2")
    assert (said in plan.notices) is not outdated


def test_only_outdated_finds_nothing_to_do() -> None:
    plan = planned(limited(None, only_outdated=True), surveyed(done(0, "v2"), done(1, "v2")))
    assert plan.targets == ()
    assert [notice.code for notice in plan.notices if notice.code == PlanCode.CURRENT_LEFT_ALONE]
    assert (forecast(plan).rounds, len(plan.bystanders)) == (0, 2)


def test_current_one_is_rolled_where_nobody_asks_for_outdated_ones() -> None:
    assert sorted(numbers(planned(limited(5), surveyed(done(0, "v2"), None)))) == [0, 1]
