"""Starts that are not accepted at once: when they are repeated, and what is said while they are refused."""

from collections.abc import Iterator
from itertools import repeat

import pytest
from tests.properties.builders import seconds
from tests.properties.fake_ports import FakeExecutor
from tests.properties.scenarios import Scenario, spec_of
from tests.properties.simulation import ID, Process, Simulation

from katakei.domain import events as e
from katakei.domain.errors import KatakeiError, NoAnswerError, RejectedError, UsageError
from katakei.domain.phases import Phase
from katakei.domain.spec import Drain, DrainUntil, Limits
from katakei.render.reasons import sentence
from katakei.runtime.runner import Turn

LONG = Limits(working=seconds(900), warming=seconds(60), waiting=seconds(600))
BY_PROOF = spec_of(drain=Drain(settle=seconds(30), until=DrainUntil.PROOF), limits=LONG)
TIMER = 300.0


def a_simulation() -> Simulation:
    return Simulation(Scenario(seed=1, delay=TIMER, probe=True, wrong_clocks=False, spec=BY_PROOF))


def refusing(monkeypatch: pytest.MonkeyPatch, errors: Iterator[KatakeiError]) -> None:
    """Each start raises the next of these errors, and is accepted once there is none left."""
    start = FakeExecutor.start

    def answered(self: FakeExecutor, jobs: object, by: object) -> object:
        if error := next(errors, None):
            raise error
        return start(self, jobs, by)  # type: ignore[arg-type]  # as it came

    monkeypatch.setattr(FakeExecutor, "start", answered)


def turns(process: Process, within: float) -> Iterator[Turn]:
    """The turns of this many seconds."""
    end = process.clock.now() + seconds(within)
    while process.clock.now() < end:
        turned = process.runner.turn()
        yield turned
        process.clock.sleep(turned.due - process.clock.now())


def first(simulate: Simulation, kind: type[e.Event], phase: Phase | None = None) -> e.Event:
    return next(
        event
        for event in simulate.store.events[ID]
        if isinstance(event, kind) and (phase is None or (isinstance(event, e.PhaseChanged) and event.to is phase))
    )


def test_throttled_start_is_repeated_within_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    simulate = a_simulation()
    refusing(
        monkeypatch, iter([NoAnswerError("AWS throttled SendCommand"), NoAnswerError("AWS did not answer SendCommand")])
    )
    list(turns(simulate._take_up(), TIMER))
    resolved, taken = first(simulate, e.PhaseChanged, Phase.WORKING), first(simulate, e.Started)
    assert taken.at - resolved.at < seconds(20)


def test_start_decided_by_a_dead_process_follows_after_settle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    simulate = a_simulation()
    refusing(monkeypatch, iter([NoAnswerError("killed before it was sent")]))
    process = simulate._take_up()
    for turned in turns(process, TIMER):
        if turned.rollout.by_phase[Phase.WORKING]:
            break
    simulate.store.release(process.hold.lease)
    begun = simulate.aws.clock.time
    list(turns(simulate._take_up(), TIMER))
    assert first(simulate, e.Started).at - begun < seconds(30 + 20)


@pytest.mark.parametrize("kind", [UsageError, RejectedError])
def test_refused_start_is_explained_until_its_limit(monkeypatch: pytest.MonkeyPatch, kind: type[KatakeiError]) -> None:
    simulate = a_simulation()
    refusing(monkeypatch, repeat(kind("the command is too long")))
    said = [sentence(turned.why) for turned in turns(simulate._take_up(), 3 * TIMER + 900)]
    told = [why for why in said if why.startswith("the command is too long (the work has been refused for ")]
    assert all(why.endswith("; limits.working ends this wait)") for why in told)
    assert any("for 14m" in why for why in told)
    back = first(simulate, e.PhaseChanged, Phase.CHECKING)
    assert isinstance(back, e.PhaseChanged)
    assert sentence(e.reason_of(back)).startswith("the work was refused and did nothing")
