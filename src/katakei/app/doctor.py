"""The check before a rollout: everything that could be in its way is asked, and nothing is changed.

Rights are proved as `roll` proves them, by calls that cannot change a registration.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

from katakei.app.preflight import QUESTION_LIMIT, RolloutRequest, find_groups, members_of
from katakei.app.rights import missing_probe, missing_rights
from katakei.app.rollouts import Rollouts
from katakei.domain.errors import KatakeiError, UsageError
from katakei.domain.freezes import freeze_of
from katakei.domain.model import Group, TargetId
from katakei.domain.plan import Plan, PlanKind
from katakei.domain.ports import Liveness
from katakei.domain.spec import Spec
from katakei.planning import planner
from katakei.planning.diagnosis import Finding, Level, Sign, Topic, found, of_clock, of_times
from katakei.planning.survey import Survey
from katakei.reconcile.gating import frozen
from katakei.render.text import label
from katakei.runtime.drivers import Drivers, with_retries


def diagnose(drivers: Drivers, spec: Spec, clock_offset: Callable[[], timedelta | None]) -> tuple[Finding, ...]:
    """Asks everything.

    Args:
        drivers: Asked; nothing is changed.
        spec: The configuration.
        clock_offset: How far the clock of AWS is ahead of this machine's; None where AWS said no time.

    Raises:
        UsageError: A target group or target does not exist.
    """
    try:
        site = with_retries(drivers.clock, lambda: drivers.site)
    except UsageError:
        raise
    except KatakeiError as error:
        return (Finding(Level.FAULT, Topic.CREDENTIALS, error), *_of_journal(drivers))
    rows = [found(Level.OK, Topic.CREDENTIALS, Sign.SITE, account=site.account, region=site.region)]
    rows += [of_clock(clock_offset())]
    return (*rows, *_of_groups(drivers, spec))


def _of_groups(drivers: Drivers, spec: Spec) -> Iterator[Finding]:
    request = RolloutRequest(spec)
    try:
        groups = find_groups(drivers, request)
        yield from of_times(groups, spec)
        yield from _of_targets(drivers, spec, groups)
        plan, refused = _plan(drivers, request)
    except UsageError:
        raise
    except KatakeiError as error:
        yield Finding(Level.FAULT, Topic.GROUPS, error)
        yield from _of_journal(drivers)
        return
    yield from refused
    yield from _of_rights(drivers, plan)
    yield from _of_journal(drivers)
    yield from _of_leases(drivers, spec, groups)


def _plan(drivers: Drivers, request: RolloutRequest) -> tuple[Plan | None, tuple[Finding, ...]]:
    """The plan, or why there is none. The notices of a plan are warnings."""
    try:
        plan = Rollouts(drivers).plan(request)
    except KatakeiError as error:
        causes = error.reasons or (error,)
        return None, tuple(Finding(Level.FAULT, Topic.PLAN, cause) for cause in causes)
    if plan.notices:
        return plan, tuple(Finding(Level.WARNING, Topic.PLAN, notice) for notice in plan.notices)
    return plan, (found(Level.OK, Topic.PLAN, Sign.PLAN_POSSIBLE, targets=len(plan.targets)),)


def _of_targets(drivers: Drivers, spec: Spec, groups: tuple[Group, ...]) -> Iterator[Finding]:
    """Every target of the rollout that the executor cannot work on, where a plan names the first."""
    read = partial(with_retries, drivers.clock)
    members = read(partial(members_of, drivers, groups))
    try:
        chosen = planner.selected(PlanKind.ROLL, spec, Survey(groups, members))
    except KatakeiError:
        return  # the row of the plan says which target does not exist
    targets = {target.id: target for target in chosen}
    unready: dict[TargetId, str] = {}
    for executor in dict.fromkeys(drivers.executor(command) for command in spec.commands):
        unready |= read(partial(executor.ready, chosen, QUESTION_LIMIT))
    for target, why in unready.items():
        yield found(Level.FAULT, Topic.AGENTS, Sign.TARGET_NOT_READY, target=label(targets[target]), why=why)
    if not unready:
        yield found(Level.OK, Topic.AGENTS, Sign.TARGETS_READY, targets=len(targets))


def _of_rights(drivers: Drivers, plan: Plan | None) -> Iterator[Finding]:
    if plan is None:
        yield found(Level.OK, Topic.RIGHTS, Sign.NOT_TRIED)
        return
    missing = missing_rights(drivers, plan)
    yield from (Finding(Level.FAULT, Topic.RIGHTS, error) for error in missing)
    if not missing:
        yield found(Level.OK, Topic.RIGHTS, Sign.RIGHTS_PROVED)
    if plan.spec.carrier:
        unable = missing_probe(drivers, plan)
        yield from (Finding(Level.FAULT, Topic.PROBE, error) for error in unable)
        if not unable:
            yield found(Level.OK, Topic.PROBE, Sign.PROBE_POSSIBLE)


def _of_journal(drivers: Drivers) -> Iterator[Finding]:
    try:
        rollouts = len(with_retries(drivers.clock, drivers.journal.find))
        with_retries(drivers.clock, drivers.freezes.active)
    except KatakeiError as error:
        yield Finding(Level.FAULT, Topic.JOURNAL, error)
    else:
        yield found(Level.OK, Topic.JOURNAL, Sign.JOURNAL_READ, rollouts=rollouts)


def _of_leases(drivers: Drivers, spec: Spec, groups: tuple[Group, ...]) -> Iterator[Finding]:
    try:
        rows = [row for group in groups for row in _of_lease(drivers, group)]
        freeze = freeze_of(drivers.freezes.active(), spec.service, [group.arn for group in groups])
    except KatakeiError:
        return  # the row of the journal says why
    if freeze:
        rows.append(Finding(Level.WARNING, Topic.LEASES, frozen(freeze)))
    yield from rows or [found(Level.OK, Topic.LEASES, Sign.LEASES_FREE)]


def _of_lease(drivers: Drivers, group: Group) -> Iterator[Finding]:
    """A lease that is in use, one whose owner is silent, and an unfinished rollout that nobody drives."""
    held = drivers.leases.holder(group.arn)
    if held is None:
        for header in drivers.journal.find(group=group.arn, unfinished=True):
            yield found(Level.WARNING, Topic.LEASES, Sign.ROLLOUT_LEFT, group=group.name, rollout=header.rollout)
        return
    facts = {"group": group.name, "owner": str(held.owner), "rollout": str(held.rollout)}
    sign = Sign.LEASE_SILENT if held.liveness is Liveness.GONE else Sign.LEASE_IN_USE
    yield found(Level.WARNING, Topic.LEASES, sign, **facts)
