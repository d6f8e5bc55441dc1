"""The calls of a switch: what follows from each answer, and which calls are never sent."""

from dataclasses import replace
from random import Random

import pytest
from tests.properties.builders import seconds
from tests.properties.fake_router import FakeRouter, Routes, route
from tests.unit.app.fakes import Stage
from tests.unit.switched import SWITCH

from katakei.domain import events as e
from katakei.domain import traffic as t
from katakei.domain.actions import SetWeights
from katakei.runtime.weights import WeightSetter

FIRST, SECOND = route(1), route(2)


class Scene:
    """One setter over two routes."""

    def __init__(self) -> None:
        self.stage = Stage()
        self.clock = self.stage.clock
        self.routes = Routes((FIRST, SECOND), self.clock.now, Random(1))  # noqa: S311 - reproducible
        self.router = FakeRouter(self.routes, self.clock)
        switch = replace(SWITCH, routes=(FIRST, SECOND))
        self.setter = WeightSetter(self.router, switch, self.clock, self.stage.drivers.pool)

    def set(self, which: t.Route = FIRST, age: float | None = 0, until: float = 10) -> list[e.Event]:
        """The facts of one call to bring a route to 25 %, decided by an observation of this age."""
        observed = None if age is None else self.clock.now() - seconds(age)
        self.setter.begin()
        self.setter.submit([SetWeights(which, 25, frozenset({None, 25}), observed)], self.clock.now() + seconds(until))
        assert self.setter.settled(seconds(1))
        return self.setter.facts()


def test_a_call_is_recorded_and_not_repeated_in_the_same_turn() -> None:
    scene = Scene()
    assert scene.set() == [t.WeightsSet(scene.clock.now(), FIRST.arn, 25)]
    scene.setter.begin()
    action = SetWeights(SECOND, 25, frozenset({None}), None)
    scene.setter.submit([action, action], scene.clock.now() + seconds(10))
    assert len(scene.setter.facts()) == 1
    scene.setter.submit([action], scene.clock.now() + seconds(10))
    assert scene.setter.facts() == []


@pytest.mark.parametrize(("age", "until"), [(11, 10), (0, -1), (None, -1)], ids=["old", "no lease", "back, no lease"])
def test_a_late_call_is_never_sent(age: float | None, until: float) -> None:
    scene = Scene()
    assert scene.set(age=age, until=until) == []
    assert scene.routes.writes == []


def test_the_way_back_is_sent_however_old_its_observation_is() -> None:
    scene = Scene()
    assert len(scene.set(age=None)) == 1


def test_each_kind_of_failure_is_a_fact() -> None:
    scene = Scene()
    scene.routes.refused[FIRST.arn] = "TooManyTargetGroups"
    scene.routes.denied.add(SECOND.arn)
    now = scene.clock.now()
    assert scene.set() == [t.WeightsRejected(now, FIRST.arn, "TooManyTargetGroups")]
    assert scene.set(SECOND) == [t.WeightsRejected(now, SECOND.arn, "access denied: ModifyListener")]
    scene.routes.edit(FIRST.arn)
    [changed] = scene.set()
    assert isinstance(changed, t.RouteChanged)
    scene.routes.denied.clear()
    scene.routes.unanswered = 1
    assert scene.set(SECOND) == [t.WeightsUnanswered(now, SECOND.arn)]
    assert scene.setter.troubles == []


def test_an_outage_is_a_trouble_of_the_turn() -> None:
    scene = Scene()
    scene.routes.down = "no connection"
    assert scene.set() == [t.WeightsUnanswered(scene.clock.now(), FIRST.arn)]
    assert [str(trouble) for trouble in scene.setter.troubles] == ["no connection"]
    scene.setter.begin()
    assert scene.setter.troubles == []
