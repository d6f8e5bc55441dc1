"""The decision of a turn: it closes the gap between the rollout (what was decided) and the observation (what is true).

`PHASE_HANDLERS` maps each phase to the function that answers for a target in it. `decide` is pure. It never waits, and
every turn starts from the journal and a fresh observation, so there is no recovery code.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from katakei.domain import events as e
from katakei.domain.actions import Action, Deregister, Record, Wait, target_of
from katakei.domain.gate_conditions import GateMoment
from katakei.domain.model import Target, TargetId
from katakei.domain.observation import SILENT, Blind, HealthState, Observation, Visible, baseline_text
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.plan import PlanKind
from katakei.domain.reasons import Reason, ReasonCode, reason
from katakei.domain.replay import Rollout
from katakei.domain.rollout import RETRYABLE, WIDE
from katakei.domain.spec import DrainUntil
from katakei.reconcile.capacity import OBSERVATION_MAX_AGE, ServingCount, count_serving, floor_violation, unproven
from katakei.reconcile.conditions import held_by
from katakei.reconcile.context import MAX_ATTEMPTS, TargetContext, TurnContext, reported
from katakei.reconcile.drain_proof import INTRUSIONS_ALLOWED
from katakei.reconcile.draining import draining, out
from katakei.reconcile.drift import joining, vanished
from katakei.reconcile.gating import expired, held_up, room
from katakei.reconcile.overlap import guarded, kept, not_allowed, offered
from katakei.reconcile.pacing import MOMENT, SLOWEST, pace
from katakei.reconcile.returning import checking, returning, soaking, warming
from katakei.reconcile.revert import fails_back, recalled
from katakei.reconcile.traffic_shift import decide_switch
from katakei.reconcile.watching import watching
from katakei.reconcile.waves import in_waves, wave_begins, wave_over
from katakei.reconcile.working import working

IDLE_INTERVAL = timedelta(seconds=15)
"""The longest pause between two turns."""
ATTRIBUTES_MAX_AGE = timedelta(seconds=60)
"""How old a reading of a group's attributes may be when a target is taken out."""
BASELINE_TIMEOUT = timedelta(seconds=45)
"""How long a take-out waits for the probe to see the target's traffic."""

PHASE_HANDLERS: Mapping[Phase, Callable[[TargetContext], tuple[Action, ...]]] = {
    Phase.DRAINING: draining,
    Phase.OUT: out,
    Phase.WORKING: working,
    Phase.CHECKING: checking,
    Phase.WARMING: warming,
    Phase.SOAKING: soaking,
    Phase.RETURNING: returning,
}


KnownActions = Mapping[TargetId, Sequence[Action]]


def decide(
    rollout: Rollout, observation: Observation, now: datetime, known: KnownActions | None = None
) -> tuple[Action, ...]:
    """The actions of this turn.

    Args:
        rollout: What was decided.
        observation: What is true, as far as it was observed.
        now: The moment of the decision.
        known: Answers to the same observation a moment ago that still hold (`still_valid`).

    Returns:
        Records (to be written in one append), external actions (only after it), and waits with their reasons.
    """
    if rollout.finished:
        return ()
    if rollout.traffic:
        return decide_switch(rollout, observation, now)
    if fails_back(rollout):
        return (Record(e.RevertDecided(now, rollout.failures)),)
    turn = TurnContext(rollout, observation, count_serving(rollout, observation, now), now)
    actions: list[Action] = [*joining(turn)]
    for phase, handler in PHASE_HANDLERS.items():
        for target in rollout.by_phase[phase]:
            if known and target in known:
                actions += known[target]
                continue
            context = turn.target(target)
            gone = vanished(context) if observation.deleted else None
            answer = (_kept(context, gone) or gone,) if gone else handler(context)
            actions += answer
            turn = turn.after(answer)
    actions += watching(turn) or _next(turn)
    if not actions and not (rollout.interrupted and _ahead(rollout)):
        actions += _at_the_end(turn) or [Record(e.Finished(now))]
    elif rollout.unacknowledged:
        actions.append(Record(e.CommandAcknowledged(now)))
    return tuple(actions)


def _at_the_end(turn: TurnContext) -> list[Action]:
    """What gates do at the end of an update that was not stopped."""
    return [] if turn.rollout.stopped else held_by(turn, GateMoment.END)


def _kept(context: TargetContext, leaves: Record) -> Wait | None:
    """The wait of a soaking target that leaves because a group was deleted: another one may still be out for it."""
    event = leaves.event
    if not isinstance(event, e.PhaseChanged) or event.to is not Phase.DRAINING or event.reason is None:
        return None
    return kept(context, event.reason)


def still_valid(actions: Iterable[Action], then: Rollout, now: Rollout) -> KnownActions:
    """The answers that still hold after more events: what people want is the same, and the target's status too.

    Args:
        actions: The answers to the rollout as it was.
        then: The rollout as it was.
        now: The rollout as it is.
    """
    if _wanted(then) != _wanted(now):
        return {}
    known: dict[TargetId, list[Action]] = {}
    pairs = [pair for rollout in (then, now) for pair in rollout.overlapping.items()]
    tied = {target for pair in pairs for target in pair}  # what one of two does rests on the other one, and on freezes
    for action in actions:
        target = target_of(action)
        if target is not None and target not in tied and now.statuses[target] is then.statuses[target]:
            known.setdefault(target, []).append(action)
    return known


def _wanted(rollout: Rollout) -> tuple[object, ...]:
    people = rollout.aborting, rollout.paused, rollout.reverting, rollout.interrupted
    return rollout.stopped, *people, rollout.marks, rollout.revert_marks


def candidates(rollout: Rollout) -> list[TargetId]:
    """The targets that may be taken out next, in order: those that an earlier rollout left out, the waiting ones, then
    those that get another attempt.

    Targets of waves that have not begun are not among them. While the rollout is being reverted: those that were
    touched, the last one first.
    """
    return in_waves(rollout, _ahead(rollout))


def _ahead(rollout: Rollout) -> list[TargetId]:
    """The same, of all waves."""
    waiting = rollout.at(Phase.WAITING)
    if rollout.reverting:
        back = [target for target in rollout.at(*_RETRYABLE_PHASES) if _due_back(rollout, target)]
        return [*waiting, *sorted(back, key=lambda target: rollout.statuses[target].touched, reverse=True)]
    again = [t for t in rollout.at(Phase.RETURNED, Phase.FAILED_SERVING) if _tried_again(rollout, t)]
    flagged = [(t, rollout.statuses[t]) for t in rollout.flagged]
    asked = [t for t, status in flagged if status.retry and status.phase in _RETRYABLE_PHASES]
    held, left = rollout.held_waiting, rollout.limit_left
    beyond = set() if left is None else set(held[left:])
    return [t for t in dict.fromkeys([*held, *waiting, *again, *asked]) if t not in beyond]


_RETRYABLE_PHASES = (Phase.DONE, Phase.RETURNED, Phase.LEFT_OUT, Phase.FAILED_SERVING)


def _tried_again(rollout: Rollout, target: TargetId) -> bool:
    status = rollout.statuses[target]
    return status.cause in RETRYABLE and status.tries < MAX_ATTEMPTS and not rollout.stopped


def _due_back(rollout: Rollout, target: TargetId) -> bool:
    """Not where the work may still run, nor where somebody else keeps registering the target: a person decides."""
    status = rollout.statuses[target]
    if status.may_run or status.found_serving >= INTRUSIONS_ALLOWED:
        return False
    again = status.reverted and _tried_again(rollout, target)
    return recalled(rollout, target) is not None or again


def _next(turn: TurnContext) -> list[Action]:
    """Which targets are taken out next, as far as window and floor allow; or why none is."""
    rollout = turn.rollout
    if rollout.interrupted:
        return []
    skips = _skips(turn)
    if skips or rollout.stopped:
        return skips
    if overdue := expired(rollout, turn.observation.freezes, turn.now):
        return overdue
    if over := wave_over(rollout, _ahead(rollout), turn.now):
        return [over]
    places = _places(turn)
    if not places:
        return []
    nexts = candidates(rollout)
    if not nexts:
        return []
    if rollout.paused:
        waited, rollout_id = turn.now - rollout.moved, rollout.plan.rollout
        why = reason(ReasonCode.PAUSED, by=rollout.paused, waited=waited, rollout=rollout_id)
        return [] if rollout.in_progress else [Wait(turn.now + IDLE_INTERVAL, why)]
    held = [] if rollout.reverting else held_up(rollout, turn.observation, turn.freeze, turn.now)
    begins = wave_begins(rollout, turn.now)
    if isinstance(held, Reason):
        return [begins] if begins else _hold(turn, {nexts[0]: held})
    held = held or ([begins] if begins else []) or held_by(turn, GateMoment.BEFORE)
    if not held:
        return _take(turn, nexts, places)
    return [action for action in held if isinstance(action, Record) or not rollout.in_progress]


def _skips(turn: TurnContext) -> list[Action]:
    """The waiting targets that are never taken out: the rollout stopped, was reverted, or has reached its limit."""
    rollout, cause = turn.rollout, None
    never = rollout.stopped
    if never is None and rollout.reverting:
        never = reason(ReasonCode.REVERTED_BEFORE_TURN, by=rollout.reverting)
    if never is None and rollout.limit_left == 0:
        never, cause = reason(ReasonCode.LIMIT_REACHED, limit=rollout.plan.limit), Cause.LIMIT
    return [_skip(turn, target, never, cause) for target in rollout.by_phase[Phase.WAITING]] if never else []


def _places(turn: TurnContext) -> list[TargetId | None]:
    """The places in the window for a whole batch: None is a free one, else the soaking target that gives its own."""
    rollout = turn.rollout
    places: list[TargetId | None] = [None] * max(0, rollout.free_places)
    places += offered(turn)
    return places if len(places) >= rollout.batch_size else []


def _take(turn: TurnContext, nexts: list[TargetId], places: list[TargetId | None]) -> list[Action]:
    rollout = turn.rollout
    free, before = places[: max(0, room(rollout))], set(rollout.held_waiting).intersection(nexts)
    new = rollout.limit_left
    left = _Left(turn, turn.serving, turn.proven if any(free) else None, guarded(turn), rollout.overlapping)
    actions: list[Action] = []
    held: dict[TargetId, Reason] = {}
    for target_id in nexts:
        first = target_id in before
        if new == 0 and _is_new(rollout, target_id):
            continue
        if len(free) <= (0 if first else len(before)):  # one that is out already, and still to be taken, has a place
            break
        target = rollout.targets[target_id]
        after = left.without(target)
        if elsewhere := _taken_elsewhere(turn, target):
            actions.append(elsewhere)
        elif why := _not_as_planned(turn, target) or after.needed(target, free[0]):
            held[target_id] = why
        elif baseline := _baseline(turn, target):
            if isinstance(baseline, Record):
                actions.append(baseline)
                free = free if first else free[1:]
            else:
                held[target_id] = baseline
        elif _place(turn, target_id) is None:
            held[target_id] = reason(ReasonCode.PLACE_PENDING)
        else:
            left = after
            before.discard(target_id)
            actions += _leaves(turn, target, free[0], left.serving)
            free = free[1:]
            new = new if new is None else new - _is_new(rollout, target_id)
    return actions or _hold(turn, held)


def _is_new(rollout: Rollout, target: TargetId) -> bool:
    """Whether it was never taken before, so that it counts for the limit of the plan."""
    status = rollout.statuses[target]
    return status.phase is Phase.WAITING or status.attempt == 0


@dataclass(frozen=True, slots=True)
class _Left:
    """Who is left in service, and who of them is proven, while one target after the other is taken out in a turn.

    Attributes:
        proven: Those that count for a target that takes the place of a soaking one; None where none does.
        guarded: Those that no target may take away while others overlap; None while none do.
        overlapping: Soaking targets that stay, each with the target that took its place.
    """

    turn: TurnContext
    serving: ServingCount
    proven: ServingCount | None
    guarded: ServingCount | None
    overlapping: Mapping[TargetId, TargetId]

    def without(self, target: Target) -> "_Left":
        """The rest without one more target."""
        return replace(
            self,
            serving=self.serving.without(target),
            proven=self.proven and self.proven.without(target),
            guarded=self.guarded and self.guarded.without(target),
        )

    def needed(self, target: Target, soaking: TargetId | None) -> Reason | None:
        """Why a target may not leave service now. Nothing needs one that was left out and is observed out.

        Args:
            target: The target in question; it is not among those that are left.
            soaking: The target whose place it would take; None for a free one.
        """
        turn = self.turn
        if kept_by := self.overlapping.get(target.id):
            name = turn.rollout.targets[kept_by].name or None
            return reason(ReasonCode.KEPT_FOR_OVERLAP, target=kept_by, name=name, why=None)
        if soaking and self.proven and (why := not_allowed(turn, target, self.proven)):
            return why
        if _observed_out(turn, target):
            return None
        if self.guarded and (why := unproven(turn.rollout, self.guarded, target)):
            return why
        return floor_violation(turn.rollout, self.serving, target)


def _leaves(turn: TurnContext, target: Target, soaking: TargetId | None, serving: ServingCount) -> list[Action]:
    """The take-out, and its call with the oldest observation on which it rests."""
    rests_on = [_observed_out(turn, target) or serving.observed_since(target)]
    if soaking:
        rests_on += [health.begun for health in turn.target(soaking).health or ()]
    observed = _observed(turn, min(rests_on))
    return [_take_out(turn, target.id, soaking), Deregister(target.id, target.registrations, observed)]


def _observed(turn: TurnContext, health: datetime) -> datetime:
    """When the oldest observation began on which a take-out rests: of health, and of freezes where they count."""
    reading = turn.observation.freezes
    return min(health, reading.begun) if reading and not turn.rollout.reverting else health


def _take_out(turn: TurnContext, target: TargetId, soaking: TargetId | None) -> Record:
    intent = Intent.REVERT if turn.rollout.reverting else Intent.UPDATE
    place = _place(turn, target) or ""
    return Record(e.PhaseChanged(turn.now, target, Phase.DRAINING, intent=intent, place=place, overlaps=soaking))


def _place(turn: TurnContext, target: TargetId) -> str | None:
    """Where the mark of its work is kept ('' for nowhere); None while the target has not answered (promise 4)."""
    if turn.rollout.plan.kind is not PlanKind.ROLL:
        return ""
    return turn.observation.places.get(target)


def _observed_out(turn: TurnContext, target: Target) -> datetime | None:
    """When the oldest observation began that shows a target out that was left out; None when it is not known out."""
    observed = [turn.observation.of(place) for place in target.registrations]
    out = [health for health in observed if health and health.out and turn.now - health.begun <= OBSERVATION_MAX_AGE]
    known = len(out) == len(observed) and turn.rollout.statuses[target.id].phase is Phase.LEFT_OUT
    return min(health.begun for health in out) if known else None


def _hold(turn: TurnContext, held: Mapping[TargetId, Reason]) -> list[Action]:
    """No target may be taken out: wait, up to `limits.waiting`."""
    rollout, waited = turn.rollout, _unmoved(turn)
    if rollout.in_progress or not held:
        return []
    target, why = next(iter(held.items()))
    if waited > rollout.plan.spec.limits.waiting:
        waiting = rollout.by_phase[Phase.WAITING]
        return [
            _skip(turn, each, reason(ReasonCode.WAITED_TOO_LONG, why=held.get(each, why)), Cause.FAILED)
            for each in waiting
        ]
    name = rollout.targets[target].name or None
    waits = reason(ReasonCode.NEXT_TARGET_WAITS, target=target, name=name, waited=waited, why=why)
    return [Wait(turn.now + pace(waited), waits)]


def _unmoved(turn: TurnContext) -> timedelta:
    """How long no phase has changed. The time in which a person or a gate held the rollout does not count."""
    rollout = turn.rollout
    held = rollout.unacknowledged or rollout.asked_gates or rollout.holding_gates
    return timedelta() if held else turn.now - rollout.moved


def _not_as_planned(turn: TurnContext, target: Target) -> Reason | None:
    """Why its groups are not, or not known to be, as the plan recorded them; None when they are."""
    for place in target.registrations:
        reading = turn.observation.attributes.get(place.group)
        if reading is None or turn.now - reading.begun > ATTRIBUTES_MAX_AGE:
            return reason(ReasonCode.ATTRIBUTES_NOT_READ, group=place.group)
        if reading.changes:
            return reason(ReasonCode.GROUP_CHANGED, group=place.group, changes=reading.changes)
    return None


def _baseline(turn: TurnContext, target: Target) -> Record | Reason | None:
    """What the probe sees of the target while it serves.

    Returns:
        The record of the baseline, once it is known or was awaited long enough; why the take-out waits for it; None
        when it is recorded already, or not needed.
    """
    status = turn.rollout.statuses[target.id]
    if turn.rollout.plan.spec.drain.until is DrainUntil.DELAY or status.baseline is not None:
        return None
    baseline = turn.observation.baseline.get(target.id)
    ends = status.phase is Phase.LEFT_OUT or _unmoved(turn) >= BASELINE_TIMEOUT
    if isinstance(baseline, Visible) or (ends and baseline):
        return Record(e.BaselineTaken(turn.now, target.id, baseline_text(baseline)))
    if ends:
        return Record(e.BaselineTaken(turn.now, target.id, baseline_text(SILENT), SILENT.why))
    return reason(ReasonCode.BASELINE_PENDING, why=baseline.why if isinstance(baseline, Blind) else None)


def _taken_elsewhere(turn: TurnContext, target: Target) -> Record | None:
    """A waiting target that somebody else has taken out is left alone; one that is no longer registered is gone."""
    if turn.rollout.statuses[target.id].phase is not Phase.WAITING:
        return None
    if gone := vanished(turn.target(target.id)):
        return gone
    observed = [turn.observation.of(place) for place in target.registrations]
    if all(health and health.state is HealthState.ABSENT for health in observed):
        why = reason(ReasonCode.DEREGISTERED_ELSEWHERE)
        return Record(e.PhaseChanged(turn.now, target.id, Phase.GONE, reason=why))
    if any(health and health.out for health in observed):
        why = reason(ReasonCode.DRAINING_ELSEWHERE)
        return Record(e.PhaseChanged(turn.now, target.id, Phase.SKIPPED, reason=why))
    if stopped := next((health for health in observed if health and health.stopped), None):
        why = reason(ReasonCode.MACHINE_STOPPED, health=reported(stopped))
        return Record(e.PhaseChanged(turn.now, target.id, Phase.SKIPPED, reason=why))
    return None


def _skip(turn: TurnContext, target: TargetId, why: Reason, cause: Cause | None = None) -> Record:
    aborted = Cause.ABORTED if turn.rollout.aborting else None
    return Record(e.PhaseChanged(turn.now, target, Phase.SKIPPED, cause=cause or aborted, reason=why))


def waiting_reason(rollout: Rollout, actions: tuple[Action, ...]) -> Reason:
    """What the rollout waits for, as one reason (promise 9).

    Args:
        rollout: The rollout after the turn.
        actions: The actions of the turn.
    """
    if rollout.finished:
        return reason(ReasonCode.FINISHED)
    waits = [action for action in actions if isinstance(action, Wait)]
    if waits and waits[0].target is not None:
        first = waits[0]
        name = rollout.targets[waits[0].target].name or None
        others = len(waits) - 1
        return reason(ReasonCode.TARGET_WAITS, target=first.target, name=name, why=first.reason, others=others)
    if waits:
        return waits[0].reason
    acting = tuple(rollout.at(*PHASE_HANDLERS))
    return reason(ReasonCode.ACTING, targets=acting) if acting else reason(ReasonCode.NOTHING_IN_PROGRESS)


def next_turn_due(actions: tuple[Action, ...], now: datetime) -> datetime:
    """When the next turn is due: at the earliest wait, a moment after an external action, or at the idle pace.

    A wait that is over although its observation has not come yet must not become a busy loop. With very many targets
    in progress one turn every two seconds serves them all, and several in one call.
    """
    waits = [action.until for action in actions if isinstance(action, Wait)]
    acts = [now + MOMENT for action in actions if not isinstance(action, (Wait, Record))]
    soonest = MOMENT if 2 * len(waits) < WIDE else SLOWEST
    return max(now + soonest, min([*waits, *acts, now + IDLE_INTERVAL]))
