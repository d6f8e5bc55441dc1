"""What is not understood, or may not be, is refused with every reason in one go."""

from dataclasses import replace

import pytest
from tests.unit.given import a_group, a_plan, a_spec, a_target, seconds
from tests.unit.surveyed import DRAINING, HEALTHY, WEB, a_survey, asked, planned, refused

from katakei.domain.model import Arn, Minimum, Registration, RolloutId, TargetId, TargetType
from katakei.domain.observation import HealthState
from katakei.domain.plan import Floor, PlanKind
from katakei.domain.spec import Check, Drain, DrainUntil, HttpCheck, Limits, Selection, Share, Window
from katakei.planning.checks import reasons_against
from katakei.planning.planner import register
from katakei.planning.survey import NO_ACCEPTED_RISKS, AcceptedRisks, Survey


def test_every_reason_is_told_in_one_go() -> None:
    why = refused(a_survey(groups=(a_group(cross_zone=False, slow_start=seconds(30)),)), drain=Drain(settle=seconds(5)))
    assert [line[:2] for line in why.splitlines()] == ["- "] * 3


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"target_type": TargetType.LAMBDA}, "web is of type lambda"),
        ({"target_type": TargetType.ALB}, "web is of type alb"),
        ({"protocol": "TCP"}, "web speaks TCP"),
        ({"balancer_type": "network"}, "belongs to a load balancer of type network"),
        ({"protocol": "TCP", "balancer_type": ""}, "web speaks TCP"),
        ({"autoscaling": ("asg-1",)}, "belong to an Auto Scaling group (asg-1)"),
        ({"cross_zone": False}, "cross-zone load balancing off"),
        ({"zonal_shift": ("a",)}, "a zonal shift is active for web (a)"),
        ({"slow_start": seconds(30)}, "a slow start of 30s"),
        ({"protocol_version": "GRPC"}, "is checked by gRPC"),
        ({"load_balancers": ()}, "no listener forwards to web"),
    ],
)
def test_what_is_not_understood_is_refused(changes: dict[str, object], said: str) -> None:
    assert said in refused(a_survey(groups=(replace(WEB, **changes),)))  # type: ignore[arg-type]  # a test's own choice


UNUSED = a_survey([HealthState.UNUSED] * 2, (a_group(load_balancers=(), balancer_type=""),))


def test_a_group_in_use_by_nothing_may_be_rolled_without_a_floor() -> None:
    plan = planned(UNUSED, window=Window(floor=Share(count=0)))
    assert len(plan.targets) == 2
    assert plan.said[0] == "no listener forwards to web, so nothing in it can serve"


@pytest.mark.parametrize("floor", [Window(), Window(floor=Share(count=0), floor_per_zone=1)])
def test_a_floor_that_nothing_in_a_group_can_keep_is_refused_also_with_force(floor: Window) -> None:
    assert "no listener forwards to web" in refused(UNUSED, AcceptedRisks(force=True), window=floor)


def test_by_hand_a_group_in_use_by_nothing_is_like_any_other_and_that_is_said() -> None:
    only, said = Selection(only=("web0",)), "no listener forwards to web, so nothing in it can serve"
    why = refused(UNUSED, kind=PlanKind.DEREGISTER, targets=only)
    assert why == "0 of web would serve, the floor is 1; accept that by --force"
    assert said in planned(UNUSED, AcceptedRisks(force=True), PlanKind.DEREGISTER, targets=only).said
    newcomer = (a_target(7, UNUSED.groups),)
    assert register(asked(kind=PlanKind.REGISTER), UNUSED, NO_ACCEPTED_RISKS, newcomer, ()).said == (said,)


def test_a_floor_no_target_could_leave_is_refused() -> None:
    assert "the floor of web is 1 of 1" in refused(a_survey([HEALTHY]))
    assert "the floor of web is 2 of 2" in refused(a_survey(), window=Window(floor=Share(percent=51)))


def test_a_floor_the_largest_target_could_never_leave_is_refused() -> None:
    survey = a_survey([HEALTHY] * 3)
    [first, *others] = survey.members[WEB.arn]
    again = replace(first, registration=replace(first.registration, port=81))
    twice = replace(survey, members={WEB.arn: (first, again, *others)})
    assert "the floor of web is 3 of 4" in refused(twice, window=Window(floor=Share(count=3)))


def test_a_floor_per_zone_that_no_target_could_leave_is_refused() -> None:
    window = Window(floor=Share(count=1), floor_per_zone=1)
    assert "can never be kept for web in a" in refused(a_survey(), window=window)
    assert "can never be kept for web in c" in refused(a_survey([HEALTHY] * 3), window=window)
    assert planned(a_survey([HEALTHY] * 4), window=window).floors[WEB.arn].per_zone == 1


def test_a_zone_floor_is_judged_only_where_a_target_stands() -> None:
    groups = (a_group("web"), a_group("admin"))
    survey = a_survey([HEALTHY] * 4, groups)
    only_a = tuple(member for member in survey.members[groups[1].arn] if member.zone == "a")
    survey = replace(survey, members={**survey.members, groups[1].arn: only_a})
    assert planned(survey, window=Window(floor=Share(count=1), floor_per_zone=1)).targets


def test_a_bystander_that_stays_keeps_the_floor_of_its_zone() -> None:
    survey = a_survey([HEALTHY] * 3)
    [first, other, third] = survey.members[WEB.arn]
    again = replace(third, registration=replace(third.registration, port=81))
    survey = replace(survey, members={WEB.arn: (first, other, third, again)})
    window = Window(floor=Share(count=1), floor_per_zone=2)
    assert planned(survey, window=window, targets=Selection(only=("web0",))).targets


def test_a_health_minimum_above_the_floor_is_refused() -> None:
    def minimum(count: int | None, percent: int | None) -> Survey:
        return a_survey([HEALTHY] * 4, (a_group(minima=(Minimum("dns", count, percent),)),))

    assert "dns at 3 of 4, above the floor of 2" in refused(minimum(3, None))
    assert "dns at 3 of 4" in refused(minimum(None, 51))
    assert "dns at 2 of 4, above the floor of 1" in refused(minimum(2, None), window=Window(floor=Share(count=1)))
    for harmless in (minimum(1, None), minimum(2, None), minimum(None, 50), minimum(None, None)):
        assert planned(harmless).targets
    assert register(
        asked(kind=PlanKind.REGISTER), minimum(4, None), NO_ACCEPTED_RISKS, (a_target(7, [WEB]),), ()
    ).targets


def test_registrations_in_other_groups_refuse_a_rollout() -> None:
    place = Registration(Arn("arn:other"), "i-00000000000000000", 80)
    assert "i-00000000000000000:80 in arn:other" in refused(a_survey(elsewhere=(place,)))
    only = Selection(only=("web0",))
    assert planned(a_survey(elsewhere=(place,)), kind=PlanKind.DEREGISTER, targets=only).targets


def test_what_somebody_else_took_out_refuses_a_rollout() -> None:
    survey = a_survey([HEALTHY, HEALTHY, DRAINING])
    assert "i-00000000000000002 is draining and no rollout of this journal" in refused(survey)
    assert planned(survey, AcceptedRisks(ignore_draining=True)).targets
    assert planned(replace(survey, ours_out={TargetId("i-00000000000000002"): RolloutId("r0")})).targets


def test_a_settle_shorter_than_the_world_needs_is_refused_outside_the_lab() -> None:
    short = Drain(settle=seconds(29))
    assert "a settle of 29s is shorter than 30s" in refused(a_survey(), drain=short)
    assert planned(a_survey(lab=True), drain=short).targets
    plan = planned(a_survey(), AcceptedRisks(force=True), drain=short)
    assert plan.targets
    assert plan.said[0].startswith("a settle of 29s is shorter than 30s, in which a real load balancer may still send")


@pytest.mark.parametrize(
    ("limit", "until", "kind", "said"),
    [
        (39, DrainUntil.DELAY, PlanKind.ROLL, "limits.draining of 39s is shorter than the 40s that a drain takes here"),
        (29, DrainUntil.PROOF, PlanKind.DEREGISTER, "limits.draining of 29s is shorter than the 30s"),
        (40, DrainUntil.DELAY, PlanKind.ROLL, ""),
        (30, DrainUntil.PROOF, PlanKind.ROLL, ""),
        (0, DrainUntil.DELAY, PlanKind.REGISTER, ""),
    ],
)
def test_a_limit_in_which_no_drain_could_end_is_refused(
    limit: int, until: DrainUntil, kind: PlanKind, said: str
) -> None:
    spec = a_spec(limits=Limits(seconds(limit), draining_from_delay=False), drain=Drain(until=until))
    plan = replace(a_plan(kind=kind, floor=0), spec=spec)
    why = "".join(reasons_against(plan, a_survey(groups=plan.groups), NO_ACCEPTED_RISKS))
    assert why.startswith(said)
    assert bool(why) == bool(said)


def test_a_check_of_the_users_that_cannot_be_asked_from_here_is_refused() -> None:
    survey = a_survey(unreachable={TargetId("i-00000000000000001"): "no route"})
    assert "cannot be asked from this machine" in refused(survey, check=Check(http=HttpCheck("/ready")))
    assert planned(survey, check=Check(asked=False)).targets


def test_a_step_by_hand_is_refused_at_once_below_the_floor() -> None:
    survey = a_survey([HEALTHY] * 4)
    three = Selection(only=("web0", "web1", "web2"))
    assert "1 of web would serve, the floor is 2" in refused(survey, kind=PlanKind.DEREGISTER, targets=three)
    forced = planned(survey, AcceptedRisks(force=True), PlanKind.DEREGISTER, targets=three)
    assert forced.floors == {WEB.arn: Floor(0, 4)}
    assert forced.said == ("the floor of web is 0: an outage is accepted",)


def test_the_floor_is_told_once_to_a_step_by_hand() -> None:
    why = refused(a_survey([HEALTHY]), kind=PlanKind.DEREGISTER, targets=Selection(only=("web0",)))
    assert why == "0 of web would serve, the floor is 1; accept that by --force"


def test_to_register_is_refused_by_no_floor() -> None:
    plan = register(asked(kind=PlanKind.REGISTER), a_survey([HEALTHY]), NO_ACCEPTED_RISKS, (a_target(7, [WEB]),), ())
    assert plan.floors == {WEB.arn: Floor(1, 1)}


def test_a_step_by_hand_keeps_the_floor_of_each_zone_it_takes_from() -> None:
    survey = a_survey([HEALTHY] * 4)
    window = Window(floor=Share(count=1), floor_per_zone=1)
    both_of_a = Selection(only=("web0", "web2"))
    why = refused(survey, kind=PlanKind.DEREGISTER, targets=both_of_a, window=window)
    assert "0 of web would serve in a, its floor is 1" in why
    assert planned(survey, kind=PlanKind.DEREGISTER, targets=Selection(only=("web0", "web1")), window=window).targets
