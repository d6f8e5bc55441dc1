"""Tests of the ports: every method states its promise."""

import inspect
import random
from datetime import timedelta
from typing import Protocol

import pytest
from tests.unit.given import NOON, a_group, taken

from katakei.domain import ports
from katakei.domain.leases import Lease
from katakei.domain.model import RolloutId
from katakei.domain.ports import RolloutHeader, access, newest_first
from katakei.domain.ports.notifier import Notifier
from katakei.domain.ports.server import ServerCommands

PORTS = [
    value
    for value in vars(ports).values()
    if inspect.isclass(value) and Protocol in value.__mro__ and value.__module__.startswith(ports.__name__)
]


def test_every_port_method_has_a_docstring() -> None:
    methods = [method for port in PORTS for name, method in vars(port).items() if not name.startswith("_")]
    assert len(PORTS) == 15
    assert all(inspect.getdoc(method) for method in methods)


def test_every_method_of_the_access_ports_has_a_docstring() -> None:
    found = [value for value in vars(access).values() if inspect.isclass(value) and Protocol in value.__mro__[:-1]]
    ports_of_access = [port for port in found if port.__module__ == access.__name__]
    methods = [method for port in ports_of_access for name, method in vars(port).items() if not name.startswith("_")]
    assert {port.__name__ for port in ports_of_access} == {"AccessStore", "SecretHasher", "CiVerifier", "LoginProvider"}
    assert all(inspect.getdoc(method) for method in methods)


@pytest.mark.parametrize("port", [Notifier, ServerCommands])
def test_every_method_of_a_port_beside_the_rollout_has_a_docstring(port: type) -> None:
    assert all(inspect.getdoc(method) for name, method in vars(port).items() if not name.startswith("_"))


def test_leases_of_two_epochs_differ() -> None:
    groups, owner = frozenset({a_group().arn}), taken(0).owner
    assert Lease(groups, owner, 1) != Lease(groups, owner, 2)


def begun(name: str, minute: int = 0, *, finished: bool = True) -> RolloutHeader:
    return RolloutHeader(
        RolloutId(name), "shop", (), NOON + timedelta(minutes=minute), NOON if finished else None, "kim"
    )


@pytest.mark.parametrize("seed", range(50))
def test_merged_rollouts_keep_the_order_of_every_list(seed: int) -> None:
    """The true order is 0, 1, 2, ...; every machine has a clock of its own, and each group saw some of them."""
    rng = random.Random(seed)  # noqa: S311 - dice, not secrets
    every = [begun(f"r-{number}", number + rng.choice([-5, 0, 5])) for number in range(12)]
    listings = [[each for each in reversed(every) if rng.random() < 0.5] for _ in range(3)]
    merged = newest_first(listings)
    assert sorted(merged, key=every.index) == [each for each in every if any(each in some for some in listings)]
    for listing in listings:
        assert [each for each in merged if each in listing] == listing


def test_merged_rollouts_of_different_groups_go_by_clocks() -> None:
    old, middle, new = begun("r-old", 0), begun("r-middle", 5), begun("r-new", 9)
    assert newest_first([[new, old], [middle]]) == [new, middle, old]
    assert newest_first([]) == []


def test_merged_rollout_is_unfinished_if_one_list_says_so() -> None:
    opened = begun("r-one", finished=False)
    assert newest_first([[begun("r-one")], [opened]]) == [opened]
    assert newest_first([[opened], [begun("r-one")]]) == [opened]


def test_merged_lists_that_contradict_each_other_end() -> None:
    one, two, three = begun("r-1", 1), begun("r-2", 2), begun("r-3", 3)
    assert newest_first([[one, two, three], [three, two, one]]) == [three, two, one]
