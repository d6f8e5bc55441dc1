"""Tests of the judge: the code is broken once for each promise, and the judge finds it within a few scenarios.

With the code as it is, the same scenarios have no fault. So the judge finds the broken code, not the adversary.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from tests.properties.broken_scenarios import (
    Worlds,
    aborted,
    aborted_among_lies,
    abroad,
    always_maddened,
    blinded,
    broken_late,
    cut_off,
    deleted,
    failing,
    failing_back,
    far_away,
    interrupted,
    late,
    lingering,
    long_settle,
    maddened,
    of_addresses,
    of_many_words,
    paused,
    probed,
    runs,
    slow,
    taken_back,
    tight,
    twins,
)
from tests.properties.builders import seconds
from tests.properties.fake_ports import FakePort, SkewedClock
from tests.properties.judge import judged
from tests.properties.scenarios import drawn_without_holds
from tests.properties.simulated_aws import NOON
from tests.properties.simulation import simulate

from katakei.domain import events as e
from katakei.domain import replay
from katakei.domain.actions import Action, Register, Wait
from katakei.domain.errors import ConcurrentAppendError
from katakei.domain.leases import Heartbeat, Owner
from katakei.domain.model import Arn, RolloutId, TargetId
from katakei.domain.observation import HealthState, ProbeVerdict, WorkState
from katakei.domain.phases import Phase
from katakei.domain.reasons import Reason, ReasonCode, reason
from katakei.domain.spec import (
    Command,
    DrainUntil,
    LatePolicy,
    Spec,
)
from katakei.reconcile import capacity, context, decide, draining, drift, observe, pacing, returning, revert, working
from katakei.reconcile.context import TargetContext
from katakei.runtime import dispatcher, isolation, lease_keeper, observer, runner
from katakei.runtime.drivers import Drivers

SAID = reason(ReasonCode.RECORDED_TEXT, text="not settled")
AS_IT_IS = 4  # scenarios that the code as it is passes without fault


@dataclass(frozen=True)
class Broken:
    """What is replaced by what, the promise that this breaks, and the scenarios in which the judge finds it."""

    parts: Sequence[tuple[object, str, object]]
    promise: str
    runs: Worlds = drawn_without_holds
    within: int = 40

    def faults(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
        """Replaces the parts, and yields what the judge finds in one scenario after the other."""
        for place, name, part in self.parts:
            monkeypatch.setattr(place, name, part)
        for seed in range(self.within):
            yield from judged(simulate(self.runs(seed)))


# -- what is broken

_key, _next, _not_serving = replay.Rollout.key, decide._next, returning._not_serving
_work, _candidates = working.working, decide.candidates


def _without_settle(this: TargetContext) -> Wait | None:
    return None if this.nothing_pending else this.wait(SAID)


def _believed_though_blind(self: TargetContext) -> bool:
    verdict, since = self.observation.evidence.get(self.target.id), self.status.out_since
    proven = verdict is not None and verdict.verdict is ProbeVerdict.QUIET and since is not None
    return bool(self.health) and (proven or all(each.state is HealthState.ABSENT for each in self.health or ()))


def _another_key_after_a_crash(self: replay.Rollout, target: str) -> e.WorkKey:
    key = _key(self, target)  # type: ignore[arg-type]  # a target's name
    return replace(key, attempt=key.attempt + 1000 * (self.owner.pid if self.owner else 0))


def _never_renewed(self: lease_keeper.LeaseKeeper) -> None:
    self.prove(self._clock.now())


def _facts_are_lost(self: runner.Runner, events: Sequence[e.Event], facts: Sequence[e.Event]) -> bool:
    del facts
    if not events:
        return True
    try:
        self._drivers.journal.append(self._lease.lease, self._rollout.plan.rollout, self._rollout.number, events)
    except ConcurrentAppendError:
        self._catch_up()
        return False
    self._rollout = replay.evolve(self._rollout, events)
    return True


def _deaf_to_failures(self: replay.Rollout) -> Reason | None:
    return reason(ReasonCode.ABORTED, by=self.aborting) if self.aborting else None


def _deaf_to_aborts(self: replay.Rollout) -> None:
    del self


def _deaf_to_interrupts(turn: context.TurnContext) -> list[Action]:
    return _next(replace(turn, rollout=replace(turn.rollout, interrupted=False)))


def _goes_on(rollout: replay.Rollout) -> bool:
    return bool(rollout.stopped or rollout.paused)


def _believed_when_called(this: TargetContext) -> tuple[Action, ...] | None:
    return _not_serving(this) if this.missing(this.status.registered) else None


def _forgotten(this: TargetContext) -> tuple[Action, ...]:
    return (this.enter(Phase.RETURNED, SAID),)


def _only_the_first(self: TargetContext) -> Register:
    return Register(self.target.id, self.target.registrations[:1])


def _put_back_while_it_runs(this: TargetContext) -> tuple[Action, ...]:
    work = this.observation.works.get(this.rollout.key(this.target.id))
    return (this.enter(Phase.CHECKING, SAID),) if work and work.state is WorkState.RUNNING else _work(this)


def _due_at_once(actions: tuple[Action, ...], now: datetime) -> datetime:
    return min([action.until for action in actions if isinstance(action, Wait)], default=now) - timedelta(seconds=2)


def _deaf_to_pauses(turn: context.TurnContext) -> list[Action]:
    return _next(replace(turn, rollout=replace(turn.rollout, paused=None)))


def _every_target(this: replay.Rollout, target: TargetId) -> bool:
    return not this.statuses[target].reverted


def _whatever_may_run_there(this: replay.Rollout, target: TargetId) -> bool:
    return bool(revert.recalled(this, target))


def _the_first_one_first(this: replay.Rollout) -> list[TargetId]:
    return _candidates(this)[::-1] if this.reverting and not this.by_phase[Phase.WAITING] else _candidates(this)


def _only_once_it_has_ended(this: replay.Rollout, target: TargetId) -> Reason | None:
    del target
    return this.stopped


def _the_update_once_more(self: Spec, *, back: bool) -> Command:
    del back
    return self.work


def _always_fresh(*_: object) -> datetime:
    return NOON + timedelta(days=1)


def _the_same_process(self: Owner, other: object) -> bool:
    return isinstance(other, Owner) and (self.host, self.pid) == (other.host, other.pid)


def _by_process(self: Owner) -> int:
    return hash((self.host, self.pid))


def _taken_from_itself(
    drivers: Drivers, groups: frozenset[Arn], rollout: RolloutId, silent: frozenset[Heartbeat] = frozenset()
) -> lease_keeper.LeaseKeeper:
    """As `take_lease`, without the look whether this process drives the rollout already."""
    asked = drivers.clock.now()
    lease = drivers.leases.take(groups, drivers.owner, rollout, silent)
    return lease_keeper.LeaseKeeper(drivers.leases, drivers.clock, lease, asked)


def _believed(*_: object) -> Callable[[object], object]:
    return lambda evidence: evidence


def _no_place(*_: object) -> str:
    return ""


def _hidden(*_: object) -> dict[object, object]:
    return {}


def _says_nothing(*_: object) -> Reason:
    return SAID


def nobody(*_: object) -> tuple[()]:
    return ()


def nothing(*_: object) -> None:
    return None


BROKEN = {
    "no floor is kept": Broken(
        [
            (decide, "floor_violation", nothing),
            (returning, "floor_violation", nothing),
            (context, "floor_violation", nothing),
        ],
        "1 floor",
        tight,
    ),
    "an old observation of the group counts": Broken(
        [
            (capacity, "OBSERVATION_MAX_AGE", timedelta(hours=1)),
            (dispatcher, "OBSERVATION_MAX_AGE", timedelta(hours=1)),
        ],
        "1 floor",
        blinded,
    ),
    "a take-out leaves however old its observation is": Broken(
        [(dispatcher, "OBSERVATION_MAX_AGE", timedelta(hours=1))], "1 fresh", runs(slow_append=0.5)
    ),
    "a start leaves however old its verdict is": Broken(
        [(dispatcher, "VERDICT_MAX_AGE", timedelta(hours=1))], "2 fresh", runs(slow_append=0.5)
    ),
    "a call is repeated without asking the floor": Broken(
        [(TargetContext, "needed", None), (capacity.ServingCount, "observed_since", _always_fresh)], "1 floor", cut_off
    ),
    "a target that is out stays out when the floor is lost": Broken(
        [(TargetContext, "floor_lost", None)], "1 back", runs(falls=0.02)
    ),
    "one observation proves that a target serves": Broken(
        [(returning, "PROOF_INTERVAL", timedelta())], "1 proof", runs()
    ),
    "a target in its slow start counts as serving": Broken([(capacity, "_slow_starts", nobody)], "1 proof", slow),
    "the settle time is ignored": Broken(
        [(draining, "unsettled", _without_settle), (working, "unsettled", _without_settle)], "2 live"
    ),
    "draining counts as nothing pending": Broken([(TargetContext, "nothing_pending", True)], "2 live"),
    "a blind probe counts": Broken(
        [(TargetContext, "nothing_pending", property(_believed_though_blind))], "2 live", probed
    ),
    "spans are not measured again after a takeover": Broken(
        [(replay._Draft, "_measure_again", nothing)], "2 live", long_settle
    ),
    "a returned register call counts as serving": Broken(
        [(returning, "_not_serving", _believed_when_called)], "3 back", aborted_among_lies
    ),
    "only the first registration is put back": Broken([(TargetContext, "register", _only_the_first)], "done", abroad),
    "a crash makes another key": Broken(
        [(replay.Rollout, "key", _another_key_after_a_crash)], "4 once", runs(crash=0.03)
    ),
    "the place of the marks is not recorded": Broken(
        [(decide, "_place", _no_place)], "4 once", runs(emptied=0.02, unmarked=0.02)
    ),
    "a target is put back while its work runs": Broken(
        [(decide, "PHASE_HANDLERS", {**decide.PHASE_HANDLERS, Phase.WORKING: _put_back_while_it_runs})],
        "4 once",
        runs(hangs=0.5),
    ),
    "a return is taken for granted": Broken(
        [(decide, "PHASE_HANDLERS", {**decide.PHASE_HANDLERS, Phase.RETURNING: _forgotten})], "5 forgotten"
    ),
    "the lease is not renewed": Broken(
        [(lease_keeper.LeaseKeeper, "renew", _never_renewed)], "6 owner", runs(pause=0.03, lost=0.4)
    ),
    "an act may begin at any time": Broken(
        [(lease_keeper, "LEASE_DURATION", timedelta(days=1))], "6 owner", runs(pause=0.05, slow=0.5)
    ),
    "an act may leave after a jump of the clock": Broken(
        [(FakePort, "leave", nothing)], "6 owner", runs(stopped=0.05, slow=0.5)
    ),
    "a lease is valid after a jump of the clock": Broken(
        [(SkewedClock, "last_jump", nothing)], "6 owner", runs(stopped=0.05, slow=0.5)
    ),
    "an act may begin to the very end of the lease, and is taken over at once after it": Broken(
        [(lease_keeper, "SAFETY_MARGIN", timedelta()), (lease_keeper, "SILENCE_LIMIT", timedelta(seconds=20))],
        "6 silence",
        far_away,
    ),
    "the heartbeat goes on without progress": Broken(
        [(lease_keeper, "STALL_LIMIT", timedelta(days=1))], "6 stall", runs(blocked=0.02)
    ),
    "a machine of the same snapshot is taken for the owner itself": Broken(
        [
            (Owner, "__eq__", _the_same_process),
            (Owner, "__hash__", _by_process),
            (lease_keeper, "take_lease", _taken_from_itself),
        ],
        "6 silence",
        twins,
    ),
    "nonsense of a target is believed": Broken(
        [(observer, "plausible_evidence", _believed)], "2 live", maddened(DrainUntil.PROOF)
    ),
    "one target whose driver fails hides the others": Broken(
        [(isolation, "_one_by_one", _hidden)], "alone", always_maddened
    ),
    "a rejected registration is given up": Broken([(returning, "_rejected", nothing)], "alone", lingering),
    "a short silence is believed": Broken(
        [(lease_keeper, "SILENCE_LIMIT", timedelta(seconds=8))], "6 silence", far_away
    ),
    "failures stop nothing": Broken([(replay.Rollout, "stopped", property(_deaf_to_failures))], "7 stops", failing),
    "an abort stops nothing": Broken([(replay.Rollout, "stopped", property(_deaf_to_aborts))], "7 abort", aborted),
    "a pause stops nothing": Broken([(decide, "_next", _deaf_to_pauses)], "7 pause", paused),
    "a revert goes to every target": Broken([(decide, "_due_back", _every_target)], "7 revert", taken_back),
    "the update runs instead of the revert": Broken([(Spec, "command", _the_update_once_more)], "7 revert", taken_back),
    "a revert takes back the first one first": Broken(
        [(decide, "candidates", _the_first_one_first)], "7 revert", taken_back
    ),
    "a revert lets the update begin what it had taken out": Broken(
        [(context, "called_off", _only_once_it_has_ended)], "7 revert", taken_back
    ),
    "a revert begins where work may still run": Broken(
        [(decide, "_due_back", _whatever_may_run_there)], "4 once", failing_back
    ),
    "an interrupt stops nothing": Broken(
        [(decide, "_next", _deaf_to_interrupts), (observe, "_held", _goes_on)], "7 interrupt", interrupted
    ),
    "a concurrent command loses the facts": Broken(
        [(runner.Runner, "_append", _facts_are_lost)], "2 live", of_many_words
    ),
    "no reason is given while it waits": Broken([(runner, "waiting_reason", _says_nothing)], "9 why"),
    "an ip target is registered while it drains": Broken(
        [(TargetContext, "ip_still_draining", False)], "ip", of_addresses
    ),
    "a target that is done is not watched": Broken([(decide, "watching", nobody)], "7 late", broken_late),
    "a target to be left alone is updated": Broken([(drift, "_left_alone", nothing)], "late", late(LatePolicy.LEAVE)),
    "late targets are not requested": Broken([(observe, "unknown", nobody)], "late", late(LatePolicy.ROLL)),
    "a deleted group is waited for": Broken([(decide, "vanished", nothing)], "5 forgotten", deleted, within=3),
    "an outage is not retried": Broken([(runner, "OUTAGE_LIMIT", timedelta(seconds=30))], "outage", runs(gone=0.01)),
    "attributes are not compared": Broken([(decide, "_not_as_planned", nothing)], "attributes", runs(edits=0.02)),
    "observations are not spaced": Broken(
        [(pacing, "EVERY", seconds(0.1)), (pacing, "SLOWEST", seconds(0.5))], "calls", runs()
    ),
    "a turn is due at once": Broken([(runner, "next_turn_due", _due_at_once)], "rest", runs()),
}


@pytest.mark.parametrize("what", BROKEN)
def test_judge_finds_broken_code(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = BROKEN[what]

    assert any(fault.startswith(broken.promise) for fault in broken.faults(monkeypatch))


@pytest.mark.parametrize("what", [what for what, broken in BROKEN.items() if broken.runs is not drawn_without_holds])
def test_judge_finds_nothing_in_working_code(what: str) -> None:
    assert [fault for seed in range(AS_IT_IS) for fault in judged(simulate(BROKEN[what].runs(seed)))] == []
