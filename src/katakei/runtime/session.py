"""A rollout in hand: its lease, its runner, and the way from Planned to Finished.

Whatever happens on the way, the lease is given back or ends by itself; what was resolved is in the journal.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta

from katakei import __version__
from katakei.domain import events as e
from katakei.domain.errors import RefusedError
from katakei.domain.model import Group, RolloutId
from katakei.domain.plan import Plan, restorable
from katakei.domain.replay import Rollout
from katakei.domain.spec import Spec
from katakei.planning.forecast import Forecast, forecast
from katakei.runtime import inline, lease_keeper
from katakei.runtime.drivers import Drivers
from katakei.runtime.lease_keeper import LeaseKeeper
from katakei.runtime.routing import routed
from katakei.runtime.runner import Runner, RunnerDrivers, Turn

CALL = timedelta(seconds=10)  # how long a call under way is waited for before the lease is given back
VERSIONS = {"katakei": __version__, "events": str(e.VERSION)}  # of who planned it, and of what was written

Confirm = Callable[[Plan, Forecast, Sequence[str]], bool]


class RolloutSession:
    """One rollout whose lease is ours."""

    def __init__(self, drivers: Drivers, hold: LeaseKeeper, plan: Plan, *, carried_on: bool) -> None:
        self.plan = plan
        self.carried_on = carried_on
        self._kit = drivers
        self._hold = hold
        self._interrupted = ""
        update, revert = (drivers.executor(plan.spec.command(back=back)) for back in (False, True))
        world = RunnerDrivers(
            balancer=drivers.balancer,
            executor=routed(update, revert),
            health_checker=drivers.health_checker,
            journal=drivers.journal,
            clock=drivers.clock,
            pool=drivers.pool,
            probe=drivers.probe(plan.spec),
        )
        self._runner = Runner(world, hold, plan.rollout)
        self._runner.note(e.OwnerChanged(drivers.clock.now(), drivers.owner, update.marks, revert.marks, e.VERSION))

    @property
    def rollout(self) -> Rollout:
        """The rollout as this process last read or wrote it."""
        return self._runner.rollout

    @property
    def restore_lines(self) -> tuple[str, ...]:
        """What puts every registration back by hand, exactly as it was when the plan was made."""
        return restore_lines(self._kit, self.plan)

    def run(self, told: Callable[[Turn], None]) -> Rollout:
        """Turn after turn; the lease is given back at the end, or ends by itself where a call is still under way."""

        def after(turn: Turn) -> None:
            told(turn)
            if self._interrupted and not turn.rollout.interrupted:
                self._runner.note(e.Interrupted(self._kit.clock.now(), self._interrupted))

        patience = timedelta()  # twice Ctrl-C waits for nothing
        try:
            rollout = inline.drive(self._runner, self._kit.clock, after)
            patience = CALL
            return rollout
        finally:
            self._hold.stop()
            if self._runner.settled(patience):
                self._hold.release()

    def interrupt(self, by: str) -> None:
        """Finish what is in hand, then stop. May be called from a signal handler."""
        self._interrupted = by
        self._kit.clock.wake()

    def wake(self) -> None:
        """A person's word was written: the next turn is due now."""
        self._kit.clock.wake()


def restore_lines(drivers: Drivers, plan: Plan) -> tuple[str, ...]:
    """The commands a person can paste, one for each group."""
    return tuple(drivers.balancer.restore_lines(restorable(plan)))


def acquire_lease(
    drivers: Drivers, groups: tuple[Group, ...], rollout: RolloutId, *, sure: bool = False
) -> LeaseKeeper:
    """The lease of all these groups, kept from now on. Raises Held with the name of the rollout that has one.

    `sure`: only where that one lives, which may take some seconds to see (`lease_keeper.acquire_lease`).
    """
    arns = frozenset(group.arn for group in groups)
    leases, owner = drivers.leases, drivers.owner
    return lease_keeper.acquire(
        leases, drivers.clock, lambda silent: leases.take(arns, owner, rollout, silent), drivers.tell, sure=sure
    ).keep()


def able(drivers: Drivers, spec: Spec) -> None:
    """Raises Refused: what the work is to be told is not known to this process, so that nothing could be begun."""
    for command in spec.commands:
        if lacking := drivers.executor(command).lacks:
            raise RefusedError(lacking)


def begin(drivers: Drivers, hold: LeaseKeeper, plan: Callable[[], Plan], confirm: Confirm) -> RolloutSession:
    """A new rollout: planned under its lease, shown, confirmed, recorded. Refused or not wanted: nothing remains."""
    try:
        return _record(drivers, hold, plan(), confirm)
    except BaseException:
        hold.release()
        raise


def _record(drivers: Drivers, hold: LeaseKeeper, plan: Plan, confirm: Confirm) -> RolloutSession:
    if not confirm(plan, forecast(plan), restore_lines(drivers, plan)):
        raise RefusedError("not confirmed; nothing was changed")
    drivers.journal.append(hold.lease, plan.rollout, 0, [e.Planned(drivers.clock.now(), plan)])
    return RolloutSession(drivers, hold, plan, carried_on=False)


def carry_on(drivers: Drivers, state: Rollout) -> RolloutSession:
    """An unfinished rollout, taken in hand as it was planned."""
    if not state.aborting:  # to bring back what is out needs no secret
        able(drivers, state.plan.spec)
    return RolloutSession(
        drivers, acquire_lease(drivers, state.plan.groups, state.plan.rollout), state.plan, carried_on=True
    )
