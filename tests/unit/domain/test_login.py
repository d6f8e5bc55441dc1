"""Tests of the roles that a provider's people have."""

import pytest

from katakei.domain.login import RoleRule, person, valid_name
from katakei.domain.principals import PrincipalKind, Role

RULES = (
    RoleRule(Role.OPERATOR, "*", group="sre"),
    RoleRule(Role.VIEWER, "*", group="everybody"),
    RoleRule(Role.APPROVER, "shop", group="leads"),
    RoleRule(Role.ADMIN, "shop", name="ada@example.com"),
)


@pytest.mark.parametrize(
    ("name", "groups", "roles"),
    [
        ("kim", ["sre"], {"*": Role.OPERATOR}),
        ("kim", ["everybody", "sre"], {"*": Role.OPERATOR}),
        ("kim", ["sre", "leads"], {"*": Role.OPERATOR, "shop": Role.APPROVER}),
        ("ada@example.com", [], {"shop": Role.ADMIN}),
        ("ada@example.com", ["leads"], {"shop": Role.ADMIN}),
    ],
)
def test_person_has_every_role_that_a_rule_gives(name: str, groups: list[str], roles: dict[str, Role]) -> None:
    found = person(name, groups, RULES)
    assert found
    assert (found.name, found.kind, found.roles) == (name, PrincipalKind.PERSON, roles)


@pytest.mark.parametrize(("name", "groups"), [("kim", []), ("kim", [""]), ("ADA@example.com", ["SRE"]), ("sre", [])])
def test_person_without_a_rule_has_no_role(name: str, groups: list[str]) -> None:
    assert person(name, groups, RULES) is None


@pytest.mark.parametrize(
    ("name", "valid"),
    [
        ("ada", True),
        ("Ada Lovelace", True),
        ("愛田", True),
        ("", False),
        ("ci:main", False),
        ("token:x", False),
        ("role:admin", False),
        (" ada", False),
        ("a\nb", False),
        ("a\u202eb", False),
        ("x" * 201, False),
    ],
)
def test_name_cannot_be_that_of_a_program(name: str, *, valid: bool) -> None:
    assert valid_name(name) is valid
