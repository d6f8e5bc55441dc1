"""The observation request: what must be observed now for the next decision, as little as possible, never too old.

Whole groups are observed right before a target is taken out, every 5 s while a target is in progress and every 15 s
otherwise; between these only the registrations that may change.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from katakei.domain.events import WorkKey
from katakei.domain.model import Arn, Registration, TargetId, TargetType
from katakei.domain.observation import Observation, ProbeVerdict, Visible, WorkState
from katakei.domain.phases import Intent, Phase
from katakei.domain.plan import PlanKind
from katakei.domain.replay import Rollout
from katakei.domain.spec import DrainUntil
from katakei.reconcile.context import PROOF_INTERVAL
from katakei.reconcile.decide import candidates
from katakei.reconcile.drift import unknown
from katakei.reconcile.overlap import awaits_soak, could_offer
from katakei.reconcile.pacing import SLOWEST
from katakei.reconcile.revert import called_off

BUSY_INTERVAL = timedelta(seconds=5)
IDLE_INTERVAL = timedelta(seconds=15)
ATTRIBUTES_INTERVAL = timedelta(seconds=45)
ATTRIBUTES_PROOF_INTERVAL = timedelta(seconds=8)  # while a probe's verdict rests on them
FREEZES_INTERVAL = timedelta(seconds=5)
CONDITIONS_INTERVAL = timedelta(seconds=15)
SPARE_PLACES = 8  # targets asked for their place beside those that fit into the window
WATCHED = (Phase.DRAINING, Phase.OUT, Phase.CHECKING, Phase.WARMING, Phase.SOAKING, Phase.RETURNING)


@dataclass(frozen=True, slots=True)
class ObservationRequest:
    """What to observe in one turn.

    Attributes:
        groups: Registrations to observe in each group; None means the whole group.
        works: Marks to read, with the tickets of their work.
        checks: Targets to ask for their health check.
        newcomers: Groups that list a registration that the rollout does not know.
        attributes: Groups whose attributes are compared with the plan.
        soon: Targets on which work begins, for the first time or again, once nothing is pending there.
        places: Targets that leave service soon; the executor must know first where they keep their marks.
        baseline: Targets that leave service soon; the probe must see their traffic first.
        pending: Targets that left service; the probe looks for pending requests.
        arrivals: Targets that are worked on; the probe counts requests that still came.
        freezes: The store is asked for its freezes and its time.
        gates: The names of the gates whose condition is read.
        routes: The routes of a switch are read.
    """

    groups: Mapping[Arn, frozenset[Registration] | None] = field(default_factory=dict)
    works: Mapping[WorkKey, str] = field(default_factory=dict)
    checks: tuple[TargetId, ...] = ()
    newcomers: tuple[Arn, ...] = ()
    attributes: tuple[Arn, ...] = ()
    soon: tuple[TargetId, ...] = ()
    places: tuple[TargetId, ...] = ()
    baseline: tuple[TargetId, ...] = ()
    pending: tuple[TargetId, ...] = ()
    arrivals: tuple[TargetId, ...] = ()
    freezes: bool = False
    gates: tuple[str, ...] = ()
    routes: bool = False


def observation_request(rollout: Rollout, last: Observation, now: datetime) -> ObservationRequest:
    """What to observe in this turn.

    Args:
        rollout: What was decided.
        last: The observation before, which says how old each fact is.
        now: The present moment.
    """
    if rollout.finished or rollout.traffic:
        return _without_targets(rollout, last, now)
    changing = [target for target in rollout.at(*WATCHED) if _changes_soon(rollout, last, target, now)]
    moving: defaultdict[Arn, set[Registration]] = defaultdict(set)
    for place in (place for target in changing for place in rollout.targets[target].registrations):
        moving[place.group].add(place)
    one_may_be_taken = _has_place(rollout, now) and not _held(rollout) and bool(candidates(rollout))
    before = now - _group_interval(rollout, taking=one_may_be_taken)
    groups: dict[Arn, frozenset[Registration] | None] = {}
    for group in rollout.plan.groups:
        if _whole(last, group.arn, before):
            groups[group.arn] = None
        elif group.arn in moving:
            groups[group.arn] = frozenset(moving[group.arn])
    taking = one_may_be_taken or _place_is_free_soon(rollout, now)
    soon = tuple(_soon(rollout, last, now))
    probed = rollout.plan.spec.drain.until is not DrainUntil.DELAY
    pending = tuple(target for target in soon if _may_be_quiet(rollout, target, now)) if probed else ()
    return ObservationRequest(
        groups=groups,
        works=_works(rollout, now),
        checks=_checks(rollout),
        newcomers=unknown(rollout, last),
        attributes=_attributes(rollout, last, now, pending, taking=taking),
        soon=soon,
        places=_unplaced(rollout, last),
        baseline=_next_to_leave(rollout) if probed else (),
        pending=pending,
        arrivals=tuple(target for target in rollout.at(Phase.WORKING) if _quiet(rollout, target)) if probed else (),
        freezes=_freezes(rollout, last, now, taking=one_may_be_taken),
        gates=_conditions(rollout, last, now),
    )


def _without_targets(rollout: Rollout, last: Observation, now: datetime) -> ObservationRequest:
    """Of a switch: the routes in every turn while they move; both groups, as long as a share rests on them."""
    status = rollout.traffic
    if rollout.finished or status is None:
        return ObservationRequest()
    oldest = min((seen.begun for seen in last.routes.values()), default=None)
    routes = status.moving or oldest is None or now - oldest >= SLOWEST
    if status.back or status.moved:
        return ObservationRequest(routes=routes)
    before = now - (SLOWEST if status.moving else BUSY_INTERVAL)
    groups: dict[Arn, frozenset[Registration] | None] = {
        group.arn: None for group in rollout.plan.groups if _whole(last, group.arn, before)
    }
    freezes = last.freezes is None or now - last.freezes.begun >= FREEZES_INTERVAL
    return ObservationRequest(groups=groups, freezes=freezes, routes=routes)


def _has_place(rollout: Rollout, now: datetime) -> bool:
    """A place in the window is free, or a target that soaks, or soaks after this turn, may give its own away."""
    return rollout.free > 0 or bool(could_offer(rollout, now, Phase.SOAKING, Phase.WARMING))


def _freezes(rollout: Rollout, last: Observation, now: datetime, *, taking: bool) -> bool:
    """Whether freezes and the store's time are read: where a take-out may follow soon, at most every 5 s."""
    if rollout.reverting or (last.freezes and now - last.freezes.begun < FREEZES_INTERVAL):
        return False
    held = rollout.asked_gates or rollout.holding_gates
    leaving = any(not rollout.statuses[target].deregistered for target in rollout.by_phase[Phase.DRAINING])
    return bool(taking or leaving or rollout.overlapping or held or _place_is_free_soon(rollout, now))


def _conditions(rollout: Rollout, last: Observation, now: datetime) -> tuple[str, ...]:
    """The gates whose condition may be asked soon: while a target may leave, soaks, or none is left."""
    soaks = rollout.at(Phase.WARMING, Phase.SOAKING)
    if rollout.stopped or not (soaks or not rollout.in_progress or rollout.free > 0):
        return ()
    read = {name: reading.begun for name, reading in last.gates.items()}
    return tuple(
        gate.name
        for gate in rollout.conditions
        if gate.name not in read or now - read[gate.name] >= CONDITIONS_INTERVAL
    )


def _place_is_free_soon(rollout: Rollout, now: datetime) -> bool:
    """A place in the window is about to become free, and what a take-out rests on is known by then."""
    if _held(rollout) or not candidates(rollout):
        return False
    soon = now + FREEZES_INTERVAL
    soaking = [rollout.statuses[target].serving_since for target in rollout.by_phase[Phase.SOAKING]]
    ends = [since + rollout.plan.spec.soak for since in soaking if since]
    return any(end <= soon for end in ends) or bool(could_offer(rollout, soon, Phase.SOAKING, Phase.WARMING))


def _group_interval(rollout: Rollout, *, taking: bool) -> timedelta:
    """How old the observation of a whole group may be."""
    if taking:
        return timedelta()
    return BUSY_INTERVAL if rollout.in_progress or _one_is_unhealthy(rollout) else IDLE_INTERVAL


def _changes_soon(rollout: Rollout, last: Observation, target: TargetId, now: datetime) -> bool:
    """Whether a target needs observations of its own, beside those of the whole group.

    Not while it settles, is checked, or has to keep serving. When that is over it is observed at once, and from time to
    time. An IP target must be observed absent before it is registered.
    """
    status, spec = rollout.statuses[target], rollout.plan.spec
    if awaits_soak(rollout, target, now):
        return False
    if status.phase is Phase.CHECKING:
        return any(group.target_type is TargetType.IP for group in rollout.groups[target])
    since = status.out_since if status.phase is Phase.DRAINING else status.serving_since
    waits = {
        Phase.DRAINING: spec.drain.settle,
        Phase.WARMING: PROOF_INTERVAL,
        Phase.RETURNING: PROOF_INTERVAL,
        Phase.SOAKING: spec.soak,
    }
    if since is None:
        return True
    over = since + waits.get(status.phase, timedelta())
    observed = [last.of(place) for place in rollout.targets[target].registrations]
    return now >= over and not all(health and health.begun >= max(over, now - SLOWEST) for health in observed)


def _may_be_quiet(rollout: Rollout, target: TargetId, now: datetime) -> bool:
    status, drain = rollout.statuses[target], rollout.plan.spec.drain
    out_since = status.out_since
    return out_since is not None and now >= out_since + drain.asked_after and not status.cut_short


def _whole(last: Observation, group: Arn, before: datetime) -> bool:
    seen = last.groups.get(group)
    return seen is None or seen.full_begun is None or seen.full_begun <= before


def _one_is_unhealthy(rollout: Rollout) -> bool:
    return any(rollout.statuses[target].unhealthy_since for target in rollout.by_phase[Phase.DONE])


def _held(rollout: Rollout) -> bool:
    """No other target is taken out any more, or for now."""
    return bool(rollout.interrupted or rollout.stopped or rollout.paused)


def _attributes(
    rollout: Rollout, last: Observation, now: datetime, pending: Sequence[TargetId], *, taking: bool
) -> tuple[Arn, ...]:
    """Before a target is taken out; and again before a probe's verdict counts, which rests on them."""
    known = last.attributes
    arns = [group.arn for group in rollout.plan.groups] if taking else []
    quiet = [who for who, seen in last.evidence.items() if seen.verdict is ProbeVerdict.QUIET]
    unacknowledged = [who for who in pending if who not in last.evidence]
    proving = [place.group for who in (*quiet, *unacknowledged) for place in rollout.targets[who].registrations]
    ages = {**dict.fromkeys(arns, ATTRIBUTES_INTERVAL), **dict.fromkeys(proving, ATTRIBUTES_PROOF_INTERVAL)}
    there = [arn for arn in ages if arn not in last.deleted]  # a deleted group would fail the call for all
    return tuple(arn for arn in there if arn not in known or now - known[arn].begun > ages[arn])


def _works(rollout: Rollout, now: datetime) -> dict[WorkKey, str]:
    """Work that was accepted, and work that must not begin any more and may have been accepted all the same."""
    works: dict[WorkKey, str] = {}
    for target in rollout.at(Phase.WORKING):
        status = rollout.statuses[target]
        if status.ticket is not None or _begins_no_more(rollout, target, now):
            works[rollout.key(target)] = status.ticket or status.marks
    return works


def _begins_no_more(rollout: Rollout, target: TargetId, now: datetime) -> bool:
    over = now - rollout.statuses[target].since > rollout.plan.spec.limits.working
    return over or bool(called_off(rollout, target))


def _soon(rollout: Rollout, last: Observation, now: datetime) -> Iterator[TargetId]:
    """On the way to their work; or at it while the start must be repeated, for which nothing may be pending again."""
    idle = {key.target for key, work in last.works.items() if work.state is WorkState.NOT_STARTED}
    for target in rollout.at(Phase.DRAINING, Phase.OUT, Phase.WORKING):
        status = rollout.statuses[target]
        begun = status.phase is Phase.WORKING and status.ticket is not None and target not in idle
        if begun or rollout.plan.kind is not PlanKind.ROLL or status.intent not in {Intent.UPDATE, Intent.REVERT}:
            continue
        if awaits_soak(rollout, target, now):
            continue
        if status.phase is not Phase.WORKING or not _begins_no_more(rollout, target, now):
            yield target


def _quiet(rollout: Rollout, target: TargetId) -> bool:
    """The probe saw the target and called it quiet, so requests that come now are news."""
    status = rollout.statuses[target]
    return isinstance(status.baseline, Visible) and not status.cut_short


def _unplaced(rollout: Rollout, last: Observation) -> tuple[TargetId, ...]:
    """Some more than fit into the window, so that a target whose agent is silent holds up no other one.

    For another attempt the place is asked again: the machine may have been set up anew.
    """
    if _held(rollout) or rollout.plan.kind is not PlanKind.ROLL:
        return ()
    unknown = [
        target
        for target in candidates(rollout)
        if target not in last.places or rollout.statuses[target].phase is not Phase.WAITING
    ]
    return tuple(unknown[: rollout.plan.window + SPARE_PLACES])


def _next_to_leave(rollout: Rollout) -> tuple[TargetId, ...]:
    """As many as fit into the window, asked while the targets before them are still in progress.

    A reader of requests begins one target earlier: what it has seen for long needs no silence.
    """
    if _held(rollout):
        return ()
    early = rollout.plan.spec.drain.until is DrainUntil.REQUESTS
    unknown = [target for target in candidates(rollout) if rollout.statuses[target].baseline is None]
    return tuple(unknown[: rollout.plan.window + early])


def _checks(rollout: Rollout) -> tuple[TargetId, ...]:
    return tuple(rollout.at(Phase.CHECKING)) if rollout.plan.spec.check.asked else ()
