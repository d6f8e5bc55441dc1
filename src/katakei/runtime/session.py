"""A rollout in hand: its lease, its runner, and the way from Planned to Finished.

Whatever happens on the way, the lease is given back or ends by itself; what was resolved is in the journal.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta

from katakei import __version__
from katakei.domain import events as e
from katakei.domain.errors import Refused
from katakei.domain.model import Group, RolloutId
from katakei.domain.plan import Plan, restorable
from katakei.domain.replay import Rollout
from katakei.domain.spec import Spec
from katakei.planning.forecast import Forecast, forecast
from katakei.runtime import inline, lease_keeper
from katakei.runtime.drivers import Kit
from katakei.runtime.lease_keeper import Hold
from katakei.runtime.routing import ways
from katakei.runtime.runner import Runner, Turn, World

CALL = timedelta(seconds=10)  # how long a call under way is waited for before the lease is given back
VERSIONS = {"katakei": __version__, "events": str(e.VERSION)}  # of who planned it, and of what was written

Confirm = Callable[[Plan, Forecast, Sequence[str]], bool]


class Drive:
    """One rollout whose lease is ours."""

    def __init__(self, kit: Kit, hold: Hold, plan: Plan, *, carried_on: bool) -> None:
        self.plan = plan
        self.carried_on = carried_on
        self._kit = kit
        self._hold = hold
        self._interrupted = ""
        update, revert = (kit.executor(plan.spec.command(back=back)) for back in (False, True))
        world = World(
            balancer=kit.balancer,
            executor=ways(update, revert),
            checker=kit.checker,
            journal=kit.journal,
            clock=kit.clock,
            pool=kit.pool,
            witness=kit.witness(plan.spec),
        )
        self._runner = Runner(world, hold, plan.rollout)
        self._runner.note(e.Taken(kit.clock.now(), kit.owner, update.marks, revert.marks))

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


def restore_lines(kit: Kit, plan: Plan) -> tuple[str, ...]:
    """The commands a person can paste, one for each group."""
    return tuple(kit.balancer.restore_lines(restorable(plan)))


def take(kit: Kit, groups: tuple[Group, ...], rollout: RolloutId, *, sure: bool = False) -> Hold:
    """The lease of all these groups, kept from now on. Raises Held with the name of the rollout that has one.

    `sure`: only where that one lives, which may take some seconds to see (`lease_keeper.take`).
    """
    arns = frozenset(group.arn for group in groups)
    leases, owner = kit.leases, kit.owner
    return lease_keeper.take(
        leases, kit.clock, lambda silent: leases.take(arns, owner, rollout, silent), kit.tell, sure=sure
    ).keep()


def able(kit: Kit, spec: Spec) -> None:
    """Raises Refused: what the work is to be told is not known to this process, so that nothing could be begun."""
    for command in spec.commands:
        if lacking := kit.executor(command).lacks:
            raise Refused(lacking)


def begin(kit: Kit, hold: Hold, plan: Callable[[], Plan], confirm: Confirm) -> Drive:
    """A new rollout: planned under its lease, shown, confirmed, recorded. Refused or not wanted: nothing remains."""
    try:
        return _record(kit, hold, plan(), confirm)
    except BaseException:
        hold.release()
        raise


def _record(kit: Kit, hold: Hold, plan: Plan, confirm: Confirm) -> Drive:
    if not confirm(plan, forecast(plan), restore_lines(kit, plan)):
        raise Refused("not confirmed; nothing was changed")
    kit.journal.append(hold.lease, plan.rollout, 0, [e.Planned(kit.clock.now(), plan)])
    return Drive(kit, hold, plan, carried_on=False)


def carry_on(kit: Kit, state: Rollout) -> Drive:
    """An unfinished rollout, taken in hand as it was planned."""
    if not state.aborting:  # to bring back what is out needs no secret
        able(kit, state.plan.spec)
    return Drive(kit, take(kit, state.plan.groups, state.plan.rollout), state.plan, carried_on=True)
