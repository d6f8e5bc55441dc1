"""The durable turn: read, look, decide, then write or act. It holds no opinion and never waits by itself.

One turn resolves everything in atomic appends; nothing is acted on unless its append succeeded. What an act brought
back is a fact, which is written with the next append.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from katakei.domain import events as e
from katakei.domain.actions import Action, Record, StartWork, Wait
from katakei.domain.errors import ConcurrentAppendError, NoAnswerError, TemporarilyUnavailableError, UnreachableError
from katakei.domain.model import RolloutId
from katakei.domain.observation import Observation
from katakei.domain.ports import Balancer, Clock, Executor, HealthChecker, Journal, Pool, Probe
from katakei.domain.reasons import Reason, ReasonCode, reason
from katakei.domain.replay import Rollout, evolve, replay
from katakei.domain.words import since
from katakei.reconcile.decide import decide, next_turn_due, still_valid, waiting_reason
from katakei.reconcile.observe import observation_request
from katakei.runtime.dispatcher import Dispatcher
from katakei.runtime.last_looks import last_looks
from katakei.runtime.lease_keeper import LeaseKeeper
from katakei.runtime.observer import Observer, probed_target

PROOF_MAX_AGE = timedelta(seconds=5)  # for so long it is not asked again whether the lease is ours
OUTAGE_LIMIT = timedelta(minutes=15)  # how long a world is borne that cannot be reached, or does not answer
JOURNAL_RETRY = timedelta(seconds=2)  # after which a journal that did not answer is asked again
MAX_ROUNDS = 30  # a turn that decides more often than this in one go is a fault of ours


@dataclass(frozen=True, slots=True)
class RunnerDrivers:
    """The drivers one rollout needs."""

    balancer: Balancer
    executor: Executor
    health_checker: HealthChecker
    journal: Journal
    clock: Clock
    pool: Pool
    probe: Probe | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn left behind: the rollout as it is now, what was written, why it waits, when to come again."""

    rollout: Rollout
    written: tuple[e.Event, ...]
    why: Reason
    whys: tuple[Wait, ...]
    now: datetime
    due: datetime

    @property
    def over(self) -> bool:
        """Nothing is left for this process: finished, or interrupted with nothing in hand."""
        return self.rollout.finished is not None or (self.rollout.interrupted and not self.rollout.in_progress)


class Runner:
    """Drives one rollout whose lease is ours."""

    def __init__(self, world: RunnerDrivers, hold: LeaseKeeper, rollout: RolloutId) -> None:
        self._world = world
        self._hold = hold
        self._rollout = replay(world.journal.read(rollout, 0))
        self._sight = Observation()
        self._looks = Observer(
            world.balancer, world.executor, world.health_checker, world.clock, world.pool, world.probe
        )
        self._acts = Dispatcher(world.balancer, world.executor, world.clock, world.pool)
        self._facts: list[e.Event] = []
        self._trouble_since: datetime | None = None
        self._deaf_since: datetime | None = None
        self._refused_since: datetime | None = None

    @property
    def rollout(self) -> Rollout:
        """The rollout as this process last read or wrote it."""
        return self._rollout

    def settled(self, within: timedelta) -> bool:
        """Whether no call of ours that changes anything is under way any more; waited for so long at most."""
        return self._acts.settled(within)

    def note(self, *events: e.Event) -> None:
        """A fact from outside the loop (the taking, an interrupt); written with the next append."""
        self._facts.extend(events)

    def turn(self) -> Turn:
        """One whole turn. Raises LeaseLost when somebody took over, Unreachable when patience has run out."""
        try:
            turn = self._turn()
        except (
            NoAnswerError,
            TemporarilyUnavailableError,
        ) as silence:  # the journal's: looks and acts keep theirs to themselves
            return self._unanswered(silence)
        self._deaf_since = None
        return turn

    def _unanswered(self, silence: NoAnswerError | TemporarilyUnavailableError) -> Turn:
        """Nothing is decided without the journal: it is asked again. What was to be written is kept."""
        now = self._world.clock.now()
        self._deaf_since = self._deaf_since or now
        if now - self._deaf_since > OUTAGE_LIMIT:
            raise UnreachableError(str(silence)) from silence
        why = reason(ReasonCode.JOURNAL_UNAVAILABLE, text=str(silence), waited=now - self._deaf_since)
        return Turn(self._rollout, (), why, (), now, now + JOURNAL_RETRY)

    def _turn(self) -> Turn:
        self._hold.renew()
        self._catch_up()
        self._acts.begin()
        written = self._flush()
        self._look()
        actions: Sequence[Action] = ()
        rollout = self._rollout
        for _ in range(MAX_ROUNDS):
            facts = self._gather()
            then, rollout = rollout, evolve(self._rollout, facts)
            known = still_valid(actions, then, rollout)
            actions = decide(rollout, self._sight, self._world.clock.now(), known)
            events = [*facts, *(action.event for action in actions if isinstance(action, Record))]
            if not self._append(events, facts):
                actions = ()
                continue
            self._act(actions)
            written += events
            if not events:
                break
        return self._told(written, actions)

    def _act(self, actions: Sequence[Action]) -> None:
        """Looks may have taken long: nothing is done unless the lease was ours a moment ago."""
        if self._world.clock.now() - self._hold.proved > PROOF_MAX_AGE:
            self._hold.renew()
        self._acts.submit(self._with_last_looks(actions), self._hold.until)

    def _with_last_looks(self, actions: Sequence[Action]) -> list[Action]:
        """What still drains is looked at once more by the work itself, where that runs on the target."""
        probe, carrier = self._world.probe, self._rollout.plan.spec.carrier
        asked = [action.key.target for action in actions if isinstance(action, StartWork) and action.last_look]
        asked = [target for target in asked if self._rollout.command(target).executor == carrier]
        looks = last_looks(probe, [probed_target(self._rollout, target) for target in asked]) if probe else {}
        return [
            replace(action, job=replace(action.job, probe=looks[action.key.target]))
            if isinstance(action, StartWork) and action.key.target in looks
            else action
            for action in actions
        ]

    def _flush(self) -> list[e.Event]:
        """Facts are written before the look, so that the look is known to be younger than they are."""
        facts = self._gather()
        return facts if self._append(facts, facts) else []

    def _gather(self) -> list[e.Event]:
        facts, self._facts = [*self._facts, *self._acts.facts()], []
        return facts

    def _append(self, events: Sequence[e.Event], facts: Sequence[e.Event]) -> bool:
        """All or none. When somebody's word came first the whole round is dropped; facts are kept until written."""
        if not events:
            return True
        asked, self._facts = self._world.clock.now(), list(facts)
        try:
            self._world.journal.append(self._hold.lease, self._rollout.plan.rollout, self._rollout.number, events)
        except ConcurrentAppendError:
            self._catch_up()
            return False
        self._hold.prove(asked)
        self._facts = []
        self._rollout = evolve(self._rollout, events)
        return True

    def _catch_up(self) -> None:
        news = self._world.journal.read(self._rollout.plan.rollout, self._rollout.number)
        if news:
            self._rollout = evolve(self._rollout, news)

    def _look(self) -> None:
        wanted = observation_request(self._rollout, self._sight, self._world.clock.now())
        self._sight = self._looks.look(self._rollout, wanted, self._sight)

    def _told(self, written: Iterable[e.Event], actions: Sequence[Action]) -> Turn:
        now = self._world.clock.now()
        trouble = self._bear(now)
        rests = tuple(action for action in actions if isinstance(action, Wait))
        why = trouble or self._refused(now) or waiting_reason(self._rollout, tuple(actions))
        due = max(next_turn_due(tuple(actions), now), self._looks.again(now))
        return Turn(self._rollout, tuple(written), why, rests, now, due)

    def _refused(self, now: datetime) -> Reason | None:
        """Work that is not taken as it is: said as long as that is so, which the limit of the work ends."""
        refused = self._acts.refused
        self._refused_since = (self._refused_since or now) if refused else None
        waited = now - (self._refused_since or now)
        return reason(ReasonCode.WORK_NOT_TAKEN, text=refused, waited=waited) if refused else None

    def _bear(self, now: datetime) -> Reason | None:
        """A world that may come back is borne for a while; one that refuses us, only while targets are out."""
        troubles = [*self._looks.troubles, *self._acts.troubles]
        if not troubles:
            silent, why = self._looks.silent(now)
            if now - silent > OUTAGE_LIMIT:
                raise UnreachableError(f"{why} ({since(silent, now)})")
            self._trouble_since = None if self._looks.answered else self._trouble_since
            return None
        self._trouble_since = self._trouble_since or now
        lasting = not any(isinstance(trouble, TemporarilyUnavailableError) for trouble in troubles)
        anything_out = any(self._rollout.statuses[target].deregistered for target in self._rollout.out_of_service)
        if now - self._trouble_since > OUTAGE_LIMIT or (lasting and not anything_out):
            raise UnreachableError(str(troubles[0]))
        waited = now - self._trouble_since
        return reason(ReasonCode.UNAVAILABLE, text=str(troubles[0]), waited=waited, limit=OUTAGE_LIMIT)
