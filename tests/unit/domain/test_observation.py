"""Tests of observations: the health of registrations, and baselines."""

import pytest
from tests.unit.given import NOON, a_group, a_target

from katakei.domain.observation import GroupObservation, HealthState, Observation, RegistrationHealth

[PLACE] = a_target(0, [a_group()]).registrations


@pytest.mark.parametrize("state", list(HealthState))
def test_health_serves_or_is_out(state: HealthState) -> None:
    look = RegistrationHealth(state, NOON, NOON)
    assert look.out == (state in {HealthState.DRAINING, HealthState.ABSENT})
    assert look.serving == (state is HealthState.HEALTHY)


def test_overridden_health_does_not_serve() -> None:
    assert not RegistrationHealth(HealthState.HEALTHY, NOON, NOON, overridden=True).serving


def test_unobserved_registration_is_unknown() -> None:
    look = RegistrationHealth(HealthState.HEALTHY, NOON, NOON)
    assert Observation().of(PLACE) is None
    assert Observation({PLACE.group: GroupObservation({})}).of(PLACE) is None
    assert Observation({PLACE.group: GroupObservation({PLACE: look})}).of(PLACE) is look
