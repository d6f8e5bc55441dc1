"""Tests of the carried releases: what the newest rollouts of a journal tell about each target."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.given import NOON, OUTWARD, a_group, a_plan, a_target, brought, t

from katakei.app.releases import CarriedRelease, Knowledge, carried_releases, past_work
from katakei.domain import events as e
from katakei.domain.model import Arn, Group, RolloutId
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.plan import Floor, Plan, PlanKind
from katakei.domain.ports import RolloutHeader
from katakei.domain.replay import replay

WEB, ADMIN = a_group("web"), a_group("admin")
SURE, UNSURE, UNDONE = Knowledge.CONFIRMED, Knowledge.UNCONFIRMED, Knowledge.REVERTED


@dataclass
class Shelf:
    """A journal of rollouts, the oldest first, which counts the logs that were read."""

    rollouts: Sequence[list[e.Event]]
    read_ids: list[str] = field(default_factory=list)

    def find(self, *, group: Arn, **_asked: object) -> list[RolloutHeader]:
        states = [replay(events) for events in reversed(self.rollouts)]
        return [
            RolloutHeader(each.plan.rollout, "web", tuple(each.plan.floors), each.begun, None, "kim")
            for each in states
            if group in each.plan.floors
        ]

    def read(self, rollout: RolloutId, _after: int) -> list[e.Event]:
        self.read_ids.append(rollout)
        return next(events for events in self.rollouts if replay(events).plan.rollout == rollout)


def plan_of(release: str, number: int, *groups: Group, kind: PlanKind = PlanKind.ROLL) -> Plan:
    groups = groups or (WEB,)
    begin = Phase.OUT if kind is PlanKind.REGISTER else Phase.WAITING
    return replace(
        a_plan(2, kind=kind, begin=begin),
        rollout=RolloutId(f"r-{number}"),
        release=release,
        groups=groups,
        targets=tuple(a_target(each, groups) for each in range(2)),
        floors={group.arn: Floor(1, 2) for group in groups},
    )


def told(plan: Plan, *stories: Sequence[e.Event], day: int = 0) -> list[e.Event]:
    return [e.Planned(NOON + timedelta(days=day), plan), *(event for story in stories for event in story)]


def done(release: str, number: int, *groups: Group) -> list[e.Event]:
    plan = plan_of(release, number, *groups)
    return told(plan, brought(plan, Phase.DONE, 0), brought(plan, Phase.DONE, 1), day=number)


def stopped_at(phase: Phase, release: str = "v2", number: int = 2) -> list[e.Event]:
    """The first target stopped in this phase; the second one was never worked on."""
    plan = plan_of(release, number)
    return told(plan, brought(plan, phase), day=number)


def taken_back(release: str, number: int, end: Phase = Phase.DONE) -> list[e.Event]:
    plan = plan_of(release, number)
    first = e.PhaseChanged(NOON, t(plan), OUTWARD[0], intent=Intent.REVERT)
    way = (*OUTWARD[1:], end) if end is Phase.DONE else (Phase.OUT, Phase.WORKING, end)
    back = [first, *(e.PhaseChanged(NOON, t(plan), phase) for phase in way)]
    return told(plan, brought(plan, Phase.DONE), [e.RevertAsked(NOON, "kim")], back, day=number)


def carried(*rollouts: list[e.Event], groups: Sequence[Group] = (WEB,)) -> list[CarriedRelease | None]:
    """What the first and the second target carry."""
    journal: Any = Shelf(rollouts)
    found = carried_releases(journal, [group.arn for group in groups])
    return [found.get(t(plan_of("", 0), number)) for number in range(2)]


def is_(release: str | None, number: int, how: Knowledge) -> CarriedRelease:
    return CarriedRelease(release, RolloutId(f"r-{number}"), how)


def test_carried_release_is_that_of_the_newest_done_rollout() -> None:
    assert carried() == [None, None]
    assert carried(done("v1", 1)) == [is_("v1", 1, SURE)] * 2
    assert carried(done("v1", 1), done("v2", 2)) == [is_("v2", 2, SURE)] * 2
    assert carried(done("", 1)) == [is_(None, 1, SURE)] * 2


@pytest.mark.parametrize("phase", [Phase.WORKING, Phase.CHECKING, Phase.SOAKING, Phase.LEFT_OUT, Phase.FAILED_SERVING])
def test_carried_release_is_unconfirmed_once_the_work_was_decided(phase: Phase) -> None:
    assert carried(done("v1", 1), stopped_at(phase)) == [is_("v2", 2, UNSURE), is_("v1", 1, SURE)]


@pytest.mark.parametrize("phase", [Phase.WAITING, Phase.DRAINING, Phase.OUT, Phase.RETURNED, Phase.SKIPPED, Phase.GONE])
def test_untouched_target_carries_the_release_before(phase: Phase) -> None:
    assert carried(done("v1", 1), stopped_at(phase)) == [is_("v1", 1, SURE)] * 2
    assert carried(stopped_at(phase)) == [None, None]


def test_refused_work_leaves_the_release_before() -> None:
    plan = plan_of("v2", 2)
    key = e.WorkKey(plan.rollout, t(plan), 1, Intent.UPDATE)
    refused = told(plan, brought(plan, Phase.WORKING), [e.WorkLost(NOON, key, begun=False)], day=2)
    assert carried(done("v1", 1), refused)[0] == is_("v1", 1, SURE)


def test_target_that_failed_after_it_was_done_is_unconfirmed() -> None:
    lost = [*done("v2", 2), e.FailedAfterDone(NOON, t(plan_of("", 0)), "unhealthy")]
    assert carried(done("v1", 1), lost) == [is_("v2", 2, UNSURE), is_("v2", 2, SURE)]


def test_reverted_target_carries_the_confirmed_release_before() -> None:
    assert carried(done("v1", 1), taken_back("v2", 2))[0] == is_("v1", 2, UNDONE)
    assert carried(done("v1", 1), taken_back("v2", 2), taken_back("v3", 3))[0] == is_("v1", 3, UNDONE)


def test_reverted_target_with_unknown_release_before() -> None:
    assert carried(taken_back("v2", 2))[0] == is_(None, 2, UNDONE)
    before = stopped_at(Phase.LEFT_OUT, "v1", 1)
    assert carried(done("v0", 0), before, taken_back("v2", 2))[0] == is_(None, 2, UNDONE)


def test_failed_revert_is_unconfirmed() -> None:
    assert carried(done("v1", 1), taken_back("v2", 2, Phase.LEFT_OUT))[0] == is_("v2", 2, UNSURE)


@pytest.mark.parametrize("kind", [PlanKind.DEREGISTER, PlanKind.REGISTER])
def test_manual_steps_install_nothing(kind: PlanKind) -> None:
    plan = plan_of("v9", 2, kind=kind)
    ways = {
        PlanKind.DEREGISTER: (Phase.DRAINING, Phase.OUT, Phase.LEFT_OUT),
        PlanKind.REGISTER: (Phase.RETURNING, Phase.RETURNED),
    }
    step = told(plan, [e.PhaseChanged(NOON, t(plan), to, cause=Cause.BY_HAND) for to in ways[kind]], day=2)
    assert carried(done("v1", 1), step)[0] == is_("v1", 1, SURE)


def test_newest_rollout_of_several_groups_counts() -> None:
    rollouts = (done("v1", 1), done("v2", 2, WEB, ADMIN), done("v3", 3, ADMIN))
    assert carried(*rollouts)[0] == is_("v2", 2, SURE)
    assert carried(*rollouts, groups=(WEB, ADMIN))[0] == is_("v3", 3, SURE)


def test_each_log_is_read_once() -> None:
    journal = Shelf([done("v1", 1), done("v2", 2, WEB, ADMIN)])
    carried_releases(journal, [WEB.arn, ADMIN.arn])  # type: ignore[arg-type]  # a journal that is only read
    assert journal.read_ids == ["r-2", "r-1"]


def test_past_work_says_how_long_ago_each_target_was_done() -> None:
    shelf = Shelf([done("v1", 1), stopped_at(Phase.DONE, "v2", 2), stopped_at(Phase.LEFT_OUT, "v3", 3)])
    found = past_work(shelf, [WEB.arn], "shop")  # type: ignore[arg-type]  # it has what is read
    first, second = (found[a_target(n, (WEB,)).id] for n in (0, 1))
    assert (first.release, first.how, first.rollouts_ago) == ("v3", UNSURE, 1)
    assert (second.release, second.how, second.rollouts_ago) == ("v1", SURE, 2)


def test_past_work_of_another_service_only_tells_the_release() -> None:
    found = past_work(Shelf([done("v1", 1)]), [WEB.arn], "patches")  # type: ignore[arg-type]  # it has what is read
    assert {(work.release, work.rollouts_ago) for work in found.values()} == {("v1", None)}
