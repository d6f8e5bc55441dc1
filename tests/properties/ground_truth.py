"""Questions of the judge to the state and the log of one simulation. Nothing here judges."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from tests.properties.builders import seconds
from tests.properties.simulated_aws import NOON, OUT, SLOW, STALE, WIRE, By, Call, HealthChange, Mark
from tests.properties.simulation import ID, Outcome

from katakei.domain import events as e
from katakei.domain.model import Arn, Registration, Target, TargetId
from katakei.domain.observation import HealthState
from katakei.domain.phases import Cause, Intent, Phase

OBSERVATION_OLD = 10.0  # an observation older than this many seconds proves nothing
VERDICT_OLD = 15.0  # as old may a verdict be when work is asked for
MOMENT = seconds(0.5)  # a call takes this long to begin
TURN = 5.0  # the calls of one turn take a moment each


def unknowable(outcome: Outcome) -> timedelta:
    """How long a change may exist before a process can act on it: the age of an observation that still counts, the
    calls of one turn, and what the adversary adds (stale observations, slow threads, late calls). 15 s without one.
    """
    adversary = outcome.scenario.adversary
    added = (STALE if adversary.stale else 0) + (SLOW if adversary.slow else 0) + (WIRE if adversary.wire else 0)
    return seconds(OBSERVATION_OLD + TURN + added)


def unseen_change(outcome: Outcome) -> timedelta:
    """How long a change may exist that a take-out does not know: the age that its observation may have when the call
    leaves, and what the adversary adds (stale observations, late calls). What a slow thread or journal adds is dropped.
    """
    adversary = outcome.scenario.adversary
    return seconds(OBSERVATION_OLD + (STALE if adversary.stale else 0) + (WIRE if adversary.wire else 0)) + MOMENT


def unobserved(outcome: Outcome, call: Call, group: Arn) -> timedelta:
    """How long before this call its process last asked the load balancer about this group."""
    looks = outcome.aws.log.looks.get((call.who, group), [])
    before = bisect_right(looks, call.at)
    return call.at - looks[before - 1] if before else timedelta.max


def clock(at: datetime) -> str:
    return f"{(at - NOON).total_seconds():.1f}s"


def number(name: str) -> int:
    """web3 is 3."""
    return int(name.removeprefix("i-"), 16)


def short(place: Registration) -> str:
    return f"{place.group.split('/')[1]}/{number(place.id)}"


def places(outcome: Outcome) -> Iterator[tuple[Target, Registration]]:
    """Every registration of the targets that take part, also of those that came late, as far as they were there."""
    late = [known for new in outcome.aws.born if (known := outcome.rollout.targets.get(new.id))]
    return ((target, place) for target in (*outcome.aws.targets.values(), *late) for place in target.registrations)


def serves(was: HealthChange) -> bool:
    return was.state is HealthState.HEALTHY and not was.shifted


def taken_out(outcome: Outcome) -> Iterator[tuple[Registration, HealthChange, HealthChange]]:
    """Every registration that a call of the rollout took out: its state before, and the moment."""
    for place, story in outcome.aws.past.items():
        for before, was in pairwise(story):
            if was.state is HealthState.DRAINING and was.by is By.US:
                yield place, before, was


def put_in(outcome: Outcome) -> Iterator[tuple[Registration, HealthChange]]:
    """Every registration that a call of the rollout put back."""
    for place, story in outcome.aws.past.items():
        yield from ((place, was) for was in story if was.state is HealthState.INITIAL and was.by is By.US)


def until(outcome: Outcome, place: Registration, at: datetime) -> Sequence[HealthChange]:
    """Its states up to this moment, the newest first."""
    return [was for was in reversed(outcome.aws.past[place]) if was.at <= at]


def floors(outcome: Outcome, place: Registration) -> Iterator[tuple[str, list[Registration], int]]:
    """The floors for which this registration counts: of its group, and of its zone there."""
    name = short(place).split("/")[0]
    here = [other for other in outcome.aws.past if other.group == place.group]
    yield name, here, outcome.scenario.floor
    zone = outcome.aws.owner_of[place].zone
    yield f"{name} in {zone}", [p for p in here if outcome.aws.owner_of[p].zone == zone], outcome.scenario.per_zone


def believable(outcome: Outcome, place: Registration, at: datetime) -> bool:
    """It serves, or did so until so lately that nobody could know; never when it was we who took it out."""
    ended = at
    for was in until(outcome, place, at):
        if serves(was):
            return ended >= at - unseen_change(outcome)
        if was.state is HealthState.DRAINING and was.by is By.US:
            return False
        ended = was.at
    return False


def healthy_since_we_put_it_back(outcome: Outcome, place: Registration, at: datetime) -> datetime | None:
    """When it first became healthy after we registered it; None when we never did, or it is not."""
    first = None
    for was in until(outcome, place, at):
        first = was.at if was.state is HealthState.HEALTHY else first
        if was.state is HealthState.INITIAL and was.by is By.US:
            return first
    return None


def out_since(outcome: Outcome, place: Registration, at: datetime) -> datetime:
    """Since when it has been draining or absent; what a stranger put in and took out again counts as no break."""
    since, broken = at, By.US
    for was in until(outcome, place, at):
        if was.state in OUT:
            since, broken = was.at, was.by if was.state is HealthState.DRAINING else broken
        elif broken is By.US or (was.state is HealthState.INITIAL and was.by is By.US):
            break
    return since


def nothing_was_pending(outcome: Outcome, target: TargetId, at: datetime) -> bool:
    """Whether a probe could say that nothing was pending."""
    seeable = outcome.scenario.probe and target not in outcome.aws.unseeable
    return seeable and not outcome.aws.pending(target, at)


def back_since(outcome: Outcome, place: Registration, at: datetime) -> HealthChange | None:
    """Who registered it again, and when; None when nobody did."""
    return next((was for was in until(outcome, place, at) if was.state is HealthState.INITIAL), None)


def last_taken_out_by(outcome: Outcome, place: Registration) -> By | None:
    """Who took it out the last time."""
    taken = (was.by for was in reversed(outcome.aws.past[place]) if was.state in OUT)
    return next((by for by in taken if by is not By.ITSELF), None)


def short_of(
    outcome: Outcome, here: Sequence[Registration], floor: int, begin: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """The spans between two moments in which fewer than `floor` of these served."""
    turns = {was.at for place in here for was in outcome.aws.past[place] if begin < was.at < end}
    since: datetime | None = None
    for at in sorted({begin, *turns}):
        enough = sum(serves(outcome.aws.was(place, at)) for place in here) >= floor
        if enough and since is not None:
            yield since, at
        since = None if enough else since or at
    if since is not None:
        yield since, end


def first_starts(outcome: Outcome) -> dict[e.WorkKey, datetime]:
    """When each work was first asked for."""
    asked: dict[e.WorkKey, datetime] = {}
    for call in outcome.aws.log.calls:
        for key in call.keys:
            asked.setdefault(key, call.at)
    return asked


def first_taken(outcome: Outcome) -> dict[TargetId, datetime]:
    """When the first call was made that takes each target out."""
    taken: dict[TargetId, datetime] = {}
    for call in outcome.aws.log.calls:
        if call.kind == "deregister":
            for place in sorted(call.places, key=repr):
                taken.setdefault(outcome.aws.owner_of[place].id, call.at)
    return taken


def written_at(outcome: Outcome, kind: type[e.Event]) -> tuple[datetime, int] | None:
    """The true time at which the first event of this kind was there to be read by every process, and its number."""
    for number, event in enumerate(outcome.store.events[ID], start=1):
        if is_a(event, kind):
            read = (at for at, _, upto in outcome.store.appends if upto >= number)
            return next(((at, number) for at in read), None)
    return None


def words(outcome: Outcome, *kinds: type[e.Event]) -> list[e.Event]:
    """Events of these kinds, in order."""
    return [event for event in outcome.store.events[ID] if is_a(event, *kinds)]


def is_a(event: e.Event, *kinds: type[e.Event]) -> bool:
    """Whether an event is of one of these kinds. A gate that reverts the rollout decides a revert as a failure does."""
    return isinstance(event, kinds) or (e.RevertDecided in kinds and reverts(event))


def reverts(event: e.Event) -> bool:
    """Whether from this event on the rollout is reverted."""
    by_gate = isinstance(event, e.GateStopped) and event.reverts
    return by_gate or isinstance(event, e.RevertAsked | e.RevertDecided)


def stopped_for_good(outcome: Outcome) -> bool:
    """Whether a person, a revert or a gate that was not passed ended the update."""
    refused = any(isinstance(event, e.GateAnswered) and not event.approved for event in outcome.store.events[ID])
    return refused or bool(
        words(outcome, e.AbortAsked, e.RevertAsked, e.RevertDecided, e.ApprovalExpired, e.GateStopped)
    )


def begun_on(outcome: Outcome, target: TargetId, intent: Intent) -> list[Mark]:
    """The work that really began on a target with this intent, in order."""
    marks = [mark for key, mark in outcome.aws.marks.items() if (key.target, key.intent) == (target, intent)]
    return sorted((mark for mark in marks if mark.fate != "refused"), key=lambda mark: mark.begins)


def interruptions(outcome: Outcome) -> Iterator[tuple[datetime, int]]:
    """When each process that was interrupted wrote it."""
    done = 1
    for at, who, upto in outcome.store.appends:
        if any(isinstance(event, e.Interrupted) for event in outcome.store.events[ID][done:upto]):
            yield at, who
        done = upto


def first_resolved(outcome: Outcome) -> dict[TargetId, datetime]:
    """The true time at which the take-out of each target was first recorded."""
    resolved: dict[TargetId, datetime] = {}
    done = 1
    for at, _, upto in outcome.store.appends:
        for event in outcome.store.events[ID][done:upto]:
            if isinstance(event, e.PhaseChanged) and event.to is Phase.DRAINING:
                resolved.setdefault(event.target, at)
        done = upto
    return resolved


def changing(outcome: Outcome) -> Iterator[Call]:
    """Calls that change something."""
    return (call for call in outcome.aws.log.calls if call.kind in {"deregister", "register", "start"})


def failed_too_often(outcome: Outcome) -> datetime | None:
    """The true time at which the journal held one failed target more than was allowed."""
    failed: set[TargetId] = set()
    for number, event in enumerate(outcome.store.events[ID], start=1):
        if reverts(event):
            return None  # from here on other failures count: `a_revert_is_a_revert`
        if isinstance(event, e.FailedAfterDone) or (isinstance(event, e.PhaseChanged) and event.cause is Cause.FAILED):
            failed.add(event.target)
        if len(failed) > outcome.scenario.spec.on_failure.max_failures:
            return next(at for at, _, upto in outcome.store.appends if upto >= number)
    return None


def out_of_service(outcome: Outcome, target: Target, begin: datetime, end: datetime) -> Iterator[datetime]:
    """The moments, within this span, since when one of its registrations had not served any more."""
    for place in target.registrations:
        since: datetime | None = None if serves(outcome.aws.was(place, begin)) else begin
        for was in outcome.aws.past[place]:
            if begin < was.at <= end:
                since = None if serves(was) else since or was.at
        if since is not None:
            yield since


def done_at(outcome: Outcome) -> Mapping[TargetId, datetime]:
    """The true time at which each target that ended as done was recorded as done."""
    done = 1
    written: dict[TargetId, datetime] = {}
    for at, _, upto in outcome.store.appends:
        for event in outcome.store.events[ID][done:upto]:
            if isinstance(event, e.PhaseChanged) and event.to is Phase.DONE:
                written[event.target] = at
        done = upto
    return {target: written[target] for target in outcome.rollout.by_phase[Phase.DONE]}


def floor_can_be_kept(outcome: Outcome) -> bool:
    """Whether every floor can be kept with any one target out."""
    counts = [(len(here), floor) for _, place in places(outcome) for _, here, floor in floors(outcome, place)]
    return all(count - 1 >= floor for count, floor in counts)
