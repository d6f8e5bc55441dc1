"""The decision of a turn: closes the gap between the rollout (what was decided) and the observation (what is true).

`PHASE_HANDLERS` maps each phase to the function that answers a target in it. `decide` is pure. It
never waits, and every turn starts from the journal and a fresh look, so there is no recovery code.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from katakei.domain import events as e
from katakei.domain.actions import Action, Deregister, Record, Wait, target_of
from katakei.domain.model import Target, TargetId
from katakei.domain.observation import HealthState, Observation, RegistrationHealth
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.replay import Rollout
from katakei.domain.rollout import RETRYABLE, WIDE
from katakei.domain.spec import DrainUntil
from katakei.domain.words import label, listed, since, span
from katakei.reconcile.capacity import OBSERVATION_MAX_AGE, ServingCount, count_serving, floor_violation
from katakei.reconcile.context import MAX_ATTEMPTS, TargetContext, TurnContext, shown
from katakei.reconcile.drain_proof import TWICE
from katakei.reconcile.draining import draining, out
from katakei.reconcile.drift import joining
from katakei.reconcile.pacing import MOMENT, SLOWEST, pace
from katakei.reconcile.returning import checking, returning, soaking, warming
from katakei.reconcile.revert import fails_back, recalled
from katakei.reconcile.vanished import vanished
from katakei.reconcile.watching import watching
from katakei.reconcile.working import working

IDLE_INTERVAL = timedelta(seconds=15)
ATTRIBUTES_MAX_AGE = timedelta(seconds=60)  # how old a reading of a group's attributes may be at a take-out
BASELINE_TIMEOUT = timedelta(
    seconds=45
)  # so long a target's traffic is awaited before it leaves; else it is called blind

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
    """The steps of this turn: notes (to be written in one append), acts (only after it), rests (why it waits).

    `known` are answers to the same sight a moment ago that still hold.
    """
    if rollout.finished:
        return ()
    if fails_back(rollout):
        return (Record(e.RevertDecided(now, rollout.failures)),)
    scene = TurnContext(rollout, observation, count_serving(rollout, observation, now), now)
    actions: list[Action] = [*joining(scene)]
    for phase, answer in PHASE_HANDLERS.items():
        for target in rollout.by_phase[phase]:
            if known and target in known:
                actions += known[target]
                continue
            case = scene.case(target)
            gone = vanished(case) if observation.deleted else None
            answered = (gone,) if gone else answer(case)
            actions += answered
            scene = scene.after(answered)
    actions += watching(scene) or _next(scene)
    if not actions and not (rollout.interrupted and candidates(rollout)):
        actions.append(Record(e.Finished(now)))
    elif rollout.unacknowledged:
        actions.append(Record(e.CommandAcknowledged(now)))
    return tuple(actions)


def still_valid(actions: Iterable[Action], then: Rollout, now: Rollout) -> KnownActions:
    """Of these answers those that hold: what a person wants is the same, and the target stands where it stood."""
    if _wanted(then) != _wanted(now):
        return {}
    known: dict[TargetId, list[Action]] = {}
    for action in actions:
        target = target_of(action)
        if target is not None and now.statuses[target] is then.statuses[target]:
            known.setdefault(target, []).append(action)
    return known


def _wanted(rollout: Rollout) -> tuple[object, ...]:
    person = rollout.aborting, rollout.paused, rollout.reverting, rollout.interrupted
    return rollout.stopped, *person, rollout.marks, rollout.revert_marks


def candidates(rollout: Rollout) -> list[TargetId]:
    """Targets that may be taken next, in order: the waiting ones, then those to be tried again.

    Once it is being reverted: those that were touched, the last one first.
    """
    waiting = rollout.at(Phase.WAITING)
    if rollout.reverting:
        back = [target for target in rollout.at(*_ASKED) if _due_back(rollout, target)]
        return [*waiting, *sorted(back, key=lambda target: rollout.statuses[target].touched, reverse=True)]
    again = [t for t in rollout.at(Phase.RETURNED, Phase.FAILED_SERVING) if _tried_again(rollout, t)]
    some = [(t, rollout.statuses[t]) for t in rollout.flagged]
    asked = [t for t, status in some if status.retry and status.phase in _ASKED]
    return list(dict.fromkeys([*waiting, *again, *asked]))


_ASKED = (Phase.DONE, Phase.RETURNED, Phase.LEFT_OUT, Phase.FAILED_SERVING)


def _tried_again(rollout: Rollout, target: TargetId) -> bool:
    status = rollout.statuses[target]
    return status.cause in RETRYABLE and status.tries < MAX_ATTEMPTS and not rollout.stopped


def _due_back(rollout: Rollout, target: TargetId) -> bool:
    """Not where the work may still run, nor where somebody else insists on the target: those are left to a person."""
    status = rollout.statuses[target]
    if status.may_run or status.found_serving >= TWICE:
        return False
    again = status.reverted and _tried_again(rollout, target)
    return bool(recalled(rollout, target)) or again


def _next(scene: TurnContext) -> list[Action]:
    """Who is taken next, as far as window and floor allow; or why nobody is."""
    rollout = scene.rollout
    if rollout.interrupted:
        return []
    never = rollout.stopped or (f"reverted by {rollout.reverting} before its turn" if rollout.reverting else "")
    if never and rollout.by_phase[Phase.WAITING]:
        return [_skip(scene, target, never) for target in rollout.by_phase[Phase.WAITING]]
    if rollout.stopped or not rollout.free:
        return []
    nexts = candidates(rollout)
    if not nexts:
        return []
    if rollout.paused:
        said = f"paused by {rollout.paused} {since(rollout.moved, scene.now)}; nothing else is begun until:"
        return (
            []
            if rollout.in_progress
            else [Wait(scene.now + IDLE_INTERVAL, f"{said} katakei resume {rollout.plan.rollout}")]
        )
    return _take(scene, nexts)


def _take(scene: TurnContext, nexts: list[TargetId]) -> list[Action]:
    rollout, serving = scene.rollout, scene.tally
    free = rollout.free
    actions: list[Action] = []
    held: dict[TargetId, str] = {}
    for target_id in nexts:
        if free == 0:
            break
        target = rollout.targets[target_id]
        left = serving.without(target)
        if foreign := _not_ours_to_take(scene, target):
            actions.append(foreign)
        elif reason := _not_as_planned(scene, target) or _needed(scene, target, left):
            held[target_id] = reason
        elif baseline := _baseline(scene, target):
            if isinstance(baseline, Record):
                actions.append(baseline)
                free -= 1
            else:
                held[target_id] = baseline
        else:
            serving, free = left, free - 1
            actions += [_take_out(scene, target_id), Deregister(target_id, target.registrations)]
    return actions or _hold(scene, held)


def _take_out(scene: TurnContext, target: TargetId) -> Record:
    intent = Intent.REVERT if scene.rollout.reverting else Intent.UPDATE
    return Record(e.PhaseChanged(scene.now, target, Phase.DRAINING, intent=intent))


def _needed(scene: TurnContext, target: Target, left: ServingCount) -> str:
    """Why it may not leave service now; '' also when it is left out and seen out: nothing is taken from anybody."""
    looks = [scene.observation.of(place) for place in target.registrations]
    out = all(look and look.out and scene.now - look.begun <= OBSERVATION_MAX_AGE for look in looks)
    if out and scene.rollout.statuses[target.id].phase is Phase.LEFT_OUT:
        return ""
    return floor_violation(scene.rollout, left, target)


def _hold(scene: TurnContext, held: Mapping[TargetId, str]) -> list[Action]:
    """Nobody may be taken: wait, but not for ever."""
    rollout = scene.rollout
    if rollout.in_progress or not held:
        return []
    if _still(scene) > rollout.plan.spec.limits.waiting:
        waiting = rollout.by_phase[Phase.WAITING]
        return [_skip(scene, target, f"held too long: {held[target]}", Cause.FAILED) for target in waiting]
    target, why = next(iter(held.items()))
    name = label(rollout.targets[target])
    still = _still(scene)
    return [Wait(scene.now + pace(still), f"{name} is next, held for {span(still)}: {why}")]


def _still(scene: TurnContext) -> timedelta:
    """How long nothing has moved; what was held by a person was not held by the world."""
    return timedelta() if scene.rollout.unacknowledged else scene.now - scene.rollout.moved


def _not_as_planned(scene: TurnContext, target: Target) -> str:
    """Why its groups are not, or not known to be, what the plan was made for; '' when they are."""
    for place in target.registrations:
        read = scene.observation.attributes.get(place.group)
        if read is None or scene.now - read.begun > ATTRIBUTES_MAX_AGE:
            return f"the attributes of {place.group} have not been read just now"
        if read.changed:
            return f"{place.group} is not as it was planned: {read.changed}"
    return ""


def _baseline(scene: TurnContext, target: Target) -> Record | str:
    """What a witness sees of it while it serves: written once it is known, awaited for a while; '' when not needed."""
    status = scene.rollout.statuses[target.id]
    if scene.rollout.plan.spec.drain.until is DrainUntil.DELAY or status.blind is not None:
        return ""
    blind = scene.observation.baseline.get(target.id)
    if blind == "" or status.phase is Phase.LEFT_OUT or _still(scene) >= BASELINE_TIMEOUT:
        why = "it does not answer the witness" if blind is None else blind
        return Record(e.BaselineTaken(scene.now, target.id, why))
    return f"its connections are counted before it leaves{(blind and f' ({blind})') or ''}"


def _not_ours_to_take(scene: TurnContext, target: Target) -> Record | None:
    """A waiting target that somebody else has taken out meanwhile is left alone; one that vanished is gone."""
    if scene.rollout.statuses[target.id].phase is not Phase.WAITING:
        return None
    if gone := vanished(scene.case(target.id)):
        return gone
    looks: list[RegistrationHealth | None] = [scene.observation.of(place) for place in target.registrations]
    if all(look and look.state is HealthState.ABSENT for look in looks):
        return Record(e.PhaseChanged(scene.now, target.id, Phase.GONE, "no longer registered; not by us"))
    if any(look and look.out for look in looks):
        return Record(e.PhaseChanged(scene.now, target.id, Phase.SKIPPED, "being deregistered, not by us; left alone"))
    if stopped := next((look for look in looks if look and look.stopped), None):
        return Record(e.PhaseChanged(scene.now, target.id, Phase.SKIPPED, f"{shown(stopped)}; left alone"))
    return None


def _skip(scene: TurnContext, target: TargetId, why: str, cause: Cause | None = None) -> Record:
    aborted = Cause.ABORTED if scene.rollout.aborting else None
    return Record(e.PhaseChanged(scene.now, target, Phase.SKIPPED, why, cause=cause or aborted))


def waiting_sentence(rollout: Rollout, actions: tuple[Action, ...]) -> str:
    """The one sentence of promise 9: what is awaited and since when."""
    if rollout.finished:
        return "finished"
    rests = [action for action in actions if isinstance(action, Wait)]
    if rests:
        more = f" (and {len(rests) - 1} more)" if len(rests) > 1 else ""
        return rests[0].why + more
    acting = rollout.at(*PHASE_HANDLERS)
    return f"acting on {listed(acting)}" if acting else "nothing is in hand"


def next_turn_due(actions: tuple[Action, ...], now: datetime) -> datetime:
    """When the next turn is due: the soonest rest, a moment later when something was done, or the idle pace.

    A rest that is over although its look has not come yet must not become a spin. With very many in hand one turn
    every two seconds serves them all, and several in one call.
    """
    rests = [action.until for action in actions if isinstance(action, Wait)]
    acts = [now + MOMENT for action in actions if not isinstance(action, (Wait, Record))]
    soonest = MOMENT if 2 * len(rests) < WIDE else SLOWEST
    return max(now + soonest, min([*rests, *acts, now + IDLE_INTERVAL]))
