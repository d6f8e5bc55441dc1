"""What must be looked at now, so that the next decision can be made: as little as will do, and never too old.

A whole look right before each take-out, every 5 s while something is in hand and every 15 s otherwise; between them
only the registrations that may change.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from katakei.domain.events import WorkKey
from katakei.domain.model import Arn, Registration, TargetId, TargetType
from katakei.domain.observation import Observation, ProbeVerdict, WorkState
from katakei.domain.phases import Intent, Phase
from katakei.domain.plan import PlanKind
from katakei.domain.replay import Rollout
from katakei.domain.spec import DrainUntil
from katakei.reconcile.context import PROOF_INTERVAL
from katakei.reconcile.decide import candidates
from katakei.reconcile.drift import unknown
from katakei.reconcile.pacing import SLOWEST
from katakei.reconcile.revert import called_off

BUSY_INTERVAL = timedelta(seconds=5)
IDLE_INTERVAL = timedelta(seconds=15)
READ = timedelta(seconds=45)
PROVING = timedelta(seconds=8)
WATCHED = (Phase.DRAINING, Phase.OUT, Phase.CHECKING, Phase.WARMING, Phase.SOAKING, Phase.RETURNING)


@dataclass(frozen=True, slots=True)
class ObservationRequest:
    """Groups to look at (None: the whole group), marks to read with their tickets, targets to ask.

    `newcomers` are groups that list what nobody knows yet. `attributes` are the groups whose attributes are to be
    compared with the plan, `soon` the targets on which work begins, for the first time or again, once that is proved.
    The witness is asked about `baseline`, which leave soon, `pending`, which left, and `arrivals`: what came to those
    that are worked on.
    """

    groups: Mapping[Arn, frozenset[Registration] | None] = field(default_factory=dict)
    works: Mapping[WorkKey, str] = field(default_factory=dict)
    checks: tuple[TargetId, ...] = ()
    newcomers: tuple[Arn, ...] = ()
    attributes: tuple[Arn, ...] = ()
    soon: tuple[TargetId, ...] = ()
    baseline: tuple[TargetId, ...] = ()
    pending: tuple[TargetId, ...] = ()
    arrivals: tuple[TargetId, ...] = ()


def observation_request(rollout: Rollout, last: Observation, now: datetime) -> ObservationRequest:
    """What to look at in this turn."""
    if rollout.finished:
        return ObservationRequest()
    changing = [target for target in rollout.at(*WATCHED) if _changes_soon(rollout, last, target, now)]
    flying = [place for target in changing for place in rollout.targets[target].registrations]
    one_may_be_taken = rollout.free > 0 and not _held(rollout) and bool(candidates(rollout))
    oldest = (
        timedelta()
        if one_may_be_taken
        else BUSY_INTERVAL
        if rollout.in_progress or _one_fell(rollout)
        else IDLE_INTERVAL
    )
    groups: dict[Arn, frozenset[Registration] | None] = {}
    for group in rollout.plan.groups:
        here = frozenset(place for place in flying if place.group == group.arn)
        if _whole(last, group.arn, now - oldest):
            groups[group.arn] = None
        elif here:
            groups[group.arn] = here
    soon = tuple(_soon(rollout, last, now))
    witnessed = rollout.plan.spec.drain.until is not DrainUntil.DELAY
    pending = tuple(target for target in soon if _may_be_quiet(rollout, target, now)) if witnessed else ()
    return ObservationRequest(
        groups=groups,
        works=_works(rollout, now),
        checks=_checks(rollout),
        newcomers=unknown(rollout, last),
        attributes=_attributes(rollout, last, now, pending, taking=one_may_be_taken),
        soon=soon,
        baseline=_next_to_leave(rollout) if witnessed else (),
        pending=pending,
        arrivals=tuple(target for target in rollout.at(Phase.WORKING) if _quiet(rollout, target)) if witnessed else (),
    )


def _changes_soon(rollout: Rollout, last: Observation, target: TargetId, now: datetime) -> bool:
    """Not while it settles, is checked, or has to go on serving: for that the looks at the whole group are enough.

    When that is over it is looked at once, and now and then. An ip target must be seen absent before it is registered.
    """
    status, spec = rollout.statuses[target], rollout.plan.spec
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
    looks = [last.of(place) for place in rollout.targets[target].registrations]
    return now >= over and not all(look and look.begun >= max(over, now - SLOWEST) for look in looks)


def _may_be_quiet(rollout: Rollout, target: TargetId, now: datetime) -> bool:
    status, drain = rollout.statuses[target], rollout.plan.spec.drain
    out_since = status.out_since
    return out_since is not None and now >= out_since + drain.asked_after and not status.cut


def _whole(last: Observation, group: Arn, before: datetime) -> bool:
    seen = last.groups.get(group)
    return seen is None or seen.full_begun is None or seen.full_begun <= before


def _one_fell(rollout: Rollout) -> bool:
    return any(rollout.statuses[target].fell for target in rollout.by_phase[Phase.DONE])


def _held(rollout: Rollout) -> bool:
    """Nothing else is to be begun by now."""
    return bool(rollout.interrupted or rollout.stopped or rollout.paused)


def _attributes(
    rollout: Rollout, last: Observation, now: datetime, pending: Sequence[TargetId], *, taking: bool
) -> tuple[Arn, ...]:
    """Before a take-out; and once more before a witness is believed, whose word rests on them."""
    known = last.attributes
    arns = [group.arn for group in rollout.plan.groups] if taking else []
    quiet = [who for who, seen in last.evidence.items() if seen.verdict is ProbeVerdict.QUIET]
    unacknowledged = [who for who in pending if who not in last.evidence]
    proving = [place.group for who in (*quiet, *unacknowledged) for place in rollout.targets[who].registrations]
    ages = {**dict.fromkeys(arns, READ), **dict.fromkeys(proving, PROVING)}
    there = [arn for arn in ages if arn not in last.deleted]  # one that is gone would fail the question for all
    return tuple(arn for arn in there if arn not in known or now - known[arn].begun > ages[arn])


def _works(rollout: Rollout, now: datetime) -> dict[WorkKey, str]:
    """What was taken; and once it is to begin no more also what never was, as far as we know."""
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
    """On the way to its work; or at it, while its start is to be handed over once more and proved anew for that."""
    idle = {key.target for key, work in last.works.items() if work.state is WorkState.NOT_STARTED}
    for target in rollout.at(Phase.DRAINING, Phase.OUT, Phase.WORKING):
        status = rollout.statuses[target]
        begun = status.phase is Phase.WORKING and status.ticket is not None and target not in idle
        if begun or rollout.plan.kind is not PlanKind.ROLL or status.intent not in {Intent.UPDATE, Intent.REVERT}:
            continue
        if status.phase is not Phase.WORKING or not _begins_no_more(rollout, target, now):
            yield target


def _quiet(rollout: Rollout, target: TargetId) -> bool:
    """It was seen to be, so what comes now is news."""
    status = rollout.statuses[target]
    return status.blind == "" and not status.cut


def _next_to_leave(rollout: Rollout) -> tuple[TargetId, ...]:
    """As many as may leave together, asked while the ones before them are still in hand."""
    if _held(rollout):
        return ()
    unknown = [target for target in candidates(rollout) if rollout.statuses[target].blind is None]
    return tuple(unknown[: rollout.plan.window])


def _checks(rollout: Rollout) -> tuple[TargetId, ...]:
    return tuple(rollout.at(Phase.CHECKING)) if rollout.plan.spec.check.asked else ()
