"""Tests of the planner: which targets, in which order, how many at once, and what the plan says about itself."""

from dataclasses import replace

import pytest
from tests.unit.given import a_group, a_plan, a_target
from tests.unit.surveyed import DOWN, DRAINING, HEALTHY, WEB, a_survey, asked, numbers, planned, share

from katakei.domain.errors import UnreachableError, UsageError
from katakei.domain.model import Arn, Registration, TargetId
from katakei.domain.phases import Phase
from katakei.domain.plan import Floor, Plan, PlanKind, restorable
from katakei.domain.spec import Approval, Check, Gate, HttpCheck, Selection, Share, TargetOrder, Window
from katakei.planning.planner import register
from katakei.planning.reasons import PlanCode, reason
from katakei.planning.survey import NO_ACCEPTED_RISKS, AcceptedRisks, Survey

# -- which targets


def test_plan_takes_all_targets_and_records_the_request() -> None:
    plan = planned(a_survey())
    assert numbers(plan) == [0, 1]
    assert (plan.rollout, plan.release, plan.who, plan.account, plan.region) == (
        "r1",
        "v2",
        "kim",
        "123456789012",
        "eu-north-1",
    )
    assert (plan.kind, plan.begin, plan.waits, plan.notices) == (PlanKind.ROLL, Phase.WAITING, True, ())
    assert plan.said == ()


def test_plan_says_which_gates_nobody_is_asked_to_pass() -> None:
    gates = tuple(Gate(f"after {number}", number, Approval()) for number in (0, 1, 2, 3))
    assert planned(a_survey(), gates=gates).notices == tuple(
        reason(PlanCode.GATE_NOT_ASKED, gate=f"after {number}", after=number, targets=2) for number in (2, 3)
    )


@pytest.mark.parametrize("name", ["i-00000000000000001", "web1", "10.0.0.1", "i-00000000000000001:80", "web1:80"])
def test_plan_finds_targets_by_id_name_and_address(name: str) -> None:
    plan = planned(a_survey(), targets=Selection(only=(name, name)))
    assert numbers(plan) == [1]
    assert [target.name for target in plan.bystanders] == ["web0"]


def test_plan_reads_an_ipv6_address_as_an_address() -> None:
    survey = a_survey()
    [first, second] = survey.members[WEB.arn]
    survey = replace(survey, members={WEB.arn: (first, replace(second, address="fd00::80"))})
    assert numbers(planned(survey, targets=Selection(only=("fd00::80",)))) == [1]


def test_plan_refuses_unknown_targets_and_lists_known_ones() -> None:
    with pytest.raises(UsageError) as error:
        planned(a_survey(), targets=Selection(only=("web7", "web1", "web9:80")))
    known = (("i-00000000000000000", "web0"), ("i-00000000000000001", "web1"))
    assert error.value.reasons == (
        reason(PlanCode.TARGETS_NOT_REGISTERED, targets=("web7", "web9:80"), groups=("web",), registered=known),
    )


def test_plan_refuses_a_port_that_is_not_registered() -> None:
    with pytest.raises(UsageError) as error:
        planned(a_survey(), targets=Selection(only=("web1:8080",)))
    assert error.value.reasons == (reason(PlanCode.PORT_NOT_REGISTERED, target="web1", ports=(80,), port=8080),)


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
def test_manual_step_takes_only_the_named_ports(names: tuple[str, ...], taken_out: list[list[int]]) -> None:
    plan = planned(at_two_ports(), AcceptedRisks(force=True), PlanKind.DEREGISTER, targets=Selection(only=names))
    assert ports(plan) == taken_out


def test_manual_step_counts_other_ports_for_the_floor() -> None:
    window, only = Window(floor=Share(count=4)), Selection(only=("web0:8080",))
    assert planned(at_two_ports(), kind=PlanKind.DEREGISTER, window=window, targets=only).targets


@pytest.mark.parametrize("names", [("web0:8080",), ("web0:80", "web0:8080")])
def test_rollout_takes_every_port_of_a_machine(names: tuple[str, ...]) -> None:
    plan = planned(at_two_ports(), targets=Selection(only=names))
    assert ports(plan) == [[80, 8080]]
    assert [target.name for target in plan.bystanders] == ["web1", "web2", "web3"]


def test_plan_selects_targets_by_tag() -> None:
    assert numbers(planned(a_survey(), targets=Selection(tags=(("Role", "r1"),)))) == [1]
    with pytest.raises(UsageError) as error:
        planned(a_survey(), targets=Selection(tags=(("Role", "r7"),)))
    assert error.value.reasons == (reason(PlanCode.NO_TARGET_CHOSEN, groups=("web",)),)


def test_plan_refuses_an_empty_group() -> None:
    with pytest.raises(UsageError) as error:
        planned(a_survey(()))
    assert error.value.reasons == (reason(PlanCode.GROUP_EMPTY, group="web"),)


def test_plan_joins_the_registrations_of_a_machine() -> None:
    groups = (a_group("web"), a_group("admin"))
    plan = planned(a_survey(groups=groups))
    assert len(plan.targets) == 2
    assert [place.group for place in plan.targets[0].registrations] == [group.arn for group in groups]


# -- order


def test_order_is_by_zone_or_as_listed() -> None:
    survey = a_survey([HEALTHY] * 4)
    assert numbers(planned(survey)) == [0, 2, 1, 3]
    assert numbers(planned(survey, window=Window(order=TargetOrder.LISTED))) == [0, 1, 2, 3]


def test_order_puts_unhealthy_targets_last() -> None:
    assert numbers(planned(a_survey([DOWN, HEALTHY, HEALTHY, HEALTHY]))) == [2, 1, 3, 0]


def test_manual_step_keeps_the_typed_order() -> None:
    only = Selection(only=("web1", "web0"))
    plan = planned(a_survey([HEALTHY] * 4), kind=PlanKind.DEREGISTER, targets=only)
    assert numbers(plan) == [1, 0]


# -- window and floor


@pytest.mark.parametrize(
    ("window", "targets", "expected"),
    [("1", 4, 1), ("3", 4, 3), ("25%", 8, 2), ("25%", 7, 1), ("10%", 4, 1), ("50%", 5, 2)],
)
def test_window_is_rounded_down_to_at_least_one(window: str, targets: int, expected: int) -> None:
    plan = planned(a_survey([HEALTHY] * targets), window=Window(share(window), Share(count=0)))
    assert plan.window == expected


@pytest.mark.parametrize(("floor", "targets", "expected"), [("50%", 4, 2), ("50%", 5, 3), ("1", 4, 1), ("34%", 3, 2)])
def test_floor_is_rounded_up(floor: str, targets: int, expected: int) -> None:
    plan = planned(a_survey([HEALTHY] * targets), window=Window(floor=share(floor), floor_per_zone=0))
    assert plan.floors == {WEB.arn: Floor(expected, targets)}


def test_floor_counts_registrations_that_do_not_drain() -> None:
    plan = planned(a_survey([HEALTHY, HEALTHY, HEALTHY, DOWN, DRAINING]), AcceptedRisks(ignore_draining=True))
    assert plan.floors[WEB.arn] == Floor(2, 4)


def test_window_is_a_share_of_the_smallest_group() -> None:
    groups = (a_group("web"), a_group("admin"))
    survey = a_survey([HEALTHY] * 8, groups)
    small = {**survey.members, groups[1].arn: survey.members[groups[1].arn][:4]}
    plan = planned(replace(survey, members=small), window=Window(max_unavailable=Share(percent=50)))
    assert plan.window == 2


def test_manual_step_takes_all_targets_at_once() -> None:
    only = Selection(only=("web0", "web1"))
    assert planned(a_survey([HEALTHY] * 4), kind=PlanKind.DEREGISTER, targets=only).window == 2


# -- notices


def test_notices_name_an_accepted_outage() -> None:
    plan = planned(a_survey([HEALTHY]), window=Window(floor=Share(count=0)))
    assert plan.notices == (reason(PlanCode.OUTAGE_ACCEPTED, group="web"),)


def test_notices_name_draining_targets() -> None:
    plan = planned(a_survey([HEALTHY] * 3 + [DRAINING]), AcceptedRisks(ignore_draining=True))
    assert numbers(plan) == [0, 2, 1]
    assert plan.notices == (reason(PlanCode.DRAINING_LEFT_ALONE, targets=("i-00000000000000003",)),)


def test_notices_name_other_groups_that_stay() -> None:
    place = Registration(Arn("arn:other"), "i-00000000000000000", 80)
    plan = planned(a_survey(elsewhere=(place,)), AcceptedRisks(only_these_groups=True))
    assert plan.notices == (reason(PlanCode.OTHER_GROUPS_LEFT_ALONE, groups=("arn:other",)),)


def test_plan_drops_a_default_check_that_cannot_be_sent() -> None:
    plan = planned(a_survey(unreachable={TargetId("i-00000000000000001"): "no route"}))
    assert not plan.spec.check.asked
    assert plan.notices == (reason(PlanCode.CHECK_SKIPPED, target="i-00000000000000001", text="no route"),)


def test_plan_ignores_unreachable_bystanders() -> None:
    survey = a_survey(unreachable={TargetId("i-00000000000000001"): "no route"})
    for check in (Check(), Check(http=HttpCheck("/ready"))):
        plan = planned(survey, targets=Selection(only=("web0",)), check=check)
        assert plan.spec.check.asked
        assert plan.notices == ()


def test_manual_step_has_no_notice_about_other_targets() -> None:
    plan = planned(a_survey([HEALTHY, HEALTHY, DRAINING]), kind=PlanKind.DEREGISTER, targets=Selection(only=("web0",)))
    assert plan.notices == ()


# -- a manual registration


def test_registration_begins_out_of_service_with_its_notices() -> None:
    notice = reason(PlanCode.GROUP_PORT_USED, target="web7", port=80)
    newcomer = a_target(7, [WEB])
    plan = register(asked(kind=PlanKind.REGISTER), a_survey(), NO_ACCEPTED_RISKS, (newcomer,), (notice,))
    assert (plan.targets, plan.begin, len(plan.bystanders)) == ((newcomer,), Phase.OUT, 2)
    assert plan.notices == (notice,)


def test_registration_joins_two_ports_of_a_target() -> None:
    here = a_target(7, [WEB])
    there = replace(here, registrations=(replace(here.registrations[0], port=8080),))
    plan = register(asked(kind=PlanKind.REGISTER), a_survey(), NO_ACCEPTED_RISKS, (here, there), ())
    assert ports(plan) == [[80, 8080]]


def test_registration_accepts_an_empty_group() -> None:
    plan = register(asked(kind=PlanKind.REGISTER), a_survey(()), NO_ACCEPTED_RISKS, (a_target(7, [WEB]),), ())
    assert plan.window == 1


def test_plan_refuses_a_selected_target_that_is_not_ready() -> None:
    survey = a_survey(unready={TargetId("i-00000000000000001"): "no agent"})
    with pytest.raises(UnreachableError) as error:
        planned(survey)
    assert error.value.reasons == (reason(PlanCode.TARGET_NOT_READY, target="i-00000000000000001", text="no agent"),)
    assert planned(survey, targets=Selection(only=("web0",))).targets


def test_restorable_lists_every_registration_of_the_targets() -> None:
    plan = a_plan(2, groups=2)
    assert restorable(plan) == tuple(place for target in plan.targets for place in target.registrations)
    assert len(restorable(plan)) == 4
