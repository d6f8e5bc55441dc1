"""Tests of the status of one key: which reports of Run Command and of the mark count, and until when."""

from datetime import UTC, datetime, timedelta

import pytest

from katakei.adapters.executors.mark import Mark, MarkState
from katakei.adapters.executors.ssm.mark_queries import MarkAnswer
from katakei.adapters.executors.ssm.run_command import Invocation
from katakei.adapters.executors.ssm.work_status import LATE_START, RECENT, Facts, judge
from katakei.domain.observation import WorkState

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
AGENT_HAS_IT = Invocation("i-1", "InProgress", "InProgress", "")


def after(number: float) -> datetime:
    return NOON + timedelta(seconds=number)


def mark(state: MarkState) -> Mark:
    return Mark("r-7/1-update", state, NOON)


def answer(state: MarkState, asked: float) -> MarkAnswer:
    return MarkAnswer(mark(state), after(asked), after(asked + 1))


def refused(age: timedelta, ticket: str = "old") -> WorkState:
    """The status of a key whose start printed a refusal so long ago; `new` was sent then."""
    facts = Facts(NOON + age, ticket, sent=NOON, newest="new", over=after(1), printed=mark(MarkState.REFUSED))
    return judge(facts).work.state


def test_refusal_counts_only_when_no_other_start_can_begin() -> None:
    limit = LATE_START + RECENT
    assert refused(limit + timedelta(seconds=1)) is WorkState.REFUSED
    assert refused(limit) is WorkState.UNKNOWN
    assert refused(timedelta(seconds=2), ticket="new") is WorkState.REFUSED


def test_refusal_of_a_start_by_another_process_waits_too() -> None:
    facts = Facts(after(2), "old", over=after(1), printed=mark(MarkState.REFUSED))
    assert judge(facts).work.state is WorkState.UNKNOWN


@pytest.mark.parametrize(("asked", "state"), [(4, WorkState.RUNNING), (6, WorkState.UNKNOWN)])
def test_answer_from_before_the_start_says_nothing_about_it(asked: float, state: WorkState) -> None:
    facts = Facts(after(10), "new", after(5), "new", AGENT_HAS_IT, answer=answer(MarkState.ABSENT, asked))
    assert judge(facts).work.state is state


@pytest.mark.parametrize(("later", "state"), [(0, WorkState.UNKNOWN), (1, WorkState.NOT_STARTED)])
def test_work_counts_as_not_started_only_when_too_late(later: float, state: WorkState) -> None:
    asked = LATE_START.total_seconds() + later
    facts = Facts(after(asked + 2), "new", NOON, "new", AGENT_HAS_IT, answer=answer(MarkState.ABSENT, asked))
    assert judge(facts).work.state is state
