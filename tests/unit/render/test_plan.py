"""Tests of a plan as text: exactly what a person reads before they confirm it."""

from dataclasses import replace

import pytest
from tests.unit.given import a_plan, seconds

from katakei.domain.model import RolloutId
from katakei.domain.plan import HeldTarget, Plan, PlanKind
from katakei.domain.spec import Command, Drain, DrainUntil, Overlap
from katakei.planning.forecast import forecast
from katakei.planning.reasons import PlanCode, reason
from katakei.render.plan import place, plan_text, restore_text

WHERE = "account 123456789012, region ap-northeast-1, web0"
ORDER = [
    "order    1. i-00000000000000000 (web0) in a",
    "order    2. i-00000000000000001 (web1) in c",
]


def read(plan: Plan) -> list[str]:
    return plan_text(plan, forecast(plan)).splitlines()


def test_plan_text_of_a_rollout() -> None:
    noted = replace(a_plan(per_zone=1), notices=(reason(PlanCode.UNUSED_GROUP, group="web0"),))
    assert read(noted) == [
        f"roll shop to v2, 2 targets: {WHERE}",
        "work     by ssm: true",
        "floor    web0: 1 of 2 must serve, 1 in each zone",
        "window   1 out at a time",
        *ORDER,
        "takes    about 2m 10s and 2 x the work itself; for each target:",
        "              40s  drain (the group's deregistration delay)",
        "              15s  first health check (the group's health check interval)",
        "              10s  soak (warm.soak)",
        "note     no listener forwards to web0, so no target in it can serve",
    ]


def test_plan_text_names_the_second_observation() -> None:
    plan = a_plan(soak=seconds(4), drain=Drain(settle=seconds(30), until=DrainUntil.PROOF))
    assert read(plan)[-3:] == [
        "              30s  drain (drain.settle; up to the delay of 40s while requests may be pending)",
        "              15s  first health check (the group's health check interval)",
        "               5s  second observation (fixed)",
    ]


def test_plan_text_says_what_overlaps_save() -> None:
    plan = a_plan(4, soak=seconds(30), overlap=Overlap.AUTO)
    assert read(plan)[-5:] == [
        "takes    about 4m 25s and 4 x the work itself; for each target:",
        "              40s  drain (the group's deregistration delay)",
        "              15s  first health check (the group's health check interval)",
        "              30s  soak (warm.soak)",
        "           1m 15s  saved: the next target drains while one soaks (warm.overlap)",
    ]


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        (PlanKind.DEREGISTER, [f"deregister 2 targets: {WHERE}", "floor    web0: 1 of 2 must serve", *ORDER]),
        (PlanKind.REGISTER, [f"register 2 targets: {WHERE}", *ORDER]),
    ],
)
def test_plan_text_of_a_manual_step(kind: PlanKind, lines: list[str]) -> None:
    assert read(a_plan(kind=kind)) == lines


def test_plan_text_of_manual_work() -> None:
    assert (
        read(a_plan(work=Command("manual")))[1] == "work     by hand: each target waits until you say that it is done"
    )


def test_plan_text_quotes_words_without_a_shell() -> None:
    assert read(a_plan(work=Command("local", argv=("./deploy", "a b"))))[1] == "work     by local: ./deploy 'a b'"


def test_plan_text_lists_twenty_targets() -> None:
    lines = read(a_plan(23))
    assert [line for line in lines if line.startswith("order")][-1].startswith("order    20. ")
    assert "         and 3 more (--json lists all)" in lines


def test_place_names_account_region_and_groups() -> None:
    assert place(a_plan(groups=2)) == f"{WHERE}, web1"


def test_restore_text_is_one_command_per_line() -> None:
    assert restore_text(["aws one", "aws two"]).splitlines() == [
        "To restore every registration by hand at any time:",
        "  aws one",
        "  aws two",
    ]


def test_plan_text_says_how_many_really_leave_and_why() -> None:
    line = next(line for line in read(a_plan(window=2)) if line.startswith("window"))
    assert line == "window   1 out at a time (window.max_unavailable allows 2, but 1 of web0 must serve)"


def test_plan_text_says_an_unfinished_rollout_first() -> None:
    plan = replace(a_plan(), notices=(reason(PlanCode.ROLLOUT_UNFINISHED, rollout="r-1"),))
    assert read(plan)[0] == "rollout r-1 is not finished; katakei roll carries it on as it was planned:"
    assert not any(line.startswith("note") for line in read(plan))


def test_plan_text_marks_what_is_out_already() -> None:
    plan = a_plan()
    held = replace(plan, held=(HeldTarget(plan.targets[0].id, RolloutId("r-1")),))
    assert [line for line in read(held) if line.startswith("order")] == [f"{ORDER[0]} (out already)", ORDER[1]]


def test_restore_text_lists_what_was_out_apart() -> None:
    text = restore_text(["aws one"], ["aws two"])
    assert text.splitlines() == [
        "To restore every registration by hand at any time:",
        "  aws one",
        "Out of service before this rollout; to register that by hand, once you know that it works:",
        "  aws two",
    ]
    assert restore_text([], ["aws two"]).startswith("Out of service before")
