"""Tests of a slow journal: no call rests on an old observation, and the rollout still ends."""

from collections.abc import Callable

import pytest
from tests.properties.builders import seconds
from tests.properties.judge import judged
from tests.properties.memory_journal import JournalConnection
from tests.properties.scenarios import Scenario, spec_of
from tests.properties.simulated_aws import NOON, SimulatedAws
from tests.properties.simulation import ID, simulate

from katakei.domain import events as e
from katakei.domain.model import Registration
from katakei.domain.phases import Cause, Phase
from katakei.domain.spec import Limits
from katakei.render.reasons import sentence
from katakei.runtime import dispatcher

Slow = Callable[..., None]


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    """Makes every append, or renewal, of every process take this long."""
    sit = JournalConnection.sit

    def slowly(*, append: float = 0, renew: float = 0) -> None:
        def sat(self: JournalConnection, *given: object) -> JournalConnection:
            connection = sit(self, *given)  # type: ignore[arg-type]  # as they came
            connection.append_takes, connection.renew_takes = seconds(append), seconds(renew)
            return connection

        monkeypatch.setattr(JournalConnection, "sit", sat)

    return slowly


def nothing_happens(aws: SimulatedAws) -> None:
    """Only slow: a scenario with a script is not judged for its speed."""


def another_falls_during_the_first_append(aws: SimulatedAws) -> None:
    other = second(aws)
    if aws.clock.time >= NOON + seconds(14) and len(aws.past[other]) == 1:
        aws.fall(other, lasting=200)


def second(aws: SimulatedAws) -> Registration:
    return list(aws.past)[1]


@pytest.mark.parametrize("probe", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_rollout_ends_though_appends_take_12_seconds(slow: Slow, seed: int, *, probe: bool) -> None:
    slow(append=12)
    given = Scenario(seed, targets=3, floor=2, probe=probe, delay=90 if probe else 15, script=nothing_happens)
    outcome = simulate(given)
    assert [standing.phase for standing in outcome.rollout.statuses.values()] == [Phase.DONE] * 3
    assert outcome.rollout.finished
    assert outcome.figures["turns"] < 300
    assert judged(outcome) == []


def test_take_out_is_not_sent_when_another_falls_meanwhile(slow: Slow) -> None:
    slow(append=12)
    outcome = simulate(
        Scenario(1, targets=3, floor=2, wrong_clocks=False, script=another_falls_during_the_first_append)
    )
    fell = outcome.aws.past[second(outcome.aws)][1].at
    calls = [call for call in outcome.aws.log.calls if call.kind == "deregister"]
    ways = [(each.to, each.cause) for each in outcome.store.events[ID] if isinstance(each, e.PhaseChanged)]
    assert ways[:3] == [(Phase.DRAINING, None), (Phase.RETURNING, Cause.FLOOR_LOST), (Phase.RETURNED, Cause.FLOOR_LOST)]
    assert calls[0].at > fell
    assert calls[0].places == {second(outcome.aws)}  # the one that serves no more goes first
    assert judged(outcome) == []


def test_calls_that_never_leave_name_the_journal_and_end(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    slow(append=9.5, renew=9.5)
    monkeypatch.setattr(dispatcher, "OBSERVATION_MAX_AGE", seconds(9))
    limits = Limits(working=seconds(60), warming=seconds(60), waiting=seconds(80))
    outcome = simulate(Scenario(1, targets=3, floor=2, script=nothing_happens, spec=spec_of(limits=limits)))
    back = [each for each in outcome.store.events[ID] if isinstance(each, e.PhaseChanged) and each.cause]
    assert outcome.rollout.finished
    assert [call for call in outcome.aws.log.calls if call.kind == "deregister"] == []
    assert back[0].cause is Cause.FAILED
    assert Phase.LEFT_OUT not in {standing.phase for standing in outcome.rollout.statuses.values()}
    assert "it went back because no call to deregister it returned within 1m" in sentence(back[0].reason)
    assert any(
        "its call was not sent 3 times in a row because the journal took 10s to answer" in said
        for said in outcome.sentences
    )
    assert judged(outcome) == []
