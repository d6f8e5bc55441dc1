"""The ports of access: the store of tokens, sessions and the audit log, the hash of secrets, and OpenID Connect.

`katakei.app.access` holds the rules. A store keeps what it is given, and its own clock decides what has expired, so
that several servers on one store agree.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from katakei.domain.audit import AuditEntry, AuditQuery
from katakei.domain.ci_identity import CiClaims, CiSystem
from katakei.domain.principals import Principal


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token as the store keeps it.

    Attributes:
        id: The part of the token by which it is found. It is no secret.
        hashed: The slow hash of the secret part.
        principal: Who the token stands for.
        label: What it is used for, in the words of the person who issued it.
        created: When, by the store's clock.
        created_by: Who issued it.
        expires: From this moment on it is not accepted.
        revoked: Since when it is revoked; None: it is not.
    """

    id: str
    hashed: str
    principal: Principal
    label: str
    created: datetime
    created_by: str
    expires: datetime
    revoked: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session as the store keeps it.

    Attributes:
        hashed: The SHA-256 of the session's id. The id itself is only in the cookie.
        principal: Who signed in.
        token: The id of the token with which they signed in; '' for a link or OpenID Connect.
        begun: When, by the store's clock.
        seen: When it was used last, to the minute.
        expires: The end at the latest.
    """

    hashed: str
    principal: Principal
    token: str
    begun: datetime
    seen: datetime
    expires: datetime


@dataclass(frozen=True, slots=True)
class LoginIdentity:
    """A person as an OpenID Connect provider names them.

    Attributes:
        name: The name, from the configured claim.
        groups: The groups, from the configured claim.
    """

    name: str
    groups: tuple[str, ...] = ()


class AccessStore(Protocol):
    """The store. Every method may raise UnreachableError; nothing was changed then."""

    def now(self) -> datetime:
        """The store's time, aware UTC."""
        ...

    def add_token(self, token: StoredToken) -> None:
        """Keep a new token. Its id is not used yet."""
        ...

    def token(self, lookup: str) -> StoredToken | None:
        """The token with this id, also when it is expired or revoked; None: there is none."""
        ...

    def tokens(self) -> Sequence[StoredToken]:
        """All tokens, the newest first. Those of CI jobs that expired more than a day ago are left out."""
        ...

    def revoke_token(self, lookup: str) -> bool:
        """Revoke a token and end its sessions. False: there is none, or it is revoked already."""
        ...

    def add_session(self, session: StoredSession) -> None:
        """Keep a new session."""
        ...

    def session(self, hashed: str) -> StoredSession | None:
        """The session with this hash; None: there is none."""
        ...

    def touch_session(self, hashed: str, seen: datetime) -> None:
        """Note that a session was used. One that has ended stays ended."""
        ...

    def end_session(self, hashed: str) -> None:
        """End a session. One that has ended already is no error."""
        ...

    def end_sessions_of(self, name: str) -> int:
        """End every session of a principal's name. Returns how many there were."""
        ...

    def add_once(self, kind: str, key: str, text: str, lasts: timedelta) -> bool:
        """Keep a value that exists once: a link, the id of a CI token, the state of a sign-in.

        Returns:
            False: the key exists already, also if another process added it at the same moment. An expired key is free.
        """
        ...

    def take_once(self, kind: str, key: str) -> str | None:
        """Remove a value and return it. Of several callers exactly one gets it; None: it is gone or has expired."""
        ...

    def count_failure(self, key: str, within: timedelta) -> None:
        """Count one failed sign-in; the count of a key ends when `within` is over since its first failure."""
        ...

    def failures(self, key: str) -> tuple[int, timedelta]:
        """How many failed sign-ins count now, and for how long they still do."""
        ...

    def record(self, entry: AuditEntry) -> AuditEntry:
        """Append an entry to the audit log. Returns it with its number and the store's time."""
        ...

    def audit(self, query: AuditQuery, before: int | None, limit: int) -> Sequence[AuditEntry]:
        """Entries that match, the newest first.

        Args:
            query: What is searched for.
            before: Only entries with a lower number; None: from the newest on.
            limit: How many at most.
        """
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class SecretHasher(Protocol):
    """A slow hash, so that a stolen store gives no tokens."""

    def hash(self, secret: str) -> str:
        """The hash with its salt and parameters."""
        ...

    def verify(self, hashed: str, secret: str) -> bool:
        """Whether the secret belongs to the hash. Takes the same time for every secret."""
        ...


class CiVerifier(Protocol):
    """The check of an OpenID Connect token of a CI system: signature, issuer, audience, times and form."""

    def verify(self, text: str, systems: Mapping[str, CiSystem], now: datetime) -> CiClaims:
        """The claims of a valid token.

        Args:
            text: The token.
            systems: The issuers whose tokens are accepted, each with its CI system.
            now: The time by which the token is judged.

        Raises:
            UnauthorizedError: It is not valid; the reason says why.
            TemporarilyUnavailableError: The keys of the issuer cannot be read now.
        """
        ...


class LoginProvider(Protocol):
    """The OpenID Connect provider of people."""

    def begin(self, redirect: str, state: str, nonce: str, verifier: str) -> str:
        """The address to which the browser is sent.

        Args:
            redirect: Where the provider sends the browser back to.
            state: Comes back unchanged.
            nonce: Comes back inside the signed token.
            verifier: The secret of PKCE; only its hash is sent.

        Raises:
            TemporarilyUnavailableError: The provider does not answer.
            UnauthorizedError: Its answers are not acceptable; the reason says why.
        """
        ...

    def finish(self, code: str, redirect: str, nonce: str, verifier: str, now: datetime) -> LoginIdentity:
        """The person who signed in; `now` judges the times in the token. Raises as `begin`."""
        ...

    def roles(self, identity: LoginIdentity) -> Principal | None:
        """The principal with the roles that the configuration gives; None: it gives none."""
        ...


@dataclass(frozen=True, slots=True)
class AccessDrivers:
    """What access needs from outside.

    Attributes:
        store: Keeps tokens, sessions and the audit log.
        hasher: The slow hash of secrets.
        draw: A random text of so many letters and digits, five bits each.
        ci: Verifies the tokens of CI jobs; None: none are accepted.
        login: The OpenID Connect provider of people; None: people sign in by token.
    """

    store: AccessStore
    hasher: SecretHasher
    draw: Callable[[int], str]
    ci: CiVerifier | None = None
    login: LoginProvider | None = None
