"""Tests of health checks: they are made as the load balancer makes them, or as the user wants."""

from dataclasses import replace

from tests.unit.given import a_group, a_plan, a_target, given, seconds, t

from katakei.domain.model import Registration
from katakei.domain.spec import Check, HttpCheck
from katakei.reconcile.health_checks import questions


def test_questions_follow_each_group_check() -> None:
    [question] = questions(given(a_plan(1)), t(a_plan(1)))
    assert (question.scheme, question.address, question.port, question.path, question.expect, question.timeout) == (
        "http",
        "10.0.0.0",
        80,
        "/health",
        "200",
        seconds(5),
    )


def test_questions_use_port_and_protocol_of_check() -> None:
    check = replace(a_group().check, protocol="HTTPS", port=8443)
    group = a_group(check=check)
    plan = replace(a_plan(1), groups=(group,), targets=(a_target(0, [group]),))
    [question] = questions(given(plan), t(plan))
    assert (question.scheme, question.port) == ("https", 8443)


def test_questions_use_registered_port_by_default() -> None:
    plan = a_plan(1, check=Check(http=HttpCheck("/ready", "200-299")))
    [question] = questions(given(plan), t(plan))
    assert (question.scheme, question.port, question.path, question.expect) == ("http", 80, "/ready", "200-299")
    named = a_plan(1, check=Check(http=HttpCheck("/ready", port=9000)))
    [question] = questions(given(named), t(named))
    assert question.port == 9000


def test_questions_use_https_for_https_group() -> None:
    group = a_group(protocol="HTTPS")
    plan = a_plan(1, check=Check(http=HttpCheck("/ready")))
    plan = replace(plan, groups=(group,), targets=(a_target(0, [group]),))
    assert questions(given(plan), t(plan))[0].scheme == "https"


def test_questions_are_not_repeated() -> None:
    plan = a_plan(1, groups=2)
    assert len(questions(given(plan), t(plan))) == 1


def test_questions_use_registered_ip_addresses() -> None:
    group, other = a_group(ip=True), a_group("admin")
    places = [Registration(group.arn, f"10.0.9.{number}", 80) for number in (1, 2)]
    machine = a_target(0, [other])
    machine = replace(machine, registrations=(*places, *machine.registrations))
    plan = replace(a_plan(1), groups=(group, other), targets=(machine,))
    assert [question.address for question in questions(given(plan), t(plan))] == ["10.0.9.1", "10.0.9.2", "10.0.0.0"]
