"""The OpenID Connect provider of people: authorization code flow with PKCE, state and nonce.

https://openid.net/specs/openid-connect-core-1_0.html names the parameters and checks. Nothing is kept between the way
to the provider and the way back; the caller keeps state, nonce and verifier.
"""

import hmac
import threading
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

from katakei.adapters.oidc.provider_http import ProviderHttp, checked_url, refused
from katakei.adapters.oidc.signing_keys import SigningKeys
from katakei.adapters.oidc.token_check import Expected, TokenFaultError, parsed, verified
from katakei.adapters.system.clock import SystemClock
from katakei.domain.errors import UnauthorizedError
from katakei.domain.login import LoginSettings, person, valid_name
from katakei.domain.ports.access import LoginIdentity
from katakei.domain.principals import Principal

ALGORITHMS = ("RS256", "ES256")
DISCOVERED = timedelta(hours=1)
MAX_AGE = timedelta(minutes=10)
EMAIL = "email"


class OidcLogin:
    """Implements the port `LoginProvider`."""

    def __init__(self, settings: LoginSettings, secret: str) -> None:
        """Asks nothing yet.

        Args:
            settings: The provider.
            secret: The client secret; '' for a public client.

        Raises:
            UnauthorizedError: The issuer is not an https:// address.
        """
        self._settings = settings
        self._secret = secret
        self._issuer = checked_url(settings.issuer, "the issuer")
        self._http = ProviderHttp()
        self._clock = SystemClock()
        self._keys = SigningKeys(self._http, lambda: self._address("jwks_uri"), ALGORITHMS)
        self._document: Mapping[str, Any] = {}
        self._read: datetime | None = None
        self._reading = threading.Lock()

    def begin(self, redirect: str, state: str, nonce: str, verifier: str) -> str:
        """As the port says."""
        address = self._address("authorization_endpoint")
        challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": redirect,
            "scope": " ".join(("openid", *self._settings.scopes)),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(asked)}"

    def finish(self, code: str, redirect: str, nonce: str, verifier: str, now: datetime) -> LoginIdentity:
        """As the port says."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            "code_verifier": verifier,
            "client_id": self._settings.client_id,
        }
        headers = {}
        if self._secret and self._posts_secret():
            form["client_secret"] = self._secret
        elif self._secret:
            pair = f"{quote_plus(self._settings.client_id)}:{quote_plus(self._secret)}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        answer = self._http.post(self._address("token_endpoint"), form, headers)
        try:
            return self._identity(self._claims(answer.get("id_token"), nonce, now))
        except TokenFaultError as fault:
            raise refused(f"the token of the provider is not accepted: {fault}") from fault

    def roles(self, identity: LoginIdentity) -> Principal | None:
        """As the port says."""
        return person(identity.name, identity.groups, self._settings.rules)

    def _claims(self, text: object, nonce: str, now: datetime) -> Mapping[str, Any]:
        if not isinstance(text, str):
            raise TokenFaultError("there is none")
        expected = Expected(
            self._issuer,
            self._settings.client_id,
            ALGORITHMS,
            MAX_AGE,
            ("nonce",),
            frozenset({"JWT", ""}),
            one_audience_list=True,
        )
        claims = verified(parsed(text), self._keys, expected, now)
        given = claims["nonce"]
        if not isinstance(given, str) or not hmac.compare_digest(given.encode(errors="replace"), nonce.encode()):
            raise TokenFaultError("it belongs to another sign-in")
        if claims.get("azp", self._settings.client_id) != self._settings.client_id:
            raise TokenFaultError("it was issued to another client")
        return claims

    def _identity(self, claims: Mapping[str, Any]) -> LoginIdentity:
        claim = self._settings.name_claim
        name = claims.get(claim)
        if not isinstance(name, str) or not valid_name(name):
            raise TokenFaultError(f"its claim {claim} is not a name")
        if claim == EMAIL and claims.get("email_verified") is not True:
            raise TokenFaultError("the provider has not verified the email address")
        groups = claims.get(self._settings.groups_claim, [])
        listed = [groups] if isinstance(groups, str) else groups
        if not isinstance(listed, list):
            raise TokenFaultError(f"its claim {self._settings.groups_claim} is not a list of groups")
        return LoginIdentity(name, tuple(each for each in listed if isinstance(each, str)))

    def _posts_secret(self) -> bool:
        methods = self._discovered().get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return isinstance(methods, list) and "client_secret_basic" not in methods and "client_secret_post" in methods

    def _address(self, name: str) -> str:
        return checked_url(self._discovered().get(name), f"the {name} of the provider")

    def _discovered(self) -> Mapping[str, Any]:
        """The discovery document, kept for an hour. Raises UnauthorizedError, TemporarilyUnavailableError."""
        with self._reading:
            now = self._clock.now()
            if self._read is None or now - self._read >= DISCOVERED:
                found = self._http.get(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
                if found.get("issuer") != self._issuer:
                    raise _other_issuer()
                self._document, self._read = found, now
            return self._document


def _other_issuer() -> UnauthorizedError:
    return refused("the provider names another issuer than the configuration; copy its issuer exactly")
