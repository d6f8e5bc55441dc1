"""Tests of the table of transitions: it is exactly that of the contract."""

import pytest
from tests.unit.given import NOON, WAYS, a_plan, brought, given, t

from katakei.domain import events as e
from katakei.domain.phases import FINAL_PHASES, IN_PROGRESS, MAY_SERVE, TRANSITIONS, Phase
from katakei.domain.replay import evolve

PROMISED = """
    waiting: draining skipped gone
    draining: out returning left_out gone
    out: working returning left_out gone
    working: checking left_out gone
    checking: warming left_out gone
    warming: soaking draining gone
    soaking: done draining failed_serving gone
    returning: returned left_out gone
    done: draining working
    returned: draining working
    left_out: draining working
    failed_serving: draining working
    skipped:
    gone:
"""


def test_transitions_match_the_contract() -> None:
    lines = [line.strip().partition(":") for line in PROMISED.strip().splitlines()]
    promised = {Phase(start): {Phase(end) for end in ends.split()} for start, _, ends in lines}
    assert {start: set(ends) for start, ends in TRANSITIONS.items()} == promised


@pytest.mark.parametrize("start", list(Phase))
def test_unknown_transition_is_an_error(start: Phase) -> None:
    plan = a_plan()
    rollout = given(plan, brought(plan, start))
    for end in Phase:
        move = e.PhaseChanged(NOON, t(plan), end)
        if end in TRANSITIONS[start]:
            assert evolve(rollout, [move]).statuses[t(plan)].phase is end
        else:
            with pytest.raises(ValueError, match=f"no transition from {start.value} to {end.value}"):
                evolve(rollout, [move])


def test_every_phase_is_reachable() -> None:
    assert set(WAYS) == set(Phase)


def test_phase_is_waiting_in_progress_or_final() -> None:
    assert {Phase.WAITING} | IN_PROGRESS | FINAL_PHASES == set(Phase)
    assert not IN_PROGRESS & FINAL_PHASES


def test_only_proven_phases_count_as_serving() -> None:
    assert {Phase.WAITING, Phase.SOAKING} | FINAL_PHASES - {Phase.LEFT_OUT, Phase.GONE} == MAY_SERVE
