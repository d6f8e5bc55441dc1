"""What to do now: closes the gap between what was resolved (the rollout) and what is so (the sight).

`ANSWERS` is the second table of the machine: in this phase, this is what a target is answered. `decide` is pure; it
never waits, and every turn starts from the journal and a fresh look, so there is no recovery code.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from katakei.domain import events as e
from katakei.domain.actions import Deregister, Note, Rest, Step, target_of
from katakei.domain.lots import WIDE
from katakei.domain.model import Target, TargetId
from katakei.domain.observation import Seen, Sight, State
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.replay import Rollout
from katakei.domain.spec import Until
from katakei.domain.standing import BROKEN_OFF
from katakei.domain.words import label, listed, since, span
from katakei.reconcile.capacity import FRESH, Tally, breach, tally
from katakei.reconcile.context import ATTEMPTS, Case, Scene, shown
from katakei.reconcile.drain_proof import TWICE
from katakei.reconcile.draining import draining, out
from katakei.reconcile.drift import joining
from katakei.reconcile.pacing import MOMENT, SLOWEST, pace
from katakei.reconcile.returning import checking, returning, soaking, warming
from katakei.reconcile.revert import fails_back, recalled
from katakei.reconcile.vanished import vanished
from katakei.reconcile.watching import staying
from katakei.reconcile.working import working

IDLE = timedelta(seconds=15)
ATTRIBUTES = timedelta(seconds=60)  # how old a reading of a group's attributes may be at a take-out
BASELINE = timedelta(seconds=45)  # so long a target's traffic is awaited before it leaves; else it is called blind

ANSWERS: Mapping[Phase, Callable[[Case], tuple[Step, ...]]] = {
    Phase.DRAINING: draining,
    Phase.OUT: out,
    Phase.WORKING: working,
    Phase.CHECKING: checking,
    Phase.WARMING: warming,
    Phase.SOAKING: soaking,
    Phase.RETURNING: returning,
}


Known = Mapping[TargetId, Sequence[Step]]


def decide(rollout: Rollout, sight: Sight, now: datetime, known: Known | None = None) -> tuple[Step, ...]:
    """The steps of this turn: notes (to be written in one append), acts (only after it), rests (why it waits).

    `known` are answers to the same sight a moment ago that still hold.
    """
    if rollout.finished:
        return ()
    if fails_back(rollout):
        return (Note(e.RevertResolved(now, rollout.failures)),)
    scene = Scene(rollout, sight, tally(rollout, sight, now), now)
    steps: list[Step] = [*joining(scene)]
    for phase, answer in ANSWERS.items():
        for target in rollout.by_phase[phase]:
            if known and target in known:
                steps += known[target]
                continue
            case = scene.case(target)
            gone = vanished(case) if sight.deleted else None
            answered = (gone,) if gone else answer(case)
            steps += answered
            scene = scene.after(answered)
    steps += staying(scene) or _next(scene)
    if not steps and not (rollout.interrupted and candidates(rollout)):
        steps.append(Note(e.Finished(now)))
    elif rollout.unheard:
        steps.append(Note(e.Heard(now)))
    return tuple(steps)


def still_known(steps: Iterable[Step], then: Rollout, now: Rollout) -> Known:
    """Of these answers those that hold: what a person wants is the same, and the target stands where it stood."""
    if _wanted(then) != _wanted(now):
        return {}
    known: dict[TargetId, list[Step]] = {}
    for step in steps:
        target = target_of(step)
        if target is not None and now.standings[target] is then.standings[target]:
            known.setdefault(target, []).append(step)
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
        return [*waiting, *sorted(back, key=lambda target: rollout.standings[target].touched, reverse=True)]
    again = [t for t in rollout.at(Phase.RETURNED, Phase.FAILED_SERVING) if _tried_again(rollout, t)]
    some = [(t, rollout.standings[t]) for t in rollout.singled_out]
    asked = [t for t, standing in some if standing.retry and standing.phase in _ASKED]
    return list(dict.fromkeys([*waiting, *again, *asked]))


_ASKED = (Phase.DONE, Phase.RETURNED, Phase.LEFT_OUT, Phase.FAILED_SERVING)


def _tried_again(rollout: Rollout, target: TargetId) -> bool:
    standing = rollout.standings[target]
    return standing.cause in BROKEN_OFF and standing.tries < ATTEMPTS and not rollout.stopped


def _due_back(rollout: Rollout, target: TargetId) -> bool:
    """Not where the work may still run, nor where somebody else insists on the target: those are left to a person."""
    standing = rollout.standings[target]
    if standing.may_run or standing.found_serving >= TWICE:
        return False
    again = standing.reverted and _tried_again(rollout, target)
    return bool(recalled(rollout, target)) or again


def _next(scene: Scene) -> list[Step]:
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
        return [] if rollout.in_hand else [Rest(scene.now + IDLE, f"{said} katakei resume {rollout.plan.rollout}")]
    return _take(scene, nexts)


def _take(scene: Scene, nexts: list[TargetId]) -> list[Step]:
    rollout, serving = scene.rollout, scene.tally
    free = rollout.free
    steps: list[Step] = []
    held: dict[TargetId, str] = {}
    for target_id in nexts:
        if free == 0:
            break
        target = rollout.targets[target_id]
        left = serving.without(target)
        if foreign := _not_ours_to_take(scene, target):
            steps.append(foreign)
        elif reason := _not_as_planned(scene, target) or _needed(scene, target, left):
            held[target_id] = reason
        elif baseline := _baseline(scene, target):
            if isinstance(baseline, Note):
                steps.append(baseline)
                free -= 1
            else:
                held[target_id] = baseline
        else:
            serving, free = left, free - 1
            steps += [_take_out(scene, target_id), Deregister(target_id, target.registrations)]
    return steps or _hold(scene, held)


def _take_out(scene: Scene, target: TargetId) -> Note:
    intent = Intent.REVERT if scene.rollout.reverting else Intent.UPDATE
    return Note(e.Moved(scene.now, target, Phase.DRAINING, intent=intent))


def _needed(scene: Scene, target: Target, left: Tally) -> str:
    """Why it may not leave service now; '' also when it is left out and seen out: nothing is taken from anybody."""
    looks = [scene.sight.of(place) for place in target.registrations]
    out = all(look and look.out and scene.now - look.begun <= FRESH for look in looks)
    if out and scene.rollout.standings[target.id].phase is Phase.LEFT_OUT:
        return ""
    return breach(scene.rollout, left, target)


def _hold(scene: Scene, held: Mapping[TargetId, str]) -> list[Step]:
    """Nobody may be taken: wait, but not for ever."""
    rollout = scene.rollout
    if rollout.in_hand or not held:
        return []
    if _still(scene) > rollout.plan.spec.limits.waiting:
        waiting = rollout.by_phase[Phase.WAITING]
        return [_skip(scene, target, f"held too long: {held[target]}", Cause.FAILED) for target in waiting]
    target, why = next(iter(held.items()))
    name = label(rollout.targets[target])
    still = _still(scene)
    return [Rest(scene.now + pace(still), f"{name} is next, held for {span(still)}: {why}")]


def _still(scene: Scene) -> timedelta:
    """How long nothing has moved; what was held by a person was not held by the world."""
    return timedelta() if scene.rollout.unheard else scene.now - scene.rollout.moved


def _not_as_planned(scene: Scene, target: Target) -> str:
    """Why its groups are not, or not known to be, what the plan was made for; '' when they are."""
    for place in target.registrations:
        read = scene.sight.attributes.get(place.group)
        if read is None or scene.now - read.begun > ATTRIBUTES:
            return f"the attributes of {place.group} have not been read just now"
        if read.changed:
            return f"{place.group} is not as it was planned: {read.changed}"
    return ""


def _baseline(scene: Scene, target: Target) -> Note | str:
    """What a witness sees of it while it serves: written once it is known, awaited for a while; '' when not needed."""
    standing = scene.rollout.standings[target.id]
    if scene.rollout.plan.spec.drain.until is Until.DELAY or standing.blind is not None:
        return ""
    blind = scene.sight.baseline.get(target.id)
    if blind == "" or standing.phase is Phase.LEFT_OUT or _still(scene) >= BASELINE:
        why = "it does not answer the witness" if blind is None else blind
        return Note(e.Baselined(scene.now, target.id, why))
    return f"its connections are counted before it leaves{(blind and f' ({blind})') or ''}"


def _not_ours_to_take(scene: Scene, target: Target) -> Note | None:
    """A waiting target that somebody else has taken out meanwhile is left alone; one that vanished is gone."""
    if scene.rollout.standings[target.id].phase is not Phase.WAITING:
        return None
    if gone := vanished(scene.case(target.id)):
        return gone
    looks: list[Seen | None] = [scene.sight.of(place) for place in target.registrations]
    if all(look and look.state is State.ABSENT for look in looks):
        return Note(e.Moved(scene.now, target.id, Phase.GONE, "no longer registered; not by us"))
    if any(look and look.out for look in looks):
        return Note(e.Moved(scene.now, target.id, Phase.SKIPPED, "being deregistered, not by us; left alone"))
    if stopped := next((look for look in looks if look and look.stopped), None):
        return Note(e.Moved(scene.now, target.id, Phase.SKIPPED, f"{shown(stopped)}; left alone"))
    return None


def _skip(scene: Scene, target: TargetId, why: str, cause: Cause | None = None) -> Note:
    aborted = Cause.ABORTED if scene.rollout.aborting else None
    return Note(e.Moved(scene.now, target, Phase.SKIPPED, why, cause=cause or aborted))


def sentence(rollout: Rollout, steps: tuple[Step, ...]) -> str:
    """The one sentence of promise 9: what is awaited and since when."""
    if rollout.finished:
        return "finished"
    rests = [step for step in steps if isinstance(step, Rest)]
    if rests:
        more = f" (and {len(rests) - 1} more)" if len(rests) > 1 else ""
        return rests[0].why + more
    acting = rollout.at(*ANSWERS)
    return f"acting on {listed(acting)}" if acting else "nothing is in hand"


def rest_until(steps: tuple[Step, ...], now: datetime) -> datetime:
    """When the next turn is due: the soonest rest, a moment later when something was done, or the idle pace.

    A rest that is over although its look has not come yet must not become a spin. With very many in hand one turn
    every two seconds serves them all, and several in one call.
    """
    rests = [step.until for step in steps if isinstance(step, Rest)]
    acts = [now + MOMENT for step in steps if not isinstance(step, (Rest, Note))]
    soonest = MOMENT if 2 * len(rests) < WIDE else SLOWEST
    return max(now + soonest, min([*rests, *acts, now + IDLE]))
