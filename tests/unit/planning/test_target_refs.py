"""Where a target that a person names is to be registered."""

from dataclasses import replace

import pytest
from tests.unit.given import a_group, a_plan, a_target, given
from tests.unit.surveyed import WEB, a_survey

from katakei.domain.errors import UsageError
from katakei.domain.model import Registration, RolloutId, Target, TargetId, TargetType
from katakei.domain.plan import Floor
from katakei.planning.target_refs import HeldTarget, resolve_target

THERE = a_survey().members[WEB.arn]
KNOWN = a_target(7, [a_group()])
AGAIN = replace(KNOWN, registrations=(Registration(WEB.arn, KNOWN.id, 8080), Registration(WEB.arn, KNOWN.id, 8081)))


def nothing(name: str) -> None:
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


@pytest.mark.parametrize("typed", ["i-00000000000000001", "10.0.0.1", "web1", "web1:80"])
def test_what_is_listed_is_registered_as_it_is_listed(typed: str) -> None:
    target, said = resolve_target(WEB, THERE, r7, {}, typed)
    assert (target.id, target.registrations, said) == ("i-00000000000000001", (THERE[1].registration,), "")


def test_a_name_of_two_machines_names_none() -> None:
    twins = tuple(replace(member, name="web") for member in THERE)
    with pytest.raises(UsageError, match="web is the name of i-00000000000000000, i-00000000000000001: give an id"):
        resolve_target(WEB, twins, nothing, {}, "web")


@pytest.mark.parametrize("typed", ["web7", KNOWN.id])
def test_what_a_rollout_recorded_goes_back_exactly_so_and_that_is_said(typed: str) -> None:
    target, said = resolve_target(WEB, THERE, r7, {}, typed)
    assert target == AGAIN
    assert "goes back as rollout r-7 recorded it" in said


def test_what_is_listed_goes_back_where_it_is_held_out_too_and_that_is_said() -> None:
    target, said = resolve_target(WEB, THERE, nothing, held(1, 8080), "web1")
    assert [place.port for place in target.registrations] == [80, 8080]
    assert said == "i-00000000000000001 (web1) goes back at port 8080 too: rollout r-test took it out"


def test_so_does_what_the_newest_rollout_knew_at_another_port_only() -> None:
    target, said = resolve_target(WEB, THERE, r7, held(7, 80), "web7")
    assert [place.port for place in target.registrations] == [8080, 8081, 80]
    assert "as rollout r-7 recorded it; " in said
    assert "at port 80 too: rollout r-test took it out" in said
    assert resolve_target(WEB, THERE, r7, held(7, 8080), "web7")[0] == AGAIN


def test_what_is_held_out_is_known_by_its_port() -> None:
    target, said = resolve_target(WEB, THERE, nothing, held(1, 8080), "web1:8080")
    assert ([place.port for place in target.registrations], said) == ([8080], "")


def test_what_is_held_out_of_another_machine_is_not_its_own() -> None:
    assert [place.port for place in resolve_target(WEB, THERE, nothing, held(1, 8080), "web0")[0].registrations] == [80]


def test_a_port_chooses_among_the_recorded_ones() -> None:
    target, said = resolve_target(WEB, THERE, r7, {}, "web7:8081")
    assert [place.port for place in target.registrations] == [8081]
    assert said == ""


def test_another_port_than_the_known_ones_is_taken_and_said() -> None:
    target, said = resolve_target(WEB, THERE, r7, {}, "web7:9000")
    assert [place.port for place in target.registrations] == [9000]
    assert "is known with port 8080, 8081 here, not with 9000" in said


def test_a_stranger_gets_the_groups_own_port_aloud_or_the_one_given() -> None:
    target, said = resolve_target(WEB, THERE, nothing, {}, "i-0123456789abcdef0")
    assert target == Target(
        TargetId("i-0123456789abcdef0"), "", "", "", (Registration(WEB.arn, "i-0123456789abcdef0", 80),)
    )
    assert said == "no port is recorded for i-0123456789abcdef0: the group's own port 80 is taken"
    target, said = resolve_target(WEB, THERE, nothing, {}, "i-0123456789abcdef0:8080")
    assert (target.registrations[0].port, said) == (8080, "")


@pytest.mark.parametrize(
    ("ip", "typed", "what"), [(False, "web9", "instance id"), (False, "10.0.0.9", "instance id"), (True, "web9", "IP")]
)
def test_a_name_that_can_be_no_target_of_the_group_is_a_fault(*, ip: bool, typed: str, what: str) -> None:
    with pytest.raises(UsageError, match=f"{typed} is not known in web, and is no {what}"):
        resolve_target(a_group(ip=ip), THERE, nothing, {}, typed)


def test_an_ip_group_takes_an_address() -> None:
    assert resolve_target(a_group(ip=True), (), nothing, {}, "10.0.0.9")[0].registrations[0].id == "10.0.0.9"


def test_what_is_asked_of_other_groups_is_left_to_their_refusal() -> None:
    assert resolve_target(a_group(target_type=TargetType.ALB), (), nothing, {}, "anything")[0].id == "anything"
