"""Tests of platforms: Windows targets are refused at plan time where a program runs on the target."""

from dataclasses import replace
from typing import Any, cast

import pytest
from tests.unit.given import a_plan
from tests.unit.surveyed import a_survey, planned, refused

from katakei.adapters.balancers.alb.instances import read_instance
from katakei.domain.spec import Command, Drain, DrainUntil, Selection
from katakei.planning.reasons import PlanCode, reason
from katakei.planning.survey import Survey

SSM, LOCAL, MANUAL = Command("ssm", "true"), Command("local", "true"), Command("manual")
PROBED = Drain(until=DrainUntil.PROOF, probe="ssm")
FIRST, SECOND = (target.id for target in a_plan().targets)
REFUSED = (reason(PlanCode.WINDOWS_NOT_SUPPORTED, targets=(FIRST,)),)


def _survey() -> Survey:
    """Two targets, the first one on Windows; its agent is not ready either."""
    survey = a_survey(unready={FIRST: "it runs Windows; the mark needs a POSIX shell"})
    members = {
        group: tuple(replace(member, windows=member.machine == FIRST) for member in some)
        for group, some in survey.members.items()
    }
    return replace(survey, members=members)


@pytest.mark.parametrize(
    ("work", "more"),
    [(SSM, {}), (MANUAL, {"drain": PROBED}), (LOCAL, {"revert": SSM}), (SSM, {"revert": LOCAL})],
)
def test_windows_is_refused_where_a_program_runs_on_it(work: Command, more: dict[str, Any]) -> None:
    assert refused(_survey(), work=work, **more) == REFUSED


@pytest.mark.parametrize("work", [LOCAL, MANUAL])
def test_windows_is_no_matter_for_work_elsewhere(work: Command) -> None:
    survey = replace(_survey(), unready={})
    assert {target.id for target in planned(survey, work=work).targets} == {FIRST, SECOND}


def test_windows_target_that_takes_no_part_is_no_matter() -> None:
    plan = planned(_survey(), work=SSM, targets=Selection(only=(SECOND,)))
    assert [target.id for target in plan.targets] == [SECOND]


@pytest.mark.parametrize(
    ("platform", "windows"), [({"Platform": "windows"}, True), ({"Platform": "Windows"}, True), ({}, False)]
)
def test_platform_is_read_from_ec2(platform: dict[str, str], *, windows: bool) -> None:
    assert read_instance(cast("Any", {"InstanceId": "i-1", **platform})).windows is windows
