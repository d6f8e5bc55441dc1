"""The view model of a rollout: its Gantt chart, serving against the floor, remaining time, log and buttons."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from katakei.domain import events as e
from katakei.domain.model import TargetId
from katakei.domain.phases import FINAL_PHASES, IN_PROGRESS, Cause, Phase
from katakei.domain.plan import PlanKind
from katakei.domain.principals import Act
from katakei.domain.replay import Rollout
from katakei.domain.results import result
from katakei.planning.forecast import forecast
from katakei.render import events as event_text
from katakei.render.reasons import sentence
from katakei.render.report.markup import Axis
from katakei.render.report.summary import WorkOutput, work_output
from katakei.render.report.timeline import Bar, bars, end_of, levels
from katakei.render.translation import ENGLISH, Translator

LANES = 100
"""Targets of one page of the chart."""
LINES = 200
"""Events of the log that a page shows."""
CHART_POINTS = 500

BAR_CLASSES: Mapping[Phase, str] = {
    Phase.DRAINING: "warning_bar",
    Phase.OUT: "warning_bar",
    Phase.WORKING: "working_bar",
    Phase.CHECKING: "working_bar",
    Phase.WARMING: "back_bar",
    Phase.SOAKING: "back_bar",
    Phase.RETURNING: "back_bar",
}
FAILED_PHASES = frozenset({Phase.LEFT_OUT, Phase.FAILED_SERVING})
FILTERS: Mapping[str, frozenset[Phase]] = {
    "all": frozenset(Phase),
    "pending": frozenset({Phase.WAITING}),
    "progress": IN_PROGRESS,
    "failed": FAILED_PHASES,
    "done": frozenset({Phase.DONE}),
    "rest": FINAL_PHASES - FAILED_PHASES - {Phase.DONE},
}
"""The filters of the chart, each with its phases."""


@dataclass(frozen=True, slots=True)
class Block:
    """A bar of the chart: where it begins and how wide it is, in percent, and what it means."""

    left: float
    width: float
    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One target of the chart.

    Attributes:
        key: The id, which names it in a link.
        name: How it is called.
        phase: Its phase.
        since: Since when.
        blocks: Its bars.
        why: Why it is where it is; ''.
        spoken: The bars as a text, for a screen reader.
        awaits: Whether a person has to say that its manual work is done.
    """

    key: TargetId
    name: str
    phase: str
    since: datetime | None
    blocks: tuple[Block, ...]
    why: str
    spoken: str
    awaits: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """How many registrations of a group served over time, for the script.

    Attributes:
        name: The group.
        data: 'at' in seconds, 'serving', 'floor' and 'top'.
        fewest: The least that served.
        base: How many there are.
        floor: How many must serve.
    """

    name: str
    data: Mapping[str, object]
    fewest: int
    base: int
    floor: int


@dataclass(frozen=True, slots=True)
class Choice:
    """What a reader chose on the page: a filter, a page of the chart, one target for the log, and a language."""

    filter: str = "all"
    page: int = 1
    target: str = ""
    tr: Translator = ENGLISH


@dataclass(frozen=True, slots=True)
class RolloutView:
    """Everything that the page of a rollout shows."""

    rollout: Rollout
    word: str
    lanes: tuple[Lane, ...]
    ticks: tuple[tuple[float, str], ...]
    counts: Mapping[str, int]
    shown: int
    page: int
    pages: int
    charts: tuple[Chart, ...]
    log: tuple[Line, ...]
    outputs: tuple[WorkOutput, ...]
    done: int
    total: int
    remaining: timedelta | None
    buttons: tuple[str, ...]
    choice: Choice


def rollout_view(
    rollout: Rollout, events: Sequence[e.Event], now: datetime, choice: Choice, allowed: Callable[[Act], bool]
) -> RolloutView:
    """The page of a rollout.

    Args:
        rollout: The rollout.
        events: All its events.
        now: The time, which ends the bars of a rollout that goes on.
        choice: What the reader chose.
        allowed: Whether the reader may do something to this rollout.
    """
    end = end_of(rollout, events, now)
    axis = Axis(rollout.begun, end)
    stays = bars(rollout, events, end, choice.tr)
    counts = {name: sum(len(rollout.by_phase[phase]) for phase in phases) for name, phases in FILTERS.items()}
    phases = FILTERS.get(choice.filter, FILTERS["all"])
    order = [target for target, status in rollout.statuses.items() if status.phase in phases]
    pages = max(1, -(-len(order) // LANES))
    page = min(max(1, choice.page), pages)
    drawn, shown = (axis, choice.tr), order[(page - 1) * LANES : page * LANES]
    return RolloutView(
        rollout=rollout,
        word=word(rollout),
        lanes=tuple(_lane(rollout, target, stays[target], drawn) for target in shown),
        ticks=tuple(axis.ticks()),
        counts=counts,
        shown=len(order),
        page=page,
        pages=pages,
        charts=_charts(rollout, events, end),
        log=_log(rollout, events, choice),
        outputs=_outputs(rollout, events, choice),
        done=counts["done"],
        total=len(rollout.statuses),
        remaining=_remaining(rollout, stays, now),
        buttons=tuple(name for name, (act, fits) in BUTTONS.items() if allowed(act) and fits(rollout)),
        choice=replace(choice, filter=choice.filter if choice.filter in FILTERS else "all", page=page),
    )


def word(rollout: Rollout) -> str:
    """The state of a rollout in one word, which names a style and a text: its result, or paused or running."""
    ended = result(rollout)
    if ended is not None:
        return ended.value
    if rollout.aborting:
        return "aborting"
    if rollout.reverting:
        return "reverting"
    return "paused" if rollout.paused or rollout.interrupted else "running"


def _unfinished(rollout: Rollout) -> bool:
    return rollout.finished is None


def _promotable(rollout: Rollout) -> bool:
    """Whether a soak, or a pause between two waves, may be ended."""
    return bool(rollout.by_phase[Phase.SOAKING]) or rollout.wave_ended is not None


def _awaits_work(rollout: Rollout) -> bool:
    working = rollout.by_phase[Phase.WORKING]
    return any(awaits_approval(rollout, target) for target in working)


def awaits_approval(rollout: Rollout, target: TargetId) -> bool:
    """Whether a person has to say that the manual work on this target is done."""
    status = rollout.statuses[target]
    manual = status.phase is Phase.WORKING and rollout.command(target).executor == "manual"
    return manual and not status.approved


def _has_failed(rollout: Rollout) -> bool:
    bad = [*rollout.by_phase[Phase.LEFT_OUT], *rollout.by_phase[Phase.FAILED_SERVING], *rollout.lost]
    by_hand = [target for target in bad if rollout.statuses[target].cause is Cause.BY_HAND]
    return len(by_hand) < len(bad) and not (_unfinished(rollout) and (rollout.aborting or rollout.reverting))


def _is_roll(rollout: Rollout) -> bool:
    return rollout.plan.kind is PlanKind.ROLL


BUTTONS: Mapping[str, tuple[Act, Callable[[Rollout], bool]]] = {
    "approve": (Act.CONFIRM_WORK, lambda r: _unfinished(r) and _awaits_work(r)),
    "resume": (Act.RESUME, lambda r: _unfinished(r) and bool(r.paused)),
    "pause": (Act.PAUSE, lambda r: _unfinished(r) and not (r.paused or r.aborting)),
    "promote": (Act.PROMOTE, lambda r: _unfinished(r) and _is_roll(r) and _promotable(r)),
    "retry": (Act.RETRY, lambda r: _is_roll(r) and _has_failed(r) and not r.paused),
    "revert": (
        Act.REVERT,
        lambda r: (
            _is_roll(r)
            and r.plan.spec.revert is not None
            and any(status.touched for status in r.statuses.values())
            and not r.reverting
        ),
    ),
    "abort": (Act.ABORT, lambda r: _unfinished(r) and not r.aborting),
}
"""The buttons of the page: the verbs of the command line. Only those are shown that make sense now; the use case
decides, whatever is shown."""
CONFIRMED = frozenset({"abort", "retry", "revert"})
"""The buttons that ask once more before they act."""


def _lane(rollout: Rollout, target: TargetId, stays: Sequence[Bar], drawn: tuple[Axis, Translator]) -> Lane:
    axis, tr = drawn
    status = rollout.statuses[target]
    blocks = tuple(
        Block(
            round(axis.at(bar.begun), 3),
            round(max(axis.width(bar.begun, bar.ended), 0.15), 3),
            BAR_CLASSES[bar.phase],
            _title(bar, tr),
        )
        for bar in stays
        if bar.phase in BAR_CLASSES
    )
    begun = status.entered or (status.since if status.phase is not Phase.WAITING else None)
    return Lane(
        target,
        rollout.targets[target].name or str(target),
        status.phase.value,
        begun,
        blocks,
        sentence(status.reason, tr),
        "; ".join(_title(bar, tr) for bar in stays),
        awaits_approval(rollout, target),
    )


def _title(bar: Bar, tr: Translator) -> str:
    why, lasted = f": {bar.why}" if bar.why else "", tr.span(bar.lasted)
    return f"{tr.name(bar.phase)} {tr('{took} so far', took=lasted) if bar.open else lasted}{why}"


def _charts(rollout: Rollout, events: Sequence[e.Event], end: datetime) -> tuple[Chart, ...]:
    found = []
    for group in rollout.plan.groups:
        floor = rollout.plan.floors.get(group.arn)
        if floor is None:
            continue
        steps = levels(rollout, events, group.arn)
        thinned = steps[:: max(1, len(steps) // CHART_POINTS)]
        last = thinned[-1]
        at = [round(level.at.timestamp(), 1) for level in thinned] + [round(end.timestamp(), 1)]
        serving = [level.serving for level in thinned] + [steps[-1].serving if steps else last.serving]
        top = max(floor.base, floor.count, *serving)
        data = {"at": at, "serving": serving, "floor": [floor.count] * len(at), "top": top}
        found.append(Chart(group.name, data, min(level.serving for level in steps), floor.base, floor.count))
    return tuple(found)


def _log(rollout: Rollout, events: Sequence[e.Event], choice: Choice) -> tuple[Line, ...]:
    """The newest lines first; only those of one target where one is chosen."""
    lines: list[Line] = []
    for event in reversed(events[1:]):
        if choice.target and not _concerns(event, choice.target):
            continue
        if text := event_text.describe(rollout, event, choice.tr):
            lines.append(Line(event.at, text))
        if len(lines) >= LINES:
            break
    return tuple(lines)


def _concerns(event: e.Event, target: str) -> bool:
    key = getattr(event, "key", None)
    named = getattr(event, "target", None)
    return target in {named, getattr(named, "id", None), key.target if key else None}


def _outputs(rollout: Rollout, events: Sequence[e.Event], choice: Choice) -> tuple[WorkOutput, ...]:
    """What the work printed: of the chosen target, else of those that failed."""
    target = choice.target
    found = [
        work_output(rollout, event, choice.tr)
        for event in events
        if isinstance(event, e.WorkEnded) and (event.key.target == target if target else event.exit != 0)
    ]
    return tuple(found[-5:])


def _remaining(rollout: Rollout, stays: Mapping[TargetId, Sequence[Bar]], now: datetime) -> timedelta | None:
    """About how long it takes from now on: by the targets that are done, else by the forecast without the work."""
    if rollout.finished or rollout.aborting or rollout.paused or rollout.interrupted:
        return None
    plan = forecast(rollout.plan)
    ended = [sum((bar.lasted for bar in stays[target]), timedelta()) for target in rollout.by_phase[Phase.DONE]]
    each = sum(ended, timedelta()) / len(ended) if ended else plan.per_target
    open_now = [now - stays[target][0].begun for target in rollout.at(*IN_PROGRESS) if stays[target]]
    waiting = len(rollout.by_phase[Phase.WAITING])
    current = max((max(each - length, timedelta()) for length in open_now), default=timedelta())
    return current + max(timedelta(), each - plan.covered) * -(-waiting // max(1, plan.at_once))


def phase_counts(rollout: Rollout) -> Mapping[str, int]:
    """How many targets are in each phase, without the phases that have none."""
    return Counter({phase.value: len(found) for phase, found in rollout.by_phase.items() if found})
