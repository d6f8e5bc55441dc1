"""A person's word that lets a rollout go on: who carries it out, and when it is refused with nothing written."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from tests.properties.paper import Paper
from tests.unit.given import NOON, OUTWARD, a_plan, brought, t

from katakei.app import control
from katakei.domain import events as e
from katakei.domain.errors import LeaseHeldError, RefusedError, UsageError
from katakei.domain.leases import Heartbeat, Lease, Owner
from katakei.domain.model import Arn, RolloutId
from katakei.domain.phases import Intent, Phase
from katakei.domain.plan import Plan
from katakei.domain.ports import RolloutHeader
from katakei.domain.replay import replay
from katakei.domain.spec import Command

OTHER = Owner("ci", "far", 1, 1, "boot")
ME = Owner("kim", "here", 2, 2, "boot")
PLAN = a_plan(1, floor=0, revert=Command("ssm", "undo"))
DONE = [e.Planned(NOON, PLAN), *brought(PLAN, Phase.DONE)]


@dataclass
class Place:
    """A journal, its leases, and a clock in whose rests others act."""

    paper: Paper = field(default_factory=Paper)
    lacks: str = ""
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
        return self.paper.take(groups, owner, rollout, silent, self.time)

    def renew(self, lease: Lease) -> None:
        self.paper.renew(lease)

    def release(self, lease: Lease) -> None:
        self.paper.release(lease)

    @property
    def clock(self) -> "Place":
        return self

    def now(self) -> datetime:
        return self.time

    def sleep(self, span: timedelta) -> None:
        self.time += span
        self.rests()

    def wake(self) -> None:
        """Nobody sleeps for long here."""

    def executor(self, command: Command) -> Any:
        del command
        return SimpleNamespace(lacks=self.lacks, marks="")

    def probe(self, spec: object) -> None:
        del spec

    def read(self, rollout: Any, after: int) -> list[e.Event]:
        return list(self.paper.events.get(rollout, [])[after:])

    def tell(self, rollout: Any, word: e.UserCommand | None = None) -> None:
        """A word to a rollout; what is said to nobody else is for the person who waits."""
        if word:
            self.paper.tell(rollout, word)

    def find(self, *, group: Arn | None = None) -> list[RolloutHeader]:
        del group
        return [
            RolloutHeader(rollout, "shop", (), NOON, replay(events).finished, "")
            for rollout, events in reversed(self.paper.events.items())
        ]

    @property
    def told(self) -> list[str]:
        return [type(event).__name__ for event in self.paper.events[PLAN.rollout][len(self.before) :]]

    def given(self, *events: e.Event, held: bool = False) -> "Place":
        self.before = list(events)
        self.paper.events[PLAN.rollout] = [*events]
        if held:
            self.take(_groups(PLAN), OTHER, PLAN.rollout)
        return self


def _groups(plan: Plan) -> frozenset[Arn]:
    return frozenset(group.arn for group in plan.groups)


def revert(place: Place) -> Any:
    return control.revert(place, PLAN.rollout)  # type: ignore[arg-type]  # a kit as small as will do


WORDS: dict[str, Callable[[Any], Any]] = {
    "abort": lambda place: control.abort(place, PLAN.rollout),
    "retry": lambda place: control.retry(place, PLAN.rollout, [t(PLAN)]),
    "revert": lambda place: control.revert(place, PLAN.rollout),
    "resume": lambda place: control.resume(place, PLAN.rollout),
}
each = pytest.mark.parametrize("word", WORDS)


def driven(word: str) -> Place:
    """A rollout that another process drives, to which this may be said."""
    return Place().given(*DONE, *([e.PauseAsked(NOON, "kim")] if word == "resume" else []), held=True)


def test_nobody_drives_it_so_this_process_does() -> None:
    place = Place().given(*DONE, e.Finished(NOON))
    assert revert(place).rollout.reverting == "kim"
    assert place.told == ["RevertAsked"]


def test_whoever_drives_it_reads_the_word_with_or_without_the_secret_here() -> None:
    place = Place(lacks="no secret").given(*DONE, held=True)
    with pytest.raises(LeaseHeldError):
        revert(place)
    assert place.told == ["RevertAsked"]


def test_a_word_that_came_as_its_driver_finished_is_carried_out_from_here() -> None:
    place = Place().given(*DONE, held=True)
    place.paper.alive.add(OTHER)
    tell = place.paper.tell

    def told_too_late(rollout: Any, word: e.UserCommand) -> None:
        place.paper.events[rollout].append(e.Finished(NOON))
        tell(rollout, word)

    place.paper.tell = told_too_late  # type: ignore[method-assign]  # this once the driver is faster
    place.rests = place.paper.holders.clear
    assert revert(place).rollout.reverting == "kim"


def test_without_its_secret_nothing_is_written_and_the_lease_is_free_again() -> None:
    place = Place(lacks="the secret TOKEN is missing").given(*DONE, e.Finished(NOON))
    with pytest.raises(RefusedError, match="TOKEN"):
        revert(place)
    assert (place.told, place.paper.holders) == ([], {})


REVERTED = [
    e.RevertAsked(NOON, "kim"),
    e.PhaseChanged(NOON, t(PLAN), OUTWARD[0], intent=Intent.REVERT),
    *(e.PhaseChanged(NOON, t(PLAN), way) for way in (*OUTWARD[1:], Phase.DONE)),
]
WITHOUT = a_plan(1, floor=0)


@pytest.mark.parametrize(
    ("events", "refusal", "said"),
    [
        ([*DONE, *REVERTED, e.Finished(NOON)], UsageError, "was taken back already"),
        ([e.Planned(NOON, PLAN), e.Finished(NOON)], UsageError, "has touched no target"),
        ([e.Planned(NOON, WITHOUT), *brought(WITHOUT, Phase.DONE)], RefusedError, "write revert: {ssm: "),
    ],
)
def test_what_cannot_be_reverted_is_refused(events: list[e.Event], refusal: type[Exception], said: str) -> None:
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
def test_no_other_attempt_is_begun_while_a_person_holds_it_up_or_turns_it_round(word: e.Event, said: str) -> None:
    place = Place().given(*DONE, word)
    with pytest.raises(RefusedError, match=said):
        control.retry(place, PLAN.rollout, [t(PLAN)])  # type: ignore[arg-type]  # a kit as small as will do
    assert place.told == []


def test_only_what_is_paused_is_resumed() -> None:
    place = Place().given(*DONE)
    with pytest.raises(UsageError, match="is not paused"):
        control.resume(place, PLAN.rollout)  # type: ignore[arg-type]  # a kit as small as will do
    paused = Place().given(*DONE, e.PauseAsked(NOON, "kim"))
    assert not control.resume(paused, PLAN.rollout).rollout.paused  # type: ignore[arg-type]  # likewise


@each
def test_who_is_seen_to_live_obeys_and_is_not_waited_for(word: str) -> None:
    place = driven(word)
    place.paper.alive.add(OTHER)
    with pytest.raises(LeaseHeldError):
        WORDS[word](place)
    assert (place.told, place.time) == ([f"{word.title()}Asked"], NOON)


@each
def test_who_lives_elsewhere_obeys_once_its_heart_was_seen_to_beat(word: str) -> None:
    place = driven(word)
    with pytest.raises(LeaseHeldError):
        WORDS[word](place)
    assert place.told == [f"{word.title()}Asked"]
    assert place.time - NOON <= timedelta(seconds=7)


@each
def test_who_died_elsewhere_right_after_a_heartbeat_obeys_nobody_so_this_process_does(word: str) -> None:
    place = driven(word)
    place.paper.hearts[OTHER].stops(NOON)
    assert WORDS[word](place).carried_on
    assert place.told == [f"{word.title()}Asked"]
    assert place.paper.holders.keys() == _groups(PLAN)
    assert {holder[0] for holder in place.paper.holders.values()} == {ME}


def test_what_was_aborted_and_finished_elsewhere_meanwhile_is_not_taken_up_once_more() -> None:
    place = driven("abort")

    def finishes() -> None:
        place.paper.events[PLAN.rollout].append(e.Finished(NOON))
        place.paper.holders.clear()

    place.rests = finishes
    with pytest.raises(LeaseHeldError, match="was finished meanwhile"):
        WORDS["abort"](place)
    assert (place.told, place.paper.holders) == (["AbortAsked", "Finished"], {})
