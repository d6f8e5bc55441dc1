"""A switch under crashes, lost and late calls, rivals, refusals and commands ends with all routes moved or none.

The judge reads only the routes as they really are, and the calls that changed them.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

import pytest
from tests.properties.builders import group, seconds, target
from tests.properties.fake_router import FakeRouter, Routes, route
from tests.unit.app.fakes import ME, Stage

from katakei.app.control import Control
from katakei.app.preflight import RolloutRequest
from katakei.app.rollouts import Proposal, Rollouts
from katakei.app.switches import switch_request
from katakei.domain import events as e
from katakei.domain import traffic as t
from katakei.domain.errors import KatakeiError
from katakei.domain.leases import Owner
from katakei.domain.model import RolloutId
from katakei.domain.observation import HealthState
from katakei.domain.replay import Rollout, replay
from katakei.planning.switching import SwitchRequest
from katakei.runtime.session import RolloutSession

ROLLOUT = RolloutId("r-new")
STEPS = (10, 50, 100)
TURNS = 600


@dataclass
class SwitchStage(Stage):
    """Two groups of two targets each, three routes, and one process after the other that drives the switch."""

    seed: int = 1
    unanswered: float = 0
    blind: float = 0
    pid: int = 1
    rng: Random = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.rng = Random(self.seed)  # noqa: S311 - reproducible faults
        groups = [group("web", delay=5), group("green", delay=5)]
        machines = [target(number, [groups[number // 2]]) for number in range(4)]
        self.aws = type(self.aws)(self.seed, groups, machines, self.aws.adversary)
        routes = (route(1), route(2, new=0), route(3))
        self.routes = Routes(routes, self.aws.clock.now, self.rng, unanswered=self.unanswered, blind=self.blind)
        self.machines = machines
        self.start(ME)

    def start(self, owner: Owner) -> None:
        """Another process."""
        self.drivers = self.drivers_of(owner)
        self.drivers.only_router = FakeRouter(self.routes, self.drivers.clock)

    def dies(self, session: RolloutSession) -> None:
        """As by kill -9: nothing is given back, and what was under way may still take effect."""
        del session
        self.store.dead.add(self.drivers.owner)
        self.pid += 1
        self.start(Owner("kim", "here", self.pid, self.pid, "boot"))

    def falls(self, number: int) -> None:
        """A target becomes unhealthy."""
        place = self.machines[number].registrations[0]
        self.aws.fall(place, 10_000)

    @property
    def request(self) -> RolloutRequest:
        return switch_request("web", "green", SwitchRequest(STEPS), soak=seconds(20))

    @property
    def rollout(self) -> Rollout:
        return replay(self.store.events[ROLLOUT])

    @property
    def traffic(self) -> t.TrafficStatus:
        assert self.rollout.traffic
        return self.rollout.traffic

    def open(self) -> RolloutSession:
        opened = Rollouts(self.drivers).open(self.request)
        while isinstance(opened, Proposal):
            opened = Rollouts(self.drivers).start(opened)
        assert isinstance(opened, RolloutSession)
        return opened

    def drive(self, turns: int = TURNS) -> None:
        """Takes turns until nothing is left to do."""
        with self.open() as session:
            for _ in range(turns):
                turn = session.step()
                if turn.over:
                    return
                self.aws.clock.sleep(turn.due - self.drivers.clock.now())
        raise AssertionError("not over")

    def until(self, condition: str, session: RolloutSession) -> None:
        """Takes turns until an event of this kind and share is written."""
        for _ in range(TURNS):
            turn = session.step()
            if any(condition in repr(event) for event in turn.written):
                return
            self.aws.clock.sleep(turn.due - self.drivers.clock.now())
        raise AssertionError(condition)

    def shares(self) -> set[t.Weights]:
        return set(self.routes.weights.values())

    def check_as_before(self) -> None:
        for each in self.routes.plan:
            if each.arn not in self.routes.rivals:
                assert self.routes.weights[each.arn] == each.weights(None)


def run(stage: SwitchStage, *, crashes: float, commands: float, rivals: float) -> None:
    """One switch with faults of every kind until 600 turns are over; then without, to its end."""
    rng, session = stage.rng, stage.open()
    for number in range(TURNS):
        calm = number > TURNS // 2
        if calm:
            stage.routes.unanswered = stage.routes.blind = 0
        try:
            turn = session.step()
        except KatakeiError:
            stage.dies(session)
            session = stage.open()
            continue
        if turn.over:
            if turn.rollout.finished:
                session.close()
                return
            session.close()
            told = Control(stage.drivers).finish_switch if rng.random() < 0.5 else Control(stage.drivers).switch_back
            answer = told(ROLLOUT)
            assert isinstance(answer, RolloutSession)
            session = answer
            continue
        stage.aws.clock.sleep(turn.due - stage.drivers.clock.now())
        if not calm and rng.random() < crashes:
            stage.dies(session)
            session = stage.open()
        if not calm and rng.random() < commands:
            tell(stage, rng)
        if not calm and rng.random() < rivals:
            rival(stage, rng)
    raise AssertionError("no end")


def tell(stage: SwitchStage, rng: Random) -> None:
    now, by = stage.drivers.clock.now(), "kim"
    word = rng.choice((e.AbortAsked, e.PromoteAsked, e.PauseAsked, e.ResumeAsked, e.ResumeAsked, e.RevertAsked))
    stage.drivers.journal.tell(ROLLOUT, word(now, by))
    stage.drivers.journal.tell(ROLLOUT, e.ResumeAsked(now, by))


def rival(stage: SwitchStage, rng: Random) -> None:
    arn = rng.choice(stage.routes.plan).arn
    what = rng.choice(("frame", "gone", "weights", "falls", "refused"))
    if what == "falls":
        stage.falls(rng.choice((2, 3)))
    elif what == "refused" and not stage.traffic.back:
        stage.routes.refused[arn] = "TooManyTargetGroups"
    elif what == "weights":
        stage.routes.edit(arn, stage.routes.frames[arn], t.Weights(7, 3))
    elif what != "refused":
        stage.routes.edit(arn, None if what == "gone" else "somebody else's")


@pytest.mark.parametrize("seed", range(60))
def test_all_routes_move_or_none_whatever_happens(seed: int) -> None:
    stage = SwitchStage(seed=seed, unanswered=0.3 * (seed % 2), blind=0.1 * (seed % 3))
    run(stage, crashes=0.05 * (seed % 4 == 0), commands=0.03 * (seed % 5 < 2), rivals=0.03 * (seed % 3 == 1))
    status, rollout = stage.traffic, stage.rollout
    ours = [each for each in stage.routes.plan if each.arn not in stage.routes.rivals]
    stuck = {arn for arn in stage.routes.refused if stage.routes.weights[arn] != t.Weights(1, None)}
    assert rollout.finished
    for each in ours:
        if each.arn not in stuck:
            assert stage.routes.weights[each.arn] == each.weights(status.share), seed
    assert status.share in {None, 100}
    assert set(status.changed) <= stage.routes.rivals
    assert {share for _, _, share in stage.routes.writes} <= status.decided


def test_no_route_of_somebody_else_is_written() -> None:
    stage = SwitchStage()
    session = stage.open()
    stage.until("ShareObserved", session)
    edited = stage.routes.plan[1].arn
    stage.routes.edit(edited, "somebody else's")
    while not session.step().over:
        stage.aws.clock.sleep(seconds(1))
    stage.check_as_before()
    assert list(stage.traffic.changed) == [edited]
    assert [arn for at, arn, _ in stage.routes.writes if at > stage.rollout.begun and arn == edited] == [edited]
    assert stage.routes.weights[edited] == t.Weights(90, 10)


def test_a_refused_route_brings_all_back() -> None:
    stage = SwitchStage()
    stage.routes.denied.add(stage.routes.plan[2].arn)
    stage.drive()
    stage.check_as_before()
    assert stage.traffic.back
    assert "access denied" in str(dict(stage.traffic.back.data)["text"])


def test_a_crash_between_two_routes_is_continued() -> None:
    stage = SwitchStage(unanswered=1)
    session = stage.open()
    for _ in range(3):
        session.step()
    stage.dies(session)
    stage.routes.unanswered = 0
    stage.drive()
    assert stage.shares() == {t.Weights(0, 100)}
    assert stage.traffic.moved


def test_an_abort_restores_everything_and_the_end_is_proven() -> None:
    stage = SwitchStage()
    session = stage.open()
    stage.until("ShareObserved", session)
    Control(stage.drivers, drives_others=True).abort(ROLLOUT)
    while not session.step().over:
        stage.aws.clock.sleep(seconds(1))
    stage.check_as_before()
    observed = [event.at for event in stage.events() if isinstance(event, t.ShareObserved)]
    assert stage.events()[-1].at - observed[-1] >= seconds(5)


def test_the_new_group_becomes_too_small_and_the_requests_go_back() -> None:
    stage = SwitchStage()
    session = stage.open()
    stage.until("ShareObserved", session)
    stage.until("ShareDecided", session)
    stage.falls(2)
    while not session.step().over:
        stage.aws.clock.sleep(seconds(1))
    stage.check_as_before()
    assert stage.traffic.back
    assert stage.traffic.back.code == "new_group_too_small"


def test_way_back_after_all_requests_moved_and_its_end() -> None:
    stage = SwitchStage()
    stage.drive()
    assert stage.traffic.moved
    assert stage.traffic.zero.keys() == {stage.rollout.plan.groups[0].arn}
    answer = Control(stage.drivers).switch_back(ROLLOUT)
    assert isinstance(answer, RolloutSession)
    with answer as session:
        session.step()
        assert all(weights.new != 100 for weights in stage.routes.weights.values())
        while not session.step().over:
            stage.aws.clock.sleep(seconds(1))
    stage.check_as_before()
    assert stage.rollout.finished


def test_finish_ends_it_and_keeps_the_weights() -> None:
    stage = SwitchStage()
    stage.drive()
    answer = Control(stage.drivers).finish_switch(ROLLOUT)
    assert isinstance(answer, RolloutSession)
    with answer as session:
        while not session.step().over:
            stage.aws.clock.sleep(timedelta(seconds=1))
    assert stage.rollout.finished
    assert stage.shares() == {t.Weights(0, 100)}


def test_healthy_targets_only() -> None:
    stage = SwitchStage()
    assert {stage.aws.now(place).state for each in stage.machines for place in each.registrations} == {
        HealthState.HEALTHY
    }
