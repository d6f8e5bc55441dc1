"""Tests of the exchange of a CI token: one service, bounded acts, and every token once across processes."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.unit.app.access_fakes import Server
from tests.unit.given import NOON

from katakei.app.access import Wish
from katakei.domain.access import ServicePolicy
from katakei.domain.access_reasons import AccessCode, access_reason
from katakei.domain.audit import AuditQuery, Outcome
from katakei.domain.ci_identity import ISSUERS, CiBinding, CiClaims, CiSystem
from katakei.domain.errors import TemporarilyUnavailableError, TooManyAttemptsError, UnauthorizedError
from katakei.domain.principals import Act, PrincipalKind, Role

HERE = "192.0.2.1"
IDS = (("repository_id", "123"), ("repository_owner_id", "45"), ("ref", "refs/heads/main"))
BINDING = CiBinding("main", CiSystem.GITHUB, ISSUERS[CiSystem.GITHUB], IDS, frozenset({Act.START}))
POLICY = ServicePolicy(ci=(BINDING,))
CLAIMS = CiClaims(BINDING.issuer, "jti 1", NOON + timedelta(minutes=5), dict(IDS), "acme/shop run 9 by ada")


class Verified:
    """Implements the port `CiVerifier`: texts that were signed."""

    def __init__(self) -> None:
        self.known = {"good": CLAIMS, "foreign": replace(CLAIMS, jti="2", values=dict(IDS) | {"repository_id": "6"})}

    def verify(self, text: str, systems: Mapping[str, CiSystem], now: datetime) -> CiClaims:
        assert now.tzinfo
        assert systems
        if text == "down":
            raise TemporarilyUnavailableError("no keys")
        if text not in self.known or self.known[text].issuer not in systems:
            why = access_reason(AccessCode.CI_TOKEN_NOT_VALID, text="its signature is wrong")
            raise UnauthorizedError(reasons=(why,))
        return self.known[text]


@pytest.fixture
def server() -> Server:
    return Server(ci=Verified())


def refusal(server: Server, text: str, service: str = "shop", policy: ServicePolicy | None = POLICY) -> str:
    with pytest.raises(UnauthorizedError) as error:
        server.again().exchange_ci_token(text, service, policy, HERE)
    return error.value.reasons[0].code


def test_ci_token_gives_a_short_token_of_one_service(server: Server) -> None:
    issued = server.access.exchange_ci_token("good", "shop", POLICY, HERE)
    principal = server.access.authenticate_token(issued.secret, HERE)
    assert (principal.name, principal.kind) == ("ci:main", PrincipalKind.CI)
    assert principal.roles == {"shop": Role.OPERATOR}
    assert principal.services == frozenset({"shop"})
    allowed = {act for act in Act if server.access.decide(principal, Wish(act, "shop", POLICY)).allowed}
    assert allowed == {Act.READ, Act.LOGS, Act.PLAN, Act.START}
    assert not any(
        server.access.decide(principal, Wish(act, service)).allowed for act in Act for service in ("x", None)
    )
    assert issued.token.expires == NOON + timedelta(hours=1)
    server.later(timedelta(hours=1))
    with pytest.raises(UnauthorizedError):
        server.access.authenticate_token(issued.secret, HERE)


def test_exchange_is_recorded_with_the_job(server: Server) -> None:
    server.access.exchange_ci_token("good", "shop", POLICY, HERE)
    (entry,) = server.access.audit(AuditQuery())
    assert (entry.who, entry.act, entry.outcome) == ("ci:main", "issue_token", Outcome.DONE)
    assert (entry.address, entry.service) == (HERE, "shop")
    assert entry.detail == "for the CI job acme/shop run 9 by ada"


def test_ci_token_counts_once_across_processes(server: Server) -> None:
    server.access.exchange_ci_token("good", "shop", POLICY, HERE)
    assert refusal(server, "good") == "ci_token_used"
    server.later(timedelta(minutes=5, seconds=30))
    assert refusal(server, "good") == "ci_token_used"


def test_same_id_of_another_issuer_is_another_token(server: Server) -> None:
    other = replace(BINDING, issuer="https://github.example.com")
    verifier = server.ci
    assert isinstance(verifier, Verified)
    verifier.known["other"] = replace(CLAIMS, issuer=other.issuer)
    server.access.exchange_ci_token("good", "shop", POLICY, HERE)
    server.access.exchange_ci_token("other", "shop", ServicePolicy(ci=(other,)), HERE)


def test_refused_token_may_still_be_used_for_its_service(server: Server) -> None:
    assert refusal(server, "good", "mail", ServicePolicy()) == "ci_not_bound"
    server.access.exchange_ci_token("good", "shop", POLICY, HERE)


@pytest.mark.parametrize(
    ("text", "policy", "code"),
    [
        ("forged", POLICY, "ci_token_not_valid"),
        ("foreign", POLICY, "ci_not_bound"),
        ("good", ServicePolicy(), "ci_not_bound"),
        ("good", None, "ci_not_bound"),
    ],
)
def test_ci_token_that_is_not_bound_gives_nothing(
    server: Server, text: str, policy: ServicePolicy | None, code: str
) -> None:
    assert refusal(server, text, policy=policy) == code
    assert not server.store.kept_tokens
    (entry,) = server.access.audit(AuditQuery())
    assert (entry.act, entry.outcome, entry.address) == ("sign_in", Outcome.REFUSED, HERE)
    assert entry.detail.startswith(code)


def test_server_without_ci_systems_refuses_every_job() -> None:
    assert refusal(Server(), "good") == "ci_not_bound"


def test_failed_exchanges_are_limited(server: Server) -> None:
    for _ in range(20):
        assert refusal(server, "forged") == "ci_token_not_valid"
    with pytest.raises(TooManyAttemptsError):
        server.access.exchange_ci_token("good", "shop", POLICY, HERE)


def test_issuer_that_is_down_is_no_failed_attempt(server: Server) -> None:
    with pytest.raises(TemporarilyUnavailableError):
        server.access.exchange_ci_token("down", "shop", POLICY, HERE)
    assert not server.store.failed


def test_job_must_be_on_the_list_of_the_policy(server: Server) -> None:
    issued = server.access.exchange_ci_token("good", "shop", POLICY, HERE)
    principal = issued.token.principal
    listed = replace(POLICY, start=("ci:main",))
    assert server.access.decide(principal, Wish(Act.START, "shop", listed)).allowed
    assert not server.access.decide(principal, Wish(Act.START, "shop", replace(POLICY, start=("ada",)))).allowed
