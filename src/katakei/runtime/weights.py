"""The calls of a switch: they bring one route each to a share, in the pool of the process.

The runner hands the actions of a turn over and collects facts later, as from the dispatcher. A route with a call under
way gets no other one.
"""

import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, wait
from datetime import datetime, timedelta

from katakei.domain import events as e
from katakei.domain import traffic as t
from katakei.domain.actions import Action, SetWeights
from katakei.domain.errors import (
    NoAnswerError,
    RejectedError,
    RouteChangedError,
    TemporarilyUnavailableError,
    UnknownGroupError,
    UnreachableError,
)
from katakei.domain.model import Arn
from katakei.domain.ports import Clock, Pool, Router
from katakei.reconcile.capacity import OBSERVATION_MAX_AGE
from katakei.runtime.dispatcher import DEADLINE

log = logging.getLogger(__name__)


class WeightSetter:
    """Makes the calls of one switch.

    Attributes:
        troubles: Errors of this turn that waiting alone does not fix.
    """

    def __init__(self, router: Router, switch: t.Switch, clock: Clock, pool: Pool) -> None:
        self._router = router
        self._switch = switch
        self._clock = clock
        self._pool = pool
        self._flying: dict[Arn, Future[Sequence[e.Event]]] = {}
        self._tried: set[Arn] = set()
        self.troubles: list[UnreachableError] = []

    def begin(self) -> None:
        """Begins a turn: calls that failed may be tried again."""
        self._tried = set()
        self.troubles = []

    def submit(self, actions: Iterable[Action], until: datetime) -> None:
        """Submits every call whose route has none under way and was not tried in this turn.

        Args:
            actions: What `decide` answered.
            until: No call begins later: the lease may have ended.
        """
        for action in actions:
            if isinstance(action, SetWeights) and action.route.arn not in self._tried | self._flying.keys():
                log.info("call", extra={"facts": {"action": "SetWeights", "route": action.route.arn}})
                self._tried.add(action.route.arn)
                self._flying[action.route.arn] = self._pool.submit(lambda act=action: self._set(act, until))  # type: ignore[misc]  # binds each

    def facts(self) -> list[e.Event]:
        """The events of calls that ended since the last time."""
        done = {arn: future for arn, future in self._flying.items() if future.done()}
        self._flying = {arn: future for arn, future in self._flying.items() if arn not in done}
        return [event for future in done.values() for event in future.result()]

    def settled(self, within: timedelta) -> bool:
        """Whether no call is under way any more; waits up to `within` for them."""
        return not wait([*self._flying.values()], within.total_seconds()).not_done

    def _set(self, action: SetWeights, until: datetime) -> Sequence[e.Event]:
        """Makes the call. A call that was never sent leaves no event: the next turn decides anew."""
        now, arn = self._clock.now(), action.route.arn
        latest = min(until, action.observed + OBSERVATION_MAX_AGE) if action.observed else until
        if now > latest:
            log.info("call dropped", extra={"facts": {"action": "SetWeights", "route": arn}})
            return []
        by = min(DEADLINE, latest - now)
        try:
            self._router.set_weights(self._switch, action.route, action.share, action.known, by)
        except RouteChangedError as changed:
            return [t.RouteChanged(self._clock.now(), arn, changed.reasons[0])]
        except NoAnswerError as silence:
            log.info("call failed", extra={"facts": {"error": str(silence), "route": arn}})
            return [t.WeightsUnanswered(self._clock.now(), arn)]
        except TemporarilyUnavailableError as trouble:
            self.troubles.append(trouble)
            return [t.WeightsUnanswered(self._clock.now(), arn)]
        except (RejectedError, UnreachableError, UnknownGroupError) as refused:
            return [t.WeightsRejected(self._clock.now(), arn, str(refused))]
        return [t.WeightsSet(self._clock.now(), arn, action.share)]
