"""What the journal tells about targets held out: registration by registration, until each is back."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.given import NOON, a_group, a_plan, a_target, brought, t
from tests.unit.surveyed import WEB

from katakei.app.queries import Queries, driver_of, held_out, recorded
from katakei.domain import events as e
from katakei.domain.errors import KatakeiError, UnreachableError, UsageError
from katakei.domain.freezes import Freeze
from katakei.domain.leases import Owner
from katakei.domain.model import Arn, Registration, RolloutId, Target
from katakei.domain.observation import HealthState, RegistrationHealth
from katakei.domain.overview import Driver
from katakei.domain.phases import Cause, Phase
from katakei.domain.plan import Floor, PlanKind
from katakei.domain.ports import GroupMember, LeaseStatus, ListedGroup, Liveness, RolloutHeader
from katakei.domain.replay import replay
from katakei.planning.target_refs import resolve_target
from katakei.render.groups import status_data
from katakei.runtime.drivers import Site


@dataclass
class Shelf:
    """A journal of rollouts, the oldest first."""

    rollouts: Sequence[list[e.Event]]

    def find(self, **_asked: object) -> list[RolloutHeader]:
        plans = [replay(events).plan for events in self.rollouts]
        return [RolloutHeader(plan.rollout, "web", (WEB.arn,), NOON, NOON, "kim") for plan in reversed(plans)]

    def read(self, rollout: RolloutId, _after: int) -> list[e.Event]:
        return next(events for events in self.rollouts if replay(events).plan.rollout == rollout)


def journal(*rollouts: list[e.Event]) -> Any:
    return Shelf(rollouts)


def web1(*ports: int) -> Target:
    machine = a_target(1, [WEB])
    return replace(machine, registrations=tuple(Registration(WEB.arn, machine.id, port) for port in ports))


def began(name: str, kind: PlanKind, *ports: int) -> list[e.Event]:
    begin = Phase.OUT if kind is PlanKind.REGISTER else Phase.WAITING
    plan = replace(a_plan(1, kind=kind, begin=begin), rollout=RolloutId(name), groups=(WEB,), targets=(web1(*ports),))
    return [e.Planned(NOON, replace(plan, floors={WEB.arn: Floor(0, 1)}))]


def ended(events: list[e.Event], *phases: Phase) -> list[e.Event]:
    target = web1().id
    return [*events, *(e.PhaseChanged(NOON, target, phase, cause=Cause.BY_HAND) for phase in phases)]


def taken_out(name: str, *ports: int) -> list[e.Event]:
    return ended(began(name, PlanKind.DEREGISTER, *ports), Phase.DRAINING, Phase.OUT, Phase.LEFT_OUT)


def put_back(name: str, *ports: int, end: Phase = Phase.RETURNED) -> list[e.Event]:
    return ended(began(name, PlanKind.REGISTER, *ports), Phase.RETURNING, end)


def rolled(name: str, *ports: int) -> list[e.Event]:
    [planned] = began(name, PlanKind.ROLL, *ports)
    assert isinstance(planned, e.Planned)
    assert t(planned.plan) == web1().id
    return [planned, *brought(planned.plan, Phase.DONE)]


def held(*rollouts: list[e.Event]) -> dict[int, str]:
    """Which rollout holds what, by port."""
    return {place.port: rollout.plan.rollout for place, rollout in held_out(journal(*rollouts), WEB.arn).items()}


def test_held_out_until_registered_again() -> None:
    assert held(taken_out("r-1", 80)) == {80: "r-1"}
    assert held(taken_out("r-1", 80), put_back("r-2", 80)) == {}
    assert held(taken_out("r-1", 80), put_back("r-2", 80), taken_out("r-3", 80)) == {80: "r-3"}


def test_held_out_counts_each_port() -> None:
    assert held(taken_out("r-1", 80, 8080), put_back("r-2", 80)) == {8080: "r-1"}
    assert held(taken_out("r-1", 80, 8080), put_back("r-2", 80), put_back("r-3", 8080)) == {}


def test_held_out_survives_a_rollout_at_another_port() -> None:
    assert held(taken_out("r-1", 8080), rolled("r-2", 80)) == {8080: "r-1"}


@pytest.mark.parametrize(
    "later",
    [
        began("r-2", PlanKind.ROLL, 80),
        ended(began("r-2", PlanKind.ROLL, 80), Phase.SKIPPED),
        ended(began("r-2", PlanKind.ROLL, 80), Phase.GONE),
        put_back("r-2", 80, end=Phase.LEFT_OUT),
    ],
)
def test_held_out_ignores_rollouts_that_did_nothing(later: list[e.Event]) -> None:
    assert held(taken_out("r-1", 80), later) == {80: "r-1"}
    assert held(later) == {}


def test_held_out_ignores_an_unwritten_zone() -> None:
    [planned, *way] = taken_out("r-1", 80)
    assert isinstance(planned, e.Planned)
    zoned = replace(web1(80), registrations=(Registration(WEB.arn, web1().id, 80, "a"),))
    before = [e.Planned(NOON, replace(planned.plan, targets=(zoned,))), *way]
    assert held(before, put_back("r-2", 80)) == {}


def listed(*ports: int) -> tuple[GroupMember, ...]:
    it, look = web1(*ports), RegistrationHealth(HealthState.HEALTHY, NOON, NOON)
    return tuple(GroupMember(place, look, it.id, it.name, it.address, it.zone, {}) for place in it.registrations)


@pytest.mark.parametrize(
    ("typed", "there", "back"),
    [("web1", (80,), [80, 8080]), ("web1:8080", (80,), [8080]), ("web1", (), [80, 8080]), ("web1:8080", (), [8080])],
)
def test_recorded_target_includes_ports_held_out(typed: str, there: tuple[int, ...], back: list[int]) -> None:
    tells = journal(taken_out("r-1", 80, 8080), put_back("r-2", 80))
    out = held_out(tells, WEB.arn)
    target, _ = resolve_target(WEB, listed(*there), lambda name: recorded(tells, WEB.arn, name), out, typed)
    assert [place.port for place in target.registrations] == back


def test_status_names_the_rollout_that_holds_a_port() -> None:
    out = tuple(held_out(journal(taken_out("r-1", 80, 8080), put_back("r-2", 80)), WEB.arn).items())
    shown: Any = status_data(ListedGroup(WEB.arn, WEB.name, 80, "HTTP", WEB.target_type, listed(80)), out, {})
    rows = [(row["port"], row["state"], row["held_by"], row["name"]) for row in shown["targets"]]
    assert rows == [(80, "healthy", "", "web1"), (8080, "absent", "r-1", "web1")]


def test_status_names_the_rollout_that_drains_a_target() -> None:
    out = tuple(held_out(journal(taken_out("r-1", 80)), WEB.arn).items())
    [member] = listed(80)
    draining = replace(member, seen=RegistrationHealth(HealthState.DRAINING, NOON, NOON))
    shown: Any = status_data(ListedGroup(WEB.arn, WEB.name, 80, "HTTP", WEB.target_type, (draining,)), out, {})
    [row] = shown["targets"]
    assert (row["held_by"], row["since"]) == ("r-1", "2026-11-22T12:00:00Z")


@dataclass
class Holders:
    """Leases of which one is held."""

    held: LeaseStatus | None

    def holder(self, group: Arn) -> LeaseStatus | None:
        assert group == WEB.arn
        return self.held


LAST, NOW = Owner("kim", "here", 1, 1, "boot"), Owner("ci", "far", 2, 2, "boot")


@pytest.mark.parametrize("liveness", Liveness)
def test_driver_is_the_holder_of_the_lease(liveness: Liveness) -> None:
    rollout = replay([*began("r-1", PlanKind.ROLL, 80), e.OwnerChanged(NOON, LAST)])
    silent = timedelta(seconds=9)
    leases: Any = Holders(LeaseStatus(RolloutId("r-1"), NOW, liveness, silent))
    assert driver_of(leases, rollout) == Driver(NOW, liveness, silent)


def test_driver_of_a_free_lease_is_gone() -> None:
    rollout = replay([*began("r-1", PlanKind.ROLL, 80), e.OwnerChanged(NOON, LAST)])
    other: Any = Holders(LeaseStatus(RolloutId("r-2"), NOW, Liveness.ALIVE, None))
    free: Any = Holders(None)
    assert driver_of(free, rollout) == driver_of(other, rollout) == Driver(LAST, Liveness.GONE)


def test_driver_of_a_finished_rollout_is_gone() -> None:
    rollout = replay([*taken_out("r-1", 80), e.OwnerChanged(NOON, LAST), e.Finished(NOON)])
    held: Any = Holders(LeaseStatus(RolloutId("r-1"), NOW, Liveness.ALIVE, None))
    assert driver_of(held, rollout) == Driver(LAST, Liveness.GONE)


@dataclass
class Lister:
    """Groups by name, and what was asked."""

    known: tuple[str, ...]
    asked: list[Sequence[str]] = field(default_factory=list)

    def names(self) -> Sequence[str]:
        self.asked.append(("names",))
        return self.known

    def listed(self, names: Sequence[str]) -> Sequence[ListedGroup]:
        self.asked.append(tuple(names))
        return [ListedGroup(a_group(n).arn, n, 80, "HTTP", WEB.target_type, ()) for n in names or self.known]


@dataclass
class Place:
    """The drivers of a process that only lists groups, and what is frozen, or why that cannot be read."""

    lister: Lister
    frozen: Sequence[Freeze] | KatakeiError = ()
    clock: object = None

    @property
    def freezes(self) -> "Place":
        return self

    def active(self) -> Sequence[Freeze]:
        if isinstance(self.frozen, KatakeiError):
            raise self.frozen
        return self.frozen

    @property
    def site(self) -> Site:
        return Site("123456789012", "eu-north-1", lab=False)


def grouped(lister: Lister, *patterns: str) -> tuple[list[str], str, str]:
    drivers: Any = Place(lister)
    found = Queries(drivers).groups(patterns)
    return [group.name for group in found.groups], found.region, found.account


def test_groups_by_pattern_ask_only_for_those_that_match() -> None:
    lister = Lister(("web-1", "web-2", "api"))
    assert grouped(lister, "web-*") == (["web-1", "web-2"], "ap-northeast-1", "123456789012")
    assert lister.asked == [("names",), ("web-1", "web-2")]
    assert grouped(lister)[0] == ["web-1", "web-2", "api"]
    assert lister.asked[2:] == [()]


def test_groups_come_with_their_active_freezes() -> None:
    web = Freeze(a_group("web-1").arn, "ada", "the sale", NOON)
    drivers: Any = Place(Lister(("web-1", "api")), (web, replace(web, name=a_group("other").arn)))
    assert Queries(drivers).groups().freezes == (web,)


def test_groups_are_found_when_the_journal_does_not_answer() -> None:
    unread = UnreachableError("the journal does not answer")
    drivers: Any = Place(Lister(("web-1",)), unread)
    found = Queries(drivers).groups()
    assert ([group.name for group in found.groups], found.freezes) == (["web-1"], unread)


def test_groups_by_a_name_that_does_not_exist_are_refused() -> None:
    with pytest.raises(UsageError, match=r"no target group is named shop-\*; katakei groups"):
        grouped(Lister(("web-1",)), "web-1", "shop-*")


def test_groups_of_an_empty_place_name_the_place() -> None:
    assert grouped(Lister(())) == ([], "eu-north-1", "123456789012")
