"""The commands of a user: which process carries them out, and when they are refused with nothing written."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.properties.memory_journal import MemoryFreezes, MemoryJournal
from tests.unit.given import NOON, OUTWARD, a_plan, brought, t

from katakei.app.control import Control, Delegated
from katakei.app.recorded_commands import RecordedByOtherError, check_recorded_commands
from katakei.domain import events as e
from katakei.domain.errors import RefusedError, UsageError
from katakei.domain.leases import Heartbeat, Lease, Owner
from katakei.domain.model import Arn, RolloutId
from katakei.domain.phases import Intent, Phase
from katakei.domain.plan import Plan
from katakei.domain.ports import LeaseStatus, Liveness, RolloutHeader
from katakei.domain.replay import replay
from katakei.domain.spec import Command, CounterSource, Drain, DrainUntil, Spec, Variable
from katakei.runtime.drivers import Drivers
from katakei.runtime.session import RolloutSession

OTHER = Owner("ci", "far", 1, 1, "boot")
ME = Owner("kim", "here", 2, 2, "boot")
PLAN = replace(a_plan(1, floor=0, revert=Command("ssm", "undo")), who=str(ME))
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

    @property
    def freezes(self) -> MemoryFreezes:
        return MemoryFreezes(self, self.store)

    def take(
        self, groups: frozenset[Arn], owner: Owner, rollout: RolloutId, silent: frozenset[Heartbeat] = frozenset()
    ) -> Lease:
        return self.store.take(groups, owner, rollout, silent, self.time)

    def holder(self, group: Arn) -> LeaseStatus | None:
        held = self.store.holders.get(group)
        return LeaseStatus(held[2], held[0], Liveness.UNKNOWN, None) if held else None

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
    "retry": lambda place: control(place).retry(PLAN.rollout, [t(PLAN)], again=True),
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
        control(place).retry(PLAN.rollout, [t(PLAN)], again=True)
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


# -- retry: of what failed


def failing(number: int = 0) -> Place:
    """Two targets: this one failed, and the other one is done."""
    plan = replace(a_plan(2, floor=0), who=str(ME))
    left, done = brought(plan, Phase.LEFT_OUT, number), brought(plan, Phase.DONE, 1 - number)
    return Place().given(e.Planned(NOON, plan), *left, *done, e.Finished(NOON))


def test_retry_refuses_a_target_that_did_not_fail() -> None:
    place = failing()
    with pytest.raises(UsageError, match=r"\(web1\) is done and did not fail; to do its work again, add --again"):
        control(place).retry(PLAN.rollout, ["web0", "web1"])
    assert place.told == []
    session = control(place).retry(PLAN.rollout, ["web1"], again=True)
    assert isinstance(session, RolloutSession)


def test_retry_without_a_name_takes_all_that_failed() -> None:
    place = failing()
    assert [target.name for target in control(place).to_retry(PLAN.rollout, [])[1]] == ["web0"]
    with pytest.raises(UsageError, match="no target of rollout r-test failed"):
        control(Place().given(*DONE, e.Finished(NOON))).retry(PLAN.rollout, [])


def test_retry_of_a_target_that_failed_late_needs_no_word() -> None:
    late = e.FailedAfterDone(NOON, t(PLAN), "", None)
    place = Place().given(*DONE, late, e.Finished(NOON))
    assert isinstance(control(place).retry(PLAN.rollout, [t(PLAN)]), RolloutSession)


# -- commands that somebody else recorded


def foreign(**changes: object) -> Plan:
    return replace(PLAN, who=str(OTHER), **changes)  # type: ignore[arg-type]  # fields of a plan


@pytest.mark.parametrize("word", ["retry", "revert", "resume"])
def test_command_of_another_person_is_shown_first(word: str) -> None:
    plan = foreign()
    failed = [e.Planned(NOON, plan), *brought(plan, Phase.DONE), e.FailedAfterDone(NOON, t(plan), "", None)]
    place = Place().given(*failed, *([e.PauseAsked(NOON, "ci")] if word == "resume" else []))
    with pytest.raises(RecordedByOtherError) as shown:
        COMMANDS[word](place)
    assert shown.value.commands == ("work ssm: true", "revert ssm: undo")
    assert "was recorded by ci@far" in str(shown.value)
    assert place.told == []
    accepting = Control(cast("Drivers", place), accept_others=True)
    told = {"retry": lambda: accepting.retry(plan.rollout, [t(plan)]), "revert": lambda: accepting.revert(plan.rollout)}
    assert isinstance(told.get(word, lambda: accepting.resume(plan.rollout))(), RolloutSession)


def test_abort_never_asks_whose_commands_they_are() -> None:
    plan = foreign()
    place = Place().given(e.Planned(NOON, plan), *brought(plan, Phase.DRAINING))
    assert isinstance(control(place).abort(plan.rollout), RolloutSession)


@pytest.mark.parametrize(
    ("who", "given_spec", "asked"),
    [
        (str(OTHER), None, True),
        (str(OTHER), PLAN.spec, False),
        (str(OTHER), replace(PLAN.spec, revert=None), True),
        (str(OTHER), replace(PLAN.spec, work=Command("ssm", "true", env=(Variable("A", "1"),))), True),
        ("kim@here (pid 99)", None, False),
        ("kim@far (pid 2)", None, True),
        ("eve@here (pid 2)", None, True),
        ("", None, True),
    ],
)
def test_commands_are_compared_with_what_was_given(who: str, given_spec: Spec | None, *, asked: bool) -> None:
    plan = replace(PLAN, who=who)
    if not asked:
        check_recorded_commands(plan, ME, given_spec)
        return
    with pytest.raises(RecordedByOtherError):
        check_recorded_commands(plan, ME, given_spec)


def test_manual_work_runs_nothing_that_could_be_planted() -> None:
    check_recorded_commands(foreign(spec=replace(PLAN.spec, work=Command("manual"), revert=None)), ME)


def test_command_of_a_counter_runs_on_targets_too() -> None:
    counter = Drain(until=DrainUntil.COUNTER, counter=CounterSource(command="reboot"))
    plan = foreign(spec=replace(PLAN.spec, work=Command("manual"), revert=None, drain=counter))
    with pytest.raises(RecordedByOtherError, match=r"drain\.counter reboot"):
        check_recorded_commands(plan, ME)


def test_command_is_recorded_with_the_person_who_gave_it() -> None:
    place = Place().given(*DONE, held=True)
    Control(cast("Drivers", place), who="ada").pause(PLAN.rollout)
    assert place.store.events[PLAN.rollout][-1] == e.PauseAsked(NOON, "ada")
