"""The judge of what a rollout takes at all, and when: its limit, and its waves.

As in `judge.py`, each says how it is fair.
"""

from collections.abc import Iterator
from datetime import datetime

from tests.properties.ground_truth import MOMENT, clock
from tests.properties.judge_holds import written
from tests.properties.simulation import ID, Outcome

from katakei.domain import events as e
from katakei.domain.model import TargetId
from katakei.domain.phases import FINAL_PHASES, Intent, Phase
from katakei.domain.plan import PlanKind

Faults = Iterator[str]


def no_more_than_the_limit(outcome: Outcome) -> Faults:
    """No more targets are taken out for the update than the plan allows. The others are skipped without a failure.

    Fair: a target that is gone, or skipped for another reason, does not count.
    """
    limit = outcome.scenario.limit
    if limit is None or outcome.scenario.kind is not PlanKind.ROLL:
        return
    began: set[TargetId] = set()
    gone: set[TargetId] = set()
    for event in outcome.store.events[ID]:
        if isinstance(event, e.PhaseChanged) and event.to is Phase.GONE:
            gone.add(event.target)
        if isinstance(event, e.PhaseChanged) and event.to is Phase.DRAINING and event.intent is Intent.UPDATE:
            began.add(event.target)
            if len(began - gone) > limit:
                yield f"{event.target} began as number {len(began - gone)}, the limit is {limit}"


def a_wave_begins_after_the_one_before(outcome: Outcome) -> Faults:
    """When a target is taken out for the update, no target of an earlier wave is ahead or in progress.

    The pause between the waves is over, unless a person ended it.

    Fair: an event is written a moment after its decision. Targets that came later belong to the last wave.
    """
    ends = outcome.rollout.plan.waves
    if not ends or outcome.scenario.kind is not PlanKind.ROLL:
        return
    order = list(outcome.aws.targets)
    pause = outcome.scenario.spec.window.pause_between
    phases: dict[TargetId, Phase] = dict.fromkeys(order, Phase.WAITING)
    changed: dict[TargetId, datetime] = {}
    promoted: datetime | None = None
    began = 0
    for at, event in written(outcome):
        match event:
            case e.RevertAsked() | e.RevertDecided() | e.GateStopped(reverts=True):
                return
            case e.PromoteAsked():
                promoted = at
            case e.PhaseChanged(_, target):
                if event.to is Phase.DRAINING and event.intent is Intent.UPDATE:
                    wave = sum(end <= order.index(target) for end in ends[:-1]) if target in order else len(ends) - 1
                    before = order[: ends[wave - 1]] if wave else []
                    open_ = [each for each in before if phases[each] not in FINAL_PHASES]
                    if open_:
                        yield f"{target} of wave {wave + 1} was to be taken out at {clock(at)}, {open_} was not done"
                    over = max((changed[each] for each in before if each in changed), default=None)
                    early = over is not None and wave >= began + 1 and at - over < pause - MOMENT
                    if early and not (promoted and over and promoted >= over):
                        yield f"{target} of wave {wave + 1} was to be taken out at {clock(at)}, over at {over}"
                    began = max(began, wave)
                phases[target] = event.to
                changed[target] = at


CLAUSES = {"limit": no_more_than_the_limit, "wave": a_wave_begins_after_the_one_before}
"""Each clause, by its name."""
