"""The judge: every violation is found, and a correct run has none."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.acceptance.evidence import Evidence, ServerStart
from tests.acceptance.judge import Requirements, judge

from katakei.lab.traffic import Figures

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
GROUP = "arn:group"
ASKED = Requirements(floor=1, floor_per_zone=0, rate=9)


def at(seconds: float) -> datetime:
    return BEGUN + timedelta(seconds=seconds)


def state(seconds: float, server: str, word: str, a: int, c: int) -> dict[str, Any]:
    zones = {zone: count for zone, count in (("1a", a), ("1c", c)) if count}
    of = {"at": at(seconds).isoformat(), "group": GROUP, "id": server, "kind": "state"}
    return of | {"state": word, "serving": a + c, "zones": zones}


def flow(seconds: float, server: str, word: str, serving: int) -> dict[str, Any]:
    of = {"at": at(seconds).isoformat(), "group": GROUP, "id": server, "kind": "traffic"}
    return of | {"traffic": word, "serving": serving}


def call(seconds: float, action: str, *servers: str) -> dict[str, Any]:
    targets = [{"id": server, "port": 80} for server in servers]
    return {"at": at(seconds).isoformat(), "action": action, "group": GROUP, "targets": targets, "agent": "katakei"}


def out_and_back(server: str, begins: float, without: tuple[int, int]) -> list[dict[str, Any]]:
    return [
        state(begins, server, "draining", *without),
        flow(begins + 3, server, "draining", 1),
        state(begins + 8, server, "absent", *without),
        flow(begins + 11, server, "absent", 1),
        state(begins + 14, server, "initial", *without),
        state(begins + 15, server, "healthy", 1, 1),
        flow(begins + 18, server, "in_service", 2),
    ]


GOOD = Evidence(
    group=GROUP,
    release="v2",
    servers=("i-1", "i-2"),
    begun=BEGUN,
    ended=at(100),
    exits=(0,),
    before=frozenset({("i-1", 80, ""), ("i-2", 80, "")}),
    after=frozenset({("i-1", 80, ""), ("i-2", 80, "")}),
    starts={"i-1": (ServerStart(at(22), "v2"),), "i-2": (ServerStart(at(62), "v2"),)},
    answered=1000,
    traffic=Figures(requests=1000, slow=50, lasted=timedelta(seconds=100)),
    history=(
        state(-60, "i-1", "healthy", 1, 1),
        flow(-60, "i-1", "in_service", 2),
        *out_and_back("i-1", 10, (0, 1)),
        *out_and_back("i-2", 50, (1, 0)),
    ),
    calls=(
        call(10, "DeregisterTargets", "i-1"),
        call(24, "RegisterTargets", "i-1"),
        call(50, "DeregisterTargets", "i-2"),
        call(64, "RegisterTargets", "i-2"),
        *(call(second, "DescribeTargetHealth") for second in range(1, 100, 2)),
    ),
)


def started(server: str, *starts: ServerStart) -> dict[str, tuple[ServerStart, ...]]:
    return {**GOOD.starts, server: starts}


def complaints(seen: Evidence, requirements: Requirements = ASKED) -> str:
    return "\n".join(judge(seen, requirements).faults)


def test_judge_accepts_a_run_without_faults() -> None:
    verdict = judge(GOOD, ASKED)
    assert verdict.faults == ()
    measured = verdict.measured
    assert (measured.serving, measured.in_traffic, measured.observations) == (1, 1, 30)
    assert measured.seconds_out == {"i-1": 15, "i-2": 15}
    assert measured.settled == {"i-1": 9, "i-2": 9}
    assert measured.serving_by_zone == {"1a": 0, "1c": 0}


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        (replace(GOOD, exits=(3,)), "ended with (3,)"),
        (replace(GOOD, traffic=replace(GOOD.traffic, failed=1)), "1 requests failed"),
        (replace(GOOD, answered=1001), "the servers answered 1001"),
        (replace(GOOD, traffic=replace(GOOD.traffic, lasted=timedelta(seconds=200))), "proves nothing"),
        (replace(GOOD, history=(*GOOD.history, state(80, "i-1", "unhealthy", 0, 0))), "only 0 served"),
        (replace(GOOD, history=(*GOOD.history, flow(80, "i-1", "draining", 0))), "only 0 got new requests"),
        (replace(GOOD, starts=started("i-2")), "i-2 was started 0 times"),
        (
            replace(GOOD, starts=started("i-2", ServerStart(at(62), "v2"), ServerStart(at(63), "v2"))),
            "i-2 was started 2 times",
        ),
        (replace(GOOD, starts=started("i-2", ServerStart(at(62), "v1"))), "i-2 was started 1 times"),
        (replace(GOOD, starts=started("i-1", ServerStart(at(12), "v2"))), "while it got new requests"),
        (replace(GOOD, starts=started("i-1", ServerStart(at(30), "v2"))), "while it got new requests"),
        (replace(GOOD, after=frozenset({("i-1", 80, "")})), "registrations differ"),
        (replace(GOOD, history=(*GOOD.history, state(80, "i-1", "draining", 0, 1))), "i-1 was left draining"),
        (replace(GOOD, calls=(*GOOD.calls, call(30, "DescribeTargetHealth"))), "31 observations"),
        (replace(GOOD, calls=(*GOOD.calls, call(70, "RegisterTargets", "i-1", "i-2"))), "registered by 2"),
        (replace(GOOD, calls=GOOD.calls[4:]), "deregistered by 0"),
    ],
)
def test_judge_names_each_broken_promise(broken: Evidence, complaint: str) -> None:
    assert complaint in complaints(broken)


def test_judge_checks_the_floor_of_each_zone() -> None:
    assert "only 0 served in 1a" in complaints(GOOD, replace(ASKED, floor_per_zone=1))


def test_judge_ignores_entries_outside_the_run() -> None:
    entries = (state(-30, "i-1", "unhealthy", 0, 0), *GOOD.history, state(130, "i-1", "unhealthy", 0, 0))
    earlier = (state(-20, "i-1", "healthy", 1, 1), *entries[1:])
    assert complaints(replace(GOOD, history=(entries[0], *earlier))) == ""
