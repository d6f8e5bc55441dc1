"""A plan says who, in which order, how many at once, and what is promised; nothing is changed by planning."""

from dataclasses import replace

import pytest
from tests.unit.given import a_group, a_plan, a_target
from tests.unit.surveyed import DOWN, DRAINING, HEALTHY, WEB, a_survey, asked, numbers, planned, share

from katakei.domain.errors import UnreachableError, UsageError
from katakei.domain.model import Arn, Registration, TargetId
from katakei.domain.phases import Phase
from katakei.domain.plan import Floor, Plan, PlanKind, restorable
from katakei.domain.spec import Check, HttpCheck, Selection, Share, TargetOrder, Window
from katakei.planning.planner import register
from katakei.planning.survey import NO_ACCEPTED_RISKS, AcceptedRisks, Survey

# -- who


def test_all_targets_take_part_by_default_and_what_was_asked_is_recorded() -> None:
    plan = planned(a_survey())
    assert numbers(plan) == [0, 1]
    assert (plan.rollout, plan.release, plan.who, plan.account, plan.region) == (
        "r1",
        "v2",
        "kim",
        "123456789012",
        "eu-north-1",
    )
    assert (plan.kind, plan.begin, plan.waits, plan.said) == (PlanKind.ROLL, Phase.WAITING, True, ())


@pytest.mark.parametrize("name", ["i-00000000000000001", "web1", "10.0.0.1", "i-00000000000000001:80", "web1:80"])
def test_a_target_is_known_by_id_name_address_and_port(name: str) -> None:
    plan = planned(a_survey(), targets=Selection(only=(name, name)))
    assert numbers(plan) == [1]
    assert [target.name for target in plan.bystanders] == ["web0"]


def test_an_address_that_ends_like_a_port_is_an_address() -> None:
    survey = a_survey()
    [first, second] = survey.members[WEB.arn]
    survey = replace(survey, members={WEB.arn: (first, replace(second, address="fd00::80"))})
    assert numbers(planned(survey, targets=Selection(only=("fd00::80",)))) == [1]


def test_an_unknown_target_is_told_with_those_that_are_there() -> None:
    with pytest.raises(UsageError, match=r"web7, web9:80 is not registered in web; registered are i-\w+ \(web0\), i-"):
        planned(a_survey(), targets=Selection(only=("web7", "web1", "web9:80")))


def test_a_target_with_another_port_is_told_so_and_nothing_is_changed() -> None:
    with pytest.raises(UsageError, match="web1 is registered with port 80, not 8080; nothing was changed"):
        planned(a_survey(), targets=Selection(only=("web1:8080",)))


def at_two_ports() -> Survey:
    """Four targets, of which web0 is registered a second time."""
    survey = a_survey([HEALTHY] * 4)
    [first, *_] = members = survey.members[WEB.arn]
    again = replace(first, registration=replace(first.registration, port=8080))
    return replace(survey, members={WEB.arn: (*members, again)})


def ports(plan: Plan) -> list[list[int]]:
    """Of each target."""
    return [[place.port for place in target.registrations] for target in plan.targets]


@pytest.mark.parametrize(
    ("names", "taken_out"),
    [
        (("web0:8080",), [[8080]]),
        (("web0",), [[80, 8080]]),
        (("web0:8080", "10.0.0.0:80"), [[8080, 80]]),
        (("web0", "web0:80"), [[80, 8080]]),
        (("web1", "web0:80"), [[80], [80]]),
    ],
)
def test_by_hand_a_port_takes_out_what_is_registered_there_and_nothing_else(
    names: tuple[str, ...], taken_out: list[list[int]]
) -> None:
    plan = planned(at_two_ports(), AcceptedRisks(force=True), PlanKind.DEREGISTER, targets=Selection(only=names))
    assert ports(plan) == taken_out


def test_by_hand_what_stays_at_another_port_is_no_loss_to_the_floor() -> None:
    window, only = Window(floor=Share(count=4)), Selection(only=("web0:8080",))
    assert planned(at_two_ports(), kind=PlanKind.DEREGISTER, window=window, targets=only).targets


@pytest.mark.parametrize("names", [("web0:8080",), ("web0:80", "web0:8080")])
def test_a_rollout_works_on_the_machine_whichever_of_its_ports_is_named(names: tuple[str, ...]) -> None:
    plan = planned(at_two_ports(), targets=Selection(only=names))
    assert ports(plan) == [[80, 8080]]
    assert [target.name for target in plan.bystanders] == ["web1", "web2", "web3"]


def test_targets_may_be_chosen_by_tag() -> None:
    assert numbers(planned(a_survey(), targets=Selection(tags=(("Role", "r1"),)))) == [1]
    with pytest.raises(UsageError, match="no target of web is chosen"):
        planned(a_survey(), targets=Selection(tags=(("Role", "r7"),)))


def test_an_empty_group_is_nothing_to_do() -> None:
    with pytest.raises(UsageError, match="web has no targets"):
        planned(a_survey(()))


def test_a_machine_in_two_groups_is_one_target_with_two_registrations() -> None:
    groups = (a_group("web"), a_group("admin"))
    plan = planned(a_survey(groups=groups))
    assert len(plan.targets) == 2
    assert [place.group for place in plan.targets[0].registrations] == [group.arn for group in groups]


# -- order


def test_zone_by_zone_or_as_listed() -> None:
    survey = a_survey([HEALTHY] * 4)
    assert numbers(planned(survey)) == [0, 2, 1, 3]
    assert numbers(planned(survey, window=Window(order=TargetOrder.LISTED))) == [0, 1, 2, 3]


def test_targets_that_do_not_serve_go_last() -> None:
    assert numbers(planned(a_survey([DOWN, HEALTHY, HEALTHY, HEALTHY]))) == [2, 1, 3, 0]


def test_by_hand_the_order_is_the_persons() -> None:
    only = Selection(only=("web1", "web0"))
    plan = planned(a_survey([HEALTHY] * 4), kind=PlanKind.DEREGISTER, targets=only)
    assert numbers(plan) == [1, 0]


# -- window and floor


@pytest.mark.parametrize(
    ("window", "targets", "expected"),
    [("1", 4, 1), ("3", 4, 3), ("25%", 8, 2), ("25%", 7, 1), ("10%", 4, 1), ("50%", 5, 2)],
)
def test_the_window_is_rounded_down_but_at_least_one(window: str, targets: int, expected: int) -> None:
    plan = planned(a_survey([HEALTHY] * targets), window=Window(share(window), Share(count=0)))
    assert plan.window == expected


@pytest.mark.parametrize(("floor", "targets", "expected"), [("50%", 4, 2), ("50%", 5, 3), ("1", 4, 1), ("34%", 3, 2)])
def test_the_floor_is_rounded_up(floor: str, targets: int, expected: int) -> None:
    plan = planned(a_survey([HEALTHY] * targets), window=Window(floor=share(floor), floor_per_zone=0))
    assert plan.floors == {WEB.arn: Floor(expected, targets)}


def test_percentages_are_of_what_is_not_draining_now() -> None:
    plan = planned(a_survey([HEALTHY, HEALTHY, HEALTHY, DOWN, DRAINING]), AcceptedRisks(ignore_draining=True))
    assert plan.floors[WEB.arn] == Floor(2, 4)


def test_the_window_is_a_share_of_the_smallest_group() -> None:
    groups = (a_group("web"), a_group("admin"))
    survey = a_survey([HEALTHY] * 8, groups)
    small = {**survey.members, groups[1].arn: survey.members[groups[1].arn][:4]}
    plan = planned(replace(survey, members=small), window=Window(max_unavailable=Share(percent=50)))
    assert plan.window == 2


def test_by_hand_all_named_targets_go_at_once() -> None:
    only = Selection(only=("web0", "web1"))
    assert planned(a_survey([HEALTHY] * 4), kind=PlanKind.DEREGISTER, targets=only).window == 2


# -- said aloud


def test_an_accepted_outage_is_said() -> None:
    plan = planned(a_survey([HEALTHY]), window=Window(floor=Share(count=0)))
    assert plan.said == ("the floor of web is 0: an outage is accepted",)


def test_what_drains_is_left_alone_and_named() -> None:
    plan = planned(a_survey([HEALTHY] * 3 + [DRAINING]), AcceptedRisks(ignore_draining=True))
    assert numbers(plan) == [0, 2, 1]
    assert plan.said == ("i-00000000000000003 is draining and left alone",)


def test_registrations_elsewhere_are_named_when_they_are_accepted() -> None:
    place = Registration(Arn("arn:other"), "i-00000000000000000", 80)
    plan = planned(a_survey(elsewhere=(place,)), AcceptedRisks(only_these_groups=True))
    assert plan.said == ("registrations in other groups are left as they are: arn:other",)


def test_a_check_that_cannot_be_asked_from_here_is_left_to_the_load_balancer_aloud() -> None:
    plan = planned(a_survey(unreachable={TargetId("i-00000000000000001"): "no route"}))
    assert not plan.spec.check.asked
    assert "i-00000000000000001: no route" in plan.said[0]


def test_who_does_not_take_part_need_not_be_reachable() -> None:
    survey = a_survey(unreachable={TargetId("i-00000000000000001"): "no route"})
    for check in (Check(), Check(http=HttpCheck("/ready"))):
        plan = planned(survey, targets=Selection(only=("web0",)), check=check)
        assert plan.spec.check.asked
        assert plan.said == ()


def test_a_step_by_hand_says_nothing_of_what_does_not_concern_it() -> None:
    plan = planned(a_survey([HEALTHY, HEALTHY, DRAINING]), kind=PlanKind.DEREGISTER, targets=Selection(only=("web0",)))
    assert plan.said == ()


# -- a step that registers


def test_a_target_to_be_registered_begins_outside_the_group() -> None:
    newcomer = a_target(7, [WEB])
    plan = register(asked(kind=PlanKind.REGISTER), a_survey(), NO_ACCEPTED_RISKS, (newcomer,), ("port 80 is taken",))
    assert (plan.targets, plan.begin, len(plan.bystanders)) == ((newcomer,), Phase.OUT, 2)
    assert plan.said == ("port 80 is taken",)


def test_what_is_registered_at_two_ports_is_one_target() -> None:
    here = a_target(7, [WEB])
    there = replace(here, registrations=(replace(here.registrations[0], port=8080),))
    plan = register(asked(kind=PlanKind.REGISTER), a_survey(), NO_ACCEPTED_RISKS, (here, there), ())
    assert ports(plan) == [[80, 8080]]


def test_a_group_that_is_empty_can_be_registered_into() -> None:
    plan = register(asked(kind=PlanKind.REGISTER), a_survey(()), NO_ACCEPTED_RISKS, (a_target(7, [WEB]),), ())
    assert plan.window == 1


def test_a_target_that_cannot_be_worked_on_refuses_the_plan_only_if_it_takes_part() -> None:
    survey = a_survey(unready={TargetId("i-00000000000000001"): "no agent"})
    with pytest.raises(UnreachableError, match="i-00000000000000001 cannot be worked on: no agent"):
        planned(survey)
    assert planned(survey, targets=Selection(only=("web0",))).targets


def test_what_can_be_restored_is_every_registration_that_may_be_touched() -> None:
    plan = a_plan(2, groups=2)
    assert restorable(plan) == tuple(place for target in plan.targets for place in target.registrations)
    assert len(restorable(plan)) == 4
