"""Rollouts that an earlier version left in the middle of a phase, carried on by this one to their end.

The recordings are those of `tests/unit/adapters/journals/recorded`. AWS is the in-memory one of the property
tests, built again as it was when the recorded process ended, and the judge of the property tests checks the promises.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.contracts.ledgers import LEDGERS, Ledger
from tests.properties import judge
from tests.properties.memory_journal import MemoryJournal
from tests.properties.scenarios import Scenario
from tests.properties.simulation import ID, Outcome
from tests.recording.carrying import Carried, ended
from tests.recording.stores import RECORDED, put_back, told

from katakei.domain.errors import ExitCode
from katakei.domain.events import Event, PhaseChanged, RetryAsked, Started
from katakei.domain.model import RolloutId, TargetId
from katakei.domain.phases import FINAL_PHASES, Cause, Phase
from katakei.domain.replay import Rollout

pytestmark = pytest.mark.slow

PROMISES = (
    judge.never_under_the_floor,
    judge.never_on_a_live_target,
    judge.back_exactly_as_it_was,
    judge.work_never_starts_twice,
    judge.nothing_is_forgotten,
)
PASSING = sorted(phase.value for phase in set(Phase) - FINAL_PHASES)
VERSION_1 = RECORDED / "events-1"
Recorded = tuple[Path, RolloutId]


class Restored(dict[Path, Ledger]):
    """Recordings, each restored into a store when a test first asks for it."""

    def __init__(self, stack: ExitStack, folders: pytest.TempPathFactory) -> None:
        super().__init__()
        self._stack, self._folders = stack, folders

    def __missing__(self, recording: Path) -> Ledger:
        kind = recording.stem.partition("-")[0]
        ledger = self._stack.enter_context(LEDGERS[kind](self._folders.mktemp(recording.stem)))
        put_back(ledger, recording)
        self[recording] = ledger
        return ledger


@pytest.fixture(scope="module")
def ledgers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restored]:
    """One store for each recording: every recorded rollout has target groups of its own."""
    with ExitStack() as stack:
        yield Restored(stack, tmp_path_factory)


def stage_of(ledgers: Restored, recorded: Recorded, folder: Path) -> Carried:
    recording, rollout = recorded
    each = told(recording)
    return Carried(ledgers[recording], folder, rollout, each[rollout]["aws"], list(each).index(rollout))


def faults(stage: Carried, before: Sequence[Event]) -> list[str]:
    """What the judge of the property tests finds, and recorded work that was handed over once more."""
    state, events = stage.now(), stage.events(stage.rollout)
    floors, spec = [state.plan.floors[group.arn] for group in stage.groups], state.plan.spec
    floor, per_zone = min(each.count for each in floors), min(each.per_zone for each in floors)
    scenario = Scenario(0, floor=floor, per_zone=per_zone, probe=bool(spec.carrier), spec=spec)
    journal = MemoryJournal(events={ID: list(events)})
    outcome = Outcome(scenario, stage.aws, journal, state, stage.aws.clock.time, Counter(), [], {})
    started = {event.key for event in before if isinstance(event, Started)}
    again = [key for call in stage.aws.log.calls if call.kind == "start" for key in call.keys if key in started]
    retried = any(isinstance(event, RetryAsked) for event in events)  # a person may have work done twice
    promises = [each for each in PROMISES if not retried or each is not judge.work_never_starts_twice]
    return [*(fault for promise in promises for fault in promise(outcome)), *(f"{key} started again" for key in again)]


def unfinished(store: str) -> list[Any]:
    """Every recorded rollout that had not ended."""
    return [
        pytest.param((path, rollout), id=f"{path.parent.name}-{rollout}")
        for path in sorted(RECORDED.glob(f"events-*/{store}-*"))
        for rollout, then in told(path).items()
        if then["finished"] is None
    ]


@pytest.mark.parametrize("recorded", unfinished("sqlite"))
def test_recorded_rollout_is_carried_on_to_the_recorded_end(
    recorded: Recorded, ledgers: Restored, tmp_path: Path
) -> None:
    stage = stage_of(ledgers, recorded, tmp_path)
    before = stage.events(stage.rollout)
    then = told(recorded[0])[recorded[1]]["carried_on"]
    ran = stage.carry_on()
    assert ended(stage.now()) == then
    assert ran.code == then["exit"]
    assert not faults(stage, before)


def test_recorded_target_goes_back_when_the_floor_is_lost(tmp_path: Path) -> None:
    recording, rollout = VERSION_1 / "sqlite-phases.sql", RolloutId("r-draining")
    with LEDGERS["sqlite"](tmp_path) as ledger:
        put_back(ledger, recording)
        stage = Carried(ledger, tmp_path, rollout, told(recording)[rollout]["aws"], 0)
        before = stage.events(rollout)
        stage.carry_on((lambda state: state.number > len(before) + 1, stage.falls(1, lasting=120)))
        moved = [event for event in stage.events(rollout)[len(before) :] if isinstance(event, PhaseChanged)]
        assert (moved[0].target, moved[0].to, moved[0].cause) == (
            "i-00000000000000001",
            Phase.RETURNING,
            Cause.FLOOR_LOST,
        )
        assert len(stage.now().at(Phase.DONE)) == 3
        assert not faults(stage, before)


@pytest.mark.parametrize("phase", PASSING)
def test_recorded_target_is_carried_on_in_s3(phase: str, ledgers: Restored, tmp_path: Path) -> None:
    """Its first target comes to its end; the others are then spared by an abort, which saves calls of S3."""
    stage = stage_of(ledgers, (VERSION_1 / "s3-phases.json", RolloutId(f"r-{phase}")), tmp_path)
    before, ends = stage.events(stage.rollout), len(final(stage.now()))
    ran = stage.carry_on((lambda state: len(final(state)) > ends, stage.says("abort")))
    state = stage.now()
    assert (ran.code, state.finished is not None) == (ExitCode.FAILED, True)
    assert len(state.at(Phase.DONE)) + len(state.at(Phase.RETURNED)) > ends
    assert not state.at(Phase.LEFT_OUT)
    assert not faults(stage, before)


def final(state: Rollout) -> list[TargetId]:
    return [target for target, status in state.statuses.items() if status.phase in FINAL_PHASES]
