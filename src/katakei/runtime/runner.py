"""The durable turn: read, observe, decide, write, and only then call the outside. It never waits by itself.

One turn writes every decision in atomic appends; no call is made unless the append before it succeeded. The result of
a call is an event, which is written with the next append. `RolloutSession.step` is the only caller.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from katakei.domain import events as e
from katakei.domain.actions import Action, Record, StartWork, Wait
from katakei.domain.errors import ConcurrentAppendError, NoAnswerError, TemporarilyUnavailableError, UnreachableError
from katakei.domain.model import RolloutId, TargetId
from katakei.domain.observation import Observation, WorkState
from katakei.domain.ports import ProbedTarget
from katakei.domain.reasons import Reason, ReasonCode, reason
from katakei.domain.replay import Rollout, evolve, replay
from katakei.domain.wire import kind_of
from katakei.domain.words import since
from katakei.reconcile.decide import decide, next_turn_due, still_valid, waiting_reason
from katakei.reconcile.observe import observation_request
from katakei.runtime.dispatcher import Dispatcher, last_looks
from katakei.runtime.drivers import Drivers
from katakei.runtime.isolation import isolated, plausible_text
from katakei.runtime.lease_keeper import LeaseKeeper
from katakei.runtime.observer import Observer, probed_target
from katakei.runtime.routing import executor_of
from katakei.runtime.weights import WeightSetter

log = logging.getLogger(__name__)

PROOF_MAX_AGE = timedelta(seconds=5)  # a lease that was confirmed less long ago is not renewed before a call
OUTAGE_LIMIT = timedelta(minutes=15)  # how long AWS or the journal may be unreachable before the process gives up
JOURNAL_RETRY = timedelta(seconds=2)  # after which a journal that did not answer is asked again
DROPS_TOLERATED = 2  # calls of one target that are dropped one after the other before the reason names the journal
MAX_ROUNDS = 30  # rounds of decisions in one turn; more would be an internal error


@dataclass(frozen=True, slots=True)
class Turn:
    """The result of one turn.

    Attributes:
        rollout: The rollout as it is now.
        written: The events that this turn appended.
        why: What the rollout waits for.
        whys: What each target waits for.
        now: The moment at which the turn ended.
        due: The moment at which the next turn is due, unless the clock is woken before.
        outputs: The end of what running work has printed, where the executor can tell before it ends.
        took: How long the turn took.
    """

    rollout: Rollout
    written: tuple[e.Event, ...]
    why: Reason
    whys: tuple[Wait, ...]
    now: datetime
    due: datetime
    outputs: Mapping[TargetId, str] = field(default_factory=dict)
    took: timedelta = timedelta()

    @property
    def over(self) -> bool:
        """Whether this process is done: the rollout is finished, or interrupted with no target in progress.

        A switch whose requests have all moved needs no process until a person finishes it, or takes the way back.
        """
        return self.rollout.rests


class Runner:
    """Takes the turns of one rollout whose lease this process holds."""

    def __init__(self, drivers: Drivers, lease: LeaseKeeper, rollout: RolloutId) -> None:
        self._drivers = drivers
        self._lease = lease
        self._rollout = replay(drivers.journal.read(rollout, 0))
        spec, switch = self._rollout.plan.spec, self._rollout.plan.switch
        executor = executor_of(drivers, spec)
        self._probe = drivers.probe(spec)
        self._observation = Observation()
        self._observer = Observer(
            drivers.balancer,
            executor,
            drivers.health_checker,
            drivers.clock,
            drivers.pool,
            self._probe,
            drivers.freezes,
            drivers.router if switch else None,
        )
        self._weights = WeightSetter(drivers.router, switch, drivers.clock, drivers.pool) if switch else None
        self._dispatcher = Dispatcher(drivers.balancer, executor, drivers.clock, drivers.pool)
        self._looked = drivers.clock.now()
        self._facts: list[e.Event] = []
        self._journal_took = timedelta()
        self._trouble_since: datetime | None = None
        self._deaf_since: datetime | None = None
        self._refused_since: datetime | None = None

    @property
    def rollout(self) -> Rollout:
        """The rollout as this process last read or wrote it."""
        return self._rollout

    def settled(self, within: timedelta) -> bool:
        """Whether no call that changes anything is under way any more; waits up to `within` for them."""
        return self._dispatcher.settled(within) and (self._weights is None or self._weights.settled(within))

    def note(self, *events: e.Event) -> None:
        """Adds events from outside the turn (a new owner, an interrupt); they are written with the next append."""
        self._facts.extend(events)

    def turn(self) -> Turn:
        """Takes one turn.

        Raises:
            LeaseLostError: Another process took over.
            UnreachableError: AWS, the executor or the journal was unreachable for too long, or denies access.
        """
        begun = self._drivers.clock.now()
        try:
            turn = self._turn()
        except (NoAnswerError, TemporarilyUnavailableError) as silence:  # of the journal: other errors stay in the turn
            return self._unanswered(silence)
        if turn.over:
            self._observer.let_go(turn.rollout)
        self._deaf_since = None
        return replace(turn, took=turn.now - begun)

    def _unanswered(self, silence: NoAnswerError | TemporarilyUnavailableError) -> Turn:
        """Nothing is decided without the journal: it is asked again. Unwritten events are kept."""
        now = self._drivers.clock.now()
        self._deaf_since = self._deaf_since or now
        log.info("journal silent", extra={"facts": {"rollout": self._rollout.plan.rollout, "error": str(silence)}})
        if now - self._deaf_since > OUTAGE_LIMIT:
            raise UnreachableError(str(silence)) from silence
        why = reason(ReasonCode.JOURNAL_UNAVAILABLE, text=str(silence), waited=now - self._deaf_since)
        return Turn(self._rollout, (), why, (), now, now + JOURNAL_RETRY)

    def _turn(self) -> Turn:
        self._renew()
        self._catch_up()
        self._dispatcher.begin()
        if self._weights:
            self._weights.begin()
        written = self._flush()
        self._look()
        actions: Sequence[Action] = ()
        rollout = self._rollout
        for _ in range(MAX_ROUNDS):
            facts = self._gather()
            then, rollout = rollout, evolve(self._rollout, facts)
            known = still_valid(actions, then, rollout)
            actions = decide(rollout, self._observation, self._drivers.clock.now(), known)
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
        """Observing may have taken long: no call is made unless the lease was confirmed a moment ago."""
        if self._jumped():
            log.info("no call after a jump of the clock", extra={"facts": {"rollout": self._rollout.plan.rollout}})
            return
        if self._drivers.clock.now() - self._lease.proved > PROOF_MAX_AGE:
            self._renew()
        if self._weights:
            self._weights.submit(actions, self._lease.until)
            return
        self._dispatcher.submit(self._with_last_looks(actions), self._lease.until)

    def _renew(self) -> None:
        asked = self._drivers.clock.now()
        self._lease.renew()
        self._measure(asked)

    def _measure(self, asked: datetime) -> None:
        """How long the journal takes at most, since no call was dropped."""
        took = self._drivers.clock.now() - asked
        self._journal_took = max(took, self._journal_took) if self._dispatcher.dropped else took

    def _with_last_looks(self, actions: Sequence[Action]) -> list[Action]:
        """A target that still drains is probed once more by the work itself, where that runs on the target.

        Work whose last probe cannot be written is not started.
        """
        probe, carrier = self._probe, self._rollout.plan.spec.carrier
        if probe is None:
            return list(actions)
        waiting = {action.key: action for action in actions if isinstance(action, StartWork) and action.last_look}
        asked = {
            key: probed_target(self._rollout, key.target)
            for key in waiting
            if self._rollout.command(key.target).executor == carrier
        }

        def written(some: Mapping[e.WorkKey, ProbedTarget]) -> Mapping[e.WorkKey, str]:
            programs = last_looks(probe, list(some.values()))
            return {key: programs[key.target] for key in some}

        looks = isolated(written, asked, plausible_text, self._dispatcher.note_fault)
        probed = {key: replace(waiting[key], job=replace(waiting[key].job, probe=text)) for key, text in looks.items()}
        starts = [action for action in actions if isinstance(action, StartWork) and action.key not in asked]
        return [*(action for action in actions if not isinstance(action, StartWork)), *starts, *probed.values()]

    def _flush(self) -> list[e.Event]:
        """Results of calls are written before observing, so that the observation is known to be younger."""
        facts = self._gather()
        return facts if self._append(facts, facts) else []

    def _gather(self) -> list[e.Event]:
        done = self._weights.facts() if self._weights else self._dispatcher.facts()
        facts, self._facts = [*self._facts, *done], []
        return facts

    def _append(self, events: Sequence[e.Event], facts: Sequence[e.Event]) -> bool:
        """Appends all or none. A user's command that came first drops the round; results of calls are kept."""
        if not events:
            return True
        asked, self._facts = self._drivers.clock.now(), list(facts)
        try:
            self._drivers.journal.append(self._lease.lease, self._rollout.plan.rollout, self._rollout.number, events)
        except ConcurrentAppendError:
            self._catch_up()
            return False
        self._measure(asked)
        self._lease.prove(asked)
        self._facts = []
        kinds = [kind_of(event) for event in events] if log.isEnabledFor(logging.INFO) else []
        facts_of = {"rollout": self._rollout.plan.rollout, "after": self._rollout.number, "kinds": kinds}
        log.info("events written", extra={"facts": facts_of})
        self._rollout = evolve(self._rollout, events)
        return True

    def _catch_up(self) -> None:
        news = self._drivers.journal.read(self._rollout.plan.rollout, self._rollout.number)
        if news:
            self._rollout = evolve(self._rollout, news)

    def _jumped(self) -> bool:
        """Whether the time jumped since the last observation began: its age cannot be known then."""
        jump = self._drivers.clock.last_jump()
        return jump is not None and jump >= self._looked

    def _look(self) -> None:
        if self._jumped():
            self._observation = Observation()
        self._looked = self._drivers.clock.now()
        wanted = observation_request(self._rollout, self._observation, self._drivers.clock.now())
        self._observation = self._observer.look(self._rollout, wanted, self._observation)

    def _told(self, written: Iterable[e.Event], actions: Sequence[Action]) -> Turn:
        now = self._drivers.clock.now()
        trouble = self._tolerated(now)
        waits = tuple(action for action in actions if isinstance(action, Wait))
        why = trouble or self._refused(now) or self._slow_journal(now)
        why = why or waiting_reason(self._rollout, tuple(actions))
        due = max(next_turn_due(tuple(actions), now), self._observer.again(now))
        works = self._observation.works.items()
        outputs = {key.target: work.out for key, work in works if work.state is WorkState.RUNNING and work.out}
        return Turn(self._rollout, tuple(written), why, waits, now, due, outputs)

    def _refused(self, now: datetime) -> Reason | None:
        """Why the executor does not accept the work; shown until limits.working ends that."""
        refused = self._dispatcher.refused
        self._refused_since = (self._refused_since or now) if refused else None
        waited = now - (self._refused_since or now)
        return reason(ReasonCode.WORK_NOT_TAKEN, text=refused, waited=waited) if refused else None

    def _slow_journal(self, now: datetime) -> Reason | None:
        """Why calls are dropped again and again."""
        often = [each for each in self._dispatcher.dropped.values() if each.times > DROPS_TOLERATED]
        if not often:
            return None
        first = min(often, key=lambda each: each.since)
        return reason(
            ReasonCode.JOURNAL_SLOW,
            target=first.target,
            name=self._rollout.targets[first.target].name or None,
            times=first.times,
            took=self._journal_took,
            waited=now - first.since,
        )

    def _tolerated(self, now: datetime) -> Reason | None:
        """Bounds how long an outage is tolerated.

        Outages are retried for up to 15 minutes. Denied access ends the turn at once while no target is out.
        """
        troubles = [
            *self._observer.troubles,
            *self._dispatcher.troubles,
            *(self._weights.troubles if self._weights else ()),
        ]
        if not troubles:
            silent, why = self._observer.silent(now)
            if now - silent > OUTAGE_LIMIT:
                raise UnreachableError(f"{why} ({since(silent, now)})")
            self._trouble_since = None if self._observer.answered else self._trouble_since
            return None
        self._trouble_since = self._trouble_since or now
        lasting = not any(isinstance(trouble, TemporarilyUnavailableError) for trouble in troubles)
        traffic = self._rollout.traffic
        anything_out = traffic is not None and traffic.begun
        anything_out |= any(self._rollout.statuses[target].deregistered for target in self._rollout.out_of_service)
        if now - self._trouble_since > OUTAGE_LIMIT or (lasting and not anything_out):
            raise UnreachableError(str(troubles[0]))
        waited = now - self._trouble_since
        return reason(ReasonCode.UNAVAILABLE, text=str(troubles[0]), waited=waited, limit=OUTAGE_LIMIT)
