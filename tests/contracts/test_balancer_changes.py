"""Registrations of many targets: all possible ones succeed, and each refused one is named."""

from datetime import timedelta

import pytest
from tests.contracts.fake_account import Account, arn

from katakei.adapters.balancers.alb.registration_changes import NO_INSTANCE, Change, RegistrationChanges
from katakei.domain.errors import NoAnswerError, RejectedError
from katakei.domain.model import Registration

WEB = arn("web")
SOON = timedelta(seconds=10)


def places(count: int) -> frozenset[Registration]:
    return frozenset(Registration(WEB, f"i-{n:03}", 80) for n in range(count))


def registered(account: Account) -> set[str]:
    return {one["Target"]["Id"] for one in account.listed["web"]}


@pytest.mark.parametrize("refused", [1, 2, 7, 50])
def test_register_names_exactly_the_refused_targets(refused: int) -> None:
    bad = {f"i-{n:03}" for n in range(0, 50, 50 // refused)}
    account = Account(listed={"web": []}, refuses=frozenset(bad))
    with pytest.raises(RejectedError) as raised:
        RegistrationChanges(account.aws, account.clock).apply(Change.REGISTER, WEB, places(50), SOON)
    assert {place.id for place in raised.value.which} == bad
    assert registered(account) == {place.id for place in places(50)} - bad


def test_one_bad_target_of_fifty_costs_few_calls() -> None:
    account = Account(listed={"web": []}, refuses=frozenset({"i-013"}))
    with pytest.raises(RejectedError):
        RegistrationChanges(account.aws, account.clock).apply(Change.REGISTER, WEB, places(50), SOON)
    assert len(account.calls) <= 14


def test_refused_target_keeps_the_message_of_aws() -> None:
    account = Account(listed={"web": []}, refuses=frozenset({"i-000"}))
    with pytest.raises(RejectedError, match="not in a running state") as raised:
        RegistrationChanges(account.aws, account.clock).apply(Change.REGISTER, WEB, places(1), SOON)
    assert raised.value.which == {Registration(WEB, "i-000", 80): str(raised.value)}


def test_register_splits_lists_over_two_hundred_targets() -> None:
    account = Account(listed={"web": []})
    RegistrationChanges(account.aws, account.clock).apply(Change.REGISTER, WEB, places(450), SOON)
    assert [len(asked["Targets"]) for _, asked in account.calls] == [200, 200, 50]
    assert len(registered(account)) == 450


def test_no_call_begins_after_the_deadline() -> None:
    account = Account(listed={"web": []}, each=timedelta(seconds=6))
    with pytest.raises(NoAnswerError):
        RegistrationChanges(account.aws, account.clock).apply(Change.DEREGISTER, WEB, places(900), SOON)
    assert len(account.calls) == 2


def test_refused_targets_found_before_deadline_are_reported() -> None:
    account = Account(listed={"web": []}, refuses=frozenset({"i-000", "i-003"}), each=timedelta(seconds=4))
    with pytest.raises(RejectedError) as raised:
        RegistrationChanges(account.aws, account.clock).apply(Change.REGISTER, WEB, places(4), SOON)
    assert {place.id for place in raised.value.which} == {"i-000"}


def test_calls_name_port_and_recorded_zone() -> None:
    account = Account(listed={"web": []})
    what = frozenset({Registration(WEB, "10.0.0.1", 80), Registration(WEB, "10.9.0.1", 8080, "all")})
    RegistrationChanges(account.aws, account.clock).apply(Change.DEREGISTER, WEB, what, SOON)
    ((action, asked),) = account.calls
    assert action == "DeregisterTargets"
    assert asked["TargetGroupArn"] == WEB
    assert asked["Targets"] == [
        {"Id": "10.0.0.1", "Port": 80},
        {"Id": "10.9.0.1", "Port": 8080, "AvailabilityZone": "all"},
    ]


LISTED = [Registration(WEB, "i-001", 80), Registration(WEB, "i-001", 65535)]


def test_rights_are_proved_by_what_changes_nothing() -> None:
    account = Account(listed={"web": []}, refuses=frozenset({NO_INSTANCE}))
    RegistrationChanges(account.aws, account.clock).prove_rights(WEB, LISTED, SOON)
    assert [(action, asked["Targets"]) for action, asked in account.calls] == [
        ("DeregisterTargets", [{"Id": "i-001", "Port": 65534}]),
        ("RegisterTargets", [{"Id": NO_INSTANCE, "Port": 80}]),
    ]
    assert registered(account) == set()


def test_endpoint_that_registers_anything_is_told_to_forget_it() -> None:
    account = Account(listed={"web": []})
    RegistrationChanges(account.aws, account.clock).prove_rights(WEB, LISTED, SOON)
    assert account.calls[-1] == (
        "DeregisterTargets",
        {"TargetGroupArn": WEB, "Targets": [{"Id": NO_INSTANCE, "Port": 80}]},
    )
