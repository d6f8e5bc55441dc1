"""The page says what was measured, what was not, and which expectation was not met."""

from collections.abc import Mapping, Sequence

from bench.claims import claims, shares
from bench.design import COUNTER, FULL, IMPATIENT, PROOF, QUICK, RUNBOOK, ClientLoad, Contender, Scenario, legs
from bench.limit import TargetTimes
from bench.result import Result
from bench.table import Comparison, table
from bench.tool import Usage

SCENARIO = Scenario(2, 300, ClientLoad.IDLE, (RUNBOOK, PROOF, COUNTER, IMPATIENT))
WAY = TargetTimes(deregistered=0, pending=10, began=31, ended=32, registered=33, healthy=34)


def ran(wall: float, failed: int = 0) -> Result:
    """Two targets, one after the other, each out for half of it."""
    out = (wall / 2, wall / 2)
    return Result(
        Usage(0, wall, 1.5, 50), 100, failed, out, 1, {"observations": 9, "acts": 6}, 31, 2000, 4000, (WAY, WAY), ()
    )


def compared(runs: Mapping[Contender, Sequence[Result]]) -> Comparison:
    return Comparison(SCENARIO, runs)


RUNS = {RUNBOOK: [ran(600), ran(640), ran(620)], COUNTER: [ran(80)], IMPATIENT: [ran(60, 7), ran(60, 2)]}


def test_row_shows_medians_and_total_requests() -> None:
    text = compared(RUNS).text
    assert "| runbook script (`aws`) | 3 | 620 s | 1.0 | 310 s | 0 of 300 | 1 of 2 | - | - |" in text
    assert "| impatient script (`aws`) | 2 | 60 s | 10.3 | 30 s | 9 of 200 |" in text
    assert "| runbook script (`aws`) | 9 | 6 | 0 | 0 | 2 kB | 4 kB | 1.5 s | 50 MB |" in text


def test_row_compares_katakei_with_its_limit() -> None:
    assert compared(RUNS).ratio(COUNTER) == 80 / (2 * (30 + 1 + 1 + 5))
    assert compared(RUNS).ratio(RUNBOOK) is None


def test_row_without_runs_shows_missing_figures() -> None:
    assert f"| {PROOF.title} | 0 |{' - |' * 7}" in compared(RUNS).text
    assert PROOF.title not in shares([compared(RUNS)])


def test_expectation_is_met_or_not() -> None:
    lines = claims([compared({**RUNS, PROOF: [ran(300, 1)]})]).splitlines()
    assert [line.split("|")[3:6] for line in lines if "at least" in line] == [
        [" 2.07 ", " 2.90 ", " **not met** "],
        [" 7.75 ", " 8.38 ", " met "],
    ]
    assert any("no request lost" in line and "| 1 |  | **not met** |" in line for line in lines)
    assert any("changing calls" in line and "| 3.0 |  | **not met** |" in line for line in lines)
    assert any("30 observations" in line and "| 31 |  | **not met** |" in line for line in lines)
    assert any("some lost" in line and "| 9 of 200 |" in line for line in lines)


def test_shares_add_up_to_one_target() -> None:
    assert "| 30.0 s | 1.0 s | 1.0 s | 5.0 s | 3.0 s |" in shares([compared(RUNS)])


def test_table_rows_match_their_head() -> None:
    assert table(("", "a"), [("b", "1")]) == "|  | a |\n| --- | --: |\n| b | 1 |"


def test_legs_run_every_contender_before_repeating() -> None:
    order = [(leg.contender, leg.round) for leg in legs((SCENARIO,))]
    assert order == [(contender, number) for number in (1, 2) for contender in SCENARIO.contenders]


def test_legs_have_unique_names() -> None:
    for scenarios in (FULL, QUICK):
        names = [leg.name for leg in legs(scenarios)]
        assert len(names) == len(set(names))
