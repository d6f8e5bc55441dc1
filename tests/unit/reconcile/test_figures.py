"""How long each target was out of service, as the rollout's own events tell it."""

from tests.unit.given import NOON, a_plan, brought, later, seconds, t

from katakei.domain import events as e
from katakei.domain.phases import Phase
from katakei.reconcile.outcome import drained, out_of_service

PLAN = a_plan()
WHO = t(PLAN)


def moves(*actions: tuple[float, Phase]) -> list[e.Event]:
    return [e.Planned(NOON, PLAN), *(e.PhaseChanged(later(at), WHO, phase) for at, phase in actions)]


def test_out_of_service_lasts_from_the_resolve_to_the_proof_of_service() -> None:
    story = moves((1, Phase.DRAINING), (40, Phase.OUT), (41, Phase.WORKING), (50, Phase.WARMING), (61, Phase.SOAKING))
    assert out_of_service([*story, e.PhaseChanged(later(99), WHO, Phase.DONE)]) == {WHO: seconds(60)}


def test_every_time_out_counts() -> None:
    story = moves((0, Phase.DRAINING), (5, Phase.RETURNED), (10, Phase.DRAINING), (20, Phase.RETURNED))
    assert out_of_service(story) == {WHO: seconds(15)}


def test_a_target_still_out_counts_up_to_the_last_event() -> None:
    story = moves((0, Phase.DRAINING), (5, Phase.RETURNED), (10, Phase.DRAINING))
    assert out_of_service([*story, e.Finished(later(30))]) == {WHO: seconds(25)}


def test_who_was_never_taken_out_has_no_figure() -> None:
    assert out_of_service([e.Planned(NOON, PLAN), *brought(PLAN, Phase.SKIPPED)]) == {}


def test_a_drain_lasts_from_the_resolve_to_the_beginning_of_the_work() -> None:
    story = moves((1, Phase.DRAINING), (40, Phase.OUT), (41, Phase.WORKING), (50, Phase.WARMING))
    assert drained(story) == {WHO: seconds(40)}


def test_of_a_drain_that_was_broken_off_only_the_one_before_the_work_counts() -> None:
    story = moves((0, Phase.DRAINING), (5, Phase.RETURNED), (10, Phase.DRAINING), (20, Phase.OUT), (21, Phase.WORKING))
    assert drained(story) == {WHO: seconds(11)}
    assert drained(moves((0, Phase.DRAINING), (9, Phase.RETURNED))) == {}
