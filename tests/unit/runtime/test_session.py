"""Tests of the end of a session: when the lease is given back."""

import pytest
from tests.properties.adversary import Adversary
from tests.properties.builders import seconds
from tests.properties.scenarios import Scenario
from tests.properties.simulation import Simulation

from katakei.domain.errors import NoAnswerError
from katakei.runtime.session import RolloutSession


def test_lease_is_kept_while_a_call_is_under_way() -> None:
    simulate = Simulation(Scenario(seed=1, adversary=Adversary(slow=1.0)))
    process = simulate._take_up()
    session = RolloutSession(process.runner._drivers, process.hold, process.runner.rollout.plan, carried_on=True)
    session.step()
    session.close(seconds(0))
    assert simulate.store.holders
    process.clock.sleep(seconds(10))
    process.pool.run_what_is_due()
    session.close(seconds(0))
    assert not simulate.store.holders


def test_session_that_cannot_begin_gives_the_lease_back(monkeypatch: pytest.MonkeyPatch) -> None:
    simulate = Simulation(Scenario(seed=1))
    process = simulate._take_up()
    drivers, plan = process.runner._drivers, process.runner.rollout.plan

    def silent(*_: object) -> None:
        raise NoAnswerError("the journal did not answer")

    monkeypatch.setattr(drivers.journal, "read", silent)
    with pytest.raises(NoAnswerError):
        RolloutSession(drivers, process.hold, plan, carried_on=True)
    assert not simulate.store.holders
