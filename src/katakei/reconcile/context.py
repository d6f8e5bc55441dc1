"""The context of a decision: one turn, and one target in it with its status, its newest observation and the moment.

Phase handlers ask their questions here. No question writes, waits or calls anything.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from katakei.domain import events as e
from katakei.domain.actions import Action, Deregister, Record, Register, Wait
from katakei.domain.freezes import Freeze
from katakei.domain.model import Group, Registration, Target, TargetId, TargetType
from katakei.domain.observation import HealthState, Observation, ProbeVerdict, RegistrationHealth, Visible
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.plan import Plan
from katakei.domain.reasons import Reason, ReasonCode, reason, then
from katakei.domain.replay import Rollout
from katakei.domain.rollout import TargetStatus
from katakei.domain.spec import DrainUntil, ZonalShift
from katakei.reconcile.capacity import NEVER, OBSERVATION_MAX_AGE, ServingCount, count_proven, floor_violation
from katakei.reconcile.gating import freeze_known
from katakei.reconcile.pacing import SLOWEST, pace
from katakei.reconcile.revert import called_off, recalled

PROOF_INTERVAL = timedelta(seconds=5)  # two observations this far apart prove that a target serves again (promise 1)
CALL_REPEAT = timedelta(seconds=5)  # a call that returned but changed nothing is repeated after this long
VERDICT_MAX_AGE = timedelta(seconds=15)  # an older verdict of the probe does not count
MAX_ATTEMPTS = 3  # consecutive attempts at a target on which nothing was done


@dataclass(frozen=True)
class TurnContext:
    """One turn: what was decided, what was observed, who serves, and the moment."""

    rollout: Rollout
    observation: Observation
    serving: ServingCount
    now: datetime

    def target(self, target_id: TargetId) -> "TargetContext":
        """The context of this target."""
        rollout, observation = self.rollout, self.observation
        target, status = rollout.targets[target_id], rollout.statuses[target_id]
        health = _usable([observation.of(place) for place in target.registrations], status, self.now)
        return TargetContext(self, target, status, health)

    @cached_property
    def freeze(self) -> Freeze | Reason | None:
        """The freeze that holds up the rollout, or why it is not known (`freeze_known`)."""
        return freeze_known(self.rollout, self.observation, self.now)

    @cached_property
    def proven(self) -> ServingCount:
        """Who is proven (`count_proven`). Computed once, since every target that overlaps asks."""
        return count_proven(self.rollout, self.observation, self.serving, self.now)

    @cached_property
    def proven_or_new(self) -> ServingCount:
        """The same; a registration that is new, or that was not watched for long, counts too."""
        return count_proven(self.rollout, self.observation, self.serving, self.now, registered=False)

    def after(self, actions: Iterable[Action]) -> "TurnContext":
        """The rest of this turn: a target that leaves service by these actions no longer counts."""
        changes = [
            action.event
            for action in actions
            if isinstance(action, Record) and isinstance(action.event, e.PhaseChanged)
        ]
        leaving = [self.rollout.targets[change.target] for change in changes if change.to is Phase.DRAINING]
        return replace(self, serving=self.serving.without(*leaving)) if leaving else self


@dataclass(frozen=True, slots=True)
class TargetContext:
    """Everything about one target that a phase handler may ask.

    Attributes:
        health: The health of each registration, in order, all from observations that are recent and began after the
            last call returned; None where one of them is not.
    """

    turn: TurnContext
    target: Target
    status: TargetStatus
    health: Sequence[RegistrationHealth] | None

    @property
    def rollout(self) -> Rollout:
        """What was decided."""
        return self.turn.rollout

    @property
    def observation(self) -> Observation:
        """What was observed."""
        return self.turn.observation

    @property
    def serving(self) -> ServingCount:
        """Who serves."""
        return self.turn.serving

    @property
    def now(self) -> datetime:
        """The moment of the decision."""
        return self.turn.now

    @property
    def plan(self) -> Plan:
        """The recorded plan."""
        return self.rollout.plan

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups in which this target is registered."""
        return self.rollout.groups[self.target.id]

    @property
    def group_changes(self) -> tuple[Reason, ...] | None:
        """How its groups differ from the plan; None when their attributes were not read recently.

        A probe's verdict rests on the idle timeout of the plan: a longer one keeps silent requests alive for longer.
        """
        readings = [self.observation.attributes.get(group.arn) for group in self.groups]
        fresh = [reading for reading in readings if reading and self.now - reading.begun < VERDICT_MAX_AGE]
        if len(fresh) < len(readings):
            return None
        return tuple(change for reading in fresh for change in reading.changes)

    @property
    def not_serving(self) -> tuple[RegistrationHealth, ...]:
        """The registrations that keep it from counting as back in service.

        In a group that no listener used when it was planned nothing can serve: there, to be registered is enough. Under
        a zonal shift that was allowed, to be healthy is enough.
        """
        observed = zip(self.target.registrations, self.health or (), strict=False)
        down = [(place, health) for place, health in observed if not health.serving]
        if not down:
            return ()
        unused = {group.arn for group in self.groups if not group.load_balancers}
        shifted = {group.arn for group in self.groups if self._is_shifted(group)}
        return tuple(
            health
            for place, health in down
            if not (health.idle and place.group in unused)
            and not (health.state is HealthState.HEALTHY and place.group in shifted)
        )

    def _is_shifted(self, group: Group) -> bool:
        """A zonal shift kept traffic away from its zone when it was planned, and a person allowed that."""
        allowed = self.plan.spec.membership.zonal_shift is ZonalShift.ALLOW
        return allowed and self.target.zone in group.zonal_shift

    @property
    def soak(self) -> timedelta:
        """How long it must keep serving. A person may end that (`promoted`), but never the two observations."""
        soak = self.plan.spec.soak
        return min(soak, PROOF_INTERVAL) if self.status.promoted else soak

    @property
    def soaking(self) -> "TargetContext | None":
        """The target whose place it took while that one soaked. None for a target that took a free place, and once its
        work is decided.
        """
        if self.status.overlaps is None or self.status.phase not in {Phase.DRAINING, Phase.OUT}:
            return None
        return self.turn.target(self.status.overlaps)

    @property
    def called_off(self) -> Reason | None:
        """Why no work is to begin on it any more; None while it is."""
        return called_off(self.rollout, self.target.id)

    @property
    def recalled(self) -> Reason | None:
        """Why it is taken back instead of continued; None when it is not."""
        return recalled(self.rollout, self.target.id)

    @property
    def unproven(self) -> Reason | None:
        """Why it must not serve without new work: an earlier rollout left it out, and no check could show that it can.

        None where a check decides, or where it served before this rollout.
        """
        rollout = self.rollout.held.get(self.target.id)
        if rollout is None or self.plan.spec.check.asked:
            return None
        return reason(ReasonCode.HELD_WITHOUT_CHECK, rollout=rollout)

    @property
    def take_out_held(self) -> Freeze | Reason | None:
        """Why it is not taken out after all: a freeze, or that freezes could not be read. None once a call returned.

        A revert and a target that failed leave service in spite of a freeze, and so does one that is worked on.
        """
        status = self.status
        leaving = status.phase in {Phase.DRAINING, Phase.OUT} and not status.deregistered
        return self.turn.freeze if leaving and self._for_update else None

    @property
    def _for_update(self) -> bool:
        return self.status.intent is Intent.UPDATE

    @property
    def observation_error(self) -> str | None:
        """Why the last observation of one of its groups failed, in the error's own words."""
        arns = {group.arn for group in self.groups}
        return next((why for arn, why in self.observation.unseen.items() if arn in arns), None)

    @property
    def group_deleted(self) -> Reason | None:
        """Which of its groups somebody deleted; None when all exist."""
        names = tuple(group.name for group in self.groups if group.arn in self.observation.deleted)
        return reason(ReasonCode.GROUP_DELETED, groups=names) if names else None

    @property
    def floors_unseen(self) -> bool:
        """One of its groups was not observed as a whole recently, so its floor cannot be judged."""
        return not self.serving.unseen.isdisjoint(group.arn for group in self.groups)

    @property
    def floor_lost(self) -> Reason | None:
        """Which floor is not kept although this target does not count; None when all are, or cannot be judged."""
        return None if self.floors_unseen else floor_violation(self.rollout, self.serving, self.target)

    @property
    def needed(self) -> Reason | None:
        """Why it may not be deregistered (again) now: it may serve, and a floor needs it or cannot be judged."""
        return None if self._known_not_serving else floor_violation(self.rollout, self.serving, self.target)

    @property
    def _known_not_serving(self) -> bool:
        return bool(self.health) and not any(health.serving for health in self.health or ())

    def missing(self, returned: frozenset[str]) -> tuple[Registration, ...]:
        """The registrations in groups whose call has not returned yet."""
        return tuple(place for place in self.target.registrations if place.group not in returned)

    @property
    def waited(self) -> timedelta:
        """How long the target has been in this phase, under the process that drives it now."""
        return self.now - self.status.since

    @property
    def worked(self) -> timedelta:
        """How long the work has run, under all owners. Only shown: limits count by one clock, from `waited`."""
        started = self.status.started
        return self.waited if started is None else max(self.now - started, self.waited)

    @property
    def drain_limit(self) -> timedelta:
        """The limit of a drain: by default the longest delay of its groups (or settle, if longer) and a minute more."""
        limits, settle = self.plan.spec.limits, self.plan.spec.drain.settle
        if not limits.draining_from_delay:
            return limits.draining_extra
        return max(settle, *(group.delay for group in self.groups)) + limits.draining_extra

    @property
    def waiting_limit(self) -> timedelta:
        """How long a call that takes it out may be on its way."""
        return self.plan.spec.limits.waiting

    @property
    def return_limit(self) -> timedelta:
        """The limit of a return: an IP target first has to wait for the deregistration delay of its group."""
        delays = [group.delay for group in self.groups if group.target_type is TargetType.IP]
        return self.plan.spec.limits.warming + max(delays, default=timedelta())

    @property
    def is_ip(self) -> bool:
        """It is registered by its address in one of its groups."""
        return any(group.target_type is TargetType.IP for group in self.groups)

    def wait(self, why: Reason, until: datetime | None = None, since: datetime | None = None) -> Wait:
        """Wait for a reason about this target.

        Args:
            why: The reason, without the name of the target.
            until: The moment when the wait can end, if it is known.
            since: When the wait began, else; by default when the phase began. A longer wait is checked less often.
        """
        soon = self.now + (SLOWEST if until else pace(self.now - (since or self.status.since)))
        return Wait(min(until or soon, soon), why, self.target.id)

    def wait_for_observation(self, code: ReasonCode) -> Wait:
        """Wait for the next observation, and say why the last one failed."""
        return self.wait(reason(code, waited=self.waited, text=self.observation_error))

    def then(self, why: Reason) -> Reason:
        """The reason after the one that the target already has, if it has one."""
        return then(self.status.reason, why)

    def enter(
        self, phase: Phase, why: Reason | None = None, intent: Intent | None = None, cause: Cause | None = None
    ) -> Record:
        """Write that the target enters this phase."""
        return Record(e.PhaseChanged(self.now, self.target.id, phase, intent=intent, cause=cause, reason=why))

    def deregister(self) -> Deregister:
        """Deregister it in every group whose call has not returned, or in all of them again."""
        places = self.missing(self.status.deregistered) or self.target.registrations
        observed = min(health.begun for health in self.health) if self.health and self._known_not_serving else None
        observed = observed or self.serving.observed_since(self.target)
        if soaking := self.soaking:
            observed = min(observed, *(health.begun for health in soaking.health or ()))
        reading = self.observation.freezes
        if reading and self._for_update and not self.status.deregistered and self.status.phase is Phase.DRAINING:
            observed = min(observed, reading.begun)
        return Deregister(self.target.id, places, observed)

    def register(self) -> Register:
        """Register it in every group whose call has not returned, or in all of them again."""
        return Register(self.target.id, self.missing(self.status.registered) or self.target.registrations)

    @property
    def others_come_back_soon(self) -> bool:
        """In a wide window one call for a batch is worth waiting as long as the batch needs to come, on average."""
        batch_size, here = self.rollout.batch_size, self.rollout.by_phase[Phase.CHECKING]
        first = self.rollout.statuses[next(iter(here))]
        out_for = first.since - (first.out_since or first.since)
        return len(here) < batch_size and self.now - first.since < out_for * batch_size / self.plan.window

    @property
    def repeat_is_due(self) -> bool:
        """The last call returned some time ago and AWS still does not show it, so it is repeated."""
        return self.status.called is None or self.now - self.status.called >= CALL_REPEAT

    @property
    def ip_still_draining(self) -> bool:
        """An IP target may not be registered before it is absent (docs/aws.md 3). Not observed counts as not absent."""
        ips = {group.arn for group in self.groups if group.target_type is TargetType.IP}
        observed = [self.observation.of(place) for place in self.target.registrations if place.group in ips]
        return any(
            health is None or health.state is HealthState.DRAINING or not self._is_of_this_phase(health)
            for health in observed
        )

    def _is_of_this_phase(self, health: RegistrationHealth) -> bool:
        """An observation from before this phase may miss a deregistration that was still on its way."""
        return _usable([health], self.status, self.now) is not None and health.begun >= self.status.since

    @property
    def absent(self) -> bool:
        """Every registration is observed absent."""
        return bool(self.health) and all(health.state is HealthState.ABSENT for health in self.health or ())

    @property
    def nothing_pending(self) -> bool:
        """Nothing drains any more, or a probe proves that nothing is pending (promise 2), or `cut_after` is over.

        Work that stops the machine begins only where it is absent: what is still registered would serve again by itself
        as soon as the machine is started.
        """
        if self.rollout.command(self.target.id).stops:
            return self.absent
        health = self.health or ()
        if health and all(each.state is not HealthState.DRAINING for each in health):
            return True
        if self.status.cut_short:
            return True
        verdict = self.observation.evidence.get(self.target.id)
        if self.plan.spec.drain.until is DrainUntil.DELAY or verdict is None or self.status.out_since is None:
            return False
        if not isinstance(self.status.baseline, Visible) or self.group_changes != ():  # its silence proves nothing
            return False
        settled = verdict.ended >= self.status.out_since + self.plan.spec.drain.settle
        return verdict.verdict is ProbeVerdict.QUIET and settled and self.now - verdict.ended < VERDICT_MAX_AGE

    @property
    def nothing_pending_since(self) -> datetime:
        """When the oldest evidence is from on which `nothing_pending` rests."""
        health = self.health or ()
        evidence = [each.begun for each in health] or [NEVER]
        verdict = self.observation.evidence.get(self.target.id)
        if verdict and not self.status.cut_short and any(each.state is HealthState.DRAINING for each in health):
            readings = [self.observation.attributes.get(group.arn) for group in self.groups]
            evidence += [verdict.ended, *(reading.begun for reading in readings if reading)]
        return min(evidence)


def _usable(
    observed: Sequence[RegistrationHealth | None], status: TargetStatus, now: datetime
) -> Sequence[RegistrationHealth] | None:
    """All of them; None where one is too old, or may be from before our last call returned."""
    called = status.called
    fresh = [
        health
        for health in observed
        if health and now - health.begun <= OBSERVATION_MAX_AGE and (not called or health.begun >= called)
    ]
    return fresh if len(fresh) == len(observed) else None


def reported(health: RegistrationHealth) -> Reason:
    """The health of a registration as the load balancer reports it."""
    return reason(
        ReasonCode.HEALTH,
        state=health.state.value,
        description=health.description or None,
        overridden=health.overridden,
    )
