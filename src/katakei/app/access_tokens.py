"""Tokens: how they are issued, verified, revoked and listed.

A token is `kat_ID_SECRET`. The id finds it in the store, so that a sign-in costs one slow hash; only the hash of the
secret is kept. A verified token is remembered for a short time by its SHA-256, which saves the slow hash. Revocation
and expiry are read from the store at every use.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from katakei.app.access_attempts import Attempts
from katakei.domain.access import EVERY_SERVICE, Role, decide_access
from katakei.domain.access_reasons import AccessCode, access_reason
from katakei.domain.errors import ForbiddenError, UnauthorizedError, UsageError
from katakei.domain.ports.access import AccessStore, SecretHasher, StoredToken
from katakei.domain.principals import Act, Principal, PrincipalKind

ID, SECRET = 10, 32
TOKEN = re.compile(rf"kat_([a-z0-9]{{{ID}}})_([a-z0-9]{{{SECRET}}})")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
SERVICE = re.compile(r"[^\s*:]{1,100}")
DEFAULT_LIFETIME = timedelta(days=90)
MAX_LIFETIME = timedelta(days=366)
REMEMBERED = timedelta(minutes=5)
MOST_REMEMBERED = 1000
TOKEN_PREFIX = "token:"  # noqa: S105 - the names of programs begin with it


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What a new token is for.

    Attributes:
        name: The name of the person or program.
        roles: The role for each service; `*` for every service.
        program: Whether it is a deploy token of a program. It signs in no browser.
        acts: What it is limited to; None: everything that the roles include.
        lasts: How long it is valid; at most 366 days.
        label: What it is used for.
    """

    name: str
    roles: Mapping[str, Role]
    program: bool = False
    acts: frozenset[Act] | None = None
    lasts: timedelta = DEFAULT_LIFETIME
    label: str = ""

    def described(self) -> str:
        """Roles and limits as one line, for the audit log."""
        roles = ", ".join(f"{role} of {service}" for service, role in sorted(self.roles.items()))
        return roles + (f", only {', '.join(sorted(self.acts))}" if self.acts is not None else "")


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token that was just issued.

    Attributes:
        secret: The whole token. It is shown once.
        token: What the store keeps.
    """

    secret: str = field(repr=False)
    token: StoredToken


class Tokens:
    """The tokens of one server."""

    def __init__(
        self, store: AccessStore, hasher: SecretHasher, draw: Callable[[int], str], attempts: Attempts
    ) -> None:
        self._store = store
        self._hasher = hasher
        self._draw = draw
        self._attempts = attempts
        self._verified: OrderedDict[bytes, tuple[str, datetime]] = OrderedDict()  # SHA-256 → slow hash, until when
        self._verifying = threading.Lock()  # one slow hash at a time: each takes 64 MB

    def authenticate(self, text: str, address: str) -> StoredToken:
        """The token with this text. Raises UnauthorizedError, TooManyAttemptsError."""
        if not text:
            raise UnauthorizedError(reasons=(access_reason(AccessCode.NOT_SIGNED_IN),))
        match = TOKEN.fullmatch(text)
        digest, found = sha256(text.encode()).digest(), self._store.token(match[1]) if match else None
        now = self._store.now()
        if found is None or not match or not self._remembered(digest, found, now):
            found = self._verify(match, found, digest, address, now)
        check_alive(found, now)
        return found

    def _verify(
        self, match: re.Match[str] | None, found: StoredToken | None, digest: bytes, address: str, now: datetime
    ) -> StoredToken:
        """The token when its secret is right; at most one secret is compared at a time."""
        with self._verifying:
            if found and self._remembered(digest, found, now):
                return found
            name = match[1] if match else ""
            self._attempts.check(address, name)
            if not match or found is None or not self._hasher.verify(found.hashed, match[2]):
                detail = f"token {found.id} with a wrong secret" if found else ""
                raise self._attempts.failed(address, name, access_reason(AccessCode.TOKEN_NOT_VALID), detail)
            self._verified[digest] = (found.hashed, now + REMEMBERED)
            while len(self._verified) > MOST_REMEMBERED:
                self._verified.popitem(last=False)
            return found

    def _remembered(self, digest: bytes, found: StoredToken, now: datetime) -> bool:
        hashed, until = self._verified.get(digest, ("", now))
        return hashed == found.hashed and now < until

    def issue(self, by: Principal, request: TokenRequest) -> IssuedToken:
        """A new token. Raises ForbiddenError, UsageError."""
        _check_request(request)
        _check_may_manage(by, request.roles)
        if by.acts is not None and (request.acts is None or not request.acts <= by.acts):
            raise ForbiddenError(reasons=(access_reason(AccessCode.BEYOND_OWN_RIGHTS, who=by.name),))
        principal = Principal(
            f"{TOKEN_PREFIX}{request.name}" if request.program else request.name,
            PrincipalKind.TOKEN if request.program else PrincipalKind.PERSON,
            dict(request.roles),
            request.acts,
            None if EVERY_SERVICE in request.roles else frozenset(request.roles),
            by.name if request.program else "",
        )
        return self.add(principal, by.name, request.lasts, request.label)

    def add(self, principal: Principal, by: str, lasts: timedelta, label: str) -> IssuedToken:
        """Keeps a new token of a principal. Rights are the caller's matter."""
        lookup, secret, now = self._draw(ID), self._draw(SECRET), self._store.now()
        token = StoredToken(lookup, self._hasher.hash(secret), principal, label, now, by, now + lasts)
        self._store.add_token(token)
        return IssuedToken(f"kat_{lookup}_{secret}", token)

    def revoke(self, by: Principal, token_id: str) -> StoredToken:
        """Revokes a token. Raises ForbiddenError, UsageError."""
        found = self._store.token(token_id)
        if found is None or not (_own(by, found) or _may_manage(by, found.principal.roles)):
            _check_may_manage(by, found.principal.roles if found else {})
            raise UsageError("there is no token with this id; list the tokens for the ids that exist")
        if not self._store.revoke_token(token_id):
            raise UsageError(f"the token {token_id} is revoked already")
        return found

    def visible(self, by: Principal) -> Sequence[StoredToken]:
        """The tokens that a principal may manage, and their own."""
        return [each for each in self._store.tokens() if _own(by, each) or _may_manage(by, each.principal.roles)]

    def alive(self, token_id: str, now: datetime) -> StoredToken | None:
        """The token with this id when it is neither expired nor revoked."""
        found = self._store.token(token_id)
        return found if found and found.revoked is None and now < found.expires else None

    def has_admin(self) -> bool:
        """Whether some person has a valid token with the role admin for every service."""
        now = self._store.now()
        return any(
            each.principal.kind is PrincipalKind.PERSON
            and each.principal.roles.get(EVERY_SERVICE) is Role.ADMIN
            and each.revoked is None
            and now < each.expires
            for each in self._store.tokens()
        )

    def accountable(self, name: str) -> frozenset[str]:
        """The names that answer for what this name did: for a program also everybody who issued it a token."""
        if not name.startswith(TOKEN_PREFIX):
            return frozenset({name} - {""})
        issuers = {each.principal.issued_by for each in self._store.tokens() if each.principal.name == name}
        return frozenset({name, *issuers} - {""})


def check_alive(token: StoredToken, now: datetime) -> None:
    """Raises UnauthorizedError: the token is revoked or expired."""
    if token.revoked is not None:
        moment = token.revoked.isoformat(timespec="seconds")
        raise UnauthorizedError(reasons=(access_reason(AccessCode.TOKEN_REVOKED, revoked=moment),))
    if now >= token.expires:
        moment = token.expires.isoformat(timespec="seconds")
        raise UnauthorizedError(reasons=(access_reason(AccessCode.TOKEN_EXPIRED, expired=moment),))


def _own(by: Principal, token: StoredToken) -> bool:
    return by.kind is PrincipalKind.PERSON and by.acts is None and token.principal.name == by.name


def _may_manage(by: Principal, roles: Mapping[str, Role]) -> bool:
    services = [None if each == EVERY_SERVICE else each for each in roles] or [None]
    return all(decide_access(by, Act.MANAGE_TOKENS, service).allowed for service in services)


def _check_may_manage(by: Principal, roles: Mapping[str, Role]) -> None:
    for each in roles or [EVERY_SERVICE]:
        decision = decide_access(by, Act.MANAGE_TOKENS, None if each == EVERY_SERVICE else each)
        if decision.reason:
            raise ForbiddenError(reasons=(decision.reason,))


def _check_request(request: TokenRequest) -> None:
    """Raises UsageError: the request has a fault."""
    if not NAME.fullmatch(request.name):
        raise UsageError("the name of a token has up to 64 letters, digits and . _ @ + -; give such a name")
    if not request.roles:
        raise UsageError("the token has no role; give a role for a service, or for every service")
    strange = [each for each in request.roles if each != EVERY_SERVICE and not SERVICE.fullmatch(each)]
    if strange:
        raise UsageError(f"{strange[0]!r} is not the name of a service; give the name of one")
    if not timedelta() < request.lasts <= MAX_LIFETIME:
        raise UsageError("a token is valid for more than 0 and at most 366 days; give such a time")
