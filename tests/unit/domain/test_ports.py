"""Tests of the ports: every method states its promise."""

import inspect
from typing import Protocol

from tests.unit.given import a_group, taken

from katakei.domain import ports
from katakei.domain.leases import Lease

PORTS = [
    value
    for value in vars(ports).values()
    if inspect.isclass(value) and Protocol in value.__mro__ and value.__module__.startswith(ports.__name__)
]


def test_every_port_method_has_a_docstring() -> None:
    methods = [method for port in PORTS for name, method in vars(port).items() if not name.startswith("_")]
    assert len(PORTS) == 10
    assert all(inspect.getdoc(method) for method in methods)


def test_leases_of_two_epochs_differ() -> None:
    groups, owner = frozenset({a_group().arn}), taken(0).owner
    assert Lease(groups, owner, 1) != Lease(groups, owner, 2)
