"""What the world is asked for is on one page, and every port is only a promise."""

import inspect
from typing import Protocol

from tests.unit.given import a_group, taken

from katakei.domain import ports
from katakei.domain.leases import Lease

PORTS = [
    value
    for value in vars(ports).values()
    if inspect.isclass(value) and Protocol in value.__mro__ and value.__module__ == ports.__name__
]


def test_every_question_and_every_act_has_its_promise_written_down() -> None:
    methods = [method for port in PORTS for name, method in vars(port).items() if not name.startswith("_")]
    assert len(PORTS) >= 6
    assert all(inspect.getdoc(method) for method in methods)


def test_the_leases_of_two_takings_differ() -> None:
    groups, owner = frozenset({a_group().arn}), taken(0).owner
    assert Lease(groups, owner, 1) != Lease(groups, owner, 2)
