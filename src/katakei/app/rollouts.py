"""The verbs that do something: what a face may ask for. Each is a few questions, one decision, and a drive.

Nothing here prints, parses arguments or knows a driver by name.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from katakei.app import control, history, manual_steps, preflight
from katakei.app.manual_steps import ManualStepRequest
from katakei.domain import events as e
from katakei.domain.errors import RefusedError, UsageError
from katakei.domain.model import Group, RolloutId, TargetId
from katakei.domain.phases import Phase
from katakei.domain.plan import Plan, PlanKind
from katakei.domain.ports import RolloutHeader
from katakei.domain.replay import Rollout
from katakei.domain.spec import Spec, differences
from katakei.domain.words import listed
from katakei.planning import planner as planning
from katakei.planning.forecast import Forecast, forecast
from katakei.planning.reasons import PlanCode, reason
from katakei.planning.survey import NO_ACCEPTED_RISKS, AcceptedRisks, PlanRequest
from katakei.runtime import session
from katakei.runtime.drivers import Drivers, with_retries
from katakei.runtime.session import Confirm, RolloutSession


@dataclass(frozen=True, slots=True)
class RolloutRequest:
    """What a rollout is asked for, before the world was read."""

    spec: Spec
    release: str = ""
    allowed: AcceptedRisks = NO_ACCEPTED_RISKS
    as_recorded: bool = False  # carry an unfinished rollout on although configuration or release differ by now


class Rollouts:
    """The verbs, over one kit of drivers. Those that only ask are in asking.py."""

    def __init__(self, drivers: Drivers) -> None:
        self._kit = drivers

    def plan(self, order: RolloutRequest) -> tuple[Plan, Forecast]:
        """What a rollout would do; changes nothing, not even the journal. An unfinished one would be carried on."""
        groups = self._groups(order)
        earlier = history.unfinished(self._kit.journal, [group.arn for group in groups])
        made = self._same(order, earlier).plan if earlier else self._plan(order, groups, RolloutId("plan"))
        if earlier:
            unfinished = reason(PlanCode.ROLLOUT_UNFINISHED, rollout=earlier.rollout)
            made = replace(made, notices=(*made.notices, unfinished))
        return made, forecast(made)

    def roll(self, order: RolloutRequest, confirm: Confirm) -> RolloutSession:
        """A rollout in hand: a new one, or an unfinished one of the same service, carried on by its recorded plan."""
        groups = self._groups(order)
        earlier = history.unfinished(self._kit.journal, [group.arn for group in groups])
        if earlier:
            return session.carry_on(self._kit, self._same(order, earlier))
        session.able(self._kit, order.spec)
        name = self._kit.name()
        hold = manual_steps.take(self._kit, groups, name)
        return session.begin(self._kit, hold, lambda: self._plan(order, groups, name), confirm)

    def deregister(self, hand: ManualStepRequest, confirm: Confirm) -> RolloutSession:
        """One step by hand: out of the group, drained, and left out."""
        return manual_steps.deregister(self._kit, hand, confirm)

    def register(self, hand: ManualStepRequest, confirm: Confirm) -> RolloutSession:
        """One step by hand: back into the group."""
        return manual_steps.register(self._kit, hand, confirm)

    def approve(self, rollout: RolloutId, names: Sequence[str]) -> Sequence[TargetId]:
        """The work of these targets (none given: of all that wait for a person) is done. Returns which."""
        state = history.find(self._kit.journal, rollout)
        targets = [target.id for target in history.named(state, names)]
        waiting = [target for target in state.at(Phase.WORKING) if state.command(target).executor == "manual"]
        unknown = [target for target in targets if target not in waiting]
        if unknown or not waiting:
            raise UsageError(
                f"{listed(unknown) or rollout} waits for no approval; waiting: {listed(waiting) or 'none'}"
            )
        for target in targets or waiting:
            self._kit.journal.tell(rollout, e.Approved(self._kit.clock.now(), self._kit.owner.user, target))
        return targets or waiting

    def abort(self, rollout: RolloutId) -> RolloutSession:
        """Every target in hand goes back to serving. Raises Held when the process that drives it carries it out."""
        self._unfinished(rollout, "abort")
        return control.abort(self._kit, rollout)

    def pause(self, rollout: RolloutId) -> None:
        """What is in hand is finished, nothing else is begun; the process that drives the rollout carries it out."""
        state = self._unfinished(rollout, "pause")
        if state.aborting:
            raise UsageError(f"rollout {rollout} is being aborted: nothing else is begun anyway")
        if state.paused:
            raise UsageError(f"rollout {rollout} is paused already; it goes on by: katakei resume {rollout}")
        self._kit.journal.tell(rollout, e.PauseAsked(self._kit.clock.now(), self._kit.owner.user))

    def resume(self, rollout: RolloutId) -> RolloutSession:
        """It goes on. Raises Held when it was recorded for the process that drives it now."""
        self._unfinished(rollout, "resume")
        return control.resume(self._kit, rollout)

    def unlock(self, name: str) -> str:
        """The lease of a group is let go, whoever has it; who had it, '' when nobody did."""
        group = with_retries(self._kit.clock, lambda: self._kit.balancer.groups((name,)))[0]
        return self._kit.leases.unlock(group.arn)

    def retry(self, rollout: RolloutId, names: Sequence[str]) -> RolloutSession:
        """One more attempt on each of these. Raises Held when it was recorded for the process that drives it now."""
        return control.retry(self._kit, rollout, names)

    def revert(self, rollout: RolloutId) -> RolloutSession:
        """What it touched is taken back. Raises Held when it was recorded for the process that drives it now."""
        return control.revert(self._kit, rollout)

    def unsure(self, rollout: RolloutId, names: Sequence[str]) -> Sequence[str]:
        """Of these, who may still be at work: a retry may then run a second one beside it."""
        return control.unsure(history.find(self._kit.journal, rollout), names)

    def _unfinished(self, rollout: RolloutId, verb: str) -> Rollout:
        state = history.find(self._kit.journal, rollout)
        if state.finished:
            raise UsageError(f"rollout {rollout} is finished; there is nothing to {verb}")
        return state

    def _groups(self, order: RolloutRequest) -> tuple[Group, ...]:
        return tuple(with_retries(self._kit.clock, lambda: self._kit.balancer.groups(order.spec.groups)))

    def _plan(self, order: RolloutRequest, groups: tuple[Group, ...], name: RolloutId) -> Plan:
        drivers = self._kit
        site = with_retries(drivers.clock, lambda: drivers.site)
        who, versions = str(drivers.owner), session.VERSIONS
        asked = PlanRequest(name, PlanKind.ROLL, order.spec, order.release, site.account, site.region, who, versions)
        held = {
            rollout.owners[place]: rollout.plan.rollout
            for group in groups
            for place, rollout in history.held_out(drivers.journal, group.arn).items()
        }
        executors = [drivers.executor(command) for command in order.spec.commands]
        reader = preflight.Preflight(drivers.balancer, executors, drivers.health_checker, drivers.pool)
        survey = with_retries(drivers.clock, lambda: reader.survey(groups, order.spec, held, lab=site.lab))
        made = planning.make(asked, survey, order.allowed)
        preflight.fits(drivers, made)
        return made

    def _same(self, order: RolloutRequest, earlier: RolloutHeader) -> Rollout:
        """The unfinished rollout, if it is what is asked for now; refused with the choice if it is not."""
        state = history.find(self._kit.journal, earlier.rollout)
        end = f"or end it by `katakei abort {earlier.rollout}`"
        if state.plan.kind is not PlanKind.ROLL:
            raise RefusedError(f"{manual_steps.unfinished(state)}, {end}")
        changed = changes(state.plan, order)
        if order.as_recorded or not changed or state.aborting or state.reverting:
            return state
        raise RefusedError(
            f"rollout {earlier.rollout} of {state.plan.spec.service} is not finished and differs: {'; '.join(changed)}."
            f" Carry it on as it was planned by --as-recorded, {end}"
        )


def changes(recorded: Plan, order: RolloutRequest) -> tuple[str, ...]:
    """What is asked for otherwise than it was planned, each in words.

    A plan drops the group's own check where it cannot be asked from here, and says so: that is no difference. Nor is a
    group's ARN instead of its name.
    """
    present, was = order.spec, recorded.spec
    if not was.check.asked and was.check.http is None and present.check.http is None:
        present = replace(present, check=replace(present.check, asked=False))
    known = {group.name: group.arn for group in recorded.groups}
    if [known.get(name, name) for name in present.groups] == [known.get(name, name) for name in was.groups]:
        present = replace(present, groups=was.groups)
    changed = differences(was, present)
    if recorded.release != order.release:
        changed = (*changed, f"release {recorded.release or 'none'}, now {order.release or 'none'}")
    return changed
