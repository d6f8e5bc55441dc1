"""The turn while AWS or the journal cannot be reached: how long that is tolerated, and what is said."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import cycle, repeat
from typing import Any

import pytest
from tests.properties.adversary import Adversary
from tests.properties.builders import seconds
from tests.properties.fake_probe import FakeProbe
from tests.properties.scenarios import Scenario, spec_of
from tests.properties.simulation import Process, Simulation

from katakei.domain import events as e
from katakei.domain.actions import Job
from katakei.domain.errors import (
    KatakeiError,
    LeaseLostError,
    NoAnswerError,
    TemporarilyUnavailableError,
    UnreachableError,
)
from katakei.domain.events import WorkKey
from katakei.domain.model import Target
from katakei.domain.observation import HealthState, Observation, WorkStatus
from katakei.domain.phases import Phase
from katakei.domain.replay import Rollout
from katakei.domain.spec import Drain, DrainUntil, Limits
from katakei.reconcile.observe import ObservationRequest
from katakei.render.reasons import sentence
from katakei.runtime.runner import OUTAGE_LIMIT


def turn(process: Process) -> None:
    turned = process.runner.turn()
    process.clock.sleep(turned.due - process.clock.now())


def with_a_target_draining() -> Process:
    process = Simulation(Scenario(seed=1))._take_up()
    while not any(standing.deregistered for standing in process.runner.rollout.statuses.values()):
        turn(process)
    return process


def until_it_gives_up(process: Process) -> None:
    end = process.clock.now() + 2 * OUTAGE_LIMIT
    while process.clock.now() < end:
        turn(process)


def answering(process: Process, errors: Iterator[KatakeiError], monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_args: object) -> None:
        raise next(errors)

    monkeypatch.setattr(process.runner._observer._balancer, "look", gone)
    monkeypatch.setattr(process.runner._observer._balancer, "groups", gone)
    monkeypatch.setattr(process.runner._observer._executor, "look", gone)


def test_unanswered_call_does_not_extend_the_outage_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    process = with_a_target_draining()
    begun = process.clock.now()

    answering(process, cycle([UnreachableError("nobody listens"), NoAnswerError("timed out")]), monkeypatch)

    with pytest.raises(UnreachableError, match=r"nobody listens|timed out"):
        until_it_gives_up(process)
    assert process.clock.now() - begun >= OUTAGE_LIMIT


def test_silent_group_ends_the_rollout_after_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    process = with_a_target_draining()
    begun = process.clock.now()

    answering(process, repeat(NoAnswerError("AWS throttled DescribeTargetHealth")), monkeypatch)

    with pytest.raises(UnreachableError, match=r"AWS throttled DescribeTargetHealth \(for 15m"):
        until_it_gives_up(process)
    assert OUTAGE_LIMIT <= process.clock.now() - begun < OUTAGE_LIMIT + timedelta(minutes=1)


def test_outage_is_tolerated_while_no_target_is_out(monkeypatch: pytest.MonkeyPatch) -> None:
    process = Simulation(Scenario(seed=1))._take_up()
    begun = process.clock.now()

    answering(process, repeat(TemporarilyUnavailableError("the AWS credentials have expired: renew them")), monkeypatch)

    with pytest.raises(UnreachableError, match="renew them"):
        until_it_gives_up(process)
    assert process.clock.now() - begun >= OUTAGE_LIMIT


def test_denied_access_ends_the_turn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    process = Simulation(Scenario(seed=1))._take_up()

    answering(process, repeat(UnreachableError("allow elasticloadbalancing:DescribeTargetHealth")), monkeypatch)

    with pytest.raises(UnreachableError, match="allow elasticloadbalancing"):
        turn(process)


def test_outage_is_explained_until_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    process = with_a_target_draining()

    with monkeypatch.context() as patch:
        answering(process, repeat(TemporarilyUnavailableError("renew them")), patch)
        process.runner.turn()
        process.clock.sleep(timedelta(seconds=5))
        said = process.runner.turn().why
    process.clock.sleep(timedelta(seconds=5))

    assert sentence(said) == "renew them (retrying for 5s, at most 15m; it goes on by itself)"
    assert "renew" not in sentence(process.runner.turn().why)


def test_executor_that_is_out_of_reach_ends_the_rollout(monkeypatch: pytest.MonkeyPatch) -> None:
    long = Limits(working=2 * OUTAGE_LIMIT, warming=seconds(60), waiting=seconds(600))
    process = Simulation(Scenario(seed=1, spec=spec_of(limits=long)))._take_up()
    while not process.runner.rollout.by_phase[Phase.WORKING]:
        turn(process)
    begun = process.clock.now()

    def gone(*_: object) -> None:
        raise TemporarilyUnavailableError("renew them")

    monkeypatch.setattr(process.runner._observer._executor, "look", gone)
    with pytest.raises(UnreachableError, match="renew them"):
        until_it_gives_up(process)
    assert process.clock.now() - begun >= OUTAGE_LIMIT


def test_settled_knows_calls_that_are_under_way() -> None:
    process = Simulation(Scenario(seed=1, adversary=Adversary(slow=1.0)))._take_up()
    process.runner.turn()
    assert not process.runner.settled(timedelta())

    process.clock.sleep(timedelta(seconds=10))
    process.pool.run_what_is_due()

    assert process.runner.settled(timedelta())


def silent_journal(process: Process, monkeypatch: pytest.MonkeyPatch, kind: type[KatakeiError] = NoAnswerError) -> None:
    def gone(*_args: object) -> None:
        raise kind("the journal did not answer")

    for question in ("renew", "read", "append"):
        monkeypatch.setattr(process.runner._drivers.journal, question, gone)


def test_silent_journal_is_waited_for_without_any_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    process = with_a_target_draining()
    calls = len(process.clock._aws.log.calls)
    with monkeypatch.context() as silence:
        silent_journal(process, silence)
        turned = process.runner.turn()
        process.clock.sleep(seconds(40))
        assert "the journal did not answer (" in sentence(process.runner.turn().why)
    assert (turned.due - turned.now, len(process.clock._aws.log.calls)) == (seconds(2), calls)
    turn(process)
    assert len(process.clock._aws.log.calls) > calls


@pytest.mark.parametrize("kind", [NoAnswerError, TemporarilyUnavailableError])
def test_silent_journal_ends_the_rollout_after_the_limit(
    kind: type[KatakeiError], monkeypatch: pytest.MonkeyPatch
) -> None:
    process = with_a_target_draining()
    begun = process.clock.now()
    silent_journal(process, monkeypatch, kind)
    with pytest.raises(UnreachableError, match="the journal did not answer"):
        until_it_gives_up(process)
    assert process.clock.now() - begun >= OUTAGE_LIMIT


def test_answer_of_the_journal_ends_its_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    process = with_a_target_draining()
    for _ in range(2):
        with monkeypatch.context() as silence:
            silent_journal(process, silence)
            process.runner.turn()
            process.clock.sleep(0.6 * OUTAGE_LIMIT)
            assert "the journal did not answer (" in sentence(process.runner.turn().why)
        turn(process)


def test_lost_lease_after_a_silent_journal_makes_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    process = with_a_target_draining()
    with monkeypatch.context() as silence:
        silent_journal(process, silence)
        process.runner.turn()
    process.runner._lease.release()
    calls = len(process.clock._aws.log.calls)
    with pytest.raises(LeaseLostError):
        process.runner.turn()
    assert len(process.clock._aws.log.calls) == calls


def ready_to_act() -> Process:
    """A rollout whose next turn with a fresh observation makes the first call."""
    process = Simulation(Scenario(seed=1))._take_up()
    assert not changes(process)
    return process


def changes(process: Process) -> list[str]:
    calls = process.clock._aws.log.calls
    return [call.kind for call in calls if call.kind in {"register", "deregister", "start"}]


def test_jump_of_time_while_observing_drops_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    process = ready_to_act()
    real = process.runner._observer.look

    def look_and_jump(*given: Any) -> Observation:
        seen = real(*given)
        process.clock.jumped = process.clock.now()
        process.clock.sleep(seconds(6))  # the lease would be confirmed again before the calls
        return seen

    with monkeypatch.context() as patch:
        patch.setattr(process.runner._observer, "look", look_and_jump)
        for _ in range(5):
            turn(process)
        process.pool.run_what_is_due()
        assert not changes(process)
    turn(process)
    turn(process)
    process.pool.run_what_is_due()
    assert changes(process)


def test_jump_of_time_makes_every_observation_old(monkeypatch: pytest.MonkeyPatch) -> None:
    process = with_a_target_draining()
    given: list[Observation] = []
    real = process.runner._observer.look

    def look(rollout: Rollout, wants: ObservationRequest, last: Observation) -> Observation:
        given.append(last)
        return real(rollout, wants, last)

    monkeypatch.setattr(process.runner._observer, "look", look)
    turn(process)
    process.clock.jumped = process.clock.now()
    process.clock.sleep(seconds(1))
    turn(process)
    turn(process)
    assert [last == Observation() for last in given] == [False, True, False]


def test_turn_ends_with_what_its_own_calls_changed() -> None:
    turned = Simulation(Scenario(seed=1))._take_up().runner.turn()
    assert any(isinstance(event, e.Deregistered) for event in turned.written)
    assert [sentence(wait.reason) for wait in turned.whys] == ["deregistered, but not observed since (for 0s)"]


def test_turn_has_what_running_work_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    process = with_a_target_draining()
    executor = process.runner._observer._executor
    look = executor.look

    def printing(tickets: Any, by: timedelta) -> dict[Any, WorkStatus]:
        return {key: replace(work, out="step 1\n") for key, work in look(tickets, by).items()}

    monkeypatch.setattr(executor, "look", printing)
    turned = process.runner.turn()
    while not turned.outputs and not turned.over:
        process.clock.sleep(turned.due - process.clock.now())
        turned = process.runner.turn()
    (target,) = turned.outputs
    assert turned.outputs == {target: "step 1\n"}
    assert turned.rollout.statuses[target].phase is Phase.WORKING


def test_call_after_a_slow_observation_needs_the_lease_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The call is repeated without an append, so no append proves the lease."""
    process = ready_to_act()
    with monkeypatch.context() as patch:
        answering_calls(process, patch)
        while not process.runner.rollout.at(Phase.DRAINING):
            turn(process)
        process.pool.run_what_is_due()
    real = process.runner._observer.look

    def look_slowly(*given: Any) -> Observation:
        seen = real(*given)
        process.clock.sleep(seconds(6))
        process.runner._lease.release()
        return seen

    monkeypatch.setattr(process.runner._observer, "look", look_slowly)
    with pytest.raises(LeaseLostError):
        process.runner.turn()
    process.pool.run_what_is_due()
    assert not changes(process)


def answering_calls(process: Process, patch: pytest.MonkeyPatch) -> None:
    def gone(*_args: object) -> None:
        raise NoAnswerError("timed out")

    patch.setattr(process.runner._dispatcher._balancer, "deregister", gone)


def first_start(monkeypatch: pytest.MonkeyPatch) -> tuple[str, bool]:
    """The last probe of the first start, and whether its target still drained, where work waits for proof only."""
    by_proof = spec_of(drain=Drain(settle=seconds(30), until=DrainUntil.PROOF))
    process = Simulation(Scenario(seed=1, probe=True, delay=300, spec=by_proof))._take_up()
    executor, aws = process.runner._observer._executor, process.clock._aws
    started: list[tuple[str, bool]] = []
    start = executor.start

    def noted(jobs: Mapping[WorkKey, tuple[Target, Job]], by: timedelta) -> Mapping[WorkKey, str]:
        for target, job in jobs.values():
            drains = any(aws.now(place).state is HealthState.DRAINING for place in target.registrations)
            started.append((job.probe, drains))
        return start(jobs, by)

    monkeypatch.setattr(executor, "start", noted)
    for _ in range(1000):
        if not started:
            turn(process)
    return started[0]


def test_work_on_a_draining_target_probes_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    text, drains = first_start(monkeypatch)
    assert drains
    assert text.startswith("exit 0")


def test_work_without_its_last_probe_waits_for_the_drain(monkeypatch: pytest.MonkeyPatch) -> None:
    def unwritten(*_: object) -> str:
        raise OverflowError("no program")

    monkeypatch.setattr(FakeProbe, "last_look", unwritten)
    assert first_start(monkeypatch) == ("", False)
