"""Tests of the progress of many questions: silent at first, then one sentence from time to time."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from tests.unit.given import NOON

from katakei.adapters.balancers.alb.queries import Progress


@dataclass
class Watch:
    """A clock that moves only when a question is asked."""

    time: datetime = NOON
    said: list[str] = field(default_factory=list)

    def now(self) -> datetime:
        return self.time

    def sleep(self, span: timedelta) -> None:
        self.time += span

    def ask(self, count: int, milliseconds: int) -> list[str]:
        """What is said while so many questions take so long each."""

        def question(number: int) -> int:
            self.sleep(timedelta(milliseconds=milliseconds))
            return number

        counted = Progress(self.said.append, self.now).told(question, count)
        assert [counted(number) for number in range(count)] == list(range(count))
        return self.said


def test_progress_of_quick_questions_is_silent() -> None:
    assert Watch().ask(9, 200) == []


def test_progress_is_told_after_two_seconds_and_every_ten() -> None:
    assert Watch().ask(400, 200) == [
        f"asked {done} of 400 target groups, about {left} to go"
        for done, left in [
            (10, "1m 18s"),
            (60, "1m 08s"),
            (110, "58s"),
            (160, "48s"),
            (210, "38s"),
            (260, "28s"),
            (310, "18s"),
            (360, "8s"),
        ]
    ]


def test_progress_of_a_last_question_is_silent() -> None:
    assert Watch().ask(1, 60_000) == []


def test_progress_counts_no_question_that_failed() -> None:
    watch = Watch()

    def question(number: int) -> int:
        watch.sleep(timedelta(seconds=3))
        if number:
            raise ValueError("no answer")
        return number

    counted = Progress(watch.said.append, watch.now).told(question, 3)
    with pytest.raises(ValueError, match="no answer"):
        counted(1)
    assert watch.said == []
    counted(0)
    assert watch.said == ["asked 1 of 3 target groups, about 12s to go"]
