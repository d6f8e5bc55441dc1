"""When the same command carries an unfinished rollout on, and what it is told when it is another one."""

from dataclasses import replace

from tests.unit.given import a_plan

from katakei.app.rollouts import RolloutRequest, changes
from katakei.domain.spec import Check, HttpCheck


def test_the_same_words_carry_a_rollout_on() -> None:
    plan = a_plan()
    assert changes(plan, RolloutRequest(plan.spec, plan.release)) == ()


def test_another_release_or_configuration_is_told() -> None:
    plan = a_plan()
    other = replace(plan.spec, groups=("other",))
    told = changes(replace(plan, release="v2"), RolloutRequest(other, "v3"))
    assert told[0].startswith("groups ")
    assert told[1] == "release v2, now v3"
    assert changes(replace(plan, release="v2"), RolloutRequest(plan.spec)) == ("release v2, now none",)


def test_a_check_that_the_plan_dropped_because_nobody_could_ask_it_is_no_difference() -> None:
    plan = a_plan(check=Check(asked=False))
    assert changes(plan, RolloutRequest(replace(plan.spec, check=Check()), plan.release)) == ()
    asked = replace(plan.spec, check=Check(HttpCheck("/health")))
    assert changes(plan, RolloutRequest(asked, plan.release)) != ()


def test_a_group_may_be_called_by_its_name_or_its_arn() -> None:
    plan = a_plan()
    by_name = replace(plan, spec=replace(plan.spec, groups=(plan.groups[0].name,)))
    by_arn = replace(plan.spec, groups=(plan.groups[0].arn,))
    assert changes(by_name, RolloutRequest(by_arn, plan.release)) == ()
