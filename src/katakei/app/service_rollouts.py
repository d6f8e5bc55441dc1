"""The rollouts of a server: planned and started from stored services, and the commands of people to them.

Nothing is asked here: a person has seen the plan and confirms it by its digest. The rollout is driven by the dispatch,
in this process or by a worker. Rights are proved before (`app.subjects`).
"""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from katakei import config
from katakei.app import queries
from katakei.app.control import Control, Delegated
from katakei.app.dispatch import Dispatch
from katakei.app.fleet import Fleet, SessionDrivers
from katakei.app.fleet_groups import FleetGroups
from katakei.app.manual_steps import manual_step
from katakei.app.rollouts import NothingToDo, Proposal, RolloutRequest, Rollouts
from katakei.domain.aws_place import AwsPlace
from katakei.domain.errors import RefusedError
from katakei.domain.leases import Owner
from katakei.domain.model import RolloutId, TargetId
from katakei.domain.plan import Plan, PlanKind
from katakei.domain.ports import Journal, Leases, Liveness
from katakei.domain.replay import Rollout
from katakei.domain.spec import Selection
from katakei.planning.survey import NO_ACCEPTED_RISKS, AcceptedRisks
from katakei.render.json_data import plain
from katakei.runtime.session import RolloutSession, restore_held, restore_lines


@dataclass(frozen=True, slots=True)
class ServiceRequest:
    """What a person asks for: a rollout of a stored service.

    Attributes:
        service: Its name.
        who: The person.
        release: What is rolled out; '': the service's default.
        only: Only these targets; empty: as the service says.
        accepted: Risks that the person accepted.
        as_recorded: Carry an unfinished rollout on although configuration or release differ by now.
        limit: How many targets are taken at most; None: all.
        only_outdated: Leave targets alone that are known to carry the release.
    """

    service: str
    who: str
    release: str = ""
    only: tuple[str, ...] = ()
    accepted: AcceptedRisks = NO_ACCEPTED_RISKS
    as_recorded: bool = False
    limit: int | None = None
    only_outdated: bool = False


@dataclass(frozen=True, slots=True)
class StepRequest:
    """What a person asks for: targets of a group deregistered or registered.

    Attributes:
        kind: DEREGISTER or REGISTER.
        region: The region of the group.
        group: Its name.
        targets: As typed: ids, addresses or names, each with `:port` or without.
        who: The person.
        accepted: Risks that the person accepted.
        all_groups: Take the targets out of every group that sends requests to them.
    """

    kind: PlanKind
    region: str
    group: str
    targets: tuple[str, ...]
    who: str
    accepted: AcceptedRisks = NO_ACCEPTED_RISKS
    all_groups: bool = False


@dataclass(frozen=True, slots=True)
class PlannedRollout:
    """A plan that a person can confirm.

    Attributes:
        plan: The plan.
        restore_lines: The commands that put everything back by hand.
        restore_held: The same for what was out of service before.
        digest: Names what the plan does. It is started only while a new survey leads to the same plan.
    """

    plan: Plan
    restore_lines: tuple[str, ...]
    restore_held: tuple[str, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class Told:
    """A command that was recorded.

    Attributes:
        rollout: The rollout.
        owner: The process that carries it out; None: none is known.
        targets: The targets that the command names.
        finished: Whether the rollout was finished meanwhile.
    """

    rollout: RolloutId
    owner: Owner | None
    targets: Sequence[TargetId] = ()
    finished: bool = False


class ServiceRollouts:
    """Rollouts on a server. Safe for threads."""

    def __init__(self, fleet: Fleet, dispatch: Dispatch, journal: Journal, leases: Leases) -> None:
        self._fleet = fleet
        self._groups = FleetGroups(fleet)
        self._dispatch = dispatch
        self._journal = journal
        self._leases = leases
        self._commands = threading.Lock()  # two commands at once would take the lease of one rollout twice

    def plan(self, asked: ServiceRequest | StepRequest) -> PlannedRollout:
        """What `start` would do. Changes nothing. Raises UsageError, RefusedError, UnknownGroupError."""
        request, place = self._request(asked)
        drivers = self._fleet.drivers(place)
        plan = Rollouts(drivers).plan(request)
        return PlannedRollout(plan, restore_lines(drivers, plan), restore_held(drivers, plan), digest(plan))

    def start(self, asked: ServiceRequest | StepRequest, confirmed: str | None) -> RolloutId | Plan:
        """Starts a rollout, or carries the unfinished one of the same request on.

        Args:
            asked: What is asked for.
            confirmed: The digest of the plan that the person has seen; None confirms any.

        Returns:
            The rollout; or a plan without a target, whose notices say why there is nothing to do.

        Raises:
            LeaseHeldError: Another rollout works on one of the groups.
            RefusedError: The plan would break a promise, or another plan would be carried out by now.
            UsageError: A service, group or target does not exist, or nothing is to be done.
        """
        request, place = self._request(asked)
        with self._sessions(lambda: self._fleet.session_drivers_at(place)) as drivers:
            opened = Rollouts(drivers).open(request)
            if isinstance(opened, Proposal):
                opened = self._started(Rollouts(drivers), opened, confirmed)
            if isinstance(opened, NothingToDo):
                drivers.close()
                return opened.plan
            self._dispatch.start(opened, drivers.close)
            return opened.plan.rollout

    def approve(self, rollout: RolloutId, names: Sequence[str], who: str) -> Told:
        """Says that the manual work on these targets is done (none given: on all that wait)."""
        control, state = self._control(rollout, who)
        targets = control.approve(rollout, names)
        self._dispatch.wake(rollout, state.plan)
        return self._told(rollout, targets)

    def answer_gate(self, rollout: RolloutId, gate: str, who: str, *, approved: bool) -> Told:
        """Approves an approval gate that waits, or denies it, which ends the rollout as an abort does."""
        control, state = self._control(rollout, who)
        control.answer_gate(rollout, gate, approved=approved)
        self._dispatch.wake(rollout, state.plan)
        return self._told(rollout)

    def skip_gate(self, rollout: RolloutId, gate: str, why: str, who: str) -> Told:
        """Lets the rollout pass a gate that holds it, for a reason that is recorded."""
        control, state = self._control(rollout, who)
        control.skip_gate(rollout, gate, why)
        self._dispatch.wake(rollout, state.plan)
        return self._told(rollout)

    def promote(self, rollout: RolloutId, who: str) -> Told:
        """Ends the soak of the targets that soak now."""
        control, state = self._control(rollout, who)
        targets = control.promote(rollout)
        self._dispatch.wake(rollout, state.plan)
        return self._told(rollout, targets)

    def pause(self, rollout: RolloutId, who: str) -> Told:
        """Finishes the targets in progress and begins no other."""
        control, state = self._control(rollout, who)
        control.pause(rollout)
        self._dispatch.wake(rollout, state.plan)
        return self._told(rollout)

    def abort(self, rollout: RolloutId, who: str) -> Told:
        """Brings every target in progress back into service and begins no other."""
        return self._carried_out(rollout, who, lambda control: control.abort(rollout))

    def resume(self, rollout: RolloutId, who: str) -> Told:
        """Goes on after a pause."""
        return self._carried_out(rollout, who, lambda control: control.resume(rollout))

    def retry(self, rollout: RolloutId, names: Sequence[str], who: str, *, again: bool = False) -> Told:
        """Begins one more attempt on each of these targets (none given: on all that failed)."""
        return self._carried_out(rollout, who, lambda control: control.retry(rollout, names, again=again))

    def revert(self, rollout: RolloutId, who: str) -> Told:
        """Runs the revert command on every target that the rollout worked on."""
        return self._carried_out(rollout, who, lambda control: control.revert(rollout))

    def _started(self, rollouts: Rollouts, opened: Proposal, confirmed: str | None) -> RolloutSession | NothingToDo:
        with opened as proposal:
            _check_confirmed(proposal.plan, confirmed)
            session = rollouts.start(proposal)
            if isinstance(session, Proposal):
                raise _changed()
            return session

    def _request(self, asked: ServiceRequest | StepRequest) -> tuple[RolloutRequest, AwsPlace]:
        if isinstance(asked, StepRequest):
            place = self._groups.place_of(asked.region, asked.group)
            step = manual_step(asked.kind, asked.group, asked.targets, asked.accepted, all_groups=asked.all_groups)
            return replace(step, who=asked.who), place
        service = self._fleet.startable(asked.service)
        spec = service.spec
        if spec is None:
            raise RefusedError(f"the file of service {service.name} has faults: correct it first")
        if asked.only:
            spec = replace(spec, targets=Selection(only=asked.only))
        release = config.release(asked.release) if asked.release else service.release
        request = RolloutRequest(
            spec,
            release,
            asked.accepted,
            as_recorded=asked.as_recorded,
            accept_others=True,
            who=asked.who,
            limit=asked.limit,
            only_outdated=asked.only_outdated,
        )
        return request, self._fleet.place_of(service)

    def _carried_out(
        self, rollout: RolloutId, who: str, command: Callable[[Control], RolloutSession | Delegated]
    ) -> Told:
        """Gives a command. Its owner reads it; where none is alive, the dispatch drives the rollout from now on."""
        state = queries.find(self._journal, rollout)
        with self._commands, self._sessions(lambda: self._fleet.session_drivers(state.plan)) as drivers:
            done = command(Control(drivers, accept_others=True, who=who, drives_others=True))
            if isinstance(done, RolloutSession):
                self._dispatch.start(done, drivers.close)
                return self._told(rollout)
            drivers.close()
        self._dispatch.wake(rollout, state.plan)
        return replace(self._told(rollout), finished=done.finished)

    def _control(self, rollout: RolloutId, who: str) -> tuple[Control, Rollout]:
        state = queries.find(self._journal, rollout)
        return Control(self._fleet.drivers_of(state.plan), accept_others=True, who=who, drives_others=True), state

    def _told(self, rollout: RolloutId, targets: Sequence[TargetId] = ()) -> Told:
        driver = queries.driver_of(self._leases, queries.find(self._journal, rollout))
        return Told(rollout, driver.owner if driver.liveness is Liveness.ALIVE else None, targets)

    @contextmanager
    def _sessions(self, made: Callable[[], SessionDrivers]) -> Iterator[SessionDrivers]:
        """Drivers of one session, closed where none comes of them."""
        drivers = made()
        try:
            yield drivers
        except BaseException:
            drivers.close()
            raise


def digest(plan: Plan) -> str:
    """Names what a plan does: everything in it but its id, who asked, and the versions."""
    same = replace(plan, rollout=RolloutId(""), who="", versions={})
    text = json.dumps(plain(same), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _check_confirmed(plan: Plan, confirmed: str | None) -> None:
    if confirmed is not None and plan.targets and digest(plan) != confirmed:
        raise _changed()


def _changed() -> RefusedError:
    return RefusedError("the plan has changed since it was shown; nothing was changed: plan again and confirm that")
