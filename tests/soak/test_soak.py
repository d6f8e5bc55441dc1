"""The soak: its scripts are stable, its verdict finds violations, and one short script runs in `make test`."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.acceptance.evidence import ServerStart
from tests.acceptance.judge import measure
from tests.acceptance.test_judge import GOOD, at, started, state
from tests.soak.script import Script, Step, StepKind, Work, kill_script, random_script
from tests.soak.script_lab import WorkStart, configuration
from tests.soak.script_run import Total, TotalsFile, run_script
from tests.soak.verdict import EndState, allowed_codes, violations

from katakei import config

SCRIPT = Script("1-1")
SERVERS = ("i-1", "i-2")
END = EndState(
    shown={"left_out": []},
    code=0,
    allowed=frozenset({0}),
    releases=dict.fromkeys(SERVERS, "v2"),
    work_starts={"i-1": (WorkStart("r-1/1", at(22)),), "i-2": (WorkStart("r-1/1", at(62)),)},
)
OUT = replace(END, code=3, allowed=frozenset({3}), shown={"left_out": ["i-1"]})
LEFT = replace(GOOD, history=(*GOOD.history, state(80, "i-1", "draining", 0, 1)), after=frozenset({("i-2", 80, "")}))
DIES = replace(SCRIPT, steps=(Step(1, StepKind.FAULTS, {"target_dead": [0]}),))


def complaints(end: EndState, script: Script = SCRIPT, seen: object = GOOD) -> str:
    assert isinstance(seen, type(GOOD))
    return "\n".join(violations(script, seen, measure(seen), end))


def test_seed_determines_the_scripts() -> None:
    assert [random_script(7, n, 20) for n in range(50)] == [random_script(7, n, 20) for n in range(50)]
    assert len({draw(7, n, 20).text() for draw in (random_script, kill_script) for n in range(50)}) == 100


def test_kill_scripts_only_kill_and_begin_early() -> None:
    for script in (kill_script(3, n, 20) for n in range(50)):
        assert {step.act for step in script.steps} == {StepKind.KILL}
        assert script.steps[0].at <= 12


@pytest.mark.parametrize("draw", [random_script, kill_script])
def test_every_script_has_a_valid_configuration(tmp_path: Path, draw: Callable[..., Script]) -> None:
    for number in range(100):
        (tmp_path / "katakei.yml").write_text(configuration(draw(5, number, 20)))
        assert config.load(tmp_path / "katakei.yml", config.Overrides()).service == "soak"


def test_verdict_accepts_a_run_without_faults() -> None:
    assert complaints(END) == ""
    assert complaints(OUT, seen=LEFT) == ""


@pytest.mark.parametrize(
    ("end", "seen", "complaint"),
    [
        (replace(END, code=1), GOOD, "ended with 1"),
        (replace(END, dropped={"rq_5xx": 1}), GOOD, "the data plane counts rq_5xx: 1"),
        (
            replace(END, work_starts={**END.work_starts, "i-1": (WorkStart("r-1/1", at(22)),) * 2}),
            GOOD,
            "more than once on i-1: ['r-1/1']",
        ),
        (
            replace(
                END, work_starts={**END.work_starts, "i-1": (WorkStart("r-1/1", at(21)), WorkStart("r-1/2", at(22)))}
            ),
            GOOD,
            "began 2 times on i-1 in rollout r-1",
        ),
        (
            replace(END, work_starts={**END.work_starts, "i-1": (WorkStart("r-1/1", at(12)),)}),
            GOOD,
            "draining, traffic in_service",
        ),
        (
            replace(END, work_starts={**END.work_starts, "i-1": (WorkStart("r-1/1", at(17)),)}),
            GOOD,
            "draining, traffic draining",
        ),
        (replace(END, work_starts={**END.work_starts, "i-2": ()}), GOOD, "i-2 was started 1 times by 0 pieces of work"),
        (replace(END, releases={**END.releases, "i-2": "v1"}), GOOD, "['i-2'] serve another release"),
        (END, LEFT, "not in service: ['i-1'], named as left out: []"),
        (END, LEFT, "registrations differ"),
        (OUT, GOOD, "not in service: [], named as left out: ['i-1']"),
        (replace(OUT, shown={}), GOOD, "exit code 3, although left out: nobody"),
        (END, replace(GOOD, traffic=replace(GOOD.traffic, failed=1)), "1 requests failed"),
        (END, replace(GOOD, history=(*GOOD.history, state(80, "i-1", "healthy", 0, 0))), "only 0 served"),
        (END, replace(GOOD, starts=started("i-1", ServerStart(at(12), "v2"))), "while it got new requests"),
    ],
)
def test_verdict_names_each_broken_promise(end: EndState, seen: object, complaint: str) -> None:
    assert complaint in complaints(end, seen=seen)


def test_verdict_names_too_many_failures() -> None:
    bad = replace(SCRIPT, work=Work.FAILS, bad=(0, 1))
    both = replace(OUT, releases=dict.fromkeys(SERVERS, "v1"), shown={"left_out": list(SERVERS)})
    assert "failed, although 0 were allowed and 1 in progress" in complaints(both, bad)


def test_verdict_excuses_servers_that_die() -> None:
    fallen = (*GOOD.history, state(60, "i-1", "unhealthy", 0, 1), state(60, "i-1", "healthy", 1, 1))
    lost = replace(GOOD, history=fallen, traffic=replace(GOOD.traffic, failed=9))
    assert complaints(END, DIES, lost) == ""
    late = (*fallen, state(75, "i-2", "draining", 0, 0), state(80, "i-2", "healthy", 1, 1))
    assert "i-2 was taken out at" in complaints(END, DIES, replace(lost, history=late))


def test_allowed_exit_codes_follow_the_script() -> None:
    bad = replace(SCRIPT, work=Work.FAILS, bad=(0,))
    assert (allowed_codes(SCRIPT), allowed_codes(bad), allowed_codes(replace(bad, failed_target="put_back"))) == (
        frozenset({0}),
        frozenset({3}),
        frozenset({1}),
    )
    assert allowed_codes(replace(SCRIPT, steps=(Step(1, StepKind.ABORT),))) == frozenset({0, 1, 3})


def test_totals_add_up(tmp_path: Path) -> None:
    for _ in range(2):
        TotalsFile(tmp_path / "totals").write("1-1", Total(1, 2, 300))
    assert TotalsFile(tmp_path / "totals").total() == Total(2, 4, 600)


@pytest.mark.lab
def test_short_script_keeps_every_promise(tmp_path: Path) -> None:
    steps = (
        Step(4, StepKind.KILL),
        Step(9, StepKind.SECOND_ROLLOUT),
        Step(12, StepKind.FREEZE),
        Step(14, StepKind.WAKE),
        Step(16, StepKind.TERM),
    )
    result = run_script(Script("smoke", delay=8, settle=2, steps=steps), tmp_path)
    assert result.faults == [], result.text()
    assert (result.run_log.kills, result.figures.failed) == (1, 0)
    assert result.figures.requests > 300
