"""Tests of the calls of a turn: which leave, and what becomes a fact, a trouble, or nothing."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.properties.adversary import Adversary
from tests.properties.builders import seconds
from tests.properties.fake_ports import FakeBalancer
from tests.unit.runtime.test_stale_calls import Calls

from katakei.domain import events as e
from katakei.domain.actions import Register
from katakei.domain.errors import RejectedError


def register(calls: Calls, number: int) -> Register:
    one = calls.targets[number]
    return Register(one.id, one.registrations[:1])


def late_thread(calls: Calls, after: float) -> None:
    """Runs the calls that wait for a thread, so many seconds later."""
    for _, future in calls.dispatcher._flying:
        future._due = calls.clock.now() + seconds(after)  # type: ignore[attr-defined]  # Late
    calls.clock.sleep(seconds(after))
    calls.pool.run_what_is_due()


def test_driver_gets_no_more_time_than_the_observation_has(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = Calls()
    given: list[timedelta] = []
    monkeypatch.setattr(FakeBalancer, "deregister", lambda *args: given.append(args[-1]))
    calls.submit(calls.take_out(0, 9))
    calls.submit(calls.take_out(1, 0))
    assert given == [seconds(1), seconds(10)]


def test_register_leaves_however_late_its_thread_begins() -> None:
    calls = Calls(Adversary(slow=1.0))
    calls.submit(register(calls, 0))
    late_thread(calls, 9)
    assert calls.kinds == ["register"]


def test_target_with_a_call_under_way_gets_no_other() -> None:
    calls = Calls(Adversary(slow=1.0))
    calls.submit(register(calls, 0))
    calls.submit(register(calls, 0), register(calls, 1))
    late_thread(calls, 1)
    assert [{place.id for place in call.places} for call in calls.aws.log.calls] == [
        {calls.targets[0].id},
        {calls.targets[1].id},
    ]


def test_failed_call_is_not_repeated_in_its_turn() -> None:
    calls = Calls(Adversary(lost=1.0))
    calls.submit(register(calls, 0))
    calls.dispatcher.submit([register(calls, 0)], calls.clock.now() + seconds(10))
    assert calls.kinds == ["register"]
    calls.submit(register(calls, 0))
    assert calls.kinds == ["register", "register"]


def test_denied_call_is_a_trouble_of_its_turn() -> None:
    calls = Calls(Adversary(denied=1.0))
    calls.submit(register(calls, 0))
    assert [str(trouble) for trouble in calls.dispatcher.troubles] == ["denied"]
    calls.dispatcher.begin()
    assert calls.dispatcher.troubles == []


def rejecting(error: RejectedError) -> Callable[..., None]:
    def register(*_: object) -> None:
        raise error

    return register


def test_call_that_is_rejected_as_a_whole_rejects_each_target(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = Calls()
    monkeypatch.setattr(FakeBalancer, "register", rejecting(RejectedError("too many targets")))
    facts = calls.submit(register(calls, 0), register(calls, 1))
    assert facts == [e.RegistrationRejected(calls.clock.now(), one.id, "too many targets") for one in calls.targets[:2]]


def test_target_that_is_rejected_is_not_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = Calls()
    refused = {calls.targets[1].registrations[0]: "not running"}
    monkeypatch.setattr(FakeBalancer, "register", rejecting(RejectedError("InvalidTarget", refused)))
    facts = calls.submit(register(calls, 0), register(calls, 1))
    one, other = calls.targets[:2]
    assert [type(fact) for fact in facts] == [e.RegistrationRejected, e.Registered]
    assert facts[0] == e.RegistrationRejected(calls.clock.now(), other.id, "not running")
    assert facts[1] == e.Registered(calls.clock.now(), one.registrations[0].group, (one.id,))
