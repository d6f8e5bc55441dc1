"""The way of a rollout, stage by stage: request, preflight, plan, confirmation, session. Each stage returns a value.

    opened = rollouts.open(request)            # a session: an unfinished rollout that is carried on
    while isinstance(opened, Proposal):        # or a proposal: a plan, the lease held, nothing changed yet
        with opened:                           # leaving with an error gives the lease back
            ...                                # show the plan, ask
            opened = rollouts.start(opened)    # the session, or a newer proposal that differs
    with opened as session:
        for turn in session.turns():
            ...

Nothing here prints, parses arguments or knows an adapter by name.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from katakei.app import manual_steps, preflight, queries, switches
from katakei.app.freezes import check_not_frozen, when_free
from katakei.app.preflight import Preflight, RolloutRequest
from katakei.app.recorded_commands import check_recorded_commands
from katakei.app.rights import prove_rights
from katakei.domain import events as e
from katakei.domain.errors import RefusedError
from katakei.domain.freezes import freeze_of
from katakei.domain.model import Group, RolloutId
from katakei.domain.plan import Plan, PlanKind
from katakei.domain.replay import Rollout
from katakei.domain.spec_differences import differences
from katakei.planning import planner
from katakei.planning.reasons import PlanCode, reason
from katakei.reconcile.gating import frozen
from katakei.render.text import span
from katakei.runtime.drivers import Drivers, with_retries
from katakei.runtime.lease_keeper import LeaseKeeper, acquire_lease
from katakei.runtime.session import RolloutSession, check_executors, restore_held, restore_lines

__all__ = ["NothingToDo", "Proposal", "RolloutRequest", "Rollouts", "carry_on", "changes"]

CONFIRMATION_LIMIT = timedelta(minutes=15)
"""How long the lease is held for a plan that is made or waits for confirmation."""
SURVEY_MAX_AGE = timedelta(seconds=60)
"""A plan confirmed later than this after its survey is made again."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A plan that waits for confirmation. The lease is held, with a heartbeat until `confirm_until`.

    Use it as a context manager: leaving it with an error gives the lease back.

    Attributes:
        request: What was asked for.
        plan: What would be done.
        restore_lines: The commands that put everything back by hand.
        surveyed: When the load balancer was read for the plan.
        confirm_until: The moment after which the plan can no longer be started.
        lease: Held for the groups of the plan.
        restore_held: The commands that register what was out of service before.
    """

    request: RolloutRequest
    plan: Plan
    restore_lines: tuple[str, ...]
    surveyed: datetime
    confirm_until: datetime
    lease: LeaseKeeper
    restore_held: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if kind is not None:
            self.discard()

    def discard(self) -> None:
        """Gives the lease back; nothing was changed."""
        self.lease.release()


@dataclass(frozen=True, slots=True)
class NothingToDo:
    """A manual deregistration whose targets are out of service already. No lease is held, nothing is recorded.

    Attributes:
        plan: A plan without a target; its notices say since when each target is out.
    """

    plan: Plan


class Rollouts:
    """Planning, opening and starting rollouts and manual steps."""

    def __init__(self, drivers: Drivers) -> None:
        self._drivers = drivers

    def plan(self, request: RolloutRequest) -> Plan:
        """What `open` and `start` would do. Changes nothing, not even the journal, and takes no lease."""
        groups = preflight.find_groups(self._drivers, request)
        earlier = self._unfinished(request, groups)
        if earlier is None:
            plan = self._plan(preflight.preflight(self._drivers, request, groups, RolloutId("plan")), request)
            return self._with_freeze(plan)
        notice = reason(PlanCode.ROLLOUT_UNFINISHED, rollout=earlier.plan.rollout)
        return replace(earlier.plan, notices=(notice, *earlier.plan.notices))

    def _with_freeze(self, plan: Plan) -> Plan:
        """The plan with a notice about a freeze that forbids to start it."""
        active = with_retries(self._drivers.clock, self._drivers.freezes.active)
        freeze = freeze_of(active, plan.spec.service, [group.arn for group in plan.groups])
        if freeze is None or plan.kind is PlanKind.REGISTER:
            return plan
        return replace(plan, notices=(frozen(freeze), *plan.notices))

    def open(self, request: RolloutRequest) -> Proposal | RolloutSession | NothingToDo:
        """Takes the lease and plans, or carries on an unfinished rollout of the same request.

        Returns:
            A session that continues an unfinished rollout by its recorded plan, or a proposal for a new one. For a
            manual deregistration of targets that are out already: that there is nothing to do.

        Raises:
            LeaseHeldError: Another process works on one of the groups.
            FrozenError: A freeze forbids to take a target out of service.
            RefusedError: The plan would break a promise, or an unfinished rollout stands in the way.
            RecordedByOtherError: An unfinished rollout has commands of somebody else that the request does not have.
            UsageError: A group or target does not exist, or nothing is to be done.
        """
        return when_free(self._drivers, lambda: self._open(request), request.lock_wait)

    def _open(self, request: RolloutRequest) -> Proposal | RolloutSession | NothingToDo:
        drivers = self._drivers
        groups = preflight.find_groups(drivers, request)
        earlier = self._unfinished(request, groups)
        if earlier:
            if not (request.accept_others or earlier.aborting):  # bringing targets back runs no command
                check_recorded_commands(earlier.plan, drivers.owner, request.spec)
            begun = earlier.in_progress or (earlier.traffic and earlier.traffic.begun)
            if not (begun or earlier.aborting or earlier.reverting):  # else targets have to come back
                self._check_not_frozen(request, groups)
            return carry_on(drivers, earlier)
        self._check_not_frozen(request, groups)
        check_executors(drivers, request.spec)
        name = drivers.name()
        lease = acquire_lease(drivers, frozenset(group.arn for group in groups), name)
        lease.keep(drivers.clock.now() + CONFIRMATION_LIMIT)
        try:
            self._still_none_unfinished(groups)
            proposal = self._propose(request, groups, name, lease)
        except BaseException:
            lease.release()
            raise
        if proposal.plan.targets or proposal.plan.switch:
            return proposal
        proposal.discard()
        return NothingToDo(proposal.plan)

    def start(self, proposal: Proposal) -> RolloutSession | Proposal:
        """Records the plan of a confirmed proposal.

        Returns:
            The session. Where the survey is older than 60 s by now and another one leads to another plan: a proposal
            with that plan, to be confirmed again.

        Raises:
            RefusedError: The confirmation came too late, or the newer survey refuses the plan. Nothing was changed.
            UnreachableError: A right is missing that the rollout needs. Nothing was changed.
        """
        drivers, plan = self._drivers, proposal.plan
        if drivers.clock.now() > proposal.confirm_until:
            proposal.discard()
            raise RefusedError(f"not confirmed within {span(CONFIRMATION_LIMIT)}; nothing was changed")
        proposal.lease.beat_until(drivers.clock.now() + CONFIRMATION_LIMIT)
        try:
            if drivers.clock.now() - proposal.surveyed > SURVEY_MAX_AGE:
                groups = preflight.find_groups(drivers, proposal.request)
                newer = self._propose(proposal.request, groups, plan.rollout, proposal.lease)
                if newer.plan != plan:
                    return newer
            self._check_not_frozen(proposal.request, plan.groups)
            if plan.kind is PlanKind.ROLL:
                prove_rights(drivers, plan)
            drivers.journal.append(proposal.lease.lease, plan.rollout, 0, [e.Planned(drivers.clock.now(), plan)])
            return RolloutSession(drivers, proposal.lease, plan, carried_on=False)
        except BaseException:
            proposal.discard()
            raise

    def _propose(
        self, request: RolloutRequest, groups: tuple[Group, ...], name: RolloutId, lease: LeaseKeeper
    ) -> Proposal:
        if frozenset(group.arn for group in groups) != lease.lease.groups:
            raise RefusedError("the target groups were replaced meanwhile: give the same command again")
        ready = preflight.preflight(self._drivers, request, groups, name)
        plan = self._plan(ready, request)
        lines, held = restore_lines(self._drivers, plan), restore_held(self._drivers, plan)
        until = self._drivers.clock.now() + CONFIRMATION_LIMIT
        lease.beat_until(until)
        return Proposal(request, plan, lines, ready.surveyed, until, lease, held)

    def _plan(self, ready: Preflight, request: RolloutRequest) -> Plan:
        if request.switch:
            return switches.plan_switch(self._drivers, ready, request.switch)
        if ready.asked.kind is not PlanKind.ROLL:
            step = manual_steps.plan_manual_step(self._drivers.journal, ready)
            return switches.after_weight_zero(self._drivers, step)
        plan = switches.after_weight_zero(self._drivers, planner.make(ready.asked, ready.survey, ready.accepted))
        preflight.check_fits(self._drivers, plan)
        return plan

    def _check_not_frozen(self, request: RolloutRequest, groups: Sequence[Group]) -> None:
        if request.kind is not PlanKind.REGISTER:
            check_not_frozen(self._drivers, request.spec.service, [group.arn for group in groups])

    def _still_none_unfinished(self, groups: Sequence[Group]) -> None:
        """While the lease was waited for, its former owner may have begun a rollout."""
        if earlier := queries.unfinished(self._drivers.journal, [group.arn for group in groups]):
            raise RefusedError(
                f"rollout {earlier.rollout} was begun meanwhile and is not finished: give the same command again"
            )

    def _unfinished(self, request: RolloutRequest, groups: Sequence[Group]) -> Rollout | None:
        """The unfinished rollout of these groups, if it is what is asked for now.

        Raises:
            RefusedError: It is another one; the sentence names the choices.
        """
        header = queries.unfinished(self._drivers.journal, [group.arn for group in groups])
        if header is None:
            return None
        state = queries.find(self._drivers.journal, header.rollout)
        if state.plan.switch:
            return switches.check_same_switch(state, request)
        end = f"or end it with `katakei abort {header.rollout}`"
        if request.kind is not PlanKind.ROLL and manual_steps.is_same_step(state, request):
            return state
        if request.kind is not PlanKind.ROLL or state.plan.kind is not PlanKind.ROLL:
            raise RefusedError(f"{manual_steps.how_to_carry_on(state)}, {end}")
        changed = changes(state.plan, request)
        if request.as_recorded or not changed or state.aborting or state.reverting:
            return state
        raise RefusedError(
            f"rollout {header.rollout} of {state.plan.spec.service} is not finished and differs: {'; '.join(changed)}."
            f" Carry it on as planned with --as-recorded, {end}"
        )


def carry_on(drivers: Drivers, state: Rollout) -> RolloutSession:
    """The session of an unfinished rollout, by its recorded plan. Raises LeaseHeldError, RefusedError."""
    if not state.aborting:  # bringing targets back needs no secret
        check_executors(drivers, state.plan.spec)
    groups = frozenset(group.arn for group in state.plan.groups)
    lease = acquire_lease(drivers, groups, state.plan.rollout).keep()
    return RolloutSession(drivers, lease, state.plan, carried_on=True)


def changes(recorded: Plan, request: RolloutRequest) -> tuple[str, ...]:
    """How a request differs from a recorded plan, one text for each difference.

    Not a difference: the group's own health check, which a plan drops where it cannot be asked from this machine; a
    soak that the plan made as long as a slow start; and the ARN of a group instead of its name.
    """
    present, was = request.spec, recorded.spec
    if not was.check.asked and was.check.http is None and present.check.http is None:
        present = replace(present, check=replace(present.check, asked=False))
    longest = max(group.slow_start for group in recorded.groups)
    if present.soak < was.soak == longest:
        present = replace(present, soak=was.soak)
    known = {group.name: group.arn for group in recorded.groups}
    if [known.get(name, name) for name in present.groups] == [known.get(name, name) for name in was.groups]:
        present = replace(present, groups=was.groups)
    changed = differences(was, present)
    if recorded.release != request.release:
        changed = (*changed, f"release {recorded.release or 'none'}, now {request.release or 'none'}")
    if recorded.limit != request.limit:
        changed = (*changed, f"limit {recorded.limit or 'none'}, now {request.limit or 'none'}")
    return changed
