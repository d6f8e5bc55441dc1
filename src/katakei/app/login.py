"""Sign-in of people by OpenID Connect: what is kept between the way to the provider and the way back."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from katakei.app.access_attempts import Attempts
from katakei.app.access_sessions import BrowserSessions, Session, hashed
from katakei.domain.access_reasons import AccessCode, access_reason
from katakei.domain.errors import UnauthorizedError
from katakei.domain.ports.access import AccessStore, LoginProvider
from katakei.domain.reasons import Reason

LASTS = timedelta(minutes=10)
LETTERS = 48
"""Letters of state, nonce, browser key and PKCE verifier; RFC 7636 requires 43 to 128 for the verifier."""


@dataclass(frozen=True, slots=True)
class LoginStart:
    """The way to the provider.

    Attributes:
        url: Where the browser is sent.
        browser: The value of a short-lived cookie, which ties the way back to this browser.
    """

    url: str
    browser: str = field(repr=False)


class Login:
    """Sign-in by OpenID Connect."""

    def __init__(
        self,
        store: AccessStore,
        draw: Callable[[int], str],
        attempts: Attempts,
        sessions: BrowserSessions,
        provider: LoginProvider | None,
    ) -> None:
        self._store = store
        self._draw = draw
        self._attempts = attempts
        self._sessions = sessions
        self._provider = provider

    @property
    def configured(self) -> bool:
        """Whether there is a provider."""
        return self._provider is not None

    def begin(self, redirect: str) -> LoginStart:
        """The way to the provider. Raises UnauthorizedError, TemporarilyUnavailableError."""
        state, nonce, verifier, browser = (self._draw(LETTERS) for _ in range(4))
        url = self._given().begin(redirect, state, nonce, verifier)
        kept = "\n".join((nonce, verifier, hashed(browser), redirect))
        self._store.add_once("login", hashed(state), kept, LASTS)
        return LoginStart(url, browser)

    def finish(self, state: str, code: str, browser: str, address: str) -> Session:
        """The session of the person who came back. Raises UnauthorizedError, TemporarilyUnavailableError."""
        provider = self._given()
        self._attempts.check(address)
        kept = self._store.take_once("login", hashed(state))
        nonce, verifier, of_browser, redirect = kept.split("\n") if kept else ("", "", "", "")
        if not kept or not hmac.compare_digest(of_browser, hashed(browser)):
            raise self._refused(address, access_reason(AccessCode.LOGIN_STATE_NOT_VALID))
        if not code:
            raise self._refused(address, access_reason(AccessCode.LOGIN_REFUSED, text="the provider sent no code"))
        try:
            identity = provider.finish(code, redirect, nonce, verifier, self._store.now())
        except UnauthorizedError as error:
            raise self._refused(address, error.reasons[0]) from error
        principal = provider.roles(identity)
        if principal is None:
            raise self._refused(address, access_reason(AccessCode.LOGIN_WITHOUT_ROLE, who=identity.name), identity.name)
        return self._sessions.begin(principal)

    def _given(self) -> LoginProvider:
        if self._provider is None:
            raise UnauthorizedError(reasons=(access_reason(AccessCode.LOGIN_NOT_CONFIGURED),))
        return self._provider

    def _refused(self, address: str, reason: Reason, detail: str = "") -> UnauthorizedError:
        return self._attempts.failed(address, "", reason, detail)
