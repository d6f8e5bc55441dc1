"""Access keys that the endpoint accepts: the lab's own, those of its STS, and those of users made with its IAM."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from moto.iam.models import AccessKey as MotoKey
from moto.iam.models import iam_backends
from moto.sts.models import AssumedRole, sts_backends

from katakei.lab.endpoint.signatures import SecretKey
from katakei.lab.options import AccessKey, new_access_key

MAX_SESSIONS = 10_000


@dataclass(frozen=True, slots=True)
class Session:
    """Temporary credentials as STS shows them."""

    access_key: str
    secret: str
    token: str
    expires: datetime


class KeyRing:
    """Every key that is valid now. Thread-safe.

    Args:
        own: the lab's own key.
        account: the account of this key.
    """

    def __init__(self, own: AccessKey, account: str) -> None:
        self._own = own
        self._account = account
        self._sessions: OrderedDict[str, SecretKey] = OrderedDict()

    def find(self, access_key: str) -> SecretKey | None:
        """Returns the key with this id, also if it has expired."""
        if access_key == self._own.id:
            return SecretKey(self._own.secret, self._account)
        return self._sessions.get(access_key) or _moto_key(access_key)

    def is_own_secret(self, given: str | None) -> bool:
        """Whether this is the secret of the lab's own key. Takes the same time wherever the texts differ."""
        return given is not None and secrets.compare_digest(given.encode(), self._own.secret.encode())

    def begin_session(self, account: str, now: datetime, lasting: timedelta) -> Session:
        """Make temporary credentials, for GetSessionToken and GetFederationToken: moto has one fixed key for them."""
        key = new_access_key("LABSESSION")
        session = Session(key.id, key.secret, secrets.token_urlsafe(60), now + lasting)
        self._sessions[key.id] = SecretKey(session.secret, account, session.token, session.expires)
        while len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)
        return session


def _moto_key(access_key: str) -> SecretKey | None:
    for account, key in _moto_keys(access_key):
        if key.status != "Active":
            continue
        role = _assumed_role(account, access_key)
        if role is not None:
            return SecretKey(role.secret_access_key, account, role.session_token, role.expiration.replace(tzinfo=UTC))
        if key.user_name is not None:
            return SecretKey(key.secret_access_key, account)
    return None


def _moto_keys(access_key: str) -> Iterator[tuple[str, MotoKey]]:
    for account, partitions in list(iam_backends.items()):
        for backend in list(partitions.values()):
            if access_key in backend.access_keys:
                yield account, backend.access_keys[access_key]


def _assumed_role(account: str, access_key: str) -> AssumedRole | None:
    if account not in sts_backends:
        return None
    return next(
        (
            role
            for backend in list(sts_backends[account].values())
            for role in backend.assumed_roles
            if role.access_key_id == access_key
        ),
        None,
    )
