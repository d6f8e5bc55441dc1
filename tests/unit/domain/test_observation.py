"""What a look shows, in the load balancer's own words."""

import pytest
from tests.unit.given import NOON, a_group, a_target

from katakei.domain.observation import GroupObservation, HealthState, Observation, RegistrationHealth

[PLACE] = a_target(0, [a_group()]).registrations


@pytest.mark.parametrize("state", list(HealthState))
def test_draining_and_absent_are_out_and_only_healthy_serves(state: HealthState) -> None:
    look = RegistrationHealth(state, NOON, NOON)
    assert look.out == (state in {HealthState.DRAINING, HealthState.ABSENT})
    assert look.serving == (state is HealthState.HEALTHY)


def test_a_healthy_target_under_a_zonal_shift_gets_no_requests() -> None:
    assert not RegistrationHealth(HealthState.HEALTHY, NOON, NOON, overridden=True).serving


def test_what_was_never_seen_is_not_guessed() -> None:
    look = RegistrationHealth(HealthState.HEALTHY, NOON, NOON)
    assert Observation().of(PLACE) is None
    assert Observation({PLACE.group: GroupObservation({})}).of(PLACE) is None
    assert Observation({PLACE.group: GroupObservation({PLACE: look})}).of(PLACE) is look
