"""What a look shows, in the load balancer's own words."""

import pytest
from tests.core.given import NOON, a_group, a_target

from katakei.domain.observation import GroupSight, Seen, Sight, State

[PLACE] = a_target(0, [a_group()]).registrations


@pytest.mark.parametrize("state", list(State))
def test_draining_and_absent_are_out_and_only_healthy_serves(state: State) -> None:
    look = Seen(state, NOON, NOON)
    assert look.out == (state in {State.DRAINING, State.ABSENT})
    assert look.serving == (state is State.HEALTHY)


def test_a_healthy_target_under_a_zonal_shift_gets_no_requests() -> None:
    assert not Seen(State.HEALTHY, NOON, NOON, overridden=True).serving


def test_what_was_never_seen_is_not_guessed() -> None:
    look = Seen(State.HEALTHY, NOON, NOON)
    assert Sight().of(PLACE) is None
    assert Sight({PLACE.group: GroupSight({})}).of(PLACE) is None
    assert Sight({PLACE.group: GroupSight({PLACE: look})}).of(PLACE) is look
