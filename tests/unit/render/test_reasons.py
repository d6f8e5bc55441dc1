"""Tests of the sentences for reasons: every code has one, and each reads as a person meets it."""

import pytest

from katakei.domain.reasons import FACTS, Reason, ReasonCode, reason, recorded_text, then
from katakei.render.reasons import SENTENCES, placeholders, sentence

HEALTH = reason(ReasonCode.HEALTH, state="unhealthy", description="Request timed out", overridden=False)


def test_every_code_has_a_sentence_and_no_more() -> None:
    assert set(SENTENCES) == set(ReasonCode)


@pytest.mark.parametrize("code", list(ReasonCode))
def test_a_sentence_shows_every_fact(code: ReasonCode) -> None:
    assert placeholders(SENTENCES[code]) == set(FACTS[code])


@pytest.mark.parametrize("code", list(ReasonCode))
def test_a_sentence_can_follow_a_label(code: ReasonCode) -> None:
    assert not SENTENCES[code].endswith(".")
    assert not SENTENCES[code][0].isupper()


def test_no_reason_gives_no_sentence() -> None:
    assert not sentence(None)


def test_an_unknown_code_shows_its_facts() -> None:
    assert sentence(Reason("of_a_later_version", (("gate", "alarm"), ("why", HEALTH)))) == (
        "of_a_later_version (gate alarm, why unhealthy (Request timed out))"
    )
    assert sentence(Reason("of_a_later_version")) == "of_a_later_version"


def test_a_freeze_that_an_earlier_version_recorded_has_no_beginning() -> None:
    facts = (("name", "shop"), ("by", "ada"), ("why", None), ("until", None))
    assert sentence(Reason(ReasonCode.FROZEN.value, facts)) == "shop is frozen by ada"


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (recorded_text("exit code 7"), "exit code 7"),
        (
            then(reason(ReasonCode.ABORTED, by="kim"), reason(ReasonCode.DRAIN_TIMEOUT, waited=330.0)),
            "aborted by kim; still draining after 5m 30s",
        ),
        (
            reason(ReasonCode.TARGET_WAITS, target="i-1", name="web1", why=HEALTH, others=0),
            "i-1 (web1): unhealthy (Request timed out)",
        ),
        (
            reason(ReasonCode.TARGET_WAITS, target="i-1", name="", why=HEALTH, others=2),
            "i-1: unhealthy (Request timed out) (and 2 more)",
        ),
        (
            reason(ReasonCode.HEALTH, state="healthy", description="", overridden=True),
            "healthy, but an administrative override keeps traffic away",
        ),
        (
            reason(ReasonCode.TOO_MANY_FAILURES, failures=1, allowed=0),
            "the rollout stopped: 1 target failed, 0 allowed",
        ),
        (
            reason(ReasonCode.TOO_MANY_REVERT_FAILURES, failures=2, allowed=1),
            "the revert stopped: it failed on 2 targets, 1 allowed",
        ),
        (
            reason(ReasonCode.PAUSED, by="kim", waited=41.0, rollout="r-1"),
            "paused by kim for 41s; to go on, run: katakei resume r-1",
        ),
        (
            reason(ReasonCode.DRAINING, waited=35.0, probe=None, delay=300.0, left=265.0),
            "draining for 35s; the load balancer's timer of 5m ends in 4m 25s",
        ),
        (
            reason(
                ReasonCode.DRAINING,
                waited=35.0,
                probe=reason(ReasonCode.PROBE_REPORT, text="3 connections"),
                delay=300.0,
                left=265.0,
            ),
            "draining for 35s; 3 connections; the load balancer's timer of 5m ends in 4m 25s",
        ),
        (
            reason(
                ReasonCode.GROUP_CHANGED,
                group="web",
                changes=(
                    reason(ReasonCode.ATTRIBUTE_CHANGED, attribute="delay", was="0:05:00", now="0:10:00"),
                    reason(ReasonCode.LISTENER_REMOVED),
                ),
            ),
            "web differs from the plan: delay was 0:05:00, is 0:10:00; no listener forwards to it any more",
        ),
        (reason(ReasonCode.ACTING, targets=tuple("abcdefg")), "acting on a, b, c, d, e and 2 more"),
        (
            reason(ReasonCode.DEREGISTERED_NOT_OBSERVED, waited=3.0, text="throttled"),
            "deregistered, but not observed since: throttled (for 3s)",
        ),
        (
            reason(ReasonCode.DEREGISTERED_NOT_OBSERVED, waited=3.0, text=None),
            "deregistered, but not observed since (for 3s)",
        ),
        (reason(ReasonCode.WORK_OVERDUE, state="unknown", waited=900.0), "the work cannot be observed after 15m"),
        (
            reason(ReasonCode.WORK_REFUSED, text=None),
            "the work was refused and did nothing: the target gave no reason",
        ),
        (
            reason(ReasonCode.WORK_INTERRUPTED, text=None),
            "the work was interrupted; it is not started again automatically",
        ),
        (reason(ReasonCode.WORK_INTERRUPTED, text="the machine was rebooted"), "the machine was rebooted"),
        (reason(ReasonCode.WORK_FAILED, exit=7, text=None), "the work ended with exit code 7"),
        (
            reason(ReasonCode.APPROVAL_PENDING, waited=1.0, rollout="r-1", target="i-1"),
            "ready for manual work for 1s; when it is done, run: katakei approve r-1 i-1",
        ),
        (
            reason(ReasonCode.CHECK_PENDING, waited=2.0, text=None),
            "checking for 2s: no answer yet",
        ),
    ],
    ids=lambda value: value.code if isinstance(value, Reason) else "",
)
def test_a_reason_reads_as_one_sentence(given: Reason, wanted: str) -> None:
    assert sentence(given) == wanted
