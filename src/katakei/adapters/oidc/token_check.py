"""The check of a signed token (JWT): form, signature, issuer, audience and times. CI jobs and people share it.

PyJWT verifies the signature with the algorithms that are given, and refuses `alg: none`, a public key used as a secret,
a list of audiences, and unknown critical headers. Everything else is checked here: size, duplicate keys, type, times.
"""

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from jwt.exceptions import PyJWTError

from katakei.adapters.oidc.provider_http import StrictJsonError, strict_object
from katakei.adapters.oidc.signing_keys import SigningKeys

MAX_BYTES = 16 * 1024
LEEWAY = timedelta(seconds=30)
MAX_LIFETIME = timedelta(hours=1)
LATEST = 4102444800  # the year 2100: larger numbers are no times
MAX_TEXT = 2000


class TokenFaultError(Exception):
    """Why a token is not accepted, in words that may be shown. They hold no part of the token but names of claims."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must be.

    Attributes:
        issuer: The issuer, exactly.
        audience: The one audience.
        algorithms: The algorithms of its signature.
        max_age: How long ago it may have been issued.
        claims: Claims that must be there, beside iss, aud, sub, iat and exp.
        types: The `typ` headers that are accepted; '' stands for none.
        one_audience_list: Whether a list with the one audience is accepted, as OpenID Connect allows.
    """

    issuer: str
    audience: str
    algorithms: Sequence[str]
    max_age: timedelta = MAX_LIFETIME
    claims: Sequence[str] = ()
    types: frozenset[str] = frozenset({"JWT"})
    one_audience_list: bool = False


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """The parts of a token whose signature nobody has verified yet."""

    text: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]


def parsed(text: str) -> UnverifiedToken:
    """The header and the claims of a token, not verified.

    Raises:
        TokenFaultError: It is too large, or not in the compact form with strict JSON.
    """
    if len(text) > MAX_BYTES or not text.isascii():
        raise TokenFaultError("it is larger than 16 KB or holds characters that no token has")
    parts = text.split(".")
    if len(parts) != 3 or not all(parts):
        raise TokenFaultError("it does not have three parts")
    return UnverifiedToken(text, _decoded(parts[0], "header"), _decoded(parts[1], "body"))


def _decoded(part: str, what: str) -> Mapping[str, Any]:
    try:
        return strict_object(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError) as error:
        known = isinstance(error, StrictJsonError)
        raise TokenFaultError(f"its {what} cannot be read: {error if known else 'it is not base64'}") from error


def verified(token: UnverifiedToken, keys: SigningKeys, expected: Expected, now: datetime) -> Mapping[str, Any]:
    """The claims of a token, verified.

    Args:
        token: The token.
        keys: The keys of the issuer.
        expected: What it must be.
        now: The time by which it is judged.

    Raises:
        TokenFaultError: It is not what is expected.
        TemporarilyUnavailableError: The keys cannot be read now.
    """
    _check_header(token.header, expected)
    _check_issuer_and_audience(token.claims, expected)
    kid = token.header.get("kid")
    key = keys.find(kid, now) if isinstance(kid, str) else None
    if key is None:
        raise TokenFaultError("its issuer has no key with the id in its header")
    claims = _signed_claims(token, key, expected)
    _check_times(claims, expected.max_age, now)
    return claims


def _check_header(header: Mapping[str, Any], expected: Expected) -> None:
    if header.get("typ", "") not in expected.types:
        raise TokenFaultError("its header has another type than JWT")
    if header.get("alg") not in expected.algorithms:
        raise TokenFaultError(f"its signature is not made with {' or '.join(expected.algorithms)}")
    if "crit" in header or "b64" in header:
        raise TokenFaultError("its header has critical extensions, and none is supported")


def _check_issuer_and_audience(claims: Mapping[str, Any], expected: Expected) -> None:
    if claims.get("iss") != expected.issuer:
        raise TokenFaultError("it is from another issuer")
    audience = claims.get("aud")
    if expected.one_audience_list and isinstance(audience, list) and len(audience) == 1:
        audience = audience[0]
    if audience != expected.audience:
        raise TokenFaultError("it is for another audience, or for several")


def _signed_claims(token: UnverifiedToken, key: jwt.PyJWK, expected: Expected) -> Mapping[str, Any]:
    """The claims, from the bytes that the signature covers. Times are checked afterwards, by the caller's clock."""
    options: Any = {
        "require": ["iss", "aud", "sub", "iat", "exp", *expected.claims],
        "verify_exp": False,
        "verify_nbf": False,
        "verify_iat": False,
        "strict_aud": not expected.one_audience_list,
        "enforce_minimum_key_length": True,
    }
    try:
        claims: Mapping[str, Any] = jwt.decode(
            token.text,
            key,
            algorithms=list(expected.algorithms),
            audience=expected.audience,
            issuer=expected.issuer,
            options=options,
        )
    except jwt.MissingRequiredClaimError as error:
        raise TokenFaultError(f"it has no claim {error.claim}") from error
    except jwt.InvalidSignatureError as error:
        raise TokenFaultError("its signature is wrong") from error
    except (PyJWTError, ValueError, TypeError) as error:
        raise TokenFaultError("it is not a valid signed token") from error
    if claims != token.claims:
        raise TokenFaultError("it can be read in two ways")
    return claims


def _check_times(claims: Mapping[str, Any], max_age: timedelta, now: datetime) -> None:
    issued, expires = moment(claims, "iat"), moment(claims, "exp")
    not_before = moment(claims, "nbf") if "nbf" in claims else issued
    if not timedelta() < expires - issued <= MAX_LIFETIME:
        raise TokenFaultError("its lifetime is not more than zero and at most an hour")
    if max(issued, not_before) > now + LEEWAY:
        raise TokenFaultError("it is not valid yet; check the clocks")
    if now >= expires + LEEWAY:
        raise TokenFaultError("it has expired")
    if now - issued > max_age + LEEWAY:
        raise TokenFaultError("it was issued too long ago")


def moment(claims: Mapping[str, Any], name: str) -> datetime:
    """The moment in a claim. Raises TokenFaultError: it is no moment."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < LATEST:
        raise TokenFaultError(f"its claim {name} is not a time")
    return datetime.fromtimestamp(value, UTC)


def texts(claims: Mapping[str, Any]) -> Mapping[str, str]:
    """The claims whose values are texts of a reasonable length."""
    return {name: value for name, value in claims.items() if isinstance(value, str) and len(value) <= MAX_TEXT}
