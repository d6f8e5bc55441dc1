"""Fix-forward: a rollout takes first what an earlier one left out of service, by the journal, and names the others."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.properties.adversary import Adversary
from tests.properties.builders import group, seconds, target
from tests.properties.scenarios import CALM
from tests.properties.simulated_aws import By, SimulatedAws
from tests.unit.app.fakes import ME, SPEC, Stage, proposed, started

from katakei.app.manual_steps import manual_step
from katakei.app.rollouts import RolloutRequest, Rollouts
from katakei.domain import events as e
from katakei.domain.errors import ExitCode, KatakeiError, RefusedError, UnreachableError
from katakei.domain.model import RolloutId, Target, TargetId
from katakei.domain.observation import HealthState
from katakei.domain.phases import Phase
from katakei.domain.plan import Floor, HeldTarget, Plan, PlanKind, restorable, restorable_held
from katakei.domain.replay import Rollout, replay
from katakei.domain.spec import Selection, Share, Spec
from katakei.planning.survey import AcceptedRisks
from katakei.reconcile.outcome import verdict
from katakei.render.errors import error_text
from katakei.render.plan import notices

V9, V10 = RolloutRequest(SPEC, "v9"), RolloutRequest(SPEC, "v10")
BROKEN = Adversary(bad_work=1.0)
ALONE = AcceptedRisks(only_these_groups=True)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def rolled(stage: Stage, request: RolloutRequest, name: str, adversary: Adversary = CALM) -> Rollout:
    """The whole rollout, under this adversary."""
    stage.aws.adversary = adversary
    with started(stage, request, name) as session:
        rollout = list(session.turns())[-1].rollout
    stage.aws.adversary = CALM
    return rollout


def planned(stage: Stage, request: RolloutRequest = V10) -> Plan:
    return Rollouts(stage.drivers).plan(request)


def refused(stage: Stage, request: RolloutRequest, kind: type[KatakeiError] = RefusedError) -> str:
    with pytest.raises(kind) as caught:
        planned(stage, request)
    return error_text(caught.value)


def only(*names: str, spec: Spec = SPEC) -> RolloutRequest:
    return RolloutRequest(replace(spec, targets=Selection(only=names)), "v10")


def taken_in(rollout: Rollout, stage: Stage) -> list[str]:
    """The targets in the order in which they were taken."""
    moves = [event for event in stage.events(rollout.plan.rollout) if isinstance(event, e.PhaseChanged)]
    return [rollout.targets[move.target].name for move in moves if move.to is Phase.DRAINING]


def test_roll_takes_first_what_a_failed_rollout_left_out(stage: Stage) -> None:
    failed = rolled(stage, V9, "r-v9", BROKEN)
    assert verdict(failed) is ExitCode.LEFT_OUT
    plan = planned(stage)
    assert [target.name for target in plan.targets] == ["web0", "web1"]
    assert plan.held == (HeldTarget(plan.targets[0].id, RolloutId("r-v9")),)
    assert list(plan.floors.values()) == [Floor(1, 2)]
    assert notices(plan) == ("i-00000000000000000 (web0) is out since r-v9 (failed v9): taken first",)
    fixed = rolled(stage, V10, "r-v10")
    assert (taken_in(fixed, stage), verdict(fixed)) == (["web0", "web1"], ExitCode.DONE)
    assert planned(stage).held == ()
    assert planned(stage).notices == ()


def test_restore_lines_list_what_was_out_apart(stage: Stage) -> None:
    rolled(stage, V9, "r-v9", BROKEN)
    plan = planned(stage)
    assert [place.id for place in restorable(plan)] == [plan.targets[1].id]
    assert [place.id for place in restorable_held(plan)] == [plan.targets[0].id]
    proposal = proposed(stage, V10, "r-v10")
    assert proposal.restore_lines == (f"register {plan.targets[1].id}:80",)
    assert proposal.restore_held == (f"register {plan.targets[0].id}:80",)
    proposal.discard()


def test_single_target_left_out_of_an_empty_group_is_taken() -> None:
    stage = Stage(1)
    outage = replace(SPEC, window=replace(SPEC.window, floor=Share(count=0)))
    rolled(stage, RolloutRequest(outage, "v9"), "r-v9", BROKEN)
    stage.clock.sleep(seconds(60))
    assert verdict(rolled(stage, RolloutRequest(outage, "v10"), "r-v10")) is ExitCode.DONE


def test_second_failure_leaves_it_out_and_touches_nothing_else(stage: Stage) -> None:
    rolled(stage, V9, "r-v9", BROKEN)
    again = rolled(stage, V10, "r-v10", BROKEN)
    assert (taken_in(again, stage), verdict(again)) == (["web0"], ExitCode.LEFT_OUT)
    assert again.statuses[TargetId("i-00000000000000001")].phase is Phase.SKIPPED
    assert planned(stage, RolloutRequest(SPEC, "v11")).held[0].rollout == "r-v10"


def test_abort_before_it_is_taken_leaves_it_out_as_found(stage: Stage) -> None:
    rolled(stage, V9, "r-v9", BROKEN)
    session = started(stage, V10, "r-v10")
    stage.drivers.journal.tell(RolloutId("r-v10"), e.AbortAsked(stage.clock.now(), "kim"))
    calls = list(stage.changes)
    with session:
        rollout = list(session.turns())[-1].rollout
    assert (stage.changes, verdict(rollout)) == (calls, ExitCode.LEFT_OUT)
    assert planned(stage).held[0].rollout == "r-v9"


def test_retry_of_another_target_does_not_take_it(stage: Stage) -> None:
    rolled(stage, V9, "r-v9", BROKEN)
    plan = planned(stage)
    at = stage.clock.now()
    ended: list[e.Event] = [e.Planned(at, plan), e.AbortAsked(at, "kim"), e.Finished(at)]
    assert replay(ended[:2]).held_waiting == [plan.targets[0].id]
    assert replay([*ended, e.RetryAsked(at, "kim", (plan.targets[1].id,))]).held_waiting == []


# -- what is not taken


def test_only_that_leaves_it_out_is_refused_when_the_floor_needs_it(stage: Stage) -> None:
    rolled(stage, V9, "r-v9", BROKEN)
    said = refused(stage, only("web1"))
    assert "no target could ever be taken out while i-00000000000000000 (web0) stays out" in said
    assert "is out since r-v9 (failed v9) and stays out: not selected" in said
    assert [target.name for target in planned(stage, only("web0")).targets] == ["web0"]


def test_only_that_leaves_it_out_goes_where_the_floor_permits() -> None:
    stage = Stage(4)
    rolled(stage, V9, "r-v9", BROKEN)
    plan = planned(stage, only("web1"))
    assert ([target.name for target in plan.targets], plan.held) == (["web1"], ())
    assert list(plan.floors.values()) == [Floor(2, 4)]
    assert notices(plan) == ("i-00000000000000000 (web0) is out since r-v9 (failed v9) and stays out: not selected",)


def test_target_deregistered_by_hand_is_named_and_not_taken() -> None:
    stage = Stage(3)
    rolled(stage, manual_step(PlanKind.DEREGISTER, "web", ("web0",)), "r-hand")
    stage.clock.sleep(seconds(60))
    plan = planned(stage)
    assert ([target.name for target in plan.targets], plan.held) == (["web2", "web1"], ())
    assert list(plan.floors.values()) == [Floor(1, 2)]
    assert "i-00000000000000000 (web0) is out since r-hand (deregistered by hand) and stays out" in notices(plan)[0]
    assert "deregistered by hand" in refused(stage, only("web0"))


def test_target_whose_work_may_still_run_is_named_and_not_taken() -> None:
    stage = Stage(4)
    limits = replace(SPEC.limits, working=seconds(10))
    unseen = Adversary(hangs=1.0, mute=1.0)
    rolled(stage, RolloutRequest(replace(SPEC, limits=limits), "v9"), "r-v9", unseen)
    plan = planned(stage)
    assert ([target.name for target in plan.targets], plan.held) == (["web2", "web1", "web3"], ())
    (said,) = notices(plan)
    assert "is out since r-v9 (failed v9) and stays out: its work may still run there" in said
    assert "run: katakei retry r-v9" in said
    assert list(plan.floors.values()) == [Floor(2, 4)]


def test_target_registered_by_somebody_else_is_an_ordinary_one(stage: Stage) -> None:
    rolled(stage, V9, "r-v9", BROKEN)
    stage.clock.sleep(seconds(60))
    stage.aws.put_in(next(iter(stage.aws.targets.values())).registrations, By.STRANGER)
    stage.clock.sleep(seconds(60))
    stage.aws.pass_time()
    assert planned(stage).held == ()
    assert [target.name for target in planned(stage).targets] == ["web0", "web1"]


def test_deregister_keeps_a_target_out_that_a_rollout_left_out(stage: Stage) -> None:
    rolled(stage, V9, "r-v9", BROKEN)
    calls = list(stage.changes)
    kept = rolled(stage, manual_step(PlanKind.DEREGISTER, "web", ("web0",)), "r-hand")
    assert (verdict(kept), stage.changes) == (ExitCode.DONE, calls)
    assert notices(kept.plan) == ("i-00000000000000000 (web0) is out already, since r-v9 (failed v9); it is kept out",)
    stage.clock.sleep(seconds(60))
    assert "deregistered by hand" in refused(stage, only("web0"))


def test_target_that_cannot_be_worked_on_names_the_way_out(stage: Stage) -> None:
    rolled(stage, V9, "r-v9", BROKEN)

    def unready(_self: object, targets: Sequence[Target], _by: timedelta) -> Mapping[TargetId, str]:
        return {target.id: "its agent is offline" for target in targets if target.name == "web0"}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(stage.drivers.only_executor), "ready", unready)
        said = refused(stage, V10, UnreachableError)
    assert "its agent is offline. To roll without it, run: katakei deregister web i-00000000000000000" in said


# -- groups


def in_two_groups() -> Stage:
    """Two targets, each registered in the groups web and api."""
    stage = Stage()
    groups = [group("web", delay=5), group("api", delay=5)]
    stage.aws = SimulatedAws(1, groups, [target(number, groups) for number in range(2)], CALM)
    stage.drivers = stage.drivers_of(ME)
    return stage


def test_rollout_of_fewer_groups_refuses_a_target_of_more() -> None:
    stage, both = in_two_groups(), replace(SPEC, groups=("web", "api"))
    rolled(stage, RolloutRequest(both, "v9"), "r-v9", BROKEN)
    said = refused(stage, replace(V10, accepted=ALONE))
    assert "is out since r-v9, which took it out of arn:" in said
    assert "targetgroup/api/" in said
    assert verdict(rolled(stage, RolloutRequest(both, "v10"), "r-v10")) is ExitCode.DONE


def test_rollout_of_other_groups_leaves_a_target_alone() -> None:
    stage = in_two_groups()
    rolled(stage, replace(V9, accepted=ALONE), "r-v9", BROKEN)
    both = replace(SPEC, groups=("web", "api"))
    said = refused(stage, RolloutRequest(both, "v10"))
    assert "the floor of web is 1 of 1" in said
    assert "is out since r-v9 (failed v9) and stays out: that rollout was of other target groups" in said
    free = replace(both, window=replace(SPEC.window, floor=Share(count=0)))
    plan = planned(stage, RolloutRequest(free, "v10"))
    assert plan.held == ()
    assert "that rollout was of other target groups" in " ".join(notices(plan))


def test_held_target_in_service_at_another_port_is_taken_as_a_whole() -> None:
    stage = in_two_groups()
    both = replace(SPEC, groups=("web", "api"))
    rolled(stage, RolloutRequest(both, "v9"), "r-v9", BROKEN)
    stage.clock.sleep(seconds(60))
    first = next(iter(stage.aws.targets.values()))
    stage.aws.put_in(first.registrations[:1], By.STRANGER)
    stage.clock.sleep(seconds(60))
    stage.aws.pass_time()
    plan = planned(stage, RolloutRequest(both, "v10"))
    assert [held.target for held in plan.held] == [first.id]
    assert set(plan.targets[0].registrations) == set(first.registrations)
    assert verdict(rolled(stage, RolloutRequest(both, "v10"), "r-v10")) is ExitCode.DONE
    assert {stage.aws.now(place).state for place in first.registrations} == {HealthState.HEALTHY}
