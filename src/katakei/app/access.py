"""The use cases of access: who somebody is, what they may do, tokens, sessions, and the audit log.

The web API and the console call this and hold no rule of their own. `katakei.domain.access` decides about rights, the
store keeps hashes only, and every change is recorded in the audit log. Times are the store's.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from katakei.app.access_attempts import Attempts
from katakei.app.access_sessions import BrowserSessions, Session
from katakei.app.access_tokens import IssuedToken, TokenRequest, Tokens
from katakei.app.ci_exchange import CiExchange
from katakei.app.login import Login, LoginStart
from katakei.domain.access import AccessDecision, ServicePolicy, decide_access
from katakei.domain.access_reasons import AccessCode, access_reason
from katakei.domain.audit import AuditEntry, AuditQuery, Outcome
from katakei.domain.errors import ForbiddenError, KatakeiError, UnauthorizedError
from katakei.domain.outside_text import one_line
from katakei.domain.ports.access import AccessDrivers, StoredToken
from katakei.domain.principals import Act, Principal

__all__ = ["Access", "IssuedToken", "LoginStart", "Session", "TokenRequest", "Wish"]

READING = frozenset({Act.READ, Act.LOGS, Act.PLAN})
"""Acts whose refusal is not recorded: they change nothing, and a page that is reloaded would fill the log."""
LONGEST = 500
"""Characters of one text in the audit log."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to do.

    Attributes:
        act: What.
        service: The service that it concerns; None: something that belongs to no service.
        policy: The policy of the service; None: it has none.
        rollout: The rollout, for the audit log.
        started_by: Who started the rollout, as its journal says. The four-eyes rule needs it.
    """

    act: Act
    service: str | None = None
    policy: ServicePolicy | None = None
    rollout: str = ""
    started_by: str = ""


class Access:
    """Access to one server. Safe for threads; several processes may share one store."""

    def __init__(self, drivers: AccessDrivers) -> None:
        store, draw = drivers.store, drivers.draw
        self._store = store
        attempts = Attempts(store)
        self._tokens = Tokens(store, drivers.hasher, draw, attempts)
        self._sessions = BrowserSessions(store, draw, attempts, self._tokens)
        self._exchange = CiExchange(store, self._tokens, attempts, drivers.ci)
        self._login = Login(store, draw, attempts, self._sessions, drivers.login)

    def authenticate_token(self, text: str, address: str = "") -> Principal:
        """The principal of a token (`Authorization: Bearer …`).

        Args:
            text: The whole token.
            address: The address from which it came, for the rate limit and the audit log.

        Raises:
            UnauthorizedError: It is not valid, expired or revoked.
            TooManyAttemptsError: Too many sign-ins failed from there.
        """
        return self._tokens.authenticate(text, address).principal

    def sign_in(self, *, token: str = "", link: str = "", address: str = "", replaces: str = "") -> Session:
        """A new session, by a token or by the one-time link.

        Args:
            token: The whole token; or
            link: The secret of a one-time link.
            address: The address from which it came.
            replaces: The id of the session that the browser had before; it ends.

        Raises:
            UnauthorizedError: Token or link are not valid any more.
            TooManyAttemptsError: Too many sign-ins failed from there.
        """
        session = self._sessions.by_link(link, address) if link else self._sessions.by_token(token, address)
        self._replace(session, replaces, address, "by link" if link else "by token")
        return session

    def session(self, session_id: str) -> Session | None:
        """The session with this id, used now; None: it has ended, or there never was one."""
        return self._sessions.find(session_id)

    def check_csrf(self, session: Session, text: str) -> None:
        """Raises ForbiddenError: the form or request was not made by a page of this session."""
        if not self._sessions.csrf_fits(session, text):
            raise ForbiddenError(reasons=(access_reason(AccessCode.CSRF_NOT_VALID),))

    def sign_out(self, session_id: str, address: str = "") -> None:
        """Ends a session. One that has ended already is no error."""
        session = self._sessions.find(session_id)
        self._sessions.end(session_id)
        if session:
            self.record(AuditEntry(session.principal.name, "sign_out", Outcome.DONE, address))

    def sign_in_link(self, base_url: str) -> str:
        """A new link that signs in once, as an admin of every service, within 15 minutes."""
        self.record(AuditEntry("", "sign_in_link", Outcome.DONE))
        return f"{base_url.rstrip('/')}/sign-in?link={self._sessions.new_link()}"

    def first_sign_in_link(self, base_url: str) -> str | None:
        """The link of the first start; None where somebody can sign in already."""
        return None if self._login.configured or self._tokens.has_admin() else self.sign_in_link(base_url)

    @property
    def login_configured(self) -> bool:
        """Whether people may sign in by OpenID Connect."""
        return self._login.configured

    def begin_login(self, redirect: str) -> LoginStart:
        """Where to send the browser to sign in by OpenID Connect.

        Args:
            redirect: The address of this server to which the provider sends the browser back.

        Raises:
            UnauthorizedError: It is not configured, or the provider is not acceptable.
            TemporarilyUnavailableError: The provider does not answer.
        """
        return self._login.begin(redirect)

    def finish_login(self, state: str, code: str, browser: str, *, address: str = "", replaces: str = "") -> Session:
        """The session of a person whom the provider sent back.

        Args:
            state: The parameter `state` of the request.
            code: Its parameter `code`; '' when the provider refused.
            browser: `LoginStart.browser`, from the browser's cookie.
            address: The address from which it came.
            replaces: The id of the session that the browser had before; it ends.

        Raises:
            UnauthorizedError: The sign-in is not valid, or the person has no role here.
            TemporarilyUnavailableError: The provider does not answer.
        """
        session = self._login.finish(state, code, browser, address)
        self._replace(session, replaces, address, "by OpenID Connect")
        return session

    def exchange_ci_token(
        self, text: str, service: str, policy: ServicePolicy | None, address: str = ""
    ) -> IssuedToken:
        """A short token of one service for a CI job.

        Args:
            text: The OpenID Connect token of the job.
            service: The service that it wants.
            policy: The policy of that service; None: it has none, or there is no such service.
            address: The address from which it came.

        Raises:
            UnauthorizedError: The token is not valid, was used already, or is not bound to the service.
            TooManyAttemptsError: Too many sign-ins failed from there.
            TemporarilyUnavailableError: The keys of the CI system cannot be read now.
        """
        issued, described = self._exchange.exchange(text, service, policy.ci if policy else (), address)
        detail = f"for the CI job {described}" if described else "for a CI job"
        self.record(AuditEntry(issued.token.principal.name, "issue_token", Outcome.DONE, address, service, "", detail))
        return issued

    def decide(self, principal: Principal, wish: Wish) -> AccessDecision:
        """Whether somebody may do something, for a page that shows a button. Records nothing."""
        started_by = self._tokens.accountable(wish.started_by)
        return decide_access(principal, wish.act, wish.service, wish.policy, started_by=started_by)

    def require(self, principal: Principal, wish: Wish, address: str = "") -> None:
        """Goes on only if the principal may do it. A refusal is recorded, except one to read.

        Raises:
            ForbiddenError: They may not; the reason says why.
        """
        decision = self.decide(principal, wish)
        if decision.allowed or decision.reason is None:
            return
        if wish.act not in READING:
            service, code = wish.service or "", decision.reason.code
            self.record(AuditEntry(principal.name, wish.act, Outcome.REFUSED, address, service, wish.rollout, code))
        raise ForbiddenError(reasons=(decision.reason,))

    @contextmanager
    def recorded(self, entry: AuditEntry) -> Iterator[None]:
        """Records an act at its end: as given when it succeeds, with the outcome and the error when it does not.

        Args:
            entry: What is done; its outcome is that of success.
        """
        try:
            yield
        except Exception as error:
            outcome = Outcome.REFUSED if isinstance(error, KatakeiError) else Outcome.FAILED
            text = _error_text(error)
            self.record(_changed(entry, outcome, f"{entry.detail}; {text}" if entry.detail else text))
            raise
        self.record(entry)

    def record(self, entry: AuditEntry) -> AuditEntry:
        """Appends an entry to the audit log, with every text made one harmless line. Returns it as recorded."""
        return self._store.record(_harmless(entry))

    def audit(self, query: AuditQuery, before: int | None = None, limit: int = 100) -> Sequence[AuditEntry]:
        """Entries of the audit log, the newest first; `before` is the number of the last one of the page before."""
        return self._store.audit(query, before, max(1, min(limit, 1000)))

    def issue_token(self, by: Principal, request: TokenRequest, address: str = "") -> IssuedToken:
        """A new token. Its secret is shown once and cannot be had again.

        Raises:
            ForbiddenError: The principal may not manage tokens, or not with these rights.
            UsageError: The request has a fault.
        """
        with self._refusals(by, "issue_token", address):
            issued = self._tokens.issue(by, request)
        detail = f"{issued.token.id} for {issued.token.principal.name}, {request.described()}"
        self.record(AuditEntry(by.name, "issue_token", Outcome.DONE, address, detail=detail))
        return issued

    def revoke(self, by: Principal, token_id: str, address: str = "") -> None:
        """Revokes a token at once and ends its sessions. People may revoke their own.

        Raises:
            ForbiddenError: The principal may not manage this token.
            UsageError: There is no such token, or it is revoked already.
        """
        with self._refusals(by, "revoke_token", address):
            revoked = self._tokens.revoke(by, token_id)
        detail = f"{revoked.id} of {revoked.principal.name}"
        self.record(AuditEntry(by.name, "revoke_token", Outcome.DONE, address, detail=detail))

    def tokens(self, by: Principal) -> Sequence[StoredToken]:
        """The tokens that the principal may manage, and their own, the newest first."""
        return self._tokens.visible(by)

    def end_sessions(self, by: Principal, name: str, address: str = "") -> int:
        """Ends every session of a name. Returns how many. Raises ForbiddenError: only an admin may, or the name."""
        if by.name != name:
            self.require(by, Wish(Act.MANAGE_TOKENS), address)
        ended = self._store.end_sessions_of(name)
        self.record(AuditEntry(by.name, "end_sessions", Outcome.DONE, address, detail=f"{ended} of {name}"))
        return ended

    def _replace(self, session: Session, former: str, address: str, how: str) -> None:
        if former:
            self._sessions.end(former)
        self.record(AuditEntry(session.principal.name, "sign_in", Outcome.DONE, address, detail=how))

    @contextmanager
    def _refusals(self, by: Principal, act: str, address: str) -> Iterator[None]:
        """Records that an act of managing tokens was refused."""
        try:
            yield
        except (ForbiddenError, UnauthorizedError) as error:
            codes = ", ".join(reason.code for reason in error.reasons)
            self.record(AuditEntry(by.name, act, Outcome.REFUSED, address, detail=codes))
            raise


def _error_text(error: Exception) -> str:
    """The codes of an error's reasons, or its sentence; of a fault only its kind: its text may hold a secret."""
    if not isinstance(error, KatakeiError):
        return type(error).__name__
    return ", ".join(reason.code for reason in error.reasons) or str(error)


def _changed(entry: AuditEntry, outcome: Outcome, detail: str) -> AuditEntry:
    return AuditEntry(entry.who, entry.act, outcome, entry.address, entry.service, entry.rollout, detail)


def _harmless(entry: AuditEntry) -> AuditEntry:
    texts = (entry.who, entry.act, entry.address, entry.service, entry.rollout, entry.detail)
    who, act, address, service, rollout, detail = (one_line(text)[:LONGEST] for text in texts)
    return AuditEntry(who, act, entry.outcome, address, service, rollout, detail)
