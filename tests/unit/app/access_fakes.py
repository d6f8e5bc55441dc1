"""A store of access in memory with a clock that tests set, a fast hash, and drawn texts that count."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

from tests.unit.given import NOON

from katakei.app.access import Access
from katakei.domain.audit import AuditEntry, AuditQuery
from katakei.domain.ports.access import AccessDrivers, CiVerifier, LoginProvider, StoredSession, StoredToken
from katakei.domain.principals import PrincipalKind


@dataclass
class MemoryStore:
    """Implements the port `AccessStore`; the contract tests hold it to the same promises as the real ones."""

    time: datetime = NOON
    kept_tokens: dict[str, StoredToken] = field(default_factory=dict)
    sessions: dict[str, StoredSession] = field(default_factory=dict)
    once: dict[tuple[str, str], tuple[str, datetime]] = field(default_factory=dict)
    failed: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    log: list[AuditEntry] = field(default_factory=list)

    def now(self) -> datetime:
        return self.time

    def add_token(self, token: StoredToken) -> None:
        self.kept_tokens[token.id] = token

    def token(self, lookup: str) -> StoredToken | None:
        return self.kept_tokens.get(lookup)

    def tokens(self) -> Sequence[StoredToken]:
        old = self.time - timedelta(days=1)
        kept = [
            each
            for each in self.kept_tokens.values()
            if each.principal.kind is not PrincipalKind.CI or each.expires >= old
        ]
        return sorted(kept, key=lambda each: (-each.created.timestamp(), each.id))

    def revoke_token(self, lookup: str) -> bool:
        found = self.kept_tokens.get(lookup)
        self.sessions = {key: each for key, each in self.sessions.items() if each.token != lookup}
        if found is None or found.revoked:
            return False
        self.kept_tokens[lookup] = replace(found, revoked=self.time)
        return True

    def add_session(self, session: StoredSession) -> None:
        self.sessions[session.hashed] = session

    def session(self, hashed: str) -> StoredSession | None:
        return self.sessions.get(hashed)

    def touch_session(self, hashed: str, seen: datetime) -> None:
        if hashed in self.sessions:
            self.sessions[hashed] = replace(self.sessions[hashed], seen=seen)

    def end_session(self, hashed: str) -> None:
        self.sessions.pop(hashed, None)

    def end_sessions_of(self, name: str) -> int:
        ended = [key for key, each in self.sessions.items() if each.principal.name == name]
        for key in ended:
            del self.sessions[key]
        return len(ended)

    def add_once(self, kind: str, key: str, text: str, lasts: timedelta) -> bool:
        _, expires = self.once.get((kind, key), ("", self.time))
        if expires > self.time:
            return False
        self.once[kind, key] = text, self.time + lasts
        return True

    def take_once(self, kind: str, key: str) -> str | None:
        text, expires = self.once.pop((kind, key), ("", self.time))
        return text if expires > self.time else None

    def count_failure(self, key: str, within: timedelta) -> None:
        failed, ends = self.failed.get(key, (0, self.time))
        self.failed[key] = (failed + 1, ends) if ends > self.time else (1, self.time + within)

    def failures(self, key: str) -> tuple[int, timedelta]:
        failed, ends = self.failed.get(key, (0, self.time))
        return (failed, ends - self.time) if ends > self.time else (0, timedelta())

    def record(self, entry: AuditEntry) -> AuditEntry:
        self.log.append(replace(entry, at=self.time, number=len(self.log) + 1))
        return self.log[-1]

    def audit(self, query: AuditQuery, before: int | None, limit: int) -> Sequence[AuditEntry]:
        found = [each for each in reversed(self.log) if before is None or each.number < before]
        return [each for each in found if matches(each, query)][:limit]

    def close(self) -> None:
        pass


def matches(entry: AuditEntry, query: AuditQuery) -> bool:
    texts = (entry.who, entry.act, entry.address, entry.service, entry.rollout, entry.detail)
    return (
        any(query.text.lower() in text.lower() for text in texts)
        and query.who in {"", entry.who}
        and query.act in {"", entry.act}
        and query.rollout in {"", entry.rollout}
        and (query.services is None or entry.service in query.services)
        and (query.since is None or (entry.at is not None and entry.at >= query.since))
        and (query.until is None or (entry.at is not None and entry.at < query.until))
    )


@dataclass
class FastHasher:
    """Implements the port `SecretHasher` without a hash; counts how often a secret was compared."""

    compared: int = 0

    def hash(self, secret: str) -> str:
        return f"hash of {secret}"

    def verify(self, hashed: str, secret: str) -> bool:
        self.compared += 1
        return hashed == f"hash of {secret}"


class Drawn:
    """Draws texts that differ in their number."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def __call__(self, letters: int) -> str:
        return f"{next(self._numbers):x}".rjust(letters, "x")


@dataclass
class Server:
    """Access over a store in memory, and everything that it was made with."""

    store: MemoryStore = field(default_factory=MemoryStore)
    hasher: FastHasher = field(default_factory=FastHasher)
    drawn: Drawn = field(default_factory=Drawn)
    ci: CiVerifier | None = None
    login: LoginProvider | None = None
    access: Access = field(init=False)

    def __post_init__(self) -> None:
        self.access = self.again()

    def again(self) -> Access:
        """Another process over the same store."""
        return Access(AccessDrivers(self.store, self.hasher, self.drawn, self.ci, self.login))

    def later(self, span: timedelta) -> None:
        self.store.time += span
