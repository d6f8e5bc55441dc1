"""Tests of the tokens of CI jobs: everything that must be refused, on keys from a real HTTP server."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.unit.adapters.oidc.fake_provider import (
    Provider,
    ec_key,
    encoded,
    jwk,
    rsa_key,
    running_provider,
    signed_by_hand,
    weak_key,
)

from katakei.adapters.oidc.ci_tokens import CiTokens
from katakei.domain.ci_identity import CiClaims, CiSystem
from katakei.domain.errors import TemporarilyUnavailableError, UnauthorizedError

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
SERVER = "https://katakei.example.com"
SECOND = timedelta(seconds=1)


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running_provider() as made:
        yield made


class Tokens:
    """The verifier, for tokens of one issuer."""

    def __init__(self, issuer: str, system: CiSystem = CiSystem.GITHUB) -> None:
        self.systems = {issuer: system}
        self.verifier = CiTokens(SERVER)

    def verify(self, text: str, now: datetime) -> CiClaims:
        return self.verifier.verify(text, self.systems, now)


@pytest.fixture
def tokens(provider: Provider) -> Tokens:
    return Tokens(provider.url)


def claims(provider: Provider, **changed: Any) -> dict[str, Any]:
    """The claims of a job; a change to None removes one."""
    at = int(NOW.timestamp())
    given: Mapping[str, Any] = {
        "iss": provider.url,
        "aud": SERVER,
        "sub": "repo:acme/shop:ref:refs/heads/main",
        "jti": "one",
        "iat": at,
        "nbf": at,
        "exp": at + 300,
        "repository": "acme/shop",
        "repository_id": "123",
        "repository_owner_id": "45",
        "ref": "refs/heads/main",
        "ref_protected": "true",
        "workflow_ref": "acme/shop/.github/workflows/deploy.yml@refs/heads/main",
        "run_id": "99",
        "actor": "ada",
        **changed,
    }
    return {name: value for name, value in given.items() if value is not None}


HEADER = {"typ": "JWT", "alg": "RS256", "kid": "k1"}


def token(provider: Provider, header: Mapping[str, Any] | None = None, /, **changed: Any) -> str:
    head = {name: value for name, value in {**HEADER, **(header or {})}.items() if value is not None}
    return signed_by_hand(head, claims(provider, **changed))


def fault(tokens: Tokens, text: str, now: datetime = NOW) -> str:
    with pytest.raises(UnauthorizedError) as error:
        tokens.verify(text, now)
    (reason,) = error.value.reasons
    assert reason.code == "ci_token_not_valid"
    return str(reason.value("text"))


def test_valid_token_gives_its_claims(provider: Provider, tokens: Tokens) -> None:
    found = tokens.verify(token(provider), NOW)
    assert (found.issuer, found.jti, found.expires) == (provider.url, "one", NOW + timedelta(minutes=5))
    assert found.values == {
        "repository_id": "123",
        "repository_owner_id": "45",
        "ref": "refs/heads/main",
        "ref_protected": "true",
        "workflow": ".github/workflows/deploy.yml",
    }
    assert found.described == "acme/shop run 99 by ada"


def test_token_of_gitlab_is_verified_with_its_keys(provider: Provider) -> None:
    tokens = Tokens(provider.url, CiSystem.GITLAB)
    given = {"project_id": "7", "project_path": "acme/shop", "pipeline_id": "8", "user_login": "kim"}
    found = tokens.verify(token(provider, **given, ref="main", ref_type="branch"), NOW + timedelta(minutes=4))
    assert found.values == {"project_id": "7", "ref": "refs/heads/main", "ref_protected": "true"}
    assert found.described == "acme/shop pipeline 8 by kim"
    assert provider.counts == {"/oauth/discovery/keys": 1}


def public_key_as_secret(provider: Provider) -> str:
    """HS256 with the published key as the secret: the mistake that some libraries make."""
    pem = rsa_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    start = f"{encoded({**HEADER, 'alg': 'HS256'})}.{encoded(claims(provider))}"
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    return f"{start}.{jwt.utils.base64url_encode(algorithm.sign(start.encode(), pem)).decode()}"


def test_algorithm_none_is_refused(provider: Provider, tokens: Tokens) -> None:
    start = f"{encoded({**HEADER, 'alg': 'none'})}.{encoded(claims(provider))}"
    assert fault(tokens, f"{start}.") == "it does not have three parts"
    assert fault(tokens, f"{start}.AAAA") == "its signature is not made with RS256"


def test_public_key_as_secret_is_refused(provider: Provider, tokens: Tokens) -> None:
    assert fault(tokens, public_key_as_secret(provider)) == "its signature is not made with RS256"


@pytest.mark.parametrize("algorithm", ["RS512", "PS256", "ES256", "HS256", "rs256", "", None, ["RS256"], 1])
def test_other_algorithm_is_refused(provider: Provider, tokens: Tokens, algorithm: object) -> None:
    text = signed_by_hand({**HEADER, "alg": algorithm}, claims(provider))
    assert fault(tokens, text) == "its signature is not made with RS256"


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"crit": ["b64"], "b64": False},
        {"b64": True},
        {"crit": None, "b64": 1},
    ],
)
def test_critical_header_is_refused(provider: Provider, tokens: Tokens, header: Mapping[str, Any]) -> None:
    assert fault(tokens, token(provider, header)) == "its header has critical extensions, and none is supported"


@pytest.mark.parametrize("audience", [[SERVER], [SERVER, "other"], "other", "", None, SERVER + "/", 1, {}])
def test_other_audience_or_several_are_refused(provider: Provider, tokens: Tokens, audience: object) -> None:
    assert fault(tokens, token(provider, aud=audience)) == "it is for another audience, or for several"


@pytest.mark.parametrize("issuer", ["https://example.com", "", None, 1, ["x"]])
def test_other_issuer_is_refused(provider: Provider, tokens: Tokens, issuer: object) -> None:
    assert fault(tokens, token(provider, iss=issuer)) == "it is from another issuer"


def test_issuer_with_a_slash_more_is_another(provider: Provider, tokens: Tokens) -> None:
    assert fault(tokens, token(provider, iss=provider.url + "/")) == "it is from another issuer"


@pytest.mark.parametrize("kind", ["at+jwt", "jwt", "", None, 1, "JWE"])
def test_other_type_is_refused(provider: Provider, tokens: Tokens, kind: object) -> None:
    assert fault(tokens, token(provider, {"typ": kind})) == "its header has another type than JWT"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"exp": 3601}, "its lifetime is not more than zero and at most an hour"),
        ({"exp": 0}, "its lifetime is not more than zero and at most an hour"),
        ({"exp": -400, "iat": -700, "nbf": -700}, "it has expired"),
        ({"exp": -30, "iat": -330, "nbf": -330}, "it has expired"),
        ({"iat": 31, "nbf": 31}, "it is not valid yet; check the clocks"),
        ({"nbf": 31}, "it is not valid yet; check the clocks"),
        ({"iat": -631, "nbf": -631, "exp": 100}, "it was issued too long ago"),
    ],
    ids=str,
)
def test_times_are_judged(provider: Provider, tokens: Tokens, changed: Mapping[str, int], said: str) -> None:
    at = int(NOW.timestamp())
    assert fault(tokens, token(provider, **{name: at + value for name, value in changed.items()})) == said


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": -29, "iat": -329, "nbf": -329},
        {"iat": 30, "nbf": 30},
        {"iat": -630, "nbf": -630},
        {"exp": 3600},
        {"nbf": None},
    ],
    ids=str,
)
def test_clocks_may_differ_by_thirty_seconds(
    provider: Provider, tokens: Tokens, changed: Mapping[str, int | None]
) -> None:
    at = int(NOW.timestamp())
    tokens.verify(token(provider, **{k: None if v is None else at + v for k, v in changed.items()}), NOW)


@pytest.mark.parametrize("name", ["exp", "iat"])
@pytest.mark.parametrize("value", ["1795867200", True, 1e300, -1, [1], {}])
def test_time_that_is_none_is_refused(provider: Provider, tokens: Tokens, name: str, value: object) -> None:
    assert fault(tokens, token(provider, **{name: value})) in {
        f"its claim {name} is not a time",
        "it is not a valid signed token",
        "its lifetime is not more than zero and at most an hour",
    }


@pytest.mark.parametrize("name", ["exp", "iat", "jti", "sub"])
def test_missing_claim_is_refused(provider: Provider, tokens: Tokens, name: str) -> None:
    assert fault(tokens, token(provider, **{name: None})) == f"it has no claim {name}"


@pytest.mark.parametrize("value", ["", 7, ["x"]])
def test_id_that_is_no_text_is_refused(provider: Provider, tokens: Tokens, value: object) -> None:
    assert fault(tokens, token(provider, jti=value)) in {
        "its claim jti is not a text",
        "it is not a valid signed token",
    }


def test_token_over_16_kilobytes_is_refused(provider: Provider, tokens: Tokens) -> None:
    tokens.verify(token(provider, more="x" * 8000), NOW)
    assert fault(tokens, token(provider, more="x" * 16384)).startswith("it is larger than 16 KB")
    assert provider.counts == {"/.well-known/jwks": 1}


@pytest.mark.parametrize("where", ["header", "body"])
def test_key_that_is_there_twice_is_refused(provider: Provider, tokens: Tokens, where: str) -> None:
    header, body = json.dumps(HEADER), json.dumps(claims(provider))
    if where == "header":
        header = header[:-1] + ', "alg": "RS256"}'
    else:
        body = body[:-1] + ', "repository_id": "666"}'
    assert fault(tokens, signed_by_hand(header, body)) == f"its {where} cannot be read: it has a key twice"


def test_key_twice_deep_inside_is_refused(provider: Provider, tokens: Tokens) -> None:
    body = json.dumps(claims(provider))[:-1] + ', "more": {"a": 1, "a": 2}}'
    assert fault(tokens, signed_by_hand(HEADER, body)) == "its body cannot be read: it has a key twice"


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "null",
        "{",
        "NaN",
        '{"exp": NaN}',
        '{"a":' * 5000,
        "\udc80".encode("utf-8", "surrogatepass").decode("latin-1"),
    ],
)
def test_body_that_is_no_object_is_refused(tokens: Tokens, body: str) -> None:
    assert fault(tokens, signed_by_hand(HEADER, body)).startswith(("its body cannot be read", "it is larger"))


@pytest.mark.parametrize("text", ["", ".", "..", "a.b", "a.b.c.d", "a..c", "é.b.c", "!.!.!", "a.b.c", "\0.\0.\0"])
def test_text_that_is_no_token_is_refused(tokens: Tokens, text: str) -> None:
    assert fault(tokens, text)


@pytest.mark.parametrize("number", range(3))
def test_changed_token_is_refused(provider: Provider, tokens: Tokens, number: int) -> None:
    parts = token(provider).split(".")
    other = token(provider, repository_id="666", jti="two").split(".")
    if number == 0:
        parts[0] = encoded({**HEADER, "x": 1})
    else:
        parts[number] = other[number]
    assert fault(tokens, ".".join(parts)) == "its signature is wrong"


def test_key_of_somebody_else_is_refused(provider: Provider, tokens: Tokens) -> None:
    assert fault(tokens, signed_by_hand(HEADER, claims(provider), rsa_key(2))) == "its signature is wrong"


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c"])
def test_key_in_the_header_is_not_used(provider: Provider, tokens: Tokens, name: str) -> None:
    foreign = jwk("k1", rsa_key(2))
    value: object = {"jwk": foreign, "x5c": ["AAAA"]}.get(name, f"{provider.url}/jwks")
    text = signed_by_hand({**HEADER, name: value}, claims(provider), rsa_key(2))
    assert fault(tokens, text) == "its signature is wrong"
    assert "/jwks" not in provider.counts


def test_short_key_is_refused(provider: Provider, tokens: Tokens) -> None:
    provider.keys = [jwk("k1", weak_key())]
    assert fault(tokens, signed_by_hand(HEADER, claims(provider), weak_key())) == "it is not a valid signed token"


@pytest.mark.parametrize(
    "changed",
    [{"use": "enc"}, {"alg": "RS512"}, {"kty": "oct", "k": "AAAA", "alg": "HS256"}, {"n": "!"}, {"kid": 7}, {"kty": 1}],
    ids=str,
)
def test_key_for_something_else_is_not_used(provider: Provider, tokens: Tokens, changed: Mapping[str, Any]) -> None:
    provider.keys = [{**jwk("k1", rsa_key()), **changed}]
    assert fault(tokens, token(provider)) == "its issuer has no key with the id in its header"


def test_elliptic_key_is_not_for_ci(provider: Provider, tokens: Tokens) -> None:
    provider.keys = [jwk("k1", ec_key())]
    assert fault(tokens, token(provider)) == "its issuer has no key with the id in its header"


@pytest.mark.parametrize("kid", [None, 7, "", "../x", "k2"])
def test_unknown_key_is_refused(provider: Provider, tokens: Tokens, kid: object) -> None:
    assert fault(tokens, token(provider, {"kid": kid})) == "its issuer has no key with the id in its header"


def test_keys_are_kept_for_five_minutes(provider: Provider, tokens: Tokens) -> None:
    for number in range(10):
        tokens.verify(token(provider), NOW + number * 29 * SECOND)
    assert provider.counts == {"/.well-known/jwks": 1}
    tokens.verify(token(provider), NOW + 300 * SECOND)
    assert provider.counts == {"/.well-known/jwks": 2}


def test_removed_key_is_not_trusted_after_five_minutes(provider: Provider, tokens: Tokens) -> None:
    tokens.verify(token(provider), NOW)
    provider.keys = [jwk("k2", rsa_key(2))]
    tokens.verify(token(provider), NOW + 299 * SECOND)
    assert fault(tokens, token(provider), NOW + 300 * SECOND) == "its issuer has no key with the id in its header"


def test_new_key_is_fetched_at_most_once_a_minute(provider: Provider, tokens: Tokens) -> None:
    tokens.verify(token(provider), NOW)
    provider.keys.append(jwk("k2", rsa_key(2)))
    new = signed_by_hand({**HEADER, "kid": "k2"}, claims(provider), rsa_key(2))
    for second in range(0, 60, 7):
        fault(tokens, new, NOW + second * SECOND)
    assert provider.counts == {"/.well-known/jwks": 1}
    tokens.verify(new, NOW + 60 * SECOND)
    for _ in range(20):
        fault(tokens, token(provider, {"kid": "unknown"}), NOW + 61 * SECOND)
    assert provider.counts == {"/.well-known/jwks": 2}


def test_known_keys_are_used_while_the_issuer_is_down(provider: Provider, tokens: Tokens) -> None:
    tokens.verify(token(provider), NOW)
    provider.answers["/.well-known/jwks"] = 503, b""
    fault(tokens, token(provider, {"kid": "unknown"}), NOW + 100 * SECOND)
    tokens.verify(token(provider), NOW + 200 * SECOND)
    with pytest.raises(TemporarilyUnavailableError, match=r"127\.0\.0\.1 answers with status 503"):
        tokens.verify(token(provider), NOW + 301 * SECOND)
    with pytest.raises(TemporarilyUnavailableError, match="the keys of the OpenID Connect issuer cannot be read"):
        tokens.verify(token(provider), NOW + 302 * SECOND)
    assert provider.counts == {"/.well-known/jwks": 3}


@pytest.mark.parametrize(
    "url", ["http://example.com", "ftp://example.com", "example.com", "https://", "https://a@b", ""]
)
def test_issuer_must_be_encrypted(url: str) -> None:
    with pytest.raises(UnauthorizedError) as error:
        Tokens(url).verify(signed_by_hand(HEADER, {"iss": url}), NOW)
    assert error.value.reasons[0].value("text") == "the issuer of CI tokens is not an https:// address"
