"""Who stands behind registrations that the plan did not know: asked beside the turns. Decides nothing."""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime, timedelta

from katakei.domain.errors import KatakeiError, UnknownGroupError
from katakei.domain.model import Arn, Target
from katakei.domain.observation import UnplannedRegistration
from katakei.domain.ports import Balancer, Clock, Executor, GroupMember, Pool
from katakei.domain.reasons import Reason, ReasonCode, reason
from katakei.domain.replay import Rollout
from katakei.planning.survey import Survey, machines, tags

DEADLINE = timedelta(seconds=10)
AGAIN = timedelta(seconds=15)


class UnplannedTargetReader:
    """One question at a time; its answer comes with a later turn, since a large account is long in reading."""

    def __init__(self, balancer: Balancer, executor: Executor, clock: Clock, pool: Pool) -> None:
        self._balancer = balancer
        self._executor = executor
        self._clock = clock
        self._pool = pool
        self._flying: Future[tuple[UnplannedRegistration, ...]] | None = None
        self._asked: datetime | None = None

    def look(self, rollout: Rollout, *, wanted: bool) -> tuple[UnplannedRegistration, ...]:
        """What has been learnt since the last asking; nothing while it is not known, or could not be."""
        found: tuple[UnplannedRegistration, ...] = ()
        if self._flying and self._flying.done():
            error = self._flying.exception()
            if error is None:
                found = self._flying.result()
            elif not isinstance(error, KatakeiError):
                raise error
            self._flying = None
        now = self._clock.now()
        if wanted and not found and not self._flying and (self._asked is None or now - self._asked >= AGAIN):
            self._asked = now
            self._flying = self._pool.submit(lambda: tuple(self._read(rollout)))
        return found

    def _read(self, rollout: Rollout) -> Iterator[UnplannedRegistration]:
        """What leaves again already is none."""
        known = rollout.owners.keys()
        members: dict[Arn, tuple[GroupMember, ...]] = {group.arn: () for group in rollout.plan.groups}
        for group in rollout.plan.groups:
            with suppress(UnknownGroupError):  # whoever comes to the others is no less a newcomer
                all_there = self._balancer.members(group)
                members[group.arn] = tuple(m for m in all_there if m.registration in known or not m.seen.out)
        survey = Survey(rollout.plan.groups, members)
        for target in machines(survey):
            if not known >= set(target.registrations):
                yield UnplannedRegistration(target, tags(survey, target.id), self._trouble(target))

    def _trouble(self, target: Target) -> Reason | None:
        """What would have refused the plan."""
        if elsewhere := self._balancer.elsewhere([target]):
            return reason(ReasonCode.IN_OTHER_GROUPS, groups=tuple(place.group for place in elsewhere))
        unready = self._executor.ready([target], DEADLINE).get(target.id)
        return reason(ReasonCode.NOT_WORKABLE, text=unready) if unready else None
