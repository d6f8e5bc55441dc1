"""Tests of the checks: what is unsafe or not supported is refused, with every reason at once."""

from dataclasses import replace

import pytest
from tests.unit.given import a_group, a_plan, a_spec, a_target, seconds
from tests.unit.surveyed import DRAINING, HEALTHY, WEB, a_survey, asked, planned, refused

from katakei.domain.model import Arn, Registration, RolloutId, TargetId, TargetType
from katakei.domain.observation import HealthState
from katakei.domain.plan import Floor, PlanKind
from katakei.domain.reasons import Reason
from katakei.domain.spec import Check, Drain, DrainUntil, HttpCheck, Limits, Selection, Share, Window
from katakei.planning.checks import reasons_against
from katakei.planning.planner import register
from katakei.planning.reasons import PlanCode, Risk, reason
from katakei.planning.survey import NO_ACCEPTED_RISKS, AcceptedRisks


def test_checks_report_every_reason_at_once() -> None:
    found = refused(a_survey(groups=(a_group(cross_zone=False, zonal_shift=("a",)),)), drain=Drain(settle=seconds(5)))
    assert found == (
        reason(PlanCode.ZONAL_SHIFT_ACTIVE, group="web", zones=("a",)),
        reason(PlanCode.CROSS_ZONE_OFF, group="web", zone="a", floor=1),
        reason(PlanCode.SETTLE_TOO_SHORT, settle=5.0, safe=30.0, risk=Risk.SHORT_SETTLE),
    )


def not_supported(protocol: str, balancer_type: str) -> Reason:
    return reason(PlanCode.LOAD_BALANCER_NOT_SUPPORTED, group="web", protocol=protocol, balancer_type=balancer_type)


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"target_type": TargetType.LAMBDA}, reason(PlanCode.TARGET_TYPE_NOT_SUPPORTED, group="web", type="lambda")),
        ({"target_type": TargetType.ALB}, reason(PlanCode.TARGET_TYPE_NOT_SUPPORTED, group="web", type="alb")),
        ({"protocol": "TCP"}, not_supported("TCP", "application")),
        ({"balancer_type": "network"}, not_supported("HTTP", "network")),
        ({"protocol": "TCP", "balancer_type": ""}, not_supported("TCP", "")),
        (
            {"autoscaling": ("asg-1",)},
            reason(PlanCode.OWNED_BY_AUTO_SCALING, group="web", auto_scaling_groups=("asg-1",)),
        ),
        ({"cross_zone": False}, reason(PlanCode.CROSS_ZONE_OFF, group="web", zone="a", floor=1)),
        ({"zonal_shift": ("a",)}, reason(PlanCode.ZONAL_SHIFT_ACTIVE, group="web", zones=("a",))),
        ({"protocol_version": "GRPC"}, reason(PlanCode.GRPC_CHECK_NOT_SUPPORTED, group="web")),
        ({"load_balancers": ()}, reason(PlanCode.UNUSED_GROUP_WITH_FLOOR, group="web")),
    ],
)
def test_checks_refuse_a_group_that_is_not_supported(changes: dict[str, object], wanted: Reason) -> None:
    assert refused(a_survey(groups=(replace(WEB, **changes),))) == (wanted,)  # type: ignore[arg-type]  # a test's own choice


@pytest.mark.parametrize(("protocol", "version"), [("HTTPS", "HTTP1"), ("HTTP", "HTTP2")])
def test_checks_refuse_requests_without_plain_http_unless_there_is_a_fallback(protocol: str, version: str) -> None:
    survey = a_survey(groups=(replace(WEB, protocol=protocol, protocol_version=version),))
    alone = Drain(until=DrainUntil.REQUESTS, probe="ssm")
    said = {"group": "web", "protocol": protocol, "protocol_version": version}
    assert refused(survey, drain=alone) == (reason(PlanCode.REQUESTS_NOT_POSSIBLE, **said),)
    plan = planned(survey, drain=replace(alone, fallback=DrainUntil.PROOF))
    assert plan.notices == (reason(PlanCode.REQUESTS_FALLBACK, **said, fallback="proof"),)
    assert planned(a_survey(), drain=replace(alone, fallback=DrainUntil.PROOF)).notices == ()
    assert planned(a_survey(), drain=alone).notices == ()


UNUSED = a_survey([HealthState.UNUSED] * 2, (a_group(load_balancers=(), balancer_type=""),))


NOT_USED = reason(PlanCode.UNUSED_GROUP, group="web")
OUTAGE = reason(PlanCode.OUTAGE_ACCEPTED, group="web")


def below(serving: int, floor: int) -> Reason:
    return reason(PlanCode.BELOW_FLOOR, group="web", serving=serving, floor=floor, risk=Risk.BELOW_FLOOR)


def never_kept(floor: int, base: int) -> Reason:
    return reason(PlanCode.FLOOR_NEVER_KEPT, group="web", floor=floor, base=base)


def zone_never_kept(zone: str, floor: int) -> Reason:
    return reason(PlanCode.ZONE_FLOOR_NEVER_KEPT, group="web", zone=zone, floor=floor)


def test_checks_accept_an_unused_group_without_a_floor() -> None:
    plan = planned(UNUSED, window=Window(floor=Share(count=0)))
    assert len(plan.targets) == 2
    assert plan.notices == (NOT_USED, OUTAGE)


@pytest.mark.parametrize("floor", [Window(), Window(floor=Share(count=0), floor_per_zone=1)])
def test_checks_refuse_a_floor_in_an_unused_group(floor: Window) -> None:
    found = refused(UNUSED, AcceptedRisks(force=True), window=floor)
    assert found[0] == reason(PlanCode.UNUSED_GROUP_WITH_FLOOR, group="web")


def test_checks_treat_an_unused_group_alike_in_manual_steps() -> None:
    only = Selection(only=("web0",))
    assert refused(UNUSED, kind=PlanKind.DEREGISTER, targets=only) == (below(0, 1),)
    assert NOT_USED in planned(UNUSED, AcceptedRisks(force=True), PlanKind.DEREGISTER, targets=only).notices
    newcomer = (a_target(7, UNUSED.groups),)
    plan = register(asked(kind=PlanKind.REGISTER), UNUSED, NO_ACCEPTED_RISKS, newcomer, ())
    assert plan.notices == (NOT_USED,)


def test_checks_refuse_a_floor_that_no_target_can_leave() -> None:
    assert refused(a_survey([HEALTHY])) == (never_kept(1, 1),)
    assert refused(a_survey(), window=Window(floor=Share(percent=51))) == (never_kept(2, 2),)


def test_checks_refuse_a_floor_that_the_largest_target_cannot_leave() -> None:
    survey = a_survey([HEALTHY] * 3)
    [first, *others] = survey.members[WEB.arn]
    again = replace(first, registration=replace(first.registration, port=81))
    twice = replace(survey, members={WEB.arn: (first, again, *others)})
    assert refused(twice, window=Window(floor=Share(count=3))) == (never_kept(3, 4),)


def test_checks_refuse_a_zone_floor_that_no_target_can_leave() -> None:
    window = Window(floor=Share(count=1), floor_per_zone=1)
    assert refused(a_survey(), window=window) == (zone_never_kept("a", 1),)
    assert refused(a_survey([HEALTHY] * 3), window=window) == (zone_never_kept("c", 1),)
    assert planned(a_survey([HEALTHY] * 4), window=window).floors[WEB.arn].per_zone == 1


def test_checks_apply_a_zone_floor_only_where_targets_are() -> None:
    groups = (a_group("web"), a_group("admin"))
    survey = a_survey([HEALTHY] * 4, groups)
    only_a = tuple(member for member in survey.members[groups[1].arn] if member.zone == "a")
    survey = replace(survey, members={**survey.members, groups[1].arn: only_a})
    assert planned(survey, window=Window(floor=Share(count=1), floor_per_zone=1)).targets


def test_checks_count_bystanders_for_the_zone_floor() -> None:
    survey = a_survey([HEALTHY] * 3)
    [first, other, third] = survey.members[WEB.arn]
    again = replace(third, registration=replace(third.registration, port=81))
    survey = replace(survey, members={WEB.arn: (first, other, third, again)})
    window = Window(floor=Share(count=1), floor_per_zone=2)
    assert planned(survey, window=window, targets=Selection(only=("web0",))).targets


def test_checks_refuse_targets_that_other_groups_share() -> None:
    place = Registration(Arn("arn:other"), "i-00000000000000000", 80)
    shared = (("i-00000000000000000", 80, "arn:other"),)
    assert refused(a_survey(elsewhere=(place,))) == (
        reason(PlanCode.SHARED_TARGETS, registrations=shared, risk=Risk.SHARED_TARGETS),
    )


def test_checks_refuse_a_deregistration_that_other_groups_undo() -> None:
    place = Registration(Arn("arn:aws:x:targetgroup/api/1"), "i-00000000000000000", 80)
    only, step = Selection(only=("web0",)), PlanKind.DEREGISTER
    shared = (("i-00000000000000000", 80, "api"),)
    assert refused(a_survey(elsewhere=(place,)), kind=step, targets=only) == (
        reason(PlanCode.STILL_IN_OTHER_GROUPS, registrations=shared, risk=Risk.SHARED_TARGETS),
    )
    accepted = AcceptedRisks(only_these_groups=True)
    plan = planned(a_survey(elsewhere=(place,)), accepted, step, targets=only)
    assert plan.notices == (reason(PlanCode.TRAFFIC_GOES_ON, registrations=shared),)
    assert planned(a_survey(), kind=step, targets=only).targets


def test_checks_refuse_targets_that_somebody_else_drains() -> None:
    survey = a_survey([HEALTHY, HEALTHY, DRAINING])
    assert refused(survey) == (
        reason(PlanCode.DRAINED_BY_OTHERS, targets=("i-00000000000000002",), risk=Risk.FOREIGN_DRAINING),
    )
    assert planned(survey, AcceptedRisks(ignore_draining=True)).targets
    assert planned(replace(survey, ours_out={TargetId("i-00000000000000002"): RolloutId("r0")})).targets


def test_checks_refuse_a_short_settle_outside_the_lab() -> None:
    short = Drain(settle=seconds(29))
    assert refused(a_survey(), drain=short) == (
        reason(PlanCode.SETTLE_TOO_SHORT, settle=29.0, safe=30.0, risk=Risk.SHORT_SETTLE),
    )
    assert planned(a_survey(lab=True), drain=short).targets
    plan = planned(a_survey(), AcceptedRisks(force=True), drain=short)
    assert plan.targets
    assert plan.notices == (reason(PlanCode.SHORT_SETTLE_ACCEPTED, settle=29.0, safe=30.0),)


@pytest.mark.parametrize(
    ("limit", "until", "kind", "needed"),
    [
        (39, DrainUntil.DELAY, PlanKind.ROLL, 40),
        (29, DrainUntil.PROOF, PlanKind.DEREGISTER, 30),
        (40, DrainUntil.DELAY, PlanKind.ROLL, 0),
        (30, DrainUntil.PROOF, PlanKind.ROLL, 0),
        (0, DrainUntil.DELAY, PlanKind.REGISTER, 0),
    ],
)
def test_checks_refuse_a_limit_shorter_than_a_drain(limit: int, until: DrainUntil, kind: PlanKind, needed: int) -> None:
    spec = a_spec(limits=Limits(seconds(limit), draining_from_delay=False), drain=Drain(until=until))
    plan = replace(a_plan(kind=kind, floor=0), spec=spec)
    wanted = (reason(PlanCode.DRAIN_LIMIT_TOO_SHORT, limit=float(limit), needed=float(needed)),) if needed else ()
    assert reasons_against(plan, a_survey(groups=plan.groups), NO_ACCEPTED_RISKS) == wanted


def test_checks_refuse_a_configured_check_that_cannot_be_sent() -> None:
    survey = a_survey(unreachable={TargetId("i-00000000000000001"): "no route"})
    assert refused(survey, check=Check(http=HttpCheck("/ready"))) == (
        reason(PlanCode.CHECK_UNREACHABLE, target="i-00000000000000001", text="no route"),
    )
    assert planned(survey, check=Check(asked=False)).targets


def test_checks_refuse_a_manual_step_below_the_floor() -> None:
    survey = a_survey([HEALTHY] * 4)
    three = Selection(only=("web0", "web1", "web2"))
    assert refused(survey, kind=PlanKind.DEREGISTER, targets=three) == (below(1, 2),)
    forced = planned(survey, AcceptedRisks(force=True), PlanKind.DEREGISTER, targets=three)
    assert forced.floors == {WEB.arn: Floor(0, 4)}
    assert forced.notices == (OUTAGE,)


def test_checks_report_the_floor_of_a_manual_step_once() -> None:
    found = refused(a_survey([HEALTHY]), kind=PlanKind.DEREGISTER, targets=Selection(only=("web0",)))
    assert found == (below(0, 1),)


def test_checks_apply_no_floor_to_a_registration() -> None:
    plan = register(asked(kind=PlanKind.REGISTER), a_survey([HEALTHY]), NO_ACCEPTED_RISKS, (a_target(7, [WEB]),), ())
    assert plan.floors == {WEB.arn: Floor(1, 1)}


def test_checks_keep_the_zone_floor_in_manual_steps() -> None:
    survey = a_survey([HEALTHY] * 4)
    window = Window(floor=Share(count=1), floor_per_zone=1)
    both_of_a = Selection(only=("web0", "web2"))
    assert refused(survey, kind=PlanKind.DEREGISTER, targets=both_of_a, window=window) == (
        reason(PlanCode.BELOW_ZONE_FLOOR, group="web", zone="a", serving=0, floor=1, risk=Risk.BELOW_FLOOR),
    )
    assert planned(survey, kind=PlanKind.DEREGISTER, targets=Selection(only=("web0", "web1")), window=window).targets
