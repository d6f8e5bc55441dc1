"""Tests of the access file: what it says, and every fault with its line."""

from pathlib import Path

import pytest

from katakei.config.access_file import load_login
from katakei.domain.errors import UsageError
from katakei.domain.login import LoginSettings, RoleRule
from katakei.domain.principals import Role

FULL = """\
login:
  issuer: https://login.example.com/realms/ops
  client_id: katakei
  client_secret: {secret: LOGIN_SECRET}
  name_claim: preferred_username
  groups_claim: roles
  scopes: [profile, groups]
  roles:
    - {group: sre, role: operator}
    - {name: ada, service: shop, role: admin}
"""
SHORT = """\
login:
  issuer: https://login.example.com
  client_id: katakei
  roles: [{group: sre, role: viewer}]
"""


def loaded(folder: Path, text: str) -> LoginSettings:
    path = folder / "access.yml"
    path.write_text(text)
    return load_login(path)


def test_every_key_is_read(tmp_path: Path) -> None:
    assert loaded(tmp_path, FULL) == LoginSettings(
        "https://login.example.com/realms/ops",
        "katakei",
        "LOGIN_SECRET",
        "preferred_username",
        "roles",
        ("profile", "groups"),
        (RoleRule(Role.OPERATOR, "*", group="sre"), RoleRule(Role.ADMIN, "shop", name="ada")),
    )


def test_keys_have_defaults(tmp_path: Path) -> None:
    found = loaded(tmp_path, SHORT)
    assert (found.secret_variable, found.name_claim, found.groups_claim) == ("", "email", "groups")
    assert found.scopes == ("email", "profile")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("https://login.example.com", "http://login.example.com", "access.yml:2: login.issuer: must be the address"),
        ("  client_id: katakei\n", "", "access.yml:1: login.client_id: is missing"),
        ("client_id: katakei", "client_id: 7", "access.yml:3: login.client_id: must be text in quotes"),
        ("role: viewer", "role: root", "access.yml:4: login.roles[0].role: is no role; the roles are viewer, operator"),
        ("group: sre, ", "", "access.yml:4: login.roles[0]: must have exactly one of group and name"),
        ("group: sre", "group: sre, name: x", "access.yml:4: login.roles[0]: must have exactly one of group and name"),
        ("roles: [{group: sre, role: viewer}]", "roles: []", "access.yml:4: login.roles: list should have at least 1"),
        ("  client_id", "  secret: x\n  client_id", "access.yml:3: login.secret: is not a known key"),
        ("  client_id", "  client_secret: {secret: 'a b'}\n  client_id", "must be the name of a variable"),
        ("  client_id", "  client_secret: plain\n  client_id", "access.yml:3: login.client_secret: input should be"),
        ("  client_id", "  scopes: ['a b']\n  client_id", "must be the name of a scope"),
    ],
)
def test_fault_is_reported_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        loaded(tmp_path, SHORT.replace(old, new))
    assert said in str(error.value)


def test_all_faults_are_reported_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        loaded(tmp_path, SHORT.replace("https:", "ftp:").replace("viewer", "x"))
    assert len(str(error.value).splitlines()) == 2


@pytest.mark.parametrize("data", [b"\xff", b"[", b"x" * 300_000, b""])
def test_file_that_is_none_is_one_sentence(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "access.yml"
    path.write_bytes(data)
    with pytest.raises(UsageError):
        load_login(path)
    with pytest.raises(UsageError, match="cannot be read"):
        load_login(tmp_path / "none.yml")
