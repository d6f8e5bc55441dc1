"""Manual steps: what other groups do meanwhile, targets that are out already, and the warning about a failed deploy."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.properties.adversary import Adversary
from tests.properties.builders import group, seconds, target
from tests.properties.scenarios import CALM
from tests.properties.simulated_aws import By, SimulatedAws
from tests.unit.app.fakes import ME, OTHER, SPEC, Stage

from katakei.app.manual_steps import manual_step
from katakei.app.rollouts import NothingToDo, Proposal, RolloutRequest, Rollouts
from katakei.domain.errors import ExitCode, RefusedError, UsageError
from katakei.domain.model import RolloutId
from katakei.domain.observation import HealthState
from katakei.domain.plan import PlanKind
from katakei.domain.replay import Rollout
from katakei.domain.spec import Selection
from katakei.planning.survey import AcceptedRisks
from katakei.reconcile.outcome import verdict
from katakei.render.errors import error_text
from katakei.render.plan import notices
from katakei.runtime.session import RolloutSession

OUT, BACK = PlanKind.DEREGISTER, PlanKind.REGISTER
ALONE = AcceptedRisks(only_these_groups=True)


def with_groups(*names: str, targets: int = 2) -> Stage:
    """Targets that are registered in all of these groups."""
    stage = Stage(targets)
    groups = [group(name, delay=5) for name in names]
    stage.aws = SimulatedAws(1, groups, [target(number, groups) for number in range(targets)], CALM)
    stage.drivers = stage.drivers_of(ME)
    return stage


@pytest.fixture
def stage() -> Stage:
    return Stage()


def opened(stage: Stage, request: RolloutRequest, name: str = "r-new") -> Proposal | RolloutSession | NothingToDo:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage.drivers, "name", lambda: RolloutId(name))
        return Rollouts(stage.drivers).open(request)


def done(stage: Stage, request: RolloutRequest, name: str = "r-new", adversary: Adversary = CALM) -> Rollout:
    proposal = opened(stage, request, name)
    assert isinstance(proposal, Proposal)
    stage.aws.adversary = adversary
    session = Rollouts(stage.drivers).start(proposal)
    assert isinstance(session, RolloutSession)
    with session:
        rollout = list(session.turns())[-1].rollout
    stage.aws.adversary = CALM
    return rollout


def refused(stage: Stage, request: RolloutRequest) -> str:
    with pytest.raises(RefusedError) as caught:
        opened(stage, request)
    return error_text(caught.value)


# -- other groups


def test_deregister_is_refused_while_another_group_sends_requests() -> None:
    stage = with_groups("web", "api")
    said = refused(stage, manual_step(OUT, "web", ("web0",)))
    assert "other groups still send requests to it: i-00000000000000000:80 in api" in said
    assert "--all-groups" in said
    assert (stage.changes, stage.store.holders) == ([], {})


def test_deregister_from_all_groups_takes_the_machine_out_everywhere() -> None:
    stage = with_groups("web", "api", targets=2)
    rollout = done(stage, manual_step(OUT, "web", ("web0",), all_groups=True))
    assert verdict(rollout) is ExitCode.DONE
    assert [group.name for group in rollout.plan.groups] == ["web", "api"]
    assert all(stage.aws.now(place).state is not HealthState.HEALTHY for place in rollout.plan.targets[0].registrations)
    assert len(rollout.plan.targets[0].registrations) == 2


def test_deregister_from_all_groups_keeps_every_floor() -> None:
    stage = with_groups("web", "api")
    first, second = stage.aws.targets.values()
    del first
    stage.aws.take_out(second.registrations[1:], By.STRANGER)
    assert "only 0 registrations of api would serve" in refused(
        stage, manual_step(OUT, "web", ("web0",), all_groups=True)
    )


def test_deregister_from_one_group_says_that_requests_go_on() -> None:
    stage = with_groups("web", "api")
    rollout = done(stage, manual_step(OUT, "web", ("web0",), ALONE))
    assert verdict(rollout) is ExitCode.DONE
    assert notices(rollout.plan) == ("requests go on through other groups: i-00000000000000000:80 in api",)


def test_group_that_sends_nothing_stands_in_no_way() -> None:
    stage = with_groups("web", "old", "draining")
    old, draining = list(stage.aws.group_of)[1:]
    stage.aws.group_of[old] = replace(stage.aws.group_of[old], load_balancers=())
    first = next(iter(stage.aws.targets.values()))
    stage.aws.take_out([place for place in first.registrations if place.group == draining], By.STRANGER)
    assert isinstance(opened(stage, manual_step(OUT, "web", ("web0",))), Proposal)


def test_all_groups_with_a_port_is_refused() -> None:
    with pytest.raises(UsageError, match="give the target without a port"):
        manual_step(OUT, "web", ("web0:80",), all_groups=True)


def test_only_looks_at_the_other_groups_of_its_own_targets() -> None:
    stage = with_groups("web", "api")
    api = list(stage.aws.group_of)[1]
    for place in [place for place in stage.aws.past if place.group == api and place.id.endswith("1")]:
        del stage.aws.past[place], stage.aws.owner_of[place]
    everything = RolloutRequest(SPEC, "v2")
    assert "registered in other groups too" in refused(stage, everything)
    only = replace(SPEC, targets=Selection(only=("web1",)))
    assert [t.name for t in Rollouts(stage.drivers).plan(RolloutRequest(only, "v2")).targets] == ["web1"]
    other = replace(SPEC, targets=Selection(only=("web0",)))
    assert "registered in other groups too" in refused(stage, RolloutRequest(other, "v2"))


# -- out already


def out_already(stage: Stage, *targets: str) -> Sequence[str]:
    answer = opened(stage, manual_step(OUT, "web", targets), "r-2")
    assert isinstance(answer, NothingToDo)
    assert stage.events("r-2") == []
    stage.store.take(stage.groups, OTHER, RolloutId("r-rival"), frozenset(), stage.aws.clock.time)
    return notices(answer.plan)


@pytest.mark.parametrize("pause", [0, 60])
def test_deregistering_twice_is_no_error(stage: Stage, pause: int) -> None:
    done(stage, manual_step(OUT, "web", ("web0",)), "r-1")
    stage.clock.sleep(seconds(pause))
    assert out_already(stage, "web0") == ("i-00000000000000000 (web0) is out already, since r-1",)


def test_target_that_somebody_else_took_out_is_out_already(stage: Stage) -> None:
    done(stage, manual_step(OUT, "web", ("web0",)), "r-1")
    stage.clock.sleep(seconds(60))
    done(stage, manual_step(BACK, "web", ("web0",)), "r-back")
    stage.aws.take_out(next(iter(stage.aws.targets.values())).registrations, By.STRANGER)
    assert out_already(stage, "web0") == ("i-00000000000000000 (web0) is out already",)
    stage.store.holders.clear()
    stage.clock.sleep(seconds(60))
    stage.aws.pass_time()
    assert out_already(stage, "i-00000000000000000") == ("i-00000000000000000 (web0) is out already",)


def test_other_targets_of_the_same_command_are_taken_out() -> None:
    stage = Stage(4)
    done(stage, manual_step(OUT, "web", ("web0",)), "r-1")
    stage.clock.sleep(seconds(60))
    request = manual_step(OUT, "web", ("web0", "web1"))
    rollout = done(stage, request, "r-2")
    assert [t.name for t in rollout.plan.targets] == ["web1"]
    assert rollout.plan.spec.targets == request.spec.targets
    assert notices(rollout.plan) == ("i-00000000000000000 (web0) is out already, since r-1",)


def test_unknown_target_is_still_an_error(stage: Stage) -> None:
    with pytest.raises(UsageError, match="web7"):
        opened(stage, manual_step(OUT, "web", ("web7",)))


# -- back after a failed deploy


def test_register_warns_about_a_failed_deploy(stage: Stage) -> None:
    done(stage, RolloutRequest(SPEC, "v9"), "r-v9", Adversary(bad_work=1.0))
    back = done(stage, manual_step(BACK, "web", ("web0",)), "r-back")
    said = "the last deploy of i-00000000000000000 (web0) is not known to be good: r-v9 (failed v9)."
    assert notices(back.plan)[0] == f"{said} Check it before it serves"
    assert verdict(back) is ExitCode.DONE


def test_register_after_a_good_deploy_does_not_warn(stage: Stage) -> None:
    done(stage, RolloutRequest(SPEC, "v9"), "r-v9")
    done(stage, manual_step(OUT, "web", ("web0",)), "r-1")
    back = done(stage, manual_step(BACK, "web", ("web0",)), "r-back")
    assert not any("last deploy" in notice for notice in notices(back.plan))
