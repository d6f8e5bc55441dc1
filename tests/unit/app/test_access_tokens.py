"""Tests of who may issue, revoke and list tokens."""

import pytest
from tests.unit.app.access_fakes import Server

from katakei.app.access import TokenRequest
from katakei.domain.audit import AuditQuery, Outcome
from katakei.domain.errors import ForbiddenError, UsageError
from katakei.domain.principals import Act, Principal, PrincipalKind, Role

ADMIN = Principal("root", PrincipalKind.PERSON, {"*": Role.ADMIN})
OF_SHOP = Principal("sam", PrincipalKind.PERSON, {"shop": Role.ADMIN, "*": Role.VIEWER})
ADA = Principal("ada", PrincipalKind.PERSON, {"shop": Role.APPROVER})
SHOP, MAIL, ALL = ({name: Role.VIEWER} for name in ("shop", "mail", "*"))


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.mark.parametrize(
    ("by", "roles", "allowed"),
    [
        (ADMIN, SHOP, True),
        (ADMIN, ALL, True),
        (OF_SHOP, SHOP, True),
        (OF_SHOP, MAIL, False),
        (OF_SHOP, SHOP | MAIL, False),
        (OF_SHOP, ALL, False),
        (ADA, SHOP, False),
    ],
)
def test_admin_issues_tokens_for_its_services(
    server: Server, by: Principal, roles: dict[str, Role], *, allowed: bool
) -> None:
    request = TokenRequest("kim", roles)
    if allowed:
        server.access.issue_token(by, request)
    else:
        with pytest.raises(ForbiddenError):
            server.access.issue_token(by, request)
    (entry,) = server.access.audit(AuditQuery(act="issue_token"))
    assert (entry.who, entry.outcome) == (by.name, Outcome.DONE if allowed else Outcome.REFUSED)
    assert len(server.store.kept_tokens) == allowed


@pytest.mark.parametrize(
    ("acts", "allowed"),
    [(None, False), (frozenset(Act), False), (frozenset({Act.START}), False), (frozenset({Act.READ}), True)],
    ids=str,
)
def test_limited_admin_gives_no_more_than_its_own_acts(
    server: Server, acts: frozenset[Act] | None, *, allowed: bool
) -> None:
    by = Principal("bot", PrincipalKind.TOKEN, {"*": Role.ADMIN}, frozenset({Act.MANAGE_TOKENS, Act.READ}))
    request = TokenRequest("kim", SHOP, acts=acts)
    if allowed:
        assert server.access.issue_token(by, request).token.principal.acts == acts
        return
    with pytest.raises(ForbiddenError) as error:
        server.access.issue_token(by, request)
    assert error.value.reasons[0].code == "beyond_own_rights"


def test_token_of_one_service_issues_none_for_others(server: Server) -> None:
    by = Principal("bot", PrincipalKind.TOKEN, {"*": Role.ADMIN}, services=frozenset({"shop"}))
    server.access.issue_token(by, TokenRequest("kim", SHOP))
    for roles in (MAIL, ALL):
        with pytest.raises(ForbiddenError):
            server.access.issue_token(by, TokenRequest("kim", roles))


def test_deploy_token_names_who_issued_it(server: Server) -> None:
    request = TokenRequest("deploy", SHOP, program=True, acts=frozenset({Act.READ}), label="nightly")
    token = server.access.issue_token(ADMIN, request).token
    assert (token.principal.name, token.principal.kind) == ("token:deploy", PrincipalKind.TOKEN)
    assert (token.principal.issued_by, token.created_by, token.label) == ("root", "root", "nightly")
    (entry,) = server.access.audit(AuditQuery(act="issue_token"))
    assert entry.detail == f"{token.id} for token:deploy, viewer of shop, only read"


def test_person_revokes_own_tokens_only(server: Server) -> None:
    own = server.access.issue_token(ADMIN, TokenRequest("ada", {"shop": Role.APPROVER})).token.id
    other = server.access.issue_token(ADMIN, TokenRequest("kim", SHOP)).token.id
    with pytest.raises(ForbiddenError):
        server.access.revoke(ADA, other)
    server.access.revoke(ADA, own)
    assert server.store.kept_tokens[own].revoked
    assert not server.store.kept_tokens[other].revoked


def test_limited_or_program_s_principal_owns_no_token(server: Server) -> None:
    own = server.access.issue_token(ADMIN, TokenRequest("ada", SHOP)).token.id
    for acts, kind in ((frozenset({Act.READ}), PrincipalKind.PERSON), (None, PrincipalKind.TOKEN)):
        with pytest.raises(ForbiddenError):
            server.access.revoke(Principal("ada", kind, SHOP, acts), own)


def test_admin_of_a_service_revokes_its_tokens_only(server: Server) -> None:
    shop = server.access.issue_token(ADMIN, TokenRequest("kim", SHOP)).token.id
    both = server.access.issue_token(ADMIN, TokenRequest("kim", SHOP | MAIL)).token.id
    server.access.revoke(OF_SHOP, shop)
    with pytest.raises(ForbiddenError):
        server.access.revoke(OF_SHOP, both)


def test_unknown_or_revoked_token_is_one_sentence(server: Server) -> None:
    token = server.access.issue_token(ADMIN, TokenRequest("kim", SHOP)).token.id
    server.access.revoke(ADMIN, token)
    with pytest.raises(UsageError, match="is revoked already"):
        server.access.revoke(ADMIN, token)
    with pytest.raises(UsageError, match="there is no token with this id"):
        server.access.revoke(ADMIN, "nothing")
    with pytest.raises(ForbiddenError):
        server.access.revoke(ADA, "nothing")


def test_list_has_only_tokens_that_one_may_manage_or_owns(server: Server) -> None:
    for name, roles in (("ada", SHOP), ("kim", MAIL), ("bob", ALL)):
        server.access.issue_token(ADMIN, TokenRequest(name, roles))
    names = {by.name: {each.principal.name for each in server.access.tokens(by)} for by in (ADMIN, OF_SHOP, ADA)}
    assert names == {"root": {"ada", "kim", "bob"}, "sam": {"ada"}, "ada": {"ada"}}
