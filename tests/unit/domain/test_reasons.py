"""Tests of reasons as data: their codes, and the facts that each of them has."""

import pytest

from katakei.domain.reasons import FACTS, Reason, ReasonCode, reason, recorded_text, then


def test_every_code_lists_its_facts() -> None:
    assert set(FACTS) == set(ReasonCode)
    assert all(len(set(names)) == len(names) for names in FACTS.values())


def test_reason_holds_its_facts_in_order() -> None:
    floor = reason(ReasonCode.GROUP_FLOOR, floor=2, serving=1, group="web")
    assert floor == Reason("group_floor", (("group", "web"), ("serving", 1), ("floor", 2)))
    assert floor.value("serving") == 1
    with pytest.raises(KeyError):
        floor.value("zone")


def test_reason_refuses_missing_or_extra_facts() -> None:
    with pytest.raises(ValueError, match="aborted has the facts by, not none"):
        reason(ReasonCode.ABORTED)
    with pytest.raises(ValueError, match="finished has the facts none, not by"):
        reason(ReasonCode.FINISHED, by="kim")


def test_recorded_text_is_a_reason_unless_empty() -> None:
    assert recorded_text("") is None
    assert recorded_text("exit code 7") == Reason("recorded_text", (("text", "exit code 7"),))


def test_then_keeps_the_earlier_reason() -> None:
    first, second = reason(ReasonCode.ABORTED, by="kim"), reason(ReasonCode.DRAIN_TIMEOUT, waited=5.0)
    assert then(None, second) == second
    assert then(first, second) == Reason("then", (("first", first), ("why", second)))
