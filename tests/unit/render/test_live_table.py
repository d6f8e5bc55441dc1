"""The live view: what it says, and that it fits into every terminal of 60 columns and more."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from tests.unit.given import NOON, a_plan, brought, given, later, seconds, t
from tests.unit.render.test_recap import failed, plan_of

from katakei.domain import events as e
from katakei.domain.leases import Owner
from katakei.domain.phases import FINAL_PHASES, IN_PROGRESS, Phase
from katakei.domain.plan import Plan
from katakei.domain.reasons import Reason, ReasonCode, reason
from katakei.domain.replay import Rollout
from katakei.domain.spec import Command, Overlap
from katakei.planning.forecast import forecast
from katakei.render.live_table import LiveView, latest, live

IDLE = reason(ReasonCode.NOTHING_IN_PROGRESS)
CTRL_C = "Ctrl-C finishes the targets in progress; twice stops at once"


def waits_for(plan: Plan, number: int = 0) -> Reason:
    why = reason(ReasonCode.WORK_RUNNING, waited=41.0)
    target = plan.targets[number]
    return reason(ReasonCode.TARGET_WAITS, target=target.id, name=target.name, why=why, others=0)


def view_of(rollout: Rollout, why: Reason = IDLE, at: float = 72, **changes: object) -> LiveView:
    view = LiveView(rollout, why, {}, forecast(rollout.plan), later(at))
    return replace(view, **changes)  # type: ignore[arg-type]  # a test's own choice of values


def lines(view: LiveView, columns: int = 120, rows: int = 40) -> list[str]:
    return [line.plain.rstrip() for line in live(view, columns, rows)]


def test_live_says_what_runs_and_how_far_it_is() -> None:
    plan = plan_of(14)
    story = [event for number in range(3) for event in brought(plan, Phase.DONE, number)]
    shown = lines(view_of(given(plan, story, brought(plan, Phase.WORKING, 3)), cycles=(seconds(60),) * 3))
    assert shown[0].startswith("v9 of shop on LaravelTargetGroup  1m 12s so far, about ")
    assert " to go  r-test" in shown[0]
    assert " 3 of 14 ended, 1 of 1 out at a time" in shown[1]
    assert shown[2] == "1 working  3 done  10 waiting"
    assert shown[3].split()[:3] == ["web-4", "working", "1m"]
    assert shown[-1] == CTRL_C


def test_live_shows_only_targets_that_move_or_failed() -> None:
    plan = plan_of(14)
    rollout = given(plan, brought(plan, Phase.DONE), failed(plan, 1), brought(plan, Phase.DRAINING, 2))
    names = [line.split()[0] for line in lines(view_of(rollout)) if line.startswith("web-")]
    assert names == ["web-2", "web-3"]


def test_live_says_since_when_and_until_when_at_the_latest(
    local_zone: Callable[[str], AbstractContextManager[None]],
) -> None:
    plan = plan_of(2)
    rollout = given(plan, brought(plan, Phase.WORKING))
    with local_zone("Asia/Tokyo"):
        shown = " ".join(lines(view_of(rollout, waits_for(plan))))
    assert "web-1: the work has been running for 41s (since 21:00:00 JST, until 21:01:00 JST at the latest)" in shown


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase in IN_PROGRESS])
def test_live_knows_the_latest_end_of_every_phase(phase: Phase) -> None:
    plan = plan_of(1)
    rollout = given(plan, brought(plan, phase))
    assert latest(rollout, t(plan)) is not None


def test_live_counts_a_phase_from_its_begin_after_a_takeover() -> None:
    """The limits count anew for another process; a person wants to know how long the work really runs."""
    plan = plan_of(1)
    taken = e.OwnerChanged(later(600), Owner("kim", "far", 2, 2, "boot"))
    (row,) = (
        line for line in lines(view_of(given(plan, brought(plan, Phase.WORKING), [taken]), at=601)) if "web-" in line
    )
    assert row.split()[1:4] == ["working", "10m", "01s"]


def test_live_tells_what_ctrl_c_does_after_the_first_one() -> None:
    shown = lines(view_of(given(plan_of(2)), interrupted=True))
    assert shown[-2:] == [
        "Interrupted: finishing the targets in progress, then it ends",
        "Ctrl-C now stops at once; a command on a target goes on running",
    ]


def test_live_tells_a_person_where_to_work_and_what_to_type() -> None:
    plan = plan_of(2, work=Command("manual", ""))
    rollout = given(plan, brought(plan, Phase.WORKING))
    assert lines(view_of(rollout, takes_enter=True))[-2:] == [
        "Your turn: work on web-1 at 10.0.0.0, press Enter when it is done",
        CTRL_C,
    ]
    assert lines(view_of(rollout))[-2] == "Your turn: work on web-1 at 10.0.0.0, then run: katakei approve r-test"


def test_live_streams_the_output_of_the_only_work() -> None:
    plan = plan_of(3)
    one = given(plan, brought(plan, Phase.WORKING))
    printed = {t(plan): "".join(f"step {number}\n" for number in range(20)) + "::error::x\x1b[2J"}
    shown = lines(view_of(one, outputs=printed))
    begin = shown.index("web-1 prints:")
    assert shown[begin + 1] == "│ step 13"
    assert shown[begin + 8] == r"│ \x3a:error::x\x1b[2J"
    assert shown[begin + 9] == CTRL_C
    two = given(plan, brought(plan, Phase.WORKING), brought(plan, Phase.WORKING, 1))
    assert not any("prints" in line for line in lines(view_of(two, outputs=printed)))


def test_live_predicts_by_the_targets_that_came_through() -> None:
    plan = plan_of(5)
    story = [event for number in range(2) for event in brought(plan, Phase.DONE, number)]
    rollout = given(plan, story, brought(plan, Phase.DRAINING, 2, later(72)))
    assert "about 6m to go" in lines(view_of(rollout, cycles=(seconds(120), seconds(120))))[0]
    assert "to go and the work" in lines(view_of(rollout))[0]


def test_live_predicts_less_where_soaks_overlap() -> None:
    """A round begins 25 s before the one before it has ended: 30 s of soak without the second observation."""
    plan = a_plan(6, soak=seconds(30), overlap=Overlap.AUTO)
    story = [event for number in range(3) for event in brought(plan, Phase.DONE, number)]
    rollout = given(plan, story, brought(plan, Phase.DRAINING, 3, later(72)))
    assert forecast(plan).covered == seconds(25)
    cycles = (seconds(120),) * 3
    assert "about 5m 10s to go" in lines(view_of(rollout, cycles=cycles))[0]
    never = replace(forecast(plan), saved=seconds(0), total=forecast(plan).per_target * 6)
    assert "about 6m to go" in lines(view_of(rollout, cycles=cycles, forecast=never))[0]


def test_live_predicts_by_what_the_floor_permits() -> None:
    plan = a_plan(5, window=5, floor=4, soak=seconds(0))
    story = [event for number in range(2) for event in brought(plan, Phase.DONE, number)]
    rollout = given(plan, story, brought(plan, Phase.DRAINING, 2, later(72)))
    assert "about 6m to go" in lines(view_of(rollout, cycles=(seconds(120),)))[0]


def test_live_predicts_nothing_after_the_end() -> None:
    plan = plan_of(1)
    rollout = given(plan, brought(plan, Phase.DONE), [e.Finished(later(60))])
    assert lines(view_of(rollout))[0] == "v9 of shop on LaravelTargetGroup  1m so far  r-test"


def test_live_shows_names_that_look_like_markup() -> None:
    plan = a_plan(2)
    first, second = plan.targets
    plan = replace(plan, targets=(replace(first, name="[prod] web"), replace(second, name="web [/x]")))
    shown = "\n".join(lines(view_of(given(plan, brought(plan, Phase.DRAINING), brought(plan, Phase.DRAINING, 1)))))
    assert "[prod] web" in shown
    assert "web [/x]" in shown


PHASES = st.sampled_from(Phase)


def stories(plan: Plan, phases: Sequence[Phase]) -> Iterable[e.Event]:
    for number, phase in enumerate(phases):
        yield from brought(plan, phase, number, NOON)


@settings(deadline=None)  # a busy machine is no fault
@drawn(
    st.integers(60, 200),
    st.integers(3, 60),
    st.lists(PHASES, max_size=40),
    st.sampled_from(["web-1", "片系の長い名前のサーバー第一号機", "x" * 200]),
    st.booleans(),
)
def test_live_fits_into_every_terminal(
    columns: int,
    rows: int,
    phases: Sequence[Phase],
    name: str,
    interrupted: bool,  # noqa: FBT001 - a case
) -> None:
    plan = plan_of(max(1, len(phases)), work=Command("manual", ""))
    plan = replace(plan, targets=tuple(replace(target, name=name) for target in plan.targets))
    rollout = given(plan, stories(plan, phases))
    printed: Mapping[object, str] = dict.fromkeys(rollout.targets, "line\n" * 100)
    shown = live(view_of(rollout, waits_for(plan), outputs=printed, interrupted=interrupted), columns, rows)
    assert len(shown) < rows or rows < 8
    assert max(line.cell_len for line in shown) <= columns
    assert "Ctrl-C" in " ".join(line.plain for line in shown)
    moves = any(phase not in {*FINAL_PHASES, Phase.WAITING} for phase in phases)
    assert not moves or rows < 20 or any("  " in line.plain for line in shown[3:])


def test_live_shows_a_target_where_there_is_room_for_one_line() -> None:
    plan = plan_of(2, work=Command("manual", ""))
    plan = replace(plan, targets=tuple(replace(target, name="x" * 200) for target in plan.targets))
    rollout = given(plan, stories(plan, [Phase.DRAINING, Phase.WORKING]))
    shown = live(view_of(rollout, waits_for(plan), outputs=dict.fromkeys(rollout.targets, "line\n" * 100)), 60, 20)
    assert any("xxx" in line.plain and "  draining" in line.plain for line in shown[3:])


def test_live_cuts_a_long_sentence_and_shows_that() -> None:
    why = reason(ReasonCode.UNAVAILABLE, text="word " * 200, waited=1.0, limit=2.0)
    shown = lines(view_of(given(plan_of(2)), why), columns=60)
    sentence_lines = [line for line in shown if line.startswith("word")]
    assert len(sentence_lines) == 4
    assert sentence_lines[-1].endswith("…")
