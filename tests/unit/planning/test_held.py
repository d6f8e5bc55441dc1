"""Tests of targets that an earlier rollout left out: which of them a plan takes, and what it says of the others."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.unit.given import a_group, a_target
from tests.unit.surveyed import DOWN, HEALTHY, WEB, a_survey, asked, numbers, planned, refused

from katakei.domain.errors import UnreachableError, UsageError
from katakei.domain.model import Group, RolloutId
from katakei.domain.plan import HeldTarget, Plan, PlanKind, restorable, restorable_held
from katakei.domain.spec import Selection, Share, Window
from katakei.planning.planner import nothing_to_do
from katakei.planning.reasons import PlanCode, reason
from katakei.planning.survey import HeldOut, LeftAlone, Survey

BEFORE = RolloutId("r-before")


def held_out(number: int = 1, left_alone: LeftAlone | None = None, groups: Sequence[Group] = (WEB,)) -> HeldOut:
    """A target that failed with v1 in the rollout before, and is registered nowhere."""
    target = a_target(number, groups)
    here = frozenset(place for place in target.registrations if place.group == WEB.arn)
    return HeldOut(target, here, BEFORE, ("failed", "v1"), left_alone=left_alone)


def surveyed(*held: HeldOut, serving: int = 1) -> Survey:
    """Targets that serve (from number 0 on), and these that are out."""
    return a_survey([HEALTHY] * serving, held=held)


def codes(plan: Plan) -> list[str]:
    return [notice.code for notice in plan.notices]


def test_roll_takes_a_held_target_first_and_counts_it() -> None:
    plan = planned(surveyed(held_out()))
    assert numbers(plan) == [1, 0]
    assert plan.held == (HeldTarget(plan.targets[0].id, BEFORE),)
    assert plan.floors[WEB.arn].base == 2
    assert codes(plan) == [PlanCode.HELD_TAKEN_FIRST]


def test_restore_lines_list_a_held_target_apart() -> None:
    plan = planned(surveyed(held_out()))
    assert [place.id for place in restorable(plan)] == [plan.targets[1].id]
    assert [place.id for place in restorable_held(plan)] == [plan.targets[0].id]


@pytest.mark.parametrize(
    ("why", "code", "base"),
    [
        (LeftAlone.BY_HAND, PlanCode.HELD_BY_HAND, 3),
        (LeftAlone.MAY_RUN, PlanCode.HELD_MAY_RUN, 4),
        (LeftAlone.OTHER_GROUPS, PlanCode.HELD_BY_OTHER_GROUPS, 3),
    ],
)
def test_held_target_that_is_left_alone_is_named(why: LeftAlone, code: PlanCode, base: int) -> None:
    plan = planned(surveyed(held_out(3, why), serving=3))
    assert (sorted(numbers(plan)), plan.held, codes(plan)) == ([0, 1, 2], (), [code])
    assert plan.floors[WEB.arn].base == base


@pytest.mark.parametrize("left_alone", list(LeftAlone))
def test_selecting_a_target_that_is_left_alone_is_refused(left_alone: LeftAlone) -> None:
    [why] = refused(surveyed(held_out(2, left_alone), serving=2), targets=Selection(only=("web2",)))
    assert why.code.startswith("held_")


def test_selection_without_a_held_target_that_the_floor_needs_is_refused() -> None:
    only_the_other = Selection(only=("web0",))
    reasons = refused(surveyed(held_out()), targets=only_the_other, window=Window(floor=Share(count=1)))
    assert [each.code for each in reasons] == [PlanCode.HELD_NEEDED_FOR_FLOOR, PlanCode.HELD_NOT_SELECTED]


def test_floor_that_only_a_left_alone_target_could_keep_names_it() -> None:
    reasons = refused(surveyed(held_out(1, LeftAlone.BY_HAND)), window=Window(floor=Share(count=1)))
    assert [each.code for each in reasons] == [PlanCode.FLOOR_NEVER_KEPT, PlanCode.HELD_BY_HAND]


def test_held_target_of_more_groups_is_refused() -> None:
    other = a_group("other")
    [why] = refused(surveyed(held_out(2, groups=(WEB, other)), serving=2))
    assert (why.code, dict(why.data)["groups"]) == (PlanCode.HELD_IN_MORE_GROUPS, (other.arn,))


def test_held_target_that_cannot_be_worked_on_is_named() -> None:
    held = held_out(2)
    survey = replace(surveyed(held, serving=2), unready={held.target.id: "the agent does not answer"})
    with pytest.raises(UnreachableError) as why:
        planned(survey)
    assert [each.code for each in why.value.reasons] == [PlanCode.HELD_NOT_READY]


def test_deregister_keeps_out_what_a_rollout_left_out() -> None:
    plan = planned(surveyed(held_out(2), serving=2), kind=PlanKind.DEREGISTER, targets=Selection(only=("web2",)))
    assert (plan.held, codes(plan)) == ((HeldTarget(plan.targets[0].id, BEFORE),), [PlanCode.HELD_KEPT_OUT])


def test_machine_in_service_in_one_place_gets_all_its_registrations() -> None:
    other = a_group("other")
    whole = a_target(0, (WEB, other))
    held = HeldOut(whole, frozenset(whole.registrations[1:]), BEFORE, ("failed", "v1"))
    survey = a_survey([HEALTHY, HEALTHY], (WEB,), held=(held,))
    both = replace(
        survey,
        groups=(WEB, other),
        members={**survey.members, other.arn: a_survey((HEALTHY, DOWN), (other,)).members[other.arn][1:]},
    )
    plan = planned(both)
    assert plan.targets[0].id == whole.id
    assert set(plan.targets[0].registrations) == set(whole.registrations)


def test_deregister_of_another_target_says_nothing_of_it() -> None:
    plan = planned(surveyed(held_out(2), serving=2), kind=PlanKind.DEREGISTER, targets=Selection(only=("web0",)))
    assert (plan.held, codes(plan)) == ((), [])


def test_selecting_a_target_beside_one_left_alone_is_accepted() -> None:
    by_hand = held_out(3, LeftAlone.BY_HAND)
    plan = planned(surveyed(by_hand, held_out(2), serving=2), targets=Selection(only=("web2",)))
    assert numbers(plan) == [2]


def test_plan_of_a_step_with_nothing_to_do_has_no_target() -> None:
    survey = surveyed()
    plan = nothing_to_do(asked(kind=PlanKind.DEREGISTER), survey, (reason(PlanCode.UNUSED_GROUP, group="web"),))
    assert (plan.targets, codes(plan)) == ((), [PlanCode.UNUSED_GROUP])


def test_unknown_target_is_unknown_also_beside_one_left_alone() -> None:
    survey = surveyed(held_out(2, LeftAlone.BY_HAND), serving=2)
    with pytest.raises(UsageError) as why:
        planned(survey, targets=Selection(only=("web9",)))
    assert [each.code for each in why.value.reasons] == [PlanCode.TARGETS_NOT_REGISTERED]
