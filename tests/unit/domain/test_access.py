"""Tests of the table of rights, cell by cell, and of the policy of a service."""

from itertools import product

import pytest

from katakei.domain.access import ALLOWED, EVERY_SERVICE, RIGHTS, ServicePolicy, decide_access, lowest_role
from katakei.domain.principals import Act, Principal, PrincipalKind, Role

# One row for each act: viewer, operator, approver, admin, and a CI job with an admin's role.
EXPECTED = """
read          yes yes yes yes yes
logs          yes yes yes yes yes
plan          yes yes yes yes yes
start         no  yes yes yes yes
confirm_work  no  yes yes yes no
pause         no  yes yes yes yes
resume        no  yes yes yes yes
approve       no  no  yes yes no
promote       no  yes yes yes yes
skip_gate     no  no  yes yes no
abort         no  yes yes yes yes
retry         no  yes yes yes yes
revert        no  yes yes yes yes
freeze        no  yes yes yes no
unfreeze      no  no  yes yes no
deregister    no  yes yes yes no
register      no  yes yes yes no
read_audit    no  no  yes yes no
manage_tokens no  no  no  yes no
"""
ROWS = {name: cells for name, *cells in map(str.split, EXPECTED.strip().splitlines())}
START = {"start", "resume", "promote", "retry", "deregister"}
APPROVE = {"approve", "skip_gate"}
ABORT = {"abort", "revert"}


def person(role: Role | None, name: str = "ada", service: str = "shop") -> Principal:
    return Principal(name, PrincipalKind.PERSON, {service: role} if role else {})


def reason_of(principal: Principal, act: Act, policy: ServicePolicy | None = None, **more: frozenset[str]) -> str:
    decision = decide_access(principal, act, "shop", policy, **more)
    assert decision.allowed is (decision.reason is None)
    return decision.reason.code if decision.reason else ""


def test_expected_table_has_every_act() -> None:
    assert list(ROWS) == [act.value for act in Act] == [act.value for act in RIGHTS]


@pytest.mark.parametrize(("act", "role"), list(product(Act, Role)), ids=str)
def test_person_may_what_the_table_says(act: Act, role: Role) -> None:
    expected = ROWS[act.value][role.rank] == "yes"
    assert reason_of(person(role), act) == ("" if expected else "role_too_low")
    assert decide_access(person(role, service=EVERY_SERVICE), act, "shop").allowed is expected
    assert decide_access(person(role, service=EVERY_SERVICE), act, None).allowed is expected


@pytest.mark.parametrize("act", Act)
def test_ci_job_may_what_the_table_says(act: Act) -> None:
    job = Principal("ci:main", PrincipalKind.CI, {"shop": Role.ADMIN}, frozenset(Act), frozenset({"shop"}))
    assert reason_of(job, act) == ("" if ROWS[act.value][4] == "yes" else "not_for_ci")


@pytest.mark.parametrize("act", Act)
def test_without_a_role_nobody_may_anything(act: Act) -> None:
    assert reason_of(person(None), act) == "role_too_low"
    assert reason_of(person(Role.ADMIN, service="other"), act) == "role_too_low"


@pytest.mark.parametrize("act", Act)
def test_role_of_one_service_is_not_for_everything(act: Act) -> None:
    assert not decide_access(person(Role.ADMIN), act, None).allowed


@pytest.mark.parametrize(("role", "everywhere"), list(product(Role, Role)), ids=str)
def test_highest_of_two_roles_counts(role: Role, everywhere: Role) -> None:
    both = Principal("ada", PrincipalKind.PERSON, {"shop": role, EVERY_SERVICE: everywhere})
    assert both.role("shop") is max(role, everywhere, key=lambda each: each.rank)
    assert both.role("other") is both.role(None) is everywhere


@pytest.mark.parametrize(("act", "limited"), list(product(Act, Act)), ids=str)
def test_token_may_only_its_acts(act: Act, limited: Act) -> None:
    token = Principal("token:x", PrincipalKind.TOKEN, {EVERY_SERVICE: Role.ADMIN}, frozenset({limited}))
    assert reason_of(token, act) == ("" if act is limited else "act_not_in_token")


def test_token_may_only_its_services() -> None:
    token = Principal("token:x", PrincipalKind.TOKEN, {EVERY_SERVICE: Role.ADMIN}, services=frozenset({"other"}))
    assert reason_of(token, Act.READ) == "service_not_in_token"
    assert not decide_access(token, Act.READ, None).allowed
    assert decide_access(token, Act.READ, "other") == ALLOWED


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize(("which", "acts"), [("start", START), ("approve", APPROVE), ("abort", ABORT)])
def test_list_of_a_policy_limits_its_acts(act: Act, which: str, acts: set[str]) -> None:
    named: dict[str, tuple[str, ...]] = {"start": (), "approve": (), "abort": ()} | {which: ("kim",)}
    policy = ServicePolicy(named["start"], named["approve"], named["abort"])
    refused = act.value in acts and act.value not in ABORT
    assert reason_of(person(Role.ADMIN), act, policy) == ("not_in_policy" if refused else "")
    assert reason_of(person(Role.ADMIN, "kim"), act, policy) == ""
    if ROWS[act.value][Role.APPROVER.rank] == "yes":
        assert reason_of(person(Role.APPROVER), act, policy) == ("not_in_policy" if act.value in acts else "")


def test_policy_gives_no_right_that_the_role_lacks() -> None:
    policy = ServicePolicy(start=("ada",), approve=("ada", "role:viewer"), abort=("ada",))
    for act in (Act.START, Act.APPROVE, Act.ABORT):
        assert reason_of(person(Role.VIEWER), act, policy) == "role_too_low"


@pytest.mark.parametrize(("listed", "role"), list(product(Role, (Role.OPERATOR, Role.APPROVER, Role.ADMIN))), ids=str)
def test_role_in_a_policy_means_this_or_a_higher_one(listed: Role, role: Role) -> None:
    policy = ServicePolicy(start=(f"role:{listed.value}",))
    assert reason_of(person(role), Act.START, policy) == ("" if role.rank >= listed.rank else "not_in_policy")


def test_policy_names_programs_and_ci_jobs() -> None:
    job = Principal("ci:main", PrincipalKind.CI, {"shop": Role.OPERATOR})
    policy = ServicePolicy(start=("ci:main", "token:deploy"))
    assert reason_of(job, Act.START, policy) == ""
    assert reason_of(Principal("token:deploy", PrincipalKind.TOKEN, {"shop": Role.OPERATOR}), Act.START, policy) == ""
    assert reason_of(person(Role.ADMIN, "main"), Act.START, policy) == "not_in_policy"


@pytest.mark.parametrize("role", [Role.APPROVER, Role.ADMIN])
@pytest.mark.parametrize("act", [Act.APPROVE, Act.SKIP_GATE])
def test_four_eyes_needs_a_second_person(act: Act, role: Role) -> None:
    policy, started = ServicePolicy(four_eyes=True), frozenset({"ada"})
    assert reason_of(person(role), act, policy, started_by=started) == "four_eyes"
    assert reason_of(person(role, "kim"), act, policy, started_by=started) == ""
    assert reason_of(person(role), act, ServicePolicy(), started_by=started) == ""
    program = Principal("token:x", PrincipalKind.TOKEN, {"shop": role})
    assert reason_of(program, act, policy, started_by=started) == "four_eyes_person"
    link = Principal("admin", PrincipalKind.LINK, {EVERY_SERVICE: Role.ADMIN})
    assert reason_of(link, act, policy, started_by=started) == ""
    assert reason_of(link, act, policy, started_by=frozenset({"admin"})) == "four_eyes"


def test_four_eyes_does_not_limit_other_acts() -> None:
    policy = ServicePolicy(four_eyes=True)
    free = set(Act) - {Act.APPROVE, Act.SKIP_GATE}
    assert {reason_of(person(Role.ADMIN), act, policy, started_by=frozenset({"ada"})) for act in free} == {""}


def test_lowest_role_includes_all_acts() -> None:
    assert lowest_role([]) is Role.VIEWER
    assert lowest_role([Act.READ, Act.START]) is Role.OPERATOR
    assert lowest_role(Act) is Role.ADMIN
