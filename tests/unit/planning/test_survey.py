"""Tests of the survey: one machine may be registered in several groups, and several times in one."""

from dataclasses import replace

from tests.unit.given import a_group
from tests.unit.surveyed import DRAINING, HEALTHY, a_survey

from katakei.domain.model import TargetId
from katakei.domain.observation import HealthState
from katakei.planning.reasons import PlanCode, reason
from katakei.planning.survey import Departure, machines, states, tags

GROUPS = (a_group("web"), a_group("admin"))


def test_machines_are_in_the_order_listed() -> None:
    survey = a_survey([HEALTHY] * 3, GROUPS)
    found = machines(survey)
    assert [target.name for target in found] == ["web0", "web1", "web2"]
    assert [len(target.registrations) for target in found] == [2, 2, 2]


def test_machines_join_an_ip_with_its_instance() -> None:
    survey = a_survey([HEALTHY] * 2)
    [first, second] = survey.members[GROUPS[0].arn]
    same = replace(second, machine=first.machine)
    [machine] = machines(replace(survey, members={GROUPS[0].arn: (first, same)}))
    assert machine.id == first.machine
    assert [place.id for place in machine.registrations] == [first.registration.id, second.registration.id]


def test_states_of_a_machine_in_every_group() -> None:
    survey = a_survey([HEALTHY, DRAINING], GROUPS)
    assert states(survey, TargetId("i-00000000000000001")) == (HealthState.DRAINING, HealthState.DRAINING)
    assert states(survey, TargetId("i-unknown")) == ()


def test_tags_of_a_machine() -> None:
    assert tags(a_survey(), TargetId("i-00000000000000001")) == {"Role": "r1"}
    assert tags(a_survey(), TargetId("i-unknown")) == {}


def test_departure_is_allowed_without_a_reason_against_it() -> None:
    allowed = Departure(machines(a_survey())[:1], (), {"web": 2}, {"web": 1})
    assert allowed.ok
    assert not replace(allowed, reasons=(reason(PlanCode.UNUSED_GROUP, group="web"),)).ok
