"""Tests of the list of rollouts: result, release, who drives, local time."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.given import NOON, a_group, a_plan, brought, given, later, t

from katakei.domain import events as e
from katakei.domain.leases import Owner
from katakei.domain.model import RolloutId
from katakei.domain.overview import Driver, ListedRollout
from katakei.domain.phases import Cause, Phase
from katakei.domain.ports import Liveness, RolloutHeader
from katakei.domain.replay import Rollout
from katakei.render.rollout_list import list_data, list_text, phase
from katakei.render.widths import width

FIRST, LATER = Owner("kim", "laptop", 1, 1, "boot"), Owner("ci", "deploy-1", 2, 2, "boot")
ALIVE, GONE = Driver(LATER, Liveness.ALIVE), Driver(LATER, Liveness.GONE)
SILENT = Driver(LATER, Liveness.UNKNOWN, timedelta(seconds=12))
PLAN = replace(a_plan(2), rollout=RolloutId("r-7h2kabcd"), release="v9", groups=(a_group("web"),))
TAKEN = [e.OwnerChanged(NOON, FIRST), e.OwnerChanged(NOON, LATER)]


@pytest.fixture(autouse=True)
def tokyo(local_zone: Any) -> Iterator[None]:
    with local_zone("Asia/Tokyo"):
        yield


def a_rollout(*story: e.Event) -> Rollout:
    return given(PLAN, TAKEN, story)


def entry(state: Rollout | None, driver: Driver | None = GONE, service: str = "shop") -> ListedRollout:
    finished = state.finished if state else None
    header = RolloutHeader(PLAN.rollout, service, (a_group("web").arn,), NOON, finished, "kim")
    return ListedRollout(header, state, driver if state else None)


DONE = a_rollout(*brought(PLAN, Phase.DONE), *brought(PLAN, Phase.DONE, 1), e.Finished(later(72)))
FAILED = a_rollout(
    *brought(PLAN, Phase.WORKING),
    e.PhaseChanged(NOON, t(PLAN), Phase.LEFT_OUT, cause=Cause.FAILED),
    e.PhaseChanged(NOON, t(PLAN, 1), Phase.SKIPPED),
    e.Finished(later(9)),
)
WORKING = a_rollout(*brought(PLAN, Phase.WORKING))


def test_list_shows_release_result_and_who_drives() -> None:
    entries = [entry(WORKING, ALIVE), entry(FAILED), entry(DONE)]
    lines = list_text(entries, 20, later(90)).splitlines()
    assert lines == [
        "rollouts in ap-northeast-1, account 123456789012",
        "",
        "ROLLOUT     SERVICE  RELEASE  RESULT   STARTED (JST)     TOOK           BY",
        "r-7h2kabcd  shop     v9       working  2026-11-22 21:00  1m 30s so far  ci@deploy-1",
        "r-7h2kabcd  shop     v9       FAILED   2026-11-22 21:00  9s             ci@deploy-1",
        "r-7h2kabcd  shop     v9       DONE     2026-11-22 21:00  1m 12s         ci@deploy-1",
    ]


@pytest.mark.parametrize(
    ("driver", "by"),
    [(ALIVE, "ci@deploy-1"), (GONE, "nobody (ci@deploy-1 is gone)"), (SILENT, "ci@deploy-1 (silent)")],
)
def test_list_names_nobody_where_the_owner_is_gone(driver: Driver, by: str) -> None:
    assert list_text([entry(WORKING, driver)], 20, later(90)).endswith(f"  {by}")
    data: Any = list_data([entry(WORKING, driver)])
    assert data["rollouts"][0]["driver"] == (str(LATER) if driver is ALIVE else None)


def test_list_says_which_zone_each_start_has(local_zone: Any) -> None:
    winter = replace(entry(DONE).header, begun=later(60 * 60 * 24 * 30))
    summer = replace(entry(DONE).header, begun=later(-60 * 60 * 24 * 150))
    with local_zone("Europe/Berlin"):
        text = list_text([replace(entry(DONE), header=each) for each in (winter, summer)], 20, NOON)
    assert "STARTED  " in text
    assert "2026-12-22 13:00 CET" in text
    assert "2026-06-25 14:00 CEST" in text


def test_list_counts_older_rollouts_and_shows_unreadable_ones() -> None:
    lines = list_text([entry(DONE), entry(None), entry(None), entry(None)], 2, NOON).splitlines()
    assert lines[4].split() == ["r-7h2kabcd", "shop", "unreadable", "2026-11-22", "21:00", "kim"]
    assert lines[5:] == ["and 2 more: katakei list --limit 4"]


def test_list_shortens_a_service_that_is_an_arn() -> None:
    assert list_text([entry(DONE, service=a_group("LaravelTargetGroup").arn)], 20, NOON).splitlines()[3].split()[1] == (
        "LaravelTargetGroup"
    )


def test_list_fits_80_columns_with_usual_names() -> None:
    assert max(width(line) for line in list_text([entry(FAILED), entry(DONE)], 20, NOON).splitlines()) <= 80


def test_empty_list_says_so() -> None:
    assert list_text([], 20, NOON) == "no rollouts in this journal"


def test_list_data_adds_to_the_header() -> None:
    data: Any = list_data([entry(WORKING, ALIVE), entry(FAILED), entry(None)])
    shown = [(one["release"], one["result"], one["phase"]) for one in data["rollouts"]]
    assert shown == [("v9", None, "working"), ("v9", "failed", None), (None, None, None)]
    assert data["rollouts"][1]["finished"] == later(9).isoformat()


@pytest.mark.parametrize(
    ("story", "word"),
    [
        ([], "waiting"),
        (brought(PLAN, Phase.DRAINING), "draining"),
        ([*brought(PLAN, Phase.SOAKING), *brought(PLAN, Phase.DRAINING, 1)], "soaking"),
        ([e.PauseAsked(NOON, "kim")], "paused"),
        ([*brought(PLAN, Phase.WORKING), e.AbortAsked(NOON, "kim")], "aborting"),
        ([*brought(PLAN, Phase.DONE), e.RevertAsked(NOON, "kim")], "reverting"),
    ],
)
def test_phase_is_one_word(story: list[e.Event], word: str) -> None:
    assert phase(a_rollout(*story)) == word
