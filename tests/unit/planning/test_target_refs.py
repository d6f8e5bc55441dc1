"""Tests of target references: how a person writes a target, and where such a target is to be registered."""

from dataclasses import replace

import pytest
from tests.unit.given import a_group, a_plan, a_target, given
from tests.unit.surveyed import WEB, a_survey

from katakei.domain.errors import UsageError
from katakei.domain.model import Registration, RolloutId, Target, TargetId, TargetType
from katakei.domain.plan import Floor
from katakei.planning.reasons import PlanCode, reason
from katakei.planning.target_refs import HeldTarget, is_address, is_instance, resolve_target, split

THERE = a_survey().members[WEB.arn]
KNOWN = a_target(7, [a_group()])
AS_RECORDED = reason(PlanCode.REGISTERED_AS_RECORDED, target=(KNOWN.id, "web7"), rollout="r-7")
AGAIN = replace(KNOWN, registrations=(Registration(WEB.arn, KNOWN.id, 8080), Registration(WEB.arn, KNOWN.id, 8081)))


def unknown(name: str) -> None:
    """No rollout ever knew a target of this name."""
    del name


def r7(name: str) -> tuple[RolloutId, Target] | None:
    """The rollout r-7 knew web7, at two ports."""
    return (RolloutId("r-7"), AGAIN) if name in {KNOWN.id, "web7"} else None


def held(number: int, port: int) -> HeldTarget:
    """The rollout r-test took this target out at this port."""
    place = Registration(WEB.arn, a_target(number, [WEB]).id, port)
    target = replace(a_target(number, [WEB]), registrations=(place,))
    plan = replace(a_plan(1), groups=(WEB,), targets=(target,), floors={WEB.arn: Floor(0, 1)})
    return {place: given(plan)}


@pytest.mark.parametrize(
    ("text", "instance", "address"),
    [
        ("i-0abc1234567890def", True, False),
        ("i-0abc1234", True, False),
        ("i-0ABC1234", False, False),
        ("i-0abc123", False, False),
        ("xi-0abc1234", False, False),
        ("10.0.0.1", False, True),
        ("fd00::80", False, True),
        ("10.0.0", False, False),
        ("web1", False, False),
    ],
)
def test_references_are_ids_addresses_or_names(text: str, *, instance: bool, address: bool) -> None:
    assert (is_instance(text), is_address(text)) == (instance, address)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("web1", ("web1", None)),
        ("web1:80", ("web1", 80)),
        ("10.0.0.1:65535", ("10.0.0.1", 65535)),
        ("fd00::80", ("fd00::80", None)),
        ("web:blue", ("web:blue", None)),
    ],
)
def test_split_reads_the_port_after_the_last_colon(text: str, parts: tuple[str, int | None]) -> None:
    assert split(text) == parts


@pytest.mark.parametrize("port", ["0", "65536"])
def test_split_refuses_a_port_out_of_range(port: str) -> None:
    with pytest.raises(UsageError) as error:
        split(f"web1:{port}")
    assert error.value.reasons == (reason(PlanCode.PORT_OUT_OF_RANGE, port=int(port)),)


def test_split_accepts_port_one() -> None:
    assert split("web1:1") == ("web1", 1)


@pytest.mark.parametrize("typed", ["i-00000000000000001", "10.0.0.1", "web1", "web1:80"])
def test_resolve_takes_a_listed_target_as_listed(typed: str) -> None:
    target, notices = resolve_target(WEB, THERE, r7, {}, typed)
    assert (target.id, target.registrations, notices) == ("i-00000000000000001", (THERE[1].registration,), ())


def test_resolve_refuses_an_ambiguous_name() -> None:
    twins = tuple(replace(member, name="web") for member in THERE)
    with pytest.raises(UsageError) as error:
        resolve_target(WEB, twins, unknown, {}, "web")
    both = ("i-00000000000000000", "i-00000000000000001")
    assert error.value.reasons == (reason(PlanCode.NAME_AMBIGUOUS, name="web", targets=both),)


@pytest.mark.parametrize("typed", ["web7", KNOWN.id])
def test_resolve_takes_a_recorded_target_as_recorded(typed: str) -> None:
    target, notices = resolve_target(WEB, THERE, r7, {}, typed)
    assert target == AGAIN
    assert notices == (AS_RECORDED,)


def test_resolve_adds_the_ports_that_are_held_out() -> None:
    target, notices = resolve_target(WEB, THERE, unknown, held(1, 8080), "web1")
    assert [place.port for place in target.registrations] == [80, 8080]
    web1 = ("i-00000000000000001", "web1")
    assert notices == (reason(PlanCode.REGISTERED_WHERE_HELD, target=web1, port=8080, rollout="r-test"),)


def test_resolve_adds_held_ports_to_a_recorded_target() -> None:
    target, notices = resolve_target(WEB, THERE, r7, held(7, 80), "web7")
    assert [place.port for place in target.registrations] == [8080, 8081, 80]
    assert notices == (
        AS_RECORDED,
        reason(PlanCode.REGISTERED_WHERE_HELD, target=(KNOWN.id, "web7"), port=80, rollout="r-test"),
    )
    assert resolve_target(WEB, THERE, r7, held(7, 8080), "web7")[0] == AGAIN


def test_resolve_knows_a_held_port() -> None:
    target, notices = resolve_target(WEB, THERE, unknown, held(1, 8080), "web1:8080")
    assert ([place.port for place in target.registrations], notices) == ([8080], ())


def test_resolve_ignores_ports_held_of_other_machines() -> None:
    assert [place.port for place in resolve_target(WEB, THERE, unknown, held(1, 8080), "web0")[0].registrations] == [80]


def test_resolve_takes_only_the_port_that_was_named() -> None:
    target, notices = resolve_target(WEB, THERE, r7, {}, "web7:8081")
    assert [place.port for place in target.registrations] == [8081]
    assert notices == ()


def test_resolve_takes_an_unknown_port_with_a_notice() -> None:
    target, notices = resolve_target(WEB, THERE, r7, {}, "web7:9000")
    assert [place.port for place in target.registrations] == [9000]
    web7, known = (KNOWN.id, "web7"), (8080, 8081)
    assert notices == (reason(PlanCode.UNKNOWN_PORT_USED, target=web7, ports=known, port=9000),)


def test_resolve_gives_an_unknown_target_the_group_port() -> None:
    target, notices = resolve_target(WEB, THERE, unknown, {}, "i-0123456789abcdef0")
    assert target == Target(
        TargetId("i-0123456789abcdef0"), "", "", "", (Registration(WEB.arn, "i-0123456789abcdef0", 80),)
    )
    assert notices == (reason(PlanCode.GROUP_PORT_USED, target="i-0123456789abcdef0", port=80),)
    target, notices = resolve_target(WEB, THERE, unknown, {}, "i-0123456789abcdef0:8080")
    assert (target.registrations[0].port, notices) == (8080, ())


@pytest.mark.parametrize(
    ("ip", "typed", "what"),
    [(False, "web9", "instance id"), (False, "10.0.0.9", "instance id"), (True, "web9", "IP address")],
)
def test_resolve_refuses_a_name_of_the_wrong_form(*, ip: bool, typed: str, what: str) -> None:
    with pytest.raises(UsageError) as error:
        resolve_target(a_group(ip=ip), THERE, unknown, {}, typed)
    assert error.value.reasons == (reason(PlanCode.NOT_A_TARGET, name=typed, group="web", expected=what),)


def test_resolve_accepts_an_address_in_an_ip_group() -> None:
    assert resolve_target(a_group(ip=True), (), unknown, {}, "10.0.0.9")[0].registrations[0].id == "10.0.0.9"


def test_resolve_leaves_other_group_types_to_the_checks() -> None:
    assert resolve_target(a_group(target_type=TargetType.ALB), (), unknown, {}, "anything")[0].id == "anything"
