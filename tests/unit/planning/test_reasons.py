"""Tests of the reasons of planning: every code has its facts, and no code means two things."""

import pytest

from katakei.domain.reasons import Reason, ReasonCode
from katakei.planning.reasons import FACTS, PlanCode, reason


def test_every_code_lists_its_facts() -> None:
    assert set(FACTS) == set(PlanCode)


def test_no_code_is_also_a_code_of_reconcile() -> None:
    assert not {code.value for code in PlanCode} & {code.value for code in ReasonCode}


def test_reason_keeps_the_order_of_its_facts() -> None:
    found = reason(PlanCode.FLOOR_NEVER_KEPT, base=2, floor=2, group="web")
    assert found == Reason("floor_never_kept", (("group", "web"), ("floor", 2), ("base", 2)))


@pytest.mark.parametrize("facts", [{}, {"group": "web", "port": 80}])
def test_reason_refuses_other_facts(facts: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="unused_group has the facts group, not"):
        reason(PlanCode.UNUSED_GROUP, **facts)  # type: ignore[arg-type]  # facts of any type are refused
