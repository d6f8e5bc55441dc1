"""Tests of a rollout as text: the line of every event, the summary, the history and the list of rollouts."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.given import NOON, a_plan, a_target, brought, given, later, t

from katakei.domain import events as e
from katakei.domain import traffic as t_
from katakei.domain.freezes import Freeze
from katakei.domain.leases import Owner
from katakei.domain.model import Arn
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.plan import PlanKind
from katakei.domain.reasons import ReasonCode, reason
from katakei.render import events as event_text

PLAN = a_plan(2)
ROLLOUT = given(PLAN, brought(PLAN, Phase.WORKING))
T = t(PLAN)
WHO = f"{T} (web0)"
KEY = e.WorkKey(PLAN.rollout, T, 1, Intent.UPDATE)
OWNER = Owner("kim", "ci-1", 7, 0, "boot")
UNHEALTHY = reason(ReasonCode.HEALTH, state="unhealthy", description="", overridden=False)
LEFT = reason(ReasonCode.LEFT_SERVICE, why=UNHEALTHY)
LATE = reason(ReasonCode.LATE_TARGETS_LEFT)
NEW = a_target(7, PLAN.groups)
ROUTE = Arn("listener-1")
DELETED = reason(ReasonCode.ROUTE_DELETED, route="HTTP:80")

READ: list[tuple[e.Event, str]] = [
    (e.Planned(NOON, PLAN), ""),
    (e.OwnerChanged(NOON, OWNER), "the rollout is now run by kim@ci-1 (pid 7)"),
    (
        e.TargetAdded(NOON, NEW, takes_part=True),
        f"{NEW.id} (web7)  somebody registered it during the rollout; it is updated at the end",
    ),
    (
        e.TargetAdded(NOON, NEW, takes_part=False, reason=LATE),
        (
            f"{NEW.id} (web7)  somebody registered it during the rollout; it is left as it is"
            " (the configuration says `late: leave`)"
        ),
    ),
    (e.PhaseChanged(NOON, T, Phase.DRAINING), f"{WHO}  draining"),
    (
        e.PhaseChanged(NOON, T, Phase.LEFT_OUT, reason=reason(ReasonCode.WORK_FAILED, exit=7, text=None)),
        f"{WHO}  left_out: the work ended with exit code 7",
    ),
    (e.PhaseChanged(NOON, T, Phase.LEFT_OUT, "text of an older version"), f"{WHO}  left_out: text of an older version"),
    (
        e.RevertDecided(NOON, 2),
        (
            "revert by on_failure: 2 targets failed, more than on_failure.max_failures allows;"
            " the updated targets are reverted, the last one first"
        ),
    ),
    (e.CommandAcknowledged(NOON), ""),
    (
        e.Interrupted(NOON, "SIGINT"),
        "interrupted (SIGINT): targets in progress are finished, no other one is started",
    ),
    (e.Finished(NOON), ""),
    (e.Deregistered(NOON, PLAN.groups[0].arn, (T,)), ""),
    (e.Registered(NOON, PLAN.groups[0].arn, (T,)), ""),
    (e.Started(NOON, KEY, ""), f"{WHO}  work started"),
    (e.Started(NOON, KEY, "cmd-1"), f"{WHO}  work started (cmd-1)"),
    (e.WorkEnded(NOON, KEY, 1, "output"), f"{WHO}  work ended with exit code 1"),
    (e.WorkLost(NOON, KEY, begun=True), f"{WHO}  work was interrupted"),
    (e.WorkLost(NOON, KEY, begun=False), f"{WHO}  work was refused before it began"),
    (e.RegistrationRejected(NOON, T, "it is stopped"), f"{WHO}  rejected by the load balancer: it is stopped"),
    (e.BaselineTaken(NOON, T, ""), ""),
    (e.ObservedOut(NOON, T), ""),
    (e.ObservedBusy(NOON, T, "3 connections"), f"{WHO}  still draining: 3 connections"),
    (e.DrainCutShort(NOON, T, 1), f"{WHO}  no longer waiting for 1 connection (drain.cut_after)"),
    (
        e.RequestsAfterQuiet(NOON, T, 2),
        f"{WHO}  2 requests arrived after its drain had ended; drain.settle is too short",
    ),
    (e.ObservedServing(NOON, T), ""),
    (e.BecameUnhealthy(NOON, T, "", reason=UNHEALTHY), f"{WHO}  left service again: unhealthy"),
    (
        e.FailedAfterDone(NOON, T, "", reason=LEFT),
        f"{WHO}  failed late: left service after it was done: unhealthy",
    ),
    (
        e.FoundServing(NOON, T),
        f"{WHO}  in service although this rollout holds it out; deregistering it again",
    ),
    (e.Approved(NOON, "kim", T), f"{T}  approved by kim"),
    (e.Approved(NOON, "kim", None), "all targets  approved by kim"),
    (e.AbortAsked(NOON, "kim"), "abort requested by kim"),
    (e.PauseAsked(NOON, "kim"), "paused by kim: targets in progress are finished, no other one is started"),
    (e.ResumeAsked(NOON, "kim"), "resumed by kim"),
    (
        e.RevertAsked(NOON, "kim"),
        "revert requested by kim: the updated targets are reverted, the last one first",
    ),
    (e.RetryAsked(NOON, "kim", (T,)), f"retry requested by kim: {T}"),
    (e.PromoteAsked(NOON, "kim"), "promoted by kim: the targets that soak now soak no longer"),
    (e.WaveEnded(NOON, 1), "wave 1 is over"),
    (e.GateHeld(NOON, "quiet", reason(ReasonCode.GATE_REPORT, text="answered 503")), "answered 503"),
    (e.GateReleased(NOON, "quiet"), "gate quiet  lets the rollout pass"),
    (
        e.GateStopped(NOON, "quiet", reason(ReasonCode.GATE_FAILED, gate="quiet", why=None), reverts=False),
        "the gate quiet stopped the rollout",
    ),
    (e.WaveBegun(NOON, 2), "wave 2 begins"),
    (e.ApprovalAsked(NOON, "rest", NOON), "gate rest  waits for approval until 2026-11-22 21:00 JST"),
    (e.ApprovalExpired(NOON, "rest"), "gate rest  expired: nobody answered in time"),
    (e.GateAnswered(NOON, "kim", "rest", approved=True), "gate rest  approved by kim"),
    (e.GateAnswered(NOON, "kim", "rest", approved=False), "gate rest  denied by kim"),
    (e.GateSkipped(NOON, "kim", "rest", "by phone"), "gate rest  skipped by kim: by phone"),
    (
        e.FreezeObserved(NOON, Freeze(PLAN.groups[0].arn, "ada", "the sale", NOON)),
        "web0 is frozen by ada since 2026-11-22 21:00 JST: the sale; no target is taken out",
    ),
    (
        e.FreezeObserved(NOON, Freeze("shop", "ada", "", NOON, NOON + timedelta(hours=1))),
        "shop is frozen by ada since 2026-11-22 21:00 JST until 2026-11-22 22:00 JST; no target is taken out",
    ),
    (e.FreezeLifted(NOON), "not frozen any more; targets may be taken out again"),
    (t_.ShareDecided(NOON, 25), "25 % of the requests to web0"),
    (t_.ShareDecided(NOON, None, LATE), "all routes go back to what they were: the configuration says `late: leave`"),
    (t_.WeightsSet(NOON, ROUTE, 25), ""),
    (t_.WeightsUnanswered(NOON, ROUTE), ""),
    (t_.WeightsRejected(NOON, ROUTE, "too many"), "listener-1: AWS refused the change: too many"),
    (t_.RouteChanged(NOON, ROUTE, DELETED), "somebody deleted HTTP:80, which this switch moves"),
    (t_.ShareObserved(NOON, 25), "every route is at 25 %"),
    (t_.ShareObserved(NOON, None), "every route is as it was"),
    (t_.TrafficMoved(NOON), "all requests have moved; the way back stays open until it is given up"),
    (t_.FinishAsked(NOON, "kim"), "finished by kim: the way back is given up"),
]


@pytest.fixture(autouse=True)
def _japan(local_zone: Callable[[str], AbstractContextManager[None]]) -> Iterator[None]:
    with local_zone("Asia/Tokyo"):
        yield


def test_events_all_have_a_case() -> None:
    assert {type(event) for event, _ in READ} == set(e.Event.__args__)


@pytest.mark.parametrize(("event", "read"), READ, ids=lambda value: type(value).__name__ if value else "")
def test_describe_reads_as_a_line(event: e.Event, read: str) -> None:
    assert event_text.describe(ROLLOUT, event) == read
    assert event_text.line(ROLLOUT, event) == (f"21:00:00 JST  {read}" if read else "")


def test_summary_counts_the_targets_by_phase() -> None:
    assert event_text.summary(ROLLOUT) == "NOT FINISHED  rollout r-test began at 21:00:00 JST: 1 waiting, 1 working"


def test_summary_names_targets_that_are_left_out() -> None:
    failed = reason(ReasonCode.DRAIN_TIMEOUT, waited=330.0)
    story = [
        *brought(PLAN, Phase.WORKING),
        e.PhaseChanged(later(5), T, Phase.LEFT_OUT, cause=Cause.FAILED, reason=failed),
        e.PhaseChanged(later(5), t(PLAN, 1), Phase.SKIPPED),
        e.Finished(later(6)),
    ]
    assert event_text.summary(given(PLAN, story)).splitlines() == [
        "FAILED  rollout r-test finished after 6s: 1 left_out, 1 skipped",
        f"left out of service: {WHO}: still draining after 5m 30s",
    ]


def test_summary_tells_how_to_undo_a_manual_step() -> None:
    plan = replace(a_plan(1), kind=PlanKind.DEREGISTER)
    story = [
        *brought(plan, Phase.OUT),
        e.PhaseChanged(later(5), t(plan), Phase.LEFT_OUT, cause=Cause.BY_HAND),
        e.Finished(later(5)),
    ]
    last = event_text.summary(given(plan, story)).splitlines()[-1]
    assert last == f"out of service, as requested: {T}; to bring it back, run: katakei register shop {T}"


def test_history_shows_phases_and_events() -> None:
    lines = event_text.history(
        ROLLOUT, [e.Planned(NOON, PLAN), e.Started(later(3), KEY, "")], "not running"
    ).splitlines()
    assert lines[1:] == [
        f"waiting for: {T} working since 21:00:00 JST",
        "not running",
        "",
        "TARGET               NAME  PHASE    SINCE (UTC)  WHY",
        "i-00000000000000000  web0  working  12:00:00",
        "i-00000000000000001  web1  waiting  12:00:00",
        "",
        f"21:00:03 JST  {WHO}  work started",
    ]
