"""Tests of target groups as text: what `groups` and `status` print."""

from dataclasses import replace

from tests.unit.given import a_plan, brought, given
from tests.unit.surveyed import DOWN, HEALTHY, WEB, a_survey

from katakei.domain.phases import Phase
from katakei.domain.plan import Floor
from katakei.domain.ports import ListedGroup
from katakei.domain.replay import Rollout
from katakei.render.groups import groups_text, status_text

MEMBERS = a_survey([HEALTHY, DOWN]).members[WEB.arn]
LISTED = ListedGroup(WEB.arn, WEB.name, WEB.port, WEB.protocol, WEB.target_type, MEMBERS)


def holding() -> Rollout:
    """A rollout that has taken the first target out of the group."""
    target = replace(a_plan(1).targets[0], registrations=(MEMBERS[0].registration,))
    plan = replace(a_plan(1), groups=(WEB,), targets=(target,), floors={WEB.arn: Floor(0, 1)})
    return given(plan, brought(plan, Phase.OUT))


def test_groups_text_counts_serving_registrations() -> None:
    assert groups_text([LISTED]).splitlines() == [
        "GROUP  SERVING  PROTOCOL  PORT  TYPE      ARN",
        f"web    1/2      HTTP      80    instance  {WEB.arn}",
    ]


def test_status_text_shows_every_member() -> None:
    lines = status_text(LISTED, ()).splitlines()
    assert lines[0] == f"web: 1 of 2 serving ({WEB.arn})"
    assert [line.split() for line in lines[2:]] == [
        ["i-00000000000000000", "80", "a", "web0", "healthy"],
        ["i-00000000000000001", "80", "c", "web1", "unhealthy"],
    ]


def test_status_text_names_the_rollout_that_holds_a_target_out() -> None:
    gone = replace(LISTED, members=MEMBERS[1:])
    last = status_text(gone, [(MEMBERS[0].registration, holding())]).splitlines()[-1]
    assert last.split() == [
        "i-00000000000000000",
        "80",
        "a",
        "web0",
        "absent",
        "Target.NotRegistered",
        "2026-11-22T12:00:00Z",
        "r-test",
    ]


def test_status_text_of_an_empty_group() -> None:
    assert status_text(replace(LISTED, members=()), ()).splitlines()[1:] == ["no targets are registered"]
