"""Targets that print nonsense where a number belongs: their answer counts as incomplete, and nothing else fails."""

from datetime import timedelta

import pytest
from tests.contracts.fake_account import TurnedClock
from tests.unit.adapters.probes.test_connections import ONE, START, Told
from tests.unit.adapters.probes.test_connections import Paper as Answers
from tests.unit.adapters.probes.world import watched

from katakei.adapters.probes import connection_counts, counter
from katakei.adapters.probes.counter import Counter
from katakei.domain.observation import ProbeVerdict
from katakei.domain.ports import ProgramOutput
from katakei.domain.spec import CounterSource

NONSENSE = ("9" * 20, "9" * 5000, "-1", "+1", "1_000", "1e3", "1.5", "", "\u0661", "0x10", "NaN", "Infinity")
COUNTER = "katakei-counter {began}\nsaid {moment} {number}\nkatakei-end\n"
COUNT = (
    "katakei-count quiet ss 1 {began}\nat {at}\nsample x {all} 0 0 0\n"
    "group ESTAB 0 0 1 received young {number} {youngest} {oldest}\nseen {port}\narrivals {arrivals}\nkatakei-end\n"
)
PLAIN = {"began": "1", "moment": "2", "at": "2", "all": "1", "number": "1", "youngest": "1", "oldest": "1"}
PLAIN |= {"port": "80", "arrivals": "0"}


def test_plain_answers_are_read() -> None:
    assert counter.read(COUNTER.format(**PLAIN))
    assert connection_counts.read_count(COUNT.format(**PLAIN))


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_nonsense_in_any_place_is_no_answer(nonsense: str) -> None:
    for place in ("began", "moment", "number"):
        assert counter.read(COUNTER.format(**{**PLAIN, place: nonsense})) is None
    for place in ("began", "at", "all", "number", "youngest", "oldest", "port", "arrivals"):
        assert connection_counts.read_count(COUNT.format(**{**PLAIN, place: nonsense})) is None


@pytest.mark.parametrize("uptime", ["9" * 11, "9" * 12, "9" * 13, "9" * 20])
def test_nonsense_uptime_proves_nothing_for_later(uptime: str) -> None:
    it = Told()
    it.look()
    it.paper.answers[ONE] = ProgramOutput(
        f"katakei-count quiet ss 1 1\nat {uptime}\nsample x 0 0 0 0\narrivals 0\nkatakei-end\n"
    )
    found = it.look()[ONE]
    assert found.verdict is ProbeVerdict.BLIND or found.ended <= START


@pytest.mark.parametrize("uptime", ["9" * 11, "9" * 12, "9" * 13, "9" * 20])
def test_nonsense_uptime_of_a_counter_proves_nothing_for_later(uptime: str) -> None:
    answers, clock = Answers(), TurnedClock(START)
    probe = Counter(answers, clock, CounterSource(command="true"), timedelta())
    probe.look([watched(80)])
    answers.answers[ONE] = ProgramOutput(f"katakei-counter 1\nsaid {uptime} 0\nkatakei-end\n")
    found = probe.look([watched(80)])[ONE]
    assert found.verdict is ProbeVerdict.BLIND or found.ended <= START
