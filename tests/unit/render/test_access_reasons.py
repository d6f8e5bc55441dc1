"""Tests of the sentences of access: every code has one, exactly as a person reads it."""

import pytest

from katakei.domain.access_reasons import FACTS, AccessCode, access_reason
from katakei.domain.principals import Act
from katakei.domain.reasons import Reason, ReasonCode
from katakei.planning.reasons import PlanCode
from katakei.render.access_reasons import ACTS, SENTENCES
from katakei.render.reasons import placeholders, sentence

C = AccessCode
START = {"who": "ada", "act": "start", "service": "shop"}

READ: list[tuple[Reason, str]] = [
    (
        access_reason(C.ROLE_TOO_LOW, **START, needed="operator"),
        "ada may not start a rollout for shop: this needs the role operator; ask an admin for it",
    ),
    (
        access_reason(C.ROLE_TOO_LOW, who="ada", act="read_audit", service=None, needed="approver"),
        "ada may not read the audit log: this needs the role approver; ask an admin for it",
    ),
    (access_reason(C.SERVICE_NOT_IN_TOKEN, **START), "the token of ada is not for shop; use a token for it"),
    (
        access_reason(C.SERVICE_NOT_IN_TOKEN, who="ada", act="read", service=None),
        "the token of ada is not for all services; use a token for it",
    ),
    (access_reason(C.ACT_NOT_IN_TOKEN, **START), "the token of ada does not include `start`; use a token that does"),
    (access_reason(C.NOT_FOR_CI, **START), "a CI job may not start a rollout for shop; a person must do it"),
    (
        access_reason(C.NOT_IN_POLICY, **START),
        "the policy of shop does not let ada start a rollout; ask somebody it names",
    ),
    (
        access_reason(C.FOUR_EYES, who="ada", act="approve", service="shop"),
        "ada started this rollout of shop and may not approve a gate in it; ask another person",
    ),
    (
        access_reason(C.FOUR_EYES_PERSON, who="token:x", act="approve", service="shop"),
        "the policy of shop asks for a second person, and token:x is a program; ask a person",
    ),
    (
        access_reason(C.BEYOND_OWN_RIGHTS, who="ada"),
        "ada may not give a token more rights than ada has; ask an admin of every service",
    ),
    (access_reason(C.NOT_SIGNED_IN), "this needs a sign-in: give a token, or sign in again"),
    (
        access_reason(C.TOKEN_NOT_VALID),
        "the token is not valid; check that it is complete, or ask an admin for a new one",
    ),
    (
        access_reason(C.TOKEN_EXPIRED, expired="2026-11-28T12:00:00+00:00"),
        "the token expired at 2026-11-28T12:00:00+00:00; ask an admin for a new one",
    ),
    (
        access_reason(C.TOKEN_REVOKED, revoked="2026-11-28T12:00:00+00:00"),
        "the token was revoked at 2026-11-28T12:00:00+00:00; ask an admin for a new one",
    ),
    (
        access_reason(C.LINK_NOT_VALID),
        "the sign-in link was used already or has expired; start the server again for a new one",
    ),
    (access_reason(C.SESSION_ENDED), "the session has ended; sign in again"),
    (
        access_reason(C.CSRF_NOT_VALID),
        "the form is not from this session; nothing was changed: load the page again",
    ),
    (access_reason(C.TOO_MANY_ATTEMPTS, wait=90.0), "too many failed sign-ins; try again in 1m 30s"),
    (
        access_reason(C.LOGIN_NOT_CONFIGURED),
        "sign-in by OpenID Connect is not configured; sign in with a token",
    ),
    (access_reason(C.LOGIN_STATE_NOT_VALID), "this sign-in was finished already or took too long; begin again"),
    (access_reason(C.LOGIN_REFUSED, text="no code"), "the sign-in was refused: no code"),
    (
        access_reason(C.LOGIN_WITHOUT_ROLE, who="kim"),
        "kim has no role on this server; ask an admin to map a group or name to a role",
    ),
    (access_reason(C.CI_TOKEN_NOT_VALID, text="it is old"), "the token of the CI job is not accepted: it is old"),
    (
        access_reason(C.CI_TOKEN_USED),
        "the token of the CI job was used already; request a new one in the job",
    ),
    (
        access_reason(C.CI_NOT_BOUND, service="shop"),
        "this CI job may not use shop; add a `ci` entry with its ids to the policy",
    ),
    (
        access_reason(C.CI_CLAIM_DIFFERS, service="shop", claim="ref", binding="main"),
        (
            "the CI job does not match the `ci` entry main of shop: its ref differs or is missing;"
            " correct the job or the policy"
        ),
    ),
]


@pytest.mark.parametrize(("reason", "read"), READ, ids=[reason.code for reason, _ in READ])
def test_reason_of_access_reads(reason: Reason, read: str) -> None:
    assert sentence(reason) == read


def test_every_code_of_access_is_read() -> None:
    assert {reason.code for reason, _ in READ} == set(AccessCode) == set(SENTENCES) == set(FACTS)


@pytest.mark.parametrize("code", AccessCode)
def test_sentence_of_access_uses_known_facts(code: AccessCode) -> None:
    assert placeholders(SENTENCES[code]) <= set(FACTS[code])


def test_codes_of_access_are_not_used_elsewhere() -> None:
    assert not set(AccessCode) & (set(ReasonCode) | set(PlanCode))


def test_every_act_has_its_words() -> None:
    assert set(ACTS) == set(Act)
