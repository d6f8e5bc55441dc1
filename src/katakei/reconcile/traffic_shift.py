"""The decision of a switch: which share every route is to have now, and the calls that bring the routes there.

`decide` answers with this for a rollout whose plan moves traffic. It is pure, as all of reconcile. The routes of a
switch move together: the next share is decided only when every route was observed at the present one, twice. Where AWS
refuses a route, or somebody else changed one, all the others go back to what they were.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from katakei.domain import events as e
from katakei.domain import traffic as t
from katakei.domain.actions import Action, Record, SetWeights, Wait
from katakei.domain.model import Arn
from katakei.domain.observation import GroupObservation, Observation
from katakei.domain.reasons import Reason, ReasonCode, reason
from katakei.domain.rollout import Rollout
from katakei.domain.traffic import Route, RouteObservation, Share, Switch, TrafficStatus, difference
from katakei.reconcile.capacity import OBSERVATION_MAX_AGE
from katakei.reconcile.context import PROOF_INTERVAL
from katakei.reconcile.gating import expired, freeze_known, held_up
from katakei.reconcile.pacing import SLOWEST, pace

LATE = timedelta(seconds=20)
"""For so long a call without an answer may still take effect. It ends after at most eight seconds."""
STALE = timedelta(seconds=10)
"""For so long after a share was observed an observation may still show an earlier one."""
REPEAT = timedelta(seconds=15)
"""After which a call that AWS refused on the way back is repeated."""
BACK_LIMIT = timedelta(minutes=15)
"""How long routes that cannot be put back hold up the end of the switch."""
WATCH = timedelta(seconds=5)
"""How often routes and groups are observed while nothing moves."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """What one turn of a switch decides on."""

    rollout: Rollout
    switch: Switch
    status: TrafficStatus
    observation: Observation
    now: datetime

    @property
    def routes(self) -> list[Route]:
        """The routes that nobody else changed."""
        return [route for route in self.switch.routes if route.arn not in self.status.changed]

    def seen(self, route: Route) -> RouteObservation | None:
        """The route by an observation of the last ten seconds."""
        found = self.observation.routes.get(route.arn)
        return found if found and self.now - found.begun <= OBSERVATION_MAX_AGE else None

    def group(self, arn: Arn) -> GroupObservation | None:
        """A whole group by an observation of the last ten seconds."""
        found = self.observation.groups.get(arn)
        recent = found and found.full_begun and self.now - found.full_begun <= OBSERVATION_MAX_AGE
        return found if recent else None

    def serving(self, arn: Arn) -> int | None:
        """How many targets of a group serve; None where it was not observed recently."""
        group = self.group(arn)
        return group.serving if group else None

    def missing(self, share: Share) -> int | None:
        """How many targets the new group lacks for a share; None where that is not known."""
        needed, serving = self.switch.needs(share), self.serving(self.switch.new)
        if not needed:
            return 0
        return None if serving is None else max(0, needed - serving)

    @property
    def new_name(self) -> str:
        """The name of the new group."""
        return self.rollout.plan.groups[1].name

    @property
    def sure_from(self) -> datetime:
        """An observation that began later shows what the routes stay at."""
        status = self.status
        first = status.observed or self.now
        return max(first + PROOF_INTERVAL, status.unsure + LATE) if status.unsure else first + PROOF_INTERVAL


def decide_switch(rollout: Rollout, observation: Observation, now: datetime) -> tuple[Action, ...]:
    """The actions of a turn of a switch; see `decide`."""
    switch, status = rollout.plan.switch, rollout.traffic
    if switch is None or status is None:
        raise ValueError("this rollout moves no traffic")
    turn = _Turn(rollout, switch, status, observation, now)
    actions = _changed(turn) or _turned_back(turn) or _moving(turn) or _resting(turn)
    if rollout.unacknowledged and not any(isinstance(action, Record) for action in actions):
        actions = [Record(e.CommandAcknowledged(now)), *actions]
    return tuple(actions)


def _changed(turn: _Turn) -> list[Action]:
    """The routes that somebody else changed, as this turn's observation shows for the first time."""
    found: list[Action] = []
    for route in turn.routes:
        seen = turn.observation.routes.get(route.arn)
        if seen and (change := difference(route, seen, _possible(turn, seen))):
            found.append(Record(t.RouteChanged(turn.now, route.arn, change)))
    return found


def _possible(turn: _Turn, seen: RouteObservation) -> Iterable[Share]:
    """The shares that a route may have in an observation: all that were decided, or only the present one."""
    status = turn.status
    if status.observed is None or seen.begun <= max(status.observed + STALE, turn.sure_from):
        return status.decided
    return (status.share,)


def _turned_back(turn: _Turn) -> list[Action]:
    """The decision that the requests go back to the old group."""
    why = None if turn.status.back else _reason_to_go_back(turn)
    return [Record(t.ShareDecided(turn.now, None, why))] if why else []


def _reason_to_go_back(turn: _Turn) -> Reason | None:
    rollout, status = turn.rollout, turn.status
    if rollout.stopped:
        return rollout.stopped
    if rollout.reverting:
        return reason(ReasonCode.REVERTED, by=rollout.reverting)
    if status.moved:  # a person decides from now on
        return None
    if status.changed:
        return next(iter(status.changed.values()))
    for route in turn.routes:
        if text := status.rejected.get(route.arn):
            return reason(ReasonCode.ROUTE_REJECTED, route=route.name, text=text)
    if turn.missing(status.share) and turn.serving(turn.switch.old):
        return _too_small(turn, status.share)
    return None


def _too_small(turn: _Turn, share: Share) -> Reason:
    serving, needed = turn.serving(turn.switch.new), turn.switch.needs(share)
    return reason(ReasonCode.NEW_GROUP_TOO_SMALL, share=share, group=turn.new_name, serving=serving, needed=needed)


def _moving(turn: _Turn) -> list[Action]:
    """The calls that bring routes to the share that was decided; the record once all of them were observed there."""
    status, share = turn.status, turn.status.share
    off = (
        [route for route in turn.routes if not _is_at(turn, route, share)] if status.begun and not status.moved else []
    )
    if off and status.back:
        return _back(turn, status.back, off)
    if off:
        return _forward(turn, off)
    last = max(status.since, status.called or status.since)
    if not status.moving:
        return []
    if all(seen.begun >= last for route in turn.routes if (seen := turn.seen(route))):
        return [Record(t.ShareObserved(turn.now, share))]
    return [Wait(turn.now + pace(turn.now - last), _moves(turn, turn.routes))]


def _is_at(turn: _Turn, route: Route, share: Share) -> bool:
    seen = turn.seen(route)
    return seen is not None and seen.weights == route.weights(share)


def _forward(turn: _Turn, off: list[Route]) -> list[Action]:
    """Towards the new group: only where route and group were observed a moment ago, and the group serves enough."""
    status, group = turn.status, turn.group(turn.switch.new)
    calls: list[Action] = []
    if turn.missing(status.share) == 0:
        for route in off:
            if seen := turn.seen(route):
                begun = (seen.begun, *([group.full_begun] if group and group.full_begun else ()))
                calls.append(SetWeights(route, status.share, status.decided, min(begun)))
    waited = turn.now - status.since
    return [*calls, Wait(turn.now + pace(waited), _moves(turn, off) if calls else _unseen(turn))]


def _back(turn: _Turn, why: Reason, off: list[Route]) -> list[Action]:
    """Towards the old group: every call that was not refused a moment ago. After a limit the switch ends without."""
    status, waited = turn.status, turn.now - turn.status.since
    if waited > BACK_LIMIT:
        return [Record(e.Finished(turn.now))]
    refused = status.rejected if status.rejected_at and turn.now - status.rejected_at < REPEAT else {}
    calls = [SetWeights(route, None, status.decided, None) for route in off if route.arn not in refused]
    names = tuple(route.name for route in off)
    return [
        *calls,
        Wait(turn.now + SLOWEST, reason(ReasonCode.WEIGHTS_RETURNING, routes=names, waited=waited, why=why)),
    ]


def _moves(turn: _Turn, off: list[Route]) -> Reason:
    names, waited = tuple(route.name for route in off), turn.now - turn.status.since
    return reason(ReasonCode.WEIGHTS_MOVING, share=turn.status.share, routes=names, waited=waited)


def _unseen(turn: _Turn) -> Reason:
    """Why nothing can be decided: a route was not observed, or the new group, or both groups are too small."""
    status, waited = turn.status, turn.now - turn.status.since
    if turn.missing(status.share):
        needed, serving = turn.switch.needs(status.share), turn.serving(turn.switch.new)
        return reason(ReasonCode.OLD_GROUP_DOWN_TOO, group=turn.new_name, serving=serving, needed=needed, waited=waited)
    text = turn.observation.unseen.get(turn.switch.new, "")
    return reason(ReasonCode.ROUTES_NOT_OBSERVED, waited=waited, text=text)


def _resting(turn: _Turn) -> list[Action]:
    """Every route is at the share that was decided, or none was moved yet."""
    status, sure = turn.status, turn.sure_from
    proven = all((seen := turn.seen(route)) and seen.begun >= sure for route in turn.routes)
    if status.moved:
        return _kept(turn)
    if not status.begun:
        return [Record(e.Finished(turn.now))] if status.back else _next(turn)
    soaks = turn.rollout.plan.spec.soak if status.share and not status.promoted else timedelta()
    ends = (status.observed or turn.now) + soaks
    if turn.now < ends and not status.back:
        why = reason(ReasonCode.SHARE_SOAKING, share=status.share, left=ends - turn.now)
        return [Wait(min(ends, turn.now + WATCH), why)]
    if not proven:
        left = max(timedelta(), sure - turn.now)
        return [Wait(turn.now + max(left, SLOWEST), reason(ReasonCode.WEIGHTS_CONFIRMING, left=left))]
    if status.back:
        return [Record(e.Finished(turn.now))]
    return [Record(t.TrafficMoved(turn.now))] if turn.switch.after(status.share) is None else _next(turn)


def _kept(turn: _Turn) -> list[Action]:
    """All requests have moved. A person who finishes gives up the way back; the routes are read once more for that."""
    if not turn.status.finishing:
        why = reason(ReasonCode.TRAFFIC_MOVED, rollout=turn.rollout.plan.rollout)
        return [Wait(turn.now + WATCH, why)]
    if all(turn.seen(route) for route in turn.routes):
        return [Record(e.Finished(turn.now))]
    return [Wait(turn.now + SLOWEST, _unseen(turn))]


def _next(turn: _Turn) -> list[Action]:
    """The next share, or what stands before it."""
    rollout, now = turn.rollout, turn.now
    if rollout.interrupted:
        return []
    if overdue := expired(rollout, turn.observation.freezes, now):
        return overdue
    waited = now - max(rollout.moved, turn.status.since)
    if rollout.paused:
        why = reason(ReasonCode.PAUSED, by=rollout.paused, waited=waited, rollout=rollout.plan.rollout)
        return [Wait(now + WATCH, why)]
    held = held_up(rollout, turn.observation, freeze_known(rollout, turn.observation, now), now)
    if isinstance(held, Reason):
        return [Wait(now + SLOWEST, held)]
    return held or _step(turn, waited)


def _step(turn: _Turn, waited: timedelta) -> list[Action]:
    """The next share, once the new group serves enough for it."""
    step, limits = turn.switch.after(turn.status.share), turn.rollout.plan.spec.limits
    missing = turn.missing(step)
    if missing is None or not all(turn.seen(route) for route in turn.routes):
        return [Wait(turn.now + SLOWEST, _unseen(turn))]
    if not missing:
        return [Record(t.ShareDecided(turn.now, step))]
    if waited > (limits.waiting if turn.status.share else limits.warming):
        return [Record(t.ShareDecided(turn.now, None, _too_small(turn, step)))]
    serving, needed = turn.serving(turn.switch.new), turn.switch.needs(step)
    why = reason(ReasonCode.SHARE_WAITS, share=step, group=turn.new_name, serving=serving, needed=needed, waited=waited)
    return [Wait(turn.now + pace(waited), why)]
