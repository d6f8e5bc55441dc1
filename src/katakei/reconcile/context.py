"""One target, as the answers of the decide table see it: its standing, the freshest sight of it, and the moment.

Only questions here; no question speaks, writes or waits.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from katakei.domain import events as e
from katakei.domain.actions import Action, Deregister, Record, Register, Wait
from katakei.domain.model import Group, Registration, Target, TargetId, TargetType
from katakei.domain.observation import HealthState, Observation, ProbeVerdict, RegistrationHealth
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.plan import Plan
from katakei.domain.replay import Rollout
from katakei.domain.rollout import TargetStatus
from katakei.domain.spec import DrainUntil
from katakei.domain.words import label, listed, since, span
from katakei.reconcile.capacity import OBSERVATION_MAX_AGE, ServingCount, floor_violation
from katakei.reconcile.pacing import SLOWEST, pace
from katakei.reconcile.revert import called_off, recalled

PROOF_INTERVAL = timedelta(seconds=5)  # two looks this far apart prove that a target serves again (promise 1)
CALL_REPEAT = timedelta(seconds=5)  # a call that returned but changed nothing is repeated after this long
VERDICT_MAX_AGE = timedelta(seconds=15)  # a witness's verdict is believed for this long
MAX_ATTEMPTS = 3  # how often in a row a target to which nothing was done in the end is tried


@dataclass(frozen=True, slots=True)
class TurnContext:
    """One turn: what was resolved, what is so, who serves, and the moment."""

    rollout: Rollout
    observation: Observation
    tally: ServingCount
    now: datetime

    def case(self, target: TargetId) -> "TargetContext":
        """This target in this turn."""
        rollout, observation = self.rollout, self.observation
        where, status = rollout.targets[target], rollout.statuses[target]
        looks = _usable([observation.of(place) for place in where.registrations], status, self.now)
        return TargetContext(rollout, where, status, observation, self.tally, self.now, looks)

    def after(self, actions: Iterable[Action]) -> "TurnContext":
        """The rest of this turn: what leaves by these steps serves no more."""
        moves = [
            action.event
            for action in actions
            if isinstance(action, Record) and isinstance(action.event, e.PhaseChanged)
        ]
        leaving = [self.rollout.targets[move.target] for move in moves if move.to is Phase.DRAINING]
        return replace(self, tally=self.tally.without(*leaving)) if leaving else self


@dataclass(frozen=True, slots=True)
class TargetContext:
    """Everything an answer may ask about.

    `looks` are those at each registration, all begun after our last call returned and still fresh; None otherwise.
    """

    rollout: Rollout
    target: Target
    status: TargetStatus
    observation: Observation
    tally: ServingCount
    now: datetime
    looks: Sequence[RegistrationHealth] | None

    @property
    def plan(self) -> Plan:
        """The recorded promises."""
        return self.rollout.plan

    @property
    def edited(self) -> str | None:
        """How its groups differ from the plan, '' not at all, None when that was not read just now.

        A witness's word rests on the idle timeout: a longer one keeps silent requests alive for longer.
        """
        reads = [self.observation.attributes.get(group.arn) for group in self.groups]
        fresh = [read for read in reads if read and self.now - read.begun < VERDICT_MAX_AGE]
        return "; ".join(read.changed for read in fresh if read.changed) if len(fresh) == len(reads) else None

    @property
    def amiss(self) -> tuple[RegistrationHealth, ...]:
        """Those looks that keep it from counting as back in service.

        In a group that no listener used when it was planned nothing can serve: to be registered there is to be back.
        """
        idle = {group.arn for group in self.groups if not group.load_balancers}
        looked = zip(self.target.registrations, self.looks or (), strict=False)
        return tuple(look for place, look in looked if not look.serving and not (look.idle and place.group in idle))

    @property
    def called_off(self) -> str:
        """Why no work is to begin on it any more; '' while it is."""
        return called_off(self.rollout, self.target.id)

    @property
    def recalled(self) -> str:
        """Why it goes no further with what was done to it, but is taken back; '' when it is not."""
        return recalled(self.rollout, self.target.id)

    @property
    def unseen(self) -> str:
        """Why the last look at one of its groups failed; '' when none did."""
        return next((why for arn, why in self.observation.unseen.items() if arn in {g.arn for g in self.groups}), "")

    @property
    def deleted(self) -> str:
        """Which of its groups somebody deleted; '' none."""
        names = [group.name for group in self.groups if group.arn in self.observation.deleted]
        return f"the target group {listed(names)} was deleted, not by us" if names else ""

    @property
    def floors_unseen(self) -> bool:
        """One of its own groups was not seen whole just now, so that its floor cannot be judged."""
        return not self.tally.unseen.isdisjoint(group.arn for group in self.groups)

    @property
    def floor_lost(self) -> str:
        """Which floor is broken although this target was not counted any more; '' when none, or when unseen."""
        return "" if self.floors_unseen else floor_violation(self.rollout, self.tally, self.target)

    @property
    def needed(self) -> str:
        """Why it may not be taken out (again) now: it may serve, and a floor needs it or cannot be judged; else ''."""
        if self.looks and not any(look.serving for look in self.looks):
            return ""
        return floor_violation(self.rollout, self.tally, self.target)

    def missing(self, returned: frozenset[str]) -> tuple[Registration, ...]:
        """Registrations in groups whose call has not returned yet."""
        return tuple(place for place in self.target.registrations if place.group not in returned)

    @property
    def waited(self) -> timedelta:
        """How long the target has been in this phase, under the process that drives it now."""
        return self.now - self.status.since

    @property
    def lasting(self) -> str:
        """'for 41s', in this phase."""
        return since(self.status.since, self.now)

    @property
    def drain_limit(self) -> timedelta:
        """The bound of a drain: by default the longest delay of its groups (or settle, if longer) and a minute more."""
        limits, settle = self.plan.spec.limits, self.plan.spec.drain.settle
        if not limits.draining_from_delay:
            return limits.draining_extra
        return max(settle, *(group.delay for group in self.groups)) + limits.draining_extra

    @property
    def return_limit(self) -> timedelta:
        """The bound of a return: an ip target first has to wait for its group's timer."""
        delays = [group.delay for group in self.groups if group.target_type is TargetType.IP]
        return self.plan.spec.limits.warming + max(delays, default=timedelta())

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups this target is registered in."""
        return self.rollout.groups[self.target.id]

    def rest(self, why: str, until: datetime | None = None, since: datetime | None = None) -> Wait:
        """Wait, and say why about this target: until a moment, or for what is awaited `since` (this phase began)."""
        soon = self.now + (SLOWEST if until else pace(self.now - (since or self.status.since)))
        return Wait(min(until or soon, soon), f"{label(self.target)}: {why}", self.target.id)

    def rest_unseen(self, what: str) -> Wait:
        """Wait for a look, and say why the last one failed."""
        return self.rest(f"{what}{self.unseen and f': {self.unseen}'} ({self.lasting})")

    def also(self, why: str) -> str:
        """The later reason, behind which the earlier one is not lost."""
        return f"{self.status.why}; {why}" if self.status.why else why

    def move(self, to: Phase, why: str = "", intent: Intent | None = None, cause: Cause | None = None) -> Record:
        """Write that the target goes to this phase."""
        return Record(e.PhaseChanged(self.now, self.target.id, to, why, intent, cause))

    def deregister(self) -> Deregister:
        """Take it out of every group whose call has not returned, or of all again."""
        return Deregister(self.target.id, self.missing(self.status.deregistered) or self.target.registrations)

    def register(self) -> Register:
        """Put it back into every group whose call has not returned, or into all again."""
        return Register(self.target.id, self.missing(self.status.registered) or self.target.registrations)

    @property
    def others_come_back_soon(self) -> bool:
        """In a wide window one call for a lot of them is worth as long as they need to come, on average."""
        batch_size, here = self.rollout.batch_size, self.rollout.by_phase[Phase.CHECKING]
        first = self.rollout.statuses[next(iter(here))]
        out_for = first.since - (first.out_since or first.since)
        return len(here) < batch_size and self.now - first.since < out_for * batch_size / self.plan.window

    @property
    def repeat_is_due(self) -> bool:
        """A call that returned is not believed for ever: the world still does not show it."""
        return self.status.called is None or self.now - self.status.called >= CALL_REPEAT

    @property
    def ip_still_draining(self) -> bool:
        """An ip target may not be registered before it is absent (docs/aws.md 3); unseen counts as not yet."""
        ips = {group.arn for group in self.groups if group.target_type is TargetType.IP}
        looks = [self.observation.of(place) for place in self.target.registrations if place.group in ips]
        return any(look is None or look.state is HealthState.DRAINING or not self._of_now(look) for look in looks)

    def _of_now(self, look: RegistrationHealth) -> bool:
        """A look of before this phase may miss a deregistration that was still on its way."""
        return _usable([look], self.status, self.now) is not None and look.begun >= self.status.since

    @property
    def nothing_pending(self) -> bool:
        """Nothing drains any more, a witness proves that nothing is pending (promise 2), or it was cut as asked."""
        looks = self.looks or ()
        if looks and all(look.state is not HealthState.DRAINING for look in looks):
            return True
        if self.status.cut:
            return True
        verdict = self.observation.evidence.get(self.target.id)
        if self.plan.spec.drain.until is DrainUntil.DELAY or verdict is None or self.status.out_since is None:
            return False
        if self.status.blind != "" or self.edited != "":  # its silence proves nothing
            return False
        settled = verdict.ended >= self.status.out_since + self.plan.spec.drain.settle
        return verdict.verdict is ProbeVerdict.QUIET and settled and self.now - verdict.ended < VERDICT_MAX_AGE


def _usable(
    looks: Sequence[RegistrationHealth | None], status: TargetStatus, now: datetime
) -> Sequence[RegistrationHealth] | None:
    """All of them, or None where one cannot be trusted: it is too old, or may have been before what we did."""
    called = status.called
    fresh = [
        look
        for look in looks
        if look and now - look.begun <= OBSERVATION_MAX_AGE and (not called or look.begun >= called)
    ]
    return fresh if len(fresh) == len(looks) else None


def shown(look: RegistrationHealth) -> str:
    """A look in the load balancer's own words."""
    shift = ", but its traffic is kept away" if look.overridden else ""
    return f"{look.state.value} ({look.description}){shift}" if look.description else f"{look.state.value}{shift}"


def left(length: timedelta) -> str:
    """'12s left'."""
    return f"{span(length)} left"
