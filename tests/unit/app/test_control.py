"""The commands of a user: which process carries them out, and when they are refused with nothing written."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.properties.memory_journal import MemoryJournal
from tests.unit.given import NOON, OUTWARD, a_plan, brought, t

from katakei.app.control import Control, Delegated
from katakei.domain import events as e
from katakei.domain.errors import RefusedError, UsageError
from katakei.domain.leases import Heartbeat, Lease, Owner
from katakei.domain.model import Arn, RolloutId
from katakei.domain.phases import Intent, Phase
from katakei.domain.plan import Plan
from katakei.domain.ports import RolloutHeader
from katakei.domain.replay import replay
from katakei.domain.spec import Command
from katakei.runtime.drivers import Drivers
from katakei.runtime.session import RolloutSession

OTHER = Owner("ci", "far", 1, 1, "boot")
ME = Owner("kim", "here", 2, 2, "boot")
PLAN = a_plan(1, floor=0, revert=Command("ssm", "undo"))
DONE = [e.Planned(NOON, PLAN), *brought(PLAN, Phase.DONE)]


@dataclass
class Place:
    """A journal, its leases, and a clock; `rests` is what others do while this process sleeps."""

    store: MemoryJournal = field(default_factory=MemoryJournal)
    lacks: str | None = None
    rests: Callable[[], None] = lambda: None
    owner: Owner = ME
    balancer: Any = None
    health_checker: Any = None
    pool: Any = ThreadPoolExecutor
    time: datetime = NOON

    @property
    def journal(self) -> "Place":
        return self

    @property
    def leases(self) -> "Place":
        return self

    def take(
        self, groups: frozenset[Arn], owner: Owner, rollout: RolloutId, silent: frozenset[Heartbeat] = frozenset()
    ) -> Lease:
        return self.store.take(groups, owner, rollout, silent, self.time)

    def renew(self, lease: Lease) -> None:
        self.store.renew(lease)

    def release(self, lease: Lease) -> None:
        self.store.release(lease)

    @property
    def clock(self) -> "Place":
        return self

    def now(self) -> datetime:
        return self.time

    def sleep(self, span: timedelta) -> None:
        self.time += span
        self.rests()

    def last_jump(self) -> datetime | None:
        return None

    def wake(self) -> None:
        """Nobody sleeps for long here."""

    def executor(self, command: Command) -> Any:
        del command
        return SimpleNamespace(lacks=self.lacks, marks="")

    def probe(self, spec: object) -> None:
        del spec

    def read(self, rollout: Any, after: int) -> list[e.Event]:
        return list(self.store.events.get(rollout, [])[after:])

    def tell(self, rollout: Any, word: e.UserCommand | None = None) -> None:
        """A command to a rollout, or a sentence for the user who waits."""
        if word:
            self.store.tell(rollout, word)

    def find(self, *, group: Arn | None = None) -> list[RolloutHeader]:
        del group
        return [
            RolloutHeader(rollout, "shop", (), NOON, replay(events).finished, "")
            for rollout, events in reversed(self.store.events.items())
        ]

    @property
    def told(self) -> list[str]:
        return [type(event).__name__ for event in self.store.events[PLAN.rollout][len(self.before) :]]

    def given(self, *events: e.Event, held: bool = False) -> "Place":
        self.before = list(events)
        self.store.events[PLAN.rollout] = [*events]
        if held:
            self.take(_groups(PLAN), OTHER, PLAN.rollout)
        return self


def _groups(plan: Plan) -> frozenset[Arn]:
    return frozenset(group.arn for group in plan.groups)


def control(place: Place) -> Control:
    return Control(cast("Drivers", place))


def revert(place: Place) -> RolloutSession:
    session = control(place).revert(PLAN.rollout)
    assert isinstance(session, RolloutSession)
    return session


COMMANDS: dict[str, Callable[[Place], RolloutSession | Delegated]] = {
    "abort": lambda place: control(place).abort(PLAN.rollout),
    "retry": lambda place: control(place).retry(PLAN.rollout, [t(PLAN)]),
    "revert": lambda place: control(place).revert(PLAN.rollout),
    "resume": lambda place: control(place).resume(PLAN.rollout),
}
each = pytest.mark.parametrize("word", COMMANDS)


def driven(word: str) -> Place:
    """A rollout that another process drives, in which this command makes sense."""
    return Place().given(*DONE, *([e.PauseAsked(NOON, "kim")] if word == "resume" else []), held=True)


def test_revert_without_an_owner_is_carried_out_here() -> None:
    place = Place().given(*DONE, e.Finished(NOON))
    assert revert(place).rollout.reverting == "kim"
    assert place.told == ["RevertAsked"]


def test_revert_with_an_owner_needs_no_secret_here() -> None:
    place = Place(lacks="no secret").given(*DONE, held=True)
    assert isinstance(control(place).revert(PLAN.rollout), Delegated)
    assert place.told == ["RevertAsked"]


def test_revert_is_carried_out_here_when_the_owner_has_finished() -> None:
    place = Place().given(*DONE, held=True)
    place.store.alive.add(OTHER)
    tell = place.store.tell

    def told_too_late(rollout: Any, word: e.UserCommand) -> None:
        place.store.events[rollout].append(e.Finished(NOON))
        tell(rollout, word)

    place.store.tell = told_too_late  # type: ignore[method-assign]  # this once the driver is faster
    place.rests = place.store.holders.clear
    assert revert(place).rollout.reverting == "kim"


def test_revert_without_its_secret_writes_nothing() -> None:
    place = Place(lacks="the secret TOKEN is missing").given(*DONE, e.Finished(NOON))
    with pytest.raises(RefusedError, match="TOKEN"):
        revert(place)
    assert (place.told, place.store.holders) == ([], {})


REVERTED = [
    e.RevertAsked(NOON, "kim"),
    e.PhaseChanged(NOON, t(PLAN), OUTWARD[0], intent=Intent.REVERT),
    *(e.PhaseChanged(NOON, t(PLAN), way) for way in (*OUTWARD[1:], Phase.DONE)),
]
WITHOUT = a_plan(1, floor=0)


@pytest.mark.parametrize(
    ("events", "refusal", "said"),
    [
        ([*DONE, *REVERTED, e.Finished(NOON)], UsageError, "was reverted already"),
        ([e.Planned(NOON, PLAN), e.Finished(NOON)], UsageError, "worked on no target"),
        ([e.Planned(NOON, WITHOUT), *brought(WITHOUT, Phase.DONE)], RefusedError, "write revert: {ssm: "),
    ],
)
def test_revert_that_makes_no_sense_is_refused(events: list[e.Event], refusal: type[Exception], said: str) -> None:
    place = Place().given(*events)
    with pytest.raises(refusal, match=said):
        revert(place)
    assert place.told == []


@pytest.mark.parametrize(
    ("word", "said"),
    [
        (e.RevertAsked(NOON, "kim"), "is being reverted"),
        (e.AbortAsked(NOON, "kim"), "is being aborted"),
        (e.PauseAsked(NOON, "kim"), "is paused"),
    ],
)
def test_retry_is_refused_while_paused_aborted_or_reverted(word: e.Event, said: str) -> None:
    place = Place().given(*DONE, word)
    with pytest.raises(RefusedError, match=said):
        control(place).retry(PLAN.rollout, [t(PLAN)])
    assert place.told == []


def test_resume_needs_a_pause() -> None:
    place = Place().given(*DONE)
    with pytest.raises(UsageError, match="is not paused"):
        control(place).resume(PLAN.rollout)
    paused = Place().given(*DONE, e.PauseAsked(NOON, "kim"))
    session = control(paused).resume(PLAN.rollout)
    assert isinstance(session, RolloutSession)
    assert not session.rollout.paused


@each
def test_command_to_a_running_process_is_delegated_at_once(word: str) -> None:
    place = driven(word)
    place.store.alive.add(OTHER)
    assert isinstance(COMMANDS[word](place), Delegated)
    assert (place.told, place.time) == ([f"{word.title()}Asked"], NOON)


@each
def test_command_is_delegated_once_the_heartbeat_advances(word: str) -> None:
    place = driven(word)
    assert isinstance(COMMANDS[word](place), Delegated)
    assert place.told == [f"{word.title()}Asked"]
    assert place.time - NOON <= timedelta(seconds=7)


@each
def test_command_is_carried_out_here_when_the_owner_died(word: str) -> None:
    place = driven(word)
    place.store.heartbeats[OTHER].stops(NOON)
    session = COMMANDS[word](place)
    assert isinstance(session, RolloutSession)
    assert session.carried_on
    assert place.told == [f"{word.title()}Asked"]
    assert place.store.holders.keys() == _groups(PLAN)
    assert {holder[0] for holder in place.store.holders.values()} == {ME}


def test_abort_finished_elsewhere_is_not_carried_out_again() -> None:
    place = driven("abort")

    def finishes() -> None:
        place.store.events[PLAN.rollout].append(e.Finished(NOON))
        place.store.holders.clear()

    place.rests = finishes
    answer = COMMANDS["abort"](place)
    assert isinstance(answer, Delegated)
    assert "was finished meanwhile" in answer.why
    assert (place.told, place.store.holders) == (["AbortAsked", "Finished"], {})


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command needs version 9 of events."""
    monkeypatch.setattr("katakei.app.control.version_needed", lambda _command: 9)


def owned(word: str, version: int) -> Place:
    """As `driven`, by an owner that reads events up to this version."""
    place = driven(word)
    place.given(*place.before, e.OwnerChanged(NOON, OTHER, "", "", version))
    return place


@each
@pytest.mark.usefixtures("newer")
def test_command_too_new_for_a_living_owner_is_refused(word: str) -> None:
    place = owned(word, 8)
    with pytest.raises(RefusedError, match="older Katakei, which cannot read this command"):
        COMMANDS[word](place)
    assert place.told == []
    assert {holder[0] for holder in place.store.holders.values()} == {OTHER}


@pytest.mark.usefixtures("newer")
@pytest.mark.parametrize("word", ["pause", "approve"])
def test_pause_and_approve_too_new_for_a_living_owner_are_refused(word: str) -> None:
    plan = a_plan(1, floor=0, work=Command("manual"))
    place = Place().given(e.Planned(NOON, plan), *brought(plan, Phase.WORKING), e.OwnerChanged(NOON, OTHER))
    place.take(_groups(plan), OTHER, plan.rollout)
    with pytest.raises(RefusedError, match="older Katakei"):
        control(place).pause(PLAN.rollout) if word == "pause" else control(place).approve(PLAN.rollout, ())
    assert place.told == []


@pytest.mark.usefixtures("newer")
def test_command_that_the_living_owner_can_read_is_written() -> None:
    place = owned("pause", 9)
    control(place).pause(PLAN.rollout)
    assert place.told == ["PauseAsked"]


@pytest.mark.usefixtures("newer")
@pytest.mark.parametrize("word", ["abort", "pause"])
def test_command_too_new_for_a_dead_owner_is_written(word: str) -> None:
    place = owned(word, 8)
    place.store.heartbeats[OTHER].stops(NOON)
    control(place).pause(PLAN.rollout) if word == "pause" else COMMANDS[word](place)
    assert place.told == [f"{word.title()}Asked"]
