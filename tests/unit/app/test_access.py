"""Tests of access: tokens, sign-in, sessions, rate limits, and what the audit log holds."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.app.access_fakes import Server

from katakei.app.access import IssuedToken, TokenRequest, Wish
from katakei.domain.access import ServicePolicy
from katakei.domain.audit import AuditEntry, AuditQuery, Outcome
from katakei.domain.errors import (
    ForbiddenError,
    KatakeiError,
    RefusedError,
    TooManyAttemptsError,
    UnauthorizedError,
    UsageError,
)
from katakei.domain.principals import Act, Principal, PrincipalKind, Role

ADMIN = Principal("root", PrincipalKind.PERSON, {"*": Role.ADMIN})
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
HERE = "192.0.2.1"


@pytest.fixture
def server() -> Server:
    return Server()


def issued(server: Server, name: str = "ada", role: Role = Role.OPERATOR, *, program: bool = False) -> IssuedToken:
    return server.access.issue_token(ADMIN, TokenRequest(name, {"shop": role}, program=program))


def code_of(error: pytest.ExceptionInfo[KatakeiError]) -> str:
    (reason,) = error.value.reasons
    return reason.code


def refused(server: Server, text: str, address: str = HERE) -> str:
    with pytest.raises(UnauthorizedError) as error:
        server.access.authenticate_token(text, address)
    return code_of(error)


def test_token_stands_for_its_name_and_roles(server: Server) -> None:
    principal = server.access.authenticate_token(issued(server).secret)
    assert (principal.name, principal.kind, principal.roles) == ("ada", PrincipalKind.PERSON, {"shop": Role.OPERATOR})
    assert principal.services == frozenset({"shop"})


def test_store_and_log_never_hold_a_secret(server: Server) -> None:
    token = issued(server)
    server.access.sign_in(token=token.secret, address=HERE)
    refused(server, token.secret[:-1] + "z")
    link = server.access.sign_in_link("http://127.0.0.1:1").partition("link=")[2]
    session = server.access.sign_in(link=link)
    for secret in (token.secret, token.secret[:-1] + "z", session.id, session.csrf, link):
        assert secret not in repr((server.store, session, token))


@pytest.mark.parametrize("text", ["x", "kat_", "kat_xxxxxxxxx1_" + "x" * 32, "kat_é" * 9, "\0", "kat_XXXXXXXXX1_x"])
def test_token_that_nobody_issued_is_refused(server: Server, text: str) -> None:
    assert refused(server, text) == "token_not_valid"


def test_token_with_a_wrong_secret_is_refused(server: Server) -> None:
    secret = issued(server).secret
    assert refused(server, secret[:-1] + "z") == "token_not_valid"
    assert refused(server, secret + "x") == "token_not_valid"
    server.access.authenticate_token(secret)


def test_no_token_is_no_failed_sign_in(server: Server) -> None:
    assert {refused(server, "") for _ in range(50)} == {"not_signed_in"}
    assert not server.store.failed


def test_expired_token_says_since_when(server: Server) -> None:
    secret = issued(server).secret
    server.later(90 * DAY - MINUTE)
    server.access.authenticate_token(secret)
    server.later(MINUTE)
    assert refused(server, secret) == "token_expired"


def test_revoked_token_is_refused_at_once_by_every_process(server: Server) -> None:
    token, other = issued(server), server.again()
    other.authenticate_token(token.secret)
    session = other.sign_in(token=token.secret)
    server.access.revoke(ADMIN, token.token.id)
    with pytest.raises(UnauthorizedError) as error:
        other.authenticate_token(token.secret)
    assert code_of(error) == "token_revoked"
    assert other.session(session.id) is None


def test_verified_token_costs_no_slow_hash_for_five_minutes(server: Server) -> None:
    secret = issued(server).secret
    for _ in range(10):
        server.access.authenticate_token(secret)
    assert server.hasher.compared == 1
    server.later(timedelta(minutes=5))
    server.access.authenticate_token(secret)
    assert server.hasher.compared == 2


def test_remembered_secret_is_not_for_another_token_of_the_same_id(server: Server) -> None:
    token = issued(server)
    server.access.authenticate_token(token.secret)
    server.store.kept_tokens[token.token.id] = replace(token.token, hashed="hash of another")
    assert refused(server, token.secret) == "token_not_valid"


def test_only_a_thousand_tokens_are_remembered(server: Server) -> None:
    first = issued(server).secret
    server.access.authenticate_token(first)
    for _ in range(1000):
        server.access.authenticate_token(issued(server).secret)
    before = server.hasher.compared
    server.access.authenticate_token(first)
    assert server.hasher.compared == before + 1


def test_address_is_refused_after_twenty_failures(server: Server) -> None:
    secret, known = issued(server).secret, issued(server).secret
    server.access.authenticate_token(known, HERE)
    for number in range(20):
        assert refused(server, f"wrong {number}") == "token_not_valid"
    before = server.hasher.compared
    with pytest.raises(TooManyAttemptsError) as error:
        server.access.authenticate_token(secret, HERE)
    assert error.value.wait == 300
    assert server.hasher.compared == before
    server.access.authenticate_token(known, HERE)
    server.access.authenticate_token(secret, "192.0.2.2")
    server.later(timedelta(minutes=5))
    server.access.authenticate_token(secret, HERE)


def test_token_is_refused_after_five_wrong_secrets_from_anywhere(server: Server) -> None:
    secret = issued(server).secret
    for number in range(5):
        assert refused(server, secret[:-1] + "z", f"192.0.2.{number}") == "token_not_valid"
    with pytest.raises(TooManyAttemptsError):
        server.again().authenticate_token(secret, "198.51.100.1")


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("proxy", "proxy", True),
    ],
)
def test_addresses_of_one_network_count_together(server: Server, first: str, second: str, same: bool) -> None:  # noqa: FBT001
    for number in range(20):
        refused(server, f"wrong {number}", first)
    assert refused(server, "wrong", second) == ("too_many_attempts" if same else "token_not_valid")


def test_failed_sign_in_is_recorded_until_the_limit(server: Server) -> None:
    for number in range(30):
        refused(server, f"wrong {number}")
    entries = server.access.audit(AuditQuery(act="sign_in"))
    assert len(entries) == 20
    assert {(each.outcome, each.address, each.detail) for each in entries} == {
        (Outcome.REFUSED, HERE, "token_not_valid")
    }


def test_session_lasts_while_it_is_used_and_a_day_at_most(server: Server) -> None:
    session = server.access.sign_in(token=issued(server).secret)
    for _ in range(3):
        server.later(timedelta(hours=7))
        assert server.access.session(session.id)
    server.later(timedelta(hours=3))
    assert server.access.session(session.id) is None
    assert server.access.session(session.id) is None


def test_unused_session_ends_after_eight_hours(server: Server) -> None:
    session = server.access.sign_in(token=issued(server).secret)
    server.later(timedelta(hours=8) - MINUTE)
    assert server.access.session(session.id)
    server.later(timedelta(hours=8))
    assert server.access.session(session.id) is None
    assert not server.store.sessions


def test_session_ends_with_its_token(server: Server) -> None:
    request = TokenRequest("ada", {"shop": Role.VIEWER}, lasts=timedelta(hours=1))
    session = server.access.sign_in(token=server.access.issue_token(ADMIN, request).secret)
    assert session.expires == server.store.time + timedelta(hours=1)
    server.later(timedelta(hours=1))
    assert server.access.session(session.id) is None


def test_session_has_the_rights_that_its_token_has_now(server: Server) -> None:
    token = issued(server)
    session = server.access.sign_in(token=token.secret)
    weaker = replace(token.token.principal, roles={"shop": Role.VIEWER})
    server.store.kept_tokens[token.token.id] = replace(token.token, principal=weaker)
    found = server.access.session(session.id)
    assert found
    assert found.principal.roles == {"shop": Role.VIEWER}


def test_sign_in_ends_the_session_before_it(server: Server) -> None:
    secret = issued(server).secret
    first = server.access.sign_in(token=secret)
    second = server.access.sign_in(token=secret, replaces=first.id)
    assert first.id != second.id
    assert server.access.session(first.id) is None
    assert server.access.session(second.id)


@pytest.mark.parametrize("session_id", ["", "x", "\ud800", "é" * 1000])
def test_unknown_session_is_none(server: Server, session_id: str) -> None:
    assert server.access.session(session_id) is None
    server.access.sign_out(session_id)
    assert not server.store.log


def test_signed_out_session_is_none(server: Server) -> None:
    session = server.access.sign_in(token=issued(server).secret)
    server.access.sign_out(session.id, HERE)
    assert server.access.session(session.id) is None
    assert server.access.audit(AuditQuery(act="sign_out"))[0].who == "ada"


def test_deploy_token_signs_in_no_browser(server: Server) -> None:
    secret = issued(server, program=True).secret
    assert server.access.authenticate_token(secret).name == "token:ada"
    with pytest.raises(UnauthorizedError):
        server.access.sign_in(token=secret)
    assert not server.store.sessions


def test_csrf_token_fits_only_its_own_session(server: Server) -> None:
    secret = issued(server).secret
    one, two = server.access.sign_in(token=secret), server.access.sign_in(token=secret)
    server.access.check_csrf(one, one.csrf)
    found = server.access.session(one.id)
    assert found
    server.access.check_csrf(found, one.csrf)
    for text in (two.csrf, "", one.csrf[:-1], one.csrf.upper(), one.id, "\ud800", "é"):
        with pytest.raises(ForbiddenError) as error:
            server.access.check_csrf(one, text)
        assert code_of(error) == "csrf_not_valid"


def test_link_signs_in_once_across_processes(server: Server) -> None:
    url = server.access.sign_in_link("http://127.0.0.1:8080/")
    start, _, link = url.partition("?link=")
    assert start == "http://127.0.0.1:8080/sign-in"
    session = server.again().sign_in(link=link, address=HERE)
    assert (session.principal.name, session.principal.kind) == ("admin", PrincipalKind.LINK)
    assert session.principal.role(None) is Role.ADMIN
    with pytest.raises(UnauthorizedError) as error:
        server.access.sign_in(link=link, address=HERE)
    assert code_of(error) == "link_not_valid"


def test_link_expires_after_fifteen_minutes(server: Server) -> None:
    link = server.access.sign_in_link("http://127.0.0.1").partition("link=")[2]
    server.later(timedelta(minutes=15))
    with pytest.raises(UnauthorizedError):
        server.access.sign_in(link=link)


def test_guessed_links_are_limited(server: Server) -> None:
    for number in range(20):
        with pytest.raises(UnauthorizedError):
            server.access.sign_in(link=f"guess {number}", address=HERE)
    link = server.access.sign_in_link("http://127.0.0.1").partition("link=")[2]
    with pytest.raises(TooManyAttemptsError):
        server.access.sign_in(link=link, address=HERE)
    server.access.sign_in(link=link, address="192.0.2.2")


def test_first_start_has_a_link_until_there_is_an_admin(server: Server) -> None:
    assert server.access.first_sign_in_link("http://127.0.0.1")
    issued(server, role=Role.ADMIN)
    server.access.issue_token(ADMIN, TokenRequest("deploy", {"*": Role.ADMIN}, program=True))
    assert server.access.first_sign_in_link("http://127.0.0.1")
    token = server.access.issue_token(ADMIN, TokenRequest("ada", {"*": Role.ADMIN}))
    assert server.access.first_sign_in_link("http://127.0.0.1") is None
    server.access.revoke(ADMIN, token.token.id)
    assert server.access.first_sign_in_link("http://127.0.0.1")


def test_refused_act_is_recorded_with_its_reason(server: Server) -> None:
    viewer = Principal("bob", PrincipalKind.PERSON, {"shop": Role.VIEWER})
    with pytest.raises(ForbiddenError) as error:
        server.access.require(viewer, Wish(Act.ABORT, "shop", rollout="r-1"), HERE)
    assert code_of(error) == "role_too_low"
    (entry,) = server.access.audit(AuditQuery())
    assert (entry.who, entry.act, entry.outcome) == ("bob", "abort", Outcome.REFUSED)
    assert (entry.address, entry.service, entry.rollout, entry.detail) == (HERE, "shop", "r-1", "role_too_low")


def test_refused_reading_is_not_recorded(server: Server) -> None:
    nobody = Principal("bob", PrincipalKind.PERSON, {})
    with pytest.raises(ForbiddenError):
        server.access.require(nobody, Wish(Act.READ, "shop"))
    assert not server.store.log


def test_allowed_act_goes_on(server: Server) -> None:
    server.access.require(ADMIN, Wish(Act.START, "shop", ServicePolicy()))
    assert not server.store.log


def test_four_eyes_includes_who_issued_the_deploy_token(server: Server) -> None:
    policy = ServicePolicy(four_eyes=True)
    issued(server, "deploy", program=True)
    wish = Wish(Act.APPROVE, "shop", policy, started_by="token:deploy")
    assert not server.access.decide(ADMIN, wish).allowed
    assert server.access.decide(replace(ADMIN, name="kim"), wish).allowed
    assert server.access.decide(ADMIN, replace(wish, started_by="ada")).allowed
    assert not server.access.decide(ADMIN, replace(wish, started_by="root")).allowed


def test_act_is_recorded_with_its_outcome(server: Server) -> None:
    entry = AuditEntry("ada", "abort", Outcome.DONE, HERE, "shop", "r-1")
    with server.access.recorded(entry):
        assert not server.store.log
    with pytest.raises(RefusedError), server.access.recorded(entry):
        raise RefusedError("the floor is 2")
    with pytest.raises(ZeroDivisionError), server.access.recorded(replace(entry, detail="from 2")):
        raise ZeroDivisionError("with a secret")
    last = server.access.audit(AuditQuery())
    assert [(each.outcome, each.detail) for each in reversed(last)] == [
        (Outcome.DONE, ""),
        (Outcome.REFUSED, "the floor is 2"),
        (Outcome.FAILED, "from 2; ZeroDivisionError"),
    ]


def test_text_in_the_log_is_harmless_and_short(server: Server) -> None:
    entry = server.access.record(AuditEntry("a\nb", "start", Outcome.DONE, detail="\x1b[31m::error::" + "x" * 900))
    assert entry.who == "a b"
    assert entry.detail.startswith("\\x3a:error::xxx")
    assert len(entry.detail) == 500


def test_page_of_the_log_has_at_most_a_thousand_entries(server: Server) -> None:
    for _ in range(1100):
        server.access.record(AuditEntry("ada", "start", Outcome.DONE))
    assert len(server.access.audit(AuditQuery(), None, 10**9)) == 1000
    assert len(server.access.audit(AuditQuery(), None, -1)) == 1


def test_end_of_all_sessions_needs_an_admin_or_the_name_itself(server: Server) -> None:
    secret = issued(server).secret
    sessions = [server.access.sign_in(token=secret) for _ in range(2)]
    with pytest.raises(ForbiddenError):
        server.access.end_sessions(Principal("bob", PrincipalKind.PERSON, {"shop": Role.ADMIN}), "ada")
    assert server.access.end_sessions(sessions[0].principal, "ada") == 2
    assert server.access.session(sessions[1].id) is None
    assert server.access.end_sessions(ADMIN, "ada") == 0


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (TokenRequest("", {"shop": Role.VIEWER}), "the name of a token"),
        (TokenRequest("token:x", {"shop": Role.VIEWER}), "the name of a token"),
        (TokenRequest("a\nb", {"shop": Role.VIEWER}), "the name of a token"),
        (TokenRequest("x" * 65, {"shop": Role.VIEWER}), "the name of a token"),
        (TokenRequest("ada", {}), "no role"),
        (TokenRequest("ada", {"shop*": Role.VIEWER}), "is not the name of a service"),
        (TokenRequest("ada", {"": Role.VIEWER}), "is not the name of a service"),
        (TokenRequest("ada", {"shop": Role.VIEWER}, lasts=timedelta()), "at most 366 days"),
        (TokenRequest("ada", {"shop": Role.VIEWER}, lasts=367 * DAY), "at most 366 days"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_faulty_request_for_a_token_is_refused(server: Server, request_: TokenRequest, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        server.access.issue_token(ADMIN, request_)
    assert not server.store.kept_tokens


def test_session_that_began_while_its_token_was_revoked_has_ended(server: Server) -> None:
    token = issued(server)
    session = server.access.sign_in(token=token.secret)
    kept = dict(server.store.sessions)
    server.access.revoke(ADMIN, token.token.id)
    server.store.sessions.update(kept)
    assert server.access.session(session.id) is None
