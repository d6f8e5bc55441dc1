"""Sessions of browsers: server-side, found by the hash of an id that only the browser's cookie holds.

A session ends after eight hours without use, after a day at the latest, at sign-out, and at once when the token that
began it is revoked. A new sign-in always makes a new id. The CSRF token is derived from the id, so that it belongs to
one session and is stored nowhere.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from katakei.app.access_attempts import Attempts
from katakei.app.access_tokens import Tokens
from katakei.domain.access import EVERY_SERVICE, Role
from katakei.domain.access_reasons import AccessCode, access_reason
from katakei.domain.errors import UnauthorizedError
from katakei.domain.ports.access import AccessStore, StoredSession
from katakei.domain.principals import PEOPLE, Principal, PrincipalKind

IDLE = timedelta(hours=8)
LONGEST = timedelta(hours=24)
TOUCHED_EVERY = timedelta(minutes=1)
LINK_LASTS = timedelta(minutes=15)
ID = 40
FIRST_ADMIN = Principal("admin", PrincipalKind.LINK, {EVERY_SERVICE: Role.ADMIN})
"""Who a one-time link signs in."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session that is valid now.

    Attributes:
        id: The value of the cookie. Never in a log or a page.
        csrf: What every form and changing request of the session must carry.
        principal: Who signed in, with the rights of this moment.
        expires: When it ends at the latest.
    """

    id: str = field(repr=False)
    csrf: str = field(repr=False)
    principal: Principal
    expires: datetime


class BrowserSessions:
    """The sessions of one server."""

    def __init__(self, store: AccessStore, draw: Callable[[int], str], attempts: Attempts, tokens: Tokens) -> None:
        self._store = store
        self._draw = draw
        self._attempts = attempts
        self._tokens = tokens

    def by_token(self, text: str, address: str) -> Session:
        """A session of the person whom a token stands for. Raises UnauthorizedError, TooManyAttemptsError."""
        token = self._tokens.authenticate(text, address)
        if token.principal.kind not in PEOPLE:
            raise UnauthorizedError(reasons=(access_reason(AccessCode.TOKEN_NOT_VALID),))
        return self.begin(token.principal, token.id, token.expires)

    def by_link(self, secret: str, address: str) -> Session:
        """A session of the first admin. Raises UnauthorizedError, TooManyAttemptsError."""
        self._attempts.check(address)
        if self._store.take_once("link", hashed(secret)) is None:
            raise self._attempts.failed(address, "", access_reason(AccessCode.LINK_NOT_VALID))
        return self.begin(FIRST_ADMIN)

    def new_link(self) -> str:
        """The secret of a new one-time link."""
        secret = self._draw(ID)
        self._store.add_once("link", hashed(secret), "", LINK_LASTS)
        return secret

    def begin(self, principal: Principal, token: str = "", until: datetime | None = None) -> Session:
        """A new session of a principal who has proved who they are."""
        session_id, now = self._draw(ID), self._store.now()
        expires = min(now + LONGEST, until or now + LONGEST)
        self._store.add_session(StoredSession(hashed(session_id), principal, token, now, now, expires))
        return Session(session_id, _csrf(session_id), principal, expires)

    def find(self, session_id: str) -> Session | None:
        """The session with this id, used now; None: it has ended."""
        found = self._store.session(hashed(session_id)) if session_id else None
        if found is None:
            return None
        now = self._store.now()
        principal = self._principal(found, now)
        if principal is None or now >= min(found.expires, found.seen + IDLE):
            self._store.end_session(found.hashed)
            return None
        if now - found.seen >= TOUCHED_EVERY:
            self._store.touch_session(found.hashed, now)
        return Session(session_id, _csrf(session_id), principal, found.expires)

    def _principal(self, session: StoredSession, now: datetime) -> Principal | None:
        """Who the session stands for now; None when its token is no longer valid."""
        if not session.token:
            return session.principal
        token = self._tokens.alive(session.token, now)
        return token.principal if token else None

    def end(self, session_id: str) -> None:
        """Ends a session."""
        self._store.end_session(hashed(session_id))

    @staticmethod
    def csrf_fits(session: Session, text: str) -> bool:
        """Whether a CSRF token belongs to the session, compared in constant time."""
        return hmac.compare_digest(session.csrf.encode(), text.encode(errors="replace"))


def hashed(secret: str) -> str:
    """The SHA-256 by which a drawn secret is kept. It has 200 bits, so that a fast hash is enough."""
    return sha256(secret.encode(errors="replace")).hexdigest()


def _csrf(session_id: str) -> str:
    return hmac.new(session_id.encode(errors="replace"), b"katakei csrf", sha256).hexdigest()
