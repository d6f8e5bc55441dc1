"""Tests of membership: floors that the load balancer needs, ranks, and targets that do not serve at the start."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.unit.given import a_group, a_target, seconds
from tests.unit.surveyed import DOWN, DRAINING, HEALTHY, WEB, a_survey, asked, numbers, planned, refused

from katakei.domain.errors import UsageError
from katakei.domain.model import Minimum, RolloutId
from katakei.domain.observation import HealthState
from katakei.domain.plan import Floor, Plan, PlanKind
from katakei.domain.reasons import Reason
from katakei.domain.spec import (
    CounterSource,
    Drain,
    DrainUntil,
    Membership,
    Ranks,
    Selection,
    Share,
    UnhealthyAtStart,
    Window,
    ZonalShift,
)
from katakei.planning.planner import register
from katakei.planning.reasons import PlanCode, Risk, reason
from katakei.planning.survey import NO_ACCEPTED_RISKS, AcceptedRisks, HeldOut, Survey

NO_FLOOR = Window(floor=Share(count=0))


def minimum(count: int | None, percent: int | None, targets: int = 4, *, cross_zone: bool = True) -> Survey:
    group = a_group(minima=(Minimum("dns", count, percent),), cross_zone=cross_zone)
    return a_survey([HEALTHY] * targets, (group,))


def from_minimum(floor: int, base: int = 4) -> Reason:
    return reason(PlanCode.FLOOR_FROM_MINIMUM, group="web", floor=floor, base=base, minimum="dns")


@pytest.mark.parametrize(
    ("count", "percent", "floor"),
    [(3, None, 3), (None, 51, 3), (3, 60, 3), (1, 75, 3), (2, None, 2), (1, None, 2), (None, 50, 2), (None, None, 2)],
)
def test_floor_keeps_the_minimum_of_the_load_balancer(count: int | None, percent: int | None, floor: int) -> None:
    plan = planned(minimum(count, percent))
    assert plan.floors == {WEB.arn: Floor(floor, 4)}
    assert plan.notices == ((from_minimum(3),) if floor == 3 else ())


def test_minimum_holds_where_the_configuration_has_no_floor() -> None:
    assert planned(minimum(2, None), window=NO_FLOOR).floors[WEB.arn].count == 2
    assert planned(minimum(1, 25), window=NO_FLOOR).floors[WEB.arn].count == 0


def test_minimum_that_no_target_can_leave_is_refused() -> None:
    above = reason(PlanCode.HEALTH_MINIMUM_ABOVE_FLOOR, group="web", minimum="dns", needed=4, base=4, floor=2)
    assert refused(minimum(4, None)) == refused(minimum(None, 76)) == (above,)
    never = reason(PlanCode.FLOOR_NEVER_KEPT, group="web", floor=4, base=4)
    assert refused(minimum(4, None), window=Window(floor=Share(count=4))) == (never,)


def test_minimum_holds_in_manual_steps_unless_forced() -> None:
    survey, only = minimum(4, None), Selection(only=("web0",))
    below = reason(PlanCode.BELOW_FLOOR, group="web", serving=3, floor=4, risk=Risk.BELOW_FLOOR)
    assert refused(survey, kind=PlanKind.DEREGISTER, targets=only) == (below,)
    forced = planned(survey, AcceptedRisks(force=True), PlanKind.DEREGISTER, targets=only)
    assert forced.floors == {WEB.arn: Floor(0, 4)}
    newcomer = (a_target(7, survey.groups),)
    plan = register(asked(kind=PlanKind.REGISTER), survey, NO_ACCEPTED_RISKS, newcomer, ())
    assert plan.floors == {WEB.arn: Floor(2, 4)}
    assert plan.notices == ()


APART = (a_group(cross_zone=False),)


def zone_floor(floor: int) -> Reason:
    return reason(PlanCode.ZONE_FLOOR_FROM_GROUP, group="web", floor=floor)


def test_each_zone_keeps_a_target_without_cross_zone() -> None:
    plan = planned(a_survey([HEALTHY] * 4, APART))
    assert plan.floors == {WEB.arn: Floor(2, 4, 1)}
    assert plan.notices == (zone_floor(1),)
    asked_for = planned(a_survey([HEALTHY] * 4, APART), window=Window(floor_per_zone=1))
    assert (asked_for.floors, asked_for.notices) == (plan.floors, ())


def test_zone_of_one_target_is_refused_without_cross_zone() -> None:
    off = reason(PlanCode.CROSS_ZONE_OFF, group="web", zone="a", floor=1)
    assert refused(a_survey(groups=APART)) == (off,)
    assert planned(a_survey(groups=APART), window=NO_FLOOR).floors == {WEB.arn: Floor(0, 2)}
    own = reason(PlanCode.ZONE_FLOOR_NEVER_KEPT, group="web", zone="a", floor=1)
    assert refused(a_survey(groups=APART), window=Window(floor_per_zone=1)) == (own,)


def test_minima_are_of_each_zone_without_cross_zone() -> None:
    survey = minimum(None, 60, 8, cross_zone=False)
    plan = planned(survey)
    assert plan.floors == {WEB.arn: Floor(4, 8, 3)}
    assert plan.notices == (zone_floor(3),)


def test_zone_floor_counts_what_is_held_out() -> None:
    survey = minimum(None, 60, 6, cross_zone=False)
    out = [a_target(number, survey.groups) for number in (6, 7)]
    held = tuple(HeldOut(each, frozenset(each.registrations), RolloutId("r0"), ("failed", "")) for each in out)
    assert planned(replace(survey, held=held)).floors == {WEB.arn: Floor(4, 8, 3)}
    assert planned(survey).floors == {WEB.arn: Floor(3, 6, 2)}


def test_unused_group_needs_no_zone_floor() -> None:
    unused = (a_group(cross_zone=False, load_balancers=(), balancer_type=""),)
    plan = planned(a_survey([HealthState.UNUSED] * 2, unused), window=NO_FLOOR)
    assert plan.floors == {WEB.arn: Floor(0, 2)}


def tagged(*values: str | None, states: Sequence[HealthState] | None = None) -> Survey:
    survey = a_survey(states or [HEALTHY] * len(values))
    members = tuple(
        replace(member, tags={"Tier": value} if value else {})
        for member, value in zip(survey.members[WEB.arn], values, strict=True)
    )
    return replace(survey, members={WEB.arn: members})


def ranked(*first: str) -> Window:
    return Window(ranks=Ranks("Tier", first))


def test_ranks_come_before_zones() -> None:
    survey = tagged("web", "batch", "web", None, "batch", "db")
    assert numbers(planned(survey, window=ranked("batch", "web"))) == [4, 1, 0, 2, 3, 5]
    assert numbers(planned(survey)) == [0, 2, 4, 1, 3, 5]


def test_rank_of_a_target_that_does_not_serve() -> None:
    survey = tagged("web", "batch", "batch", states=[HEALTHY, HEALTHY, DOWN])
    assert numbers(planned(survey, window=ranked("batch"))) == [1, 2, 0]
    first = Membership(unhealthy=UnhealthyAtStart.FIRST)
    assert numbers(planned(survey, window=ranked("web"), membership=first)) == [2, 0, 1]


def test_ranks_order_what_is_held_out() -> None:
    survey = tagged("web", "batch", "web")
    out = a_target(3, (WEB,))
    held = HeldOut(out, frozenset(out.registrations), RolloutId("r0"), ("failed", ""), {"Tier": "web"})
    survey = replace(survey, held=(held,))
    assert numbers(planned(survey, window=ranked("batch", "web"))) == [3, 1, 0, 2]


def test_rank_without_targets_is_named() -> None:
    plan = planned(tagged("web", None), window=ranked("batch", "web"))
    assert plan.notices == (reason(PlanCode.RANKS_EMPTY, tag="Tier", values=("batch",)),)
    assert planned(tagged("web", None), window=ranked("web")).notices == ()


@pytest.mark.parametrize(
    ("policy", "order"),
    [
        (UnhealthyAtStart.LAST, [0, 2, 3, 1]),
        (UnhealthyAtStart.FIRST, [1, 0, 2, 3]),
        (UnhealthyAtStart.SKIP, [0, 2, 3]),
    ],
)
def test_targets_that_do_not_serve_at_the_start(policy: UnhealthyAtStart, order: list[int]) -> None:
    survey = a_survey([HEALTHY, DOWN, HEALTHY, HEALTHY])
    plan = planned(survey, membership=Membership(unhealthy=policy), window=Window(floor=Share(count=1)))
    assert numbers(plan) == order
    skipped = reason(PlanCode.UNHEALTHY_SKIPPED, targets=((str(survey.members[WEB.arn][1].machine), "web1"),))
    assert plan.notices == ((skipped,) if policy is UnhealthyAtStart.SKIP else ())
    assert {target.name for target in (*plan.targets, *plan.bystanders)} == {"web0", "web1", "web2", "web3"}


def test_targets_that_do_not_serve_are_refused() -> None:
    survey = a_survey([HEALTHY, DOWN, HealthState.INITIAL])
    strict = Membership(unhealthy=UnhealthyAtStart.REFUSE)
    who = tuple((f"i-{n:017x}", f"web{n}") for n in (2, 1))
    assert refused(survey, membership=strict) == (reason(PlanCode.UNHEALTHY_AT_START, targets=who),)
    assert planned(a_survey(), membership=strict).targets
    assert planned(survey, membership=strict, targets=Selection(only=("web0",))).targets


def test_nothing_is_left_where_all_are_skipped() -> None:
    survey, skip = a_survey([DOWN, HEALTHY]), Membership(unhealthy=UnhealthyAtStart.SKIP)
    with pytest.raises(UsageError) as error:
        planned(survey, membership=skip, targets=Selection(only=("web0",)))
    assert error.value.reasons == (
        reason(PlanCode.NO_TARGET_CHOSEN, groups=("web",)),
        reason(PlanCode.UNHEALTHY_SKIPPED, targets=(("i-00000000000000000", "web0"),)),
    )


@pytest.mark.parametrize("policy", [UnhealthyAtStart.SKIP, UnhealthyAtStart.REFUSE])
def test_what_is_held_out_is_no_unhealthy_target(policy: UnhealthyAtStart) -> None:
    out = a_target(0, (WEB,))
    held = HeldOut(out, frozenset(out.registrations), RolloutId("r0"), ("failed", ""))
    survey = a_survey([DRAINING, HEALTHY, HEALTHY], held=(held,))
    assert numbers(planned(survey, membership=Membership(unhealthy=policy))) == [0, 2, 1]
    down = a_survey([DOWN, HEALTHY, HEALTHY], held=(held,))
    assert 0 in numbers(planned(down, membership=Membership(unhealthy=policy)))


def test_manual_steps_ask_nothing_of_health() -> None:
    survey, strict = a_survey([DOWN, HEALTHY, HEALTHY]), Membership(unhealthy=UnhealthyAtStart.SKIP)
    only = Selection(only=("web0",))
    assert planned(survey, kind=PlanKind.DEREGISTER, membership=strict, targets=only).targets


def test_unused_group_has_no_unhealthy_targets() -> None:
    unused = a_survey([HealthState.UNUSED] * 2, (a_group(load_balancers=(), balancer_type=""),))
    strict = Membership(unhealthy=UnhealthyAtStart.REFUSE)
    assert planned(unused, membership=strict, window=NO_FLOOR).targets


def test_sticky_sessions_are_said_with_their_duration() -> None:
    survey = a_survey(groups=(a_group(sticky=seconds(86400)),))
    said = reason(PlanCode.STICKY_SESSIONS, group="web", lasts=86400.0)
    assert planned(survey).notices == (said,)
    assert planned(survey, kind=PlanKind.DEREGISTER, targets=Selection(only=("web0",))).notices == (said,)


def slow(start: float, soak: float) -> Plan:
    return planned(a_survey(groups=(a_group(slow_start=seconds(start)),)), soak=seconds(soak))


@pytest.mark.parametrize(("start", "soak", "lasts"), [(60, 10, 60), (30, 90, 90), (30, 30, 30)])
def test_soak_lasts_as_long_as_the_slow_start(start: float, soak: float, lasts: float) -> None:
    plan = slow(start, soak)
    assert plan.spec.soak == seconds(lasts)
    assert plan.notices == (reason(PlanCode.SLOW_START_ON, group="web", slow_start=start, soak=lasts),)
    assert planned(a_survey(), soak=seconds(soak)).spec.soak == seconds(soak)


SHIFTED = (a_group(zonal_shift=("a",)),)


def test_zonal_shift_is_refused_unless_allowed() -> None:
    survey = a_survey(groups=SHIFTED)
    [first, second] = survey.members[WEB.arn]
    overridden = replace(first, seen=replace(first.seen, overridden=True))
    survey = replace(survey, members={WEB.arn: (overridden, second)})
    assert refused(survey) == (reason(PlanCode.ZONAL_SHIFT_ACTIVE, group="web", zones=("a",)),)
    plan = planned(survey, membership=Membership(zonal_shift=ZonalShift.ALLOW))
    assert plan.notices == (reason(PlanCode.ZONAL_SHIFT_ALLOWED, group="web", zones=("a",), targets=1),)


@pytest.mark.parametrize("until", list(DrainUntil))
def test_target_optimizer_allows_only_what_does_not_observe_connections(until: DrainUntil) -> None:
    counter = CounterSource(url="http://127.0.0.1/") if until is DrainUntil.COUNTER else None
    survey = a_survey(groups=(a_group(target_control=True),))
    drain = Drain(seconds(30), until, probe="ssm", counter=counter)
    if until in {DrainUntil.COUNTER, DrainUntil.DELAY}:
        assert planned(survey, drain=drain).targets
    else:
        assert refused(survey, drain=drain) == (reason(PlanCode.TARGET_OPTIMIZER_ON, group="web", until=until.value),)


def test_target_optimizer_does_not_concern_a_registration() -> None:
    survey = a_survey(groups=(a_group(target_control=True),))
    request = asked(kind=PlanKind.REGISTER)
    request = replace(request, spec=replace(request.spec, drain=Drain(seconds(30), DrainUntil.PROOF, probe="ssm")))
    assert register(request, survey, NO_ACCEPTED_RISKS, (a_target(7, survey.groups),), ()).targets
