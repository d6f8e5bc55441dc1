"""Tests of the sign-in of people, with a real provider on loopback."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from tests.unit.adapters.oidc.fake_provider import Provider, ec_key, jwk, rsa_key, running_provider
from tests.unit.app.access_fakes import MemoryStore, Server

from katakei.adapters.oidc.login import OidcLogin
from katakei.adapters.system.clock import SystemClock
from katakei.domain.audit import AuditQuery
from katakei.domain.errors import TemporarilyUnavailableError, UnauthorizedError
from katakei.domain.login import LoginSettings, RoleRule
from katakei.domain.principals import PrincipalKind, Role

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
BACK = "https://katakei.example.com/sign-in/done"
SECRET = "s3cret /+"  # noqa: S105 - of a test
SETTINGS = LoginSettings(
    "", "katakei", "SECRET", "email", "groups", ("email", "profile"), (RoleRule(Role.OPERATOR, "*", group="sre"),)
)


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running_provider() as made:
        yield made


def login(provider: Provider, secret: str = SECRET, **changed: Any) -> OidcLogin:
    return OidcLogin(replace(SETTINGS, **{"issuer": provider.url, **changed}), secret)


def server(provider: Provider, secret: str = SECRET, **changed: Any) -> Server:
    return Server(MemoryStore(NOW), login=login(provider, secret, **changed))


def claims(provider: Provider, **changed: Any) -> dict[str, Any]:
    """The claims of a person; None removes one."""
    at = int(NOW.timestamp())
    given = {"iss": provider.url, "aud": "katakei", "sub": "1", "iat": at, "exp": at + 300}
    return {**given, "email": "ada@example.com", "email_verified": True, "groups": ["sre"], **changed}


def signed_in(made: Server, provider: Provider, **changed: Any) -> Any:
    """The session after the way to the provider and back."""
    start = made.access.begin_login(BACK)
    state, code = provider.authorize(start.url, claims(provider, **changed))
    return made.again().finish_login(state, code, start.browser, address="192.0.2.1")


def refusal(made: Server, provider: Provider, **changed: Any) -> str:
    with pytest.raises(UnauthorizedError) as error:
        signed_in(made, provider, **changed)
    assert not made.store.sessions
    (reason,) = error.value.reasons
    return str(reason.value("text")) if reason.data and reason.data[0][0] == "text" else reason.code


def token_fault(made: Server, provider: Provider, **changed: Any) -> str:
    start = "the token of the provider is not accepted: "
    text = refusal(made, provider, **changed)
    assert text.startswith(start)
    return text.removeprefix(start)


def test_person_signs_in_with_the_roles_of_their_groups(provider: Provider) -> None:
    made = server(provider)
    session = signed_in(made, provider)
    principal = session.principal
    assert (principal.name, principal.kind, principal.roles) == (
        "ada@example.com",
        PrincipalKind.PERSON,
        {"*": Role.OPERATOR},
    )
    assert made.access.session(session.id)
    (entry,) = made.access.audit(AuditQuery())
    assert (entry.who, entry.act, entry.detail) == ("ada@example.com", "sign_in", "by OpenID Connect")


def test_way_to_the_provider_has_state_nonce_and_challenge(provider: Provider) -> None:
    url = server(provider).access.begin_login(BACK).url
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query, strict_parsing=True).items()}
    assert url.startswith(f"{provider.url}/authorize?")
    assert (asked["response_type"], asked["client_id"], asked["redirect_uri"]) == ("code", "katakei", BACK)
    assert (asked["scope"], asked["code_challenge_method"]) == ("openid email profile", "S256")
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    assert len(asked["code_challenge"]) == 43


def test_address_with_a_query_keeps_it(provider: Provider) -> None:
    provider.discovery["authorization_endpoint"] = f"{provider.url}/authorize?tenant=1"
    assert server(provider).access.begin_login(BACK).url.startswith(f"{provider.url}/authorize?tenant=1&response_type")


def test_client_secret_goes_into_the_header(provider: Provider) -> None:
    signed_in(server(provider), provider)
    sent = next(each for each in provider.headers if "Authorization" in each)
    pair = base64.b64decode(sent["Authorization"].removeprefix("Basic ")).decode()
    assert pair == "katakei:s3cret+%2F%2B"
    assert "client_secret" not in provider.forms[0]


def test_client_secret_is_posted_where_only_that_is_supported(provider: Provider) -> None:
    provider.discovery["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    signed_in(server(provider), provider)
    assert provider.forms[0]["client_secret"] == SECRET
    assert not any("Authorization" in each for each in provider.headers)


def test_public_client_sends_no_secret(provider: Provider) -> None:
    signed_in(server(provider, ""), provider)
    assert "client_secret" not in provider.forms[0]
    assert not any("Authorization" in each for each in provider.headers)


def test_elliptic_signature_is_accepted(provider: Provider) -> None:
    provider.keys = [jwk("e1", ec_key())]
    provider.sign = lambda given: jwt.encode(given, ec_key(), "ES256", {"kid": "e1"})
    signed_in(server(provider), provider)


def test_list_with_one_audience_is_accepted(provider: Provider) -> None:
    signed_in(server(provider), provider, aud=["katakei"])


def test_state_counts_once(provider: Provider) -> None:
    made = server(provider)
    start = made.access.begin_login(BACK)
    state, code = provider.authorize(start.url, claims(provider))
    made.access.finish_login(state, code, start.browser)
    with pytest.raises(UnauthorizedError) as error:
        made.access.finish_login(state, code, start.browser)
    assert error.value.reasons[0].code == "login_state_not_valid"


def test_way_back_in_another_browser_is_refused(provider: Provider) -> None:
    made = server(provider)
    start, other = made.access.begin_login(BACK), made.access.begin_login(BACK)
    state, code = provider.authorize(start.url, claims(provider))
    with pytest.raises(UnauthorizedError) as error:
        made.access.finish_login(state, code, other.browser)
    assert error.value.reasons[0].code == "login_state_not_valid"
    assert not provider.forms


@pytest.mark.parametrize("state", ["", "x", "\ud800"])
def test_unknown_state_is_refused(provider: Provider, state: str) -> None:
    with pytest.raises(UnauthorizedError) as error:
        server(provider).access.finish_login(state, "code", "browser")
    assert error.value.reasons[0].code == "login_state_not_valid"


def test_sign_in_that_takes_ten_minutes_is_refused(provider: Provider) -> None:
    made = server(provider)
    start = made.access.begin_login(BACK)
    state, code = provider.authorize(start.url, claims(provider))
    made.later(timedelta(minutes=10))
    with pytest.raises(UnauthorizedError) as error:
        made.access.finish_login(state, code, start.browser)
    assert error.value.reasons[0].code == "login_state_not_valid"


def test_refusal_of_the_provider_is_one_sentence(provider: Provider) -> None:
    made = server(provider)
    start = made.access.begin_login(BACK)
    state, _ = provider.authorize(start.url, claims(provider))
    with pytest.raises(UnauthorizedError) as error:
        made.access.finish_login(state, "", start.browser)
    assert error.value.reasons[0].value("text") == "the provider sent no code"


def test_code_of_another_sign_in_fails_at_the_provider(provider: Provider) -> None:
    made = server(provider)
    mine, theirs = made.access.begin_login(BACK), made.access.begin_login(BACK)
    state, _ = provider.authorize(mine.url, claims(provider))
    _, stolen = provider.authorize(theirs.url, claims(provider))
    with pytest.raises(UnauthorizedError) as error:
        made.access.finish_login(state, stolen, mine.browser)
    assert error.value.reasons[0].value("text") == "the provider 127.0.0.1 answered with status 400"


def test_person_without_a_role_is_refused(provider: Provider) -> None:
    made = server(provider)
    assert refusal(made, provider, groups=["sales"]) == "login_without_role"
    assert refusal(made, provider, groups=None) == "login_without_role"


def test_group_that_is_no_text_counts_for_nothing(provider: Provider) -> None:
    assert refusal(server(provider), provider, groups=[1, None, ["sre"]]) == "login_without_role"
    assert signed_in(server(provider), provider, groups="sre").principal.roles == {"*": Role.OPERATOR}


def test_server_without_a_provider_says_so() -> None:
    made = Server()
    assert not made.access.login_configured
    for ask in (lambda: made.access.begin_login(BACK), lambda: made.access.finish_login("s", "c", "b")):
        with pytest.raises(UnauthorizedError) as error:
            ask()
        assert error.value.reasons[0].code == "login_not_configured"


def test_first_start_with_a_provider_has_no_link(provider: Provider) -> None:
    assert server(provider).access.first_sign_in_link("http://127.0.0.1") is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"iss": "https://example.com"}, "it is from another issuer"),
        ({"aud": "other"}, "it is for another audience, or for several"),
        ({"aud": ["katakei", "other"]}, "it is for another audience, or for several"),
        ({"aud": []}, "it is for another audience, or for several"),
        ({"nonce": "other"}, "it belongs to another sign-in"),
        ({"nonce": 1}, "it belongs to another sign-in"),
        ({"nonce": None}, "it has no claim nonce"),
        ({"azp": "other"}, "it was issued to another client"),
        ({"exp": 1}, "its lifetime is not more than zero and at most an hour"),
        ({"sub": None}, "it has no claim sub"),
        ({"email": None}, "its claim email is not a name"),
        ({"email": "ci:main"}, "its claim email is not a name"),
        ({"email": ["ada"]}, "its claim email is not a name"),
        ({"email_verified": None}, "the provider has not verified the email address"),
        ({"email_verified": "true"}, "the provider has not verified the email address"),
        ({"groups": {"sre": 1}}, "its claim groups is not a list of groups"),
        ({"groups": 7}, "its claim groups is not a list of groups"),
    ],
    ids=str,
)
def test_token_that_is_not_as_expected_is_refused(provider: Provider, changed: dict[str, Any], said: str) -> None:
    assert token_fault(server(provider), provider, **changed) == said


def test_old_or_future_token_is_refused(provider: Provider) -> None:
    at = int(NOW.timestamp())
    made = server(provider)
    assert token_fault(made, provider, iat=at - 631, exp=at + 300) == "it was issued too long ago"
    assert token_fault(made, provider, iat=at - 300, exp=at - 30) == "it has expired"
    assert token_fault(made, provider, iat=at + 31, exp=at + 300) == "it is not valid yet; check the clocks"


@pytest.mark.parametrize("algorithm", ["HS256", "none", "RS512"])
def test_other_signature_is_refused(provider: Provider, algorithm: str) -> None:
    keys: dict[str, Any] = {"HS256": "x" * 40, "none": None, "RS512": rsa_key()}
    provider.sign = lambda given: jwt.encode(given, keys[algorithm], algorithm, {"kid": "k1"})
    said = token_fault(server(provider), provider)
    assert said in {"its signature is not made with RS256 or ES256", "it does not have three parts"}


def test_foreign_key_is_refused(provider: Provider) -> None:
    provider.sign = lambda given: jwt.encode(given, rsa_key(2), "RS256", {"kid": "k1"})
    assert token_fault(server(provider), provider) == "its signature is wrong"


def test_key_of_another_kind_than_the_header_says_is_refused(provider: Provider) -> None:
    provider.keys.append(jwk("e1", ec_key()))
    provider.sign = lambda given: jwt.encode(given, ec_key(), "ES256", {"kid": "k1"})
    assert token_fault(server(provider), provider) in {"it is not a valid signed token", "its signature is wrong"}


@pytest.mark.parametrize("body", [b"{}", b'{"id_token": 1}', b'{"id_token": "x"}'])
def test_answer_without_a_token_is_refused(provider: Provider, body: bytes) -> None:
    provider.answers["/token"] = 200, body
    assert token_fault(server(provider), provider) in {"there is none", "it does not have three parts"}


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (302, b"http://127.0.0.1:1/", "the provider 127.0.0.1 answered with status 302"),
        (404, b"{}", "the provider 127.0.0.1 answered with status 404"),
        (200, b"[]", "the answer of the provider 127.0.0.1 cannot be read: it is not a JSON object"),
        (200, b"<html>", "the answer of the provider 127.0.0.1 cannot be read: it is not valid JSON"),
        (200, b'{"a": 1, "a": 2}', "the answer of the provider 127.0.0.1 cannot be read: it has a key twice"),
        (200, b" " * 600_000, "the answer of the provider 127.0.0.1 is too large"),
    ],
    ids=lambda each: str(each)[:20],
)
def test_strange_discovery_is_one_sentence(provider: Provider, status: int, body: bytes, said: str) -> None:
    provider.answers["/.well-known/openid-configuration"] = status, body
    with pytest.raises(UnauthorizedError) as error:
        server(provider).access.begin_login(BACK)
    assert error.value.reasons[0].value("text") == said


@pytest.mark.parametrize("status", [429, 500, 503])
def test_provider_that_is_down_may_come_back(provider: Provider, status: int) -> None:
    provider.answers["/.well-known/openid-configuration"] = status, b""
    made = server(provider)
    with pytest.raises(TemporarilyUnavailableError, match=f"answers with status {status}: try again later"):
        made.access.begin_login(BACK)
    provider.answers.clear()
    assert made.access.begin_login(BACK).url
    assert not made.store.failed


def test_provider_that_does_not_listen_is_one_sentence() -> None:
    with running_provider() as provider:
        made = server(provider)
    with pytest.raises(TemporarilyUnavailableError, match=r"127\.0\.0\.1 does not answer \(NewConnectionError\)"):
        made.access.begin_login(BACK)


@pytest.mark.parametrize("issuer", ["https://example.com", "", None, 1])
def test_discovery_must_name_the_exact_issuer(provider: Provider, issuer: object) -> None:
    provider.discovery["issuer"] = issuer
    with pytest.raises(UnauthorizedError) as error:
        server(provider).access.begin_login(BACK)
    assert str(error.value.reasons[0].value("text")).startswith("the provider names another issuer")


def test_issuer_with_a_slash_more_is_another(provider: Provider) -> None:
    with pytest.raises(UnauthorizedError):
        server(provider, issuer=provider.url + "/").access.begin_login(BACK)


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
@pytest.mark.parametrize("address", ["http://example.com/x", "file:///etc/passwd", "", None, 1, "https://a b", "//x"])
def test_address_that_is_not_encrypted_is_refused(provider: Provider, name: str, address: object) -> None:
    provider.discovery[name] = address
    assert refusal(server(provider), provider) == (f"the {name} of the provider is not an https:// address")


def test_discovery_is_asked_once(provider: Provider) -> None:
    made = server(provider)
    for _ in range(3):
        signed_in(made, provider)
    assert provider.counts["/.well-known/openid-configuration"] == 1
    assert provider.counts["/jwks"] == 1


def test_secret_is_in_no_error(provider: Provider) -> None:
    provider.answers["/token"] = 401, b'{"error": "invalid_client"}'
    made = server(provider)
    assert refusal(made, provider) == "the provider 127.0.0.1 answered with status 401"
    assert SECRET not in repr(made.store)


def test_answer_that_drips_is_bounded(provider: Provider) -> None:
    """Every piece arrives in time, but the whole answer does not."""

    class Late(SystemClock):
        def now(self) -> datetime:
            return super().now() + timedelta(seconds=11) * next(asked)

    asked, made = count(), login(provider)
    made._http._clock = Late()
    with pytest.raises(TemporarilyUnavailableError, match="does not answer"):
        made.begin(BACK, "state", "nonce", "verifier")
