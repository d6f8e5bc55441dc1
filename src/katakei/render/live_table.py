"""A running rollout on a terminal: what runs where, how far it is, which targets move or failed, and what it waits for.

The view fits into any terminal of 60 columns and more, and is never taller than it: rows are left out first. The last
lines say what Ctrl-C does and what a person has to do.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from katakei.domain.model import TargetId
from katakei.domain.phases import FINAL_PHASES, IN_PROGRESS, Phase
from katakei.domain.reasons import Reason
from katakei.domain.replay import Rollout
from katakei.planning.forecast import Forecast
from katakei.reconcile.gating import frozen
from katakei.reconcile.overlap import PATIENCE
from katakei.render.holds import gate_text
from katakei.render.reasons import sentence
from katakei.render.recap import lasted, subject
from katakei.render.text import clock_time, harmless, one_line
from katakei.render.translation import ENGLISH, Translator
from katakei.render.widths import leading, padded, wrapped

SENTENCE_LINES = 4
OUTPUT_LINES = 8
FAILED_ROWS = 3  # failed targets that are shown while others are in progress
MOST_ROWS = 16
NAME_COLUMNS = 24
MARGIN = 10  # seconds below which a forecast says nothing

COLORS: Mapping[Phase, str] = {
    Phase.WAITING: "dim",
    Phase.DONE: "green",
    Phase.RETURNED: "yellow",
    Phase.LEFT_OUT: "bold red",
    Phase.FAILED_SERVING: "red",
    Phase.SKIPPED: "yellow",
    Phase.GONE: "yellow",
}
NAMES: Mapping[Phase, str] = {Phase.LEFT_OUT: "out of service", Phase.FAILED_SERVING: "failed"}
PHASE_COLUMNS = 14
SPAN_COLUMNS = 7


@dataclass(frozen=True, slots=True)
class LiveView:
    """What one drawing shows.

    Attributes:
        rollout: The rollout after the last turn.
        why: What the rollout waits for.
        whys: What single targets wait for; without one, why a target is in its phase.
        forecast: The prediction made for the plan.
        now: The time.
        cycles: How long each target took that this process saw from its take-out to its end.
        outputs: What the work that runs now has printed so far.
        interrupted: A person pressed Ctrl-C.
        takes_enter: Enter says that the manual work is done.
        tr: The language of the reader.
    """

    rollout: Rollout
    why: Reason
    whys: Mapping[TargetId, Reason]
    forecast: Forecast
    now: datetime
    cycles: tuple[timedelta, ...] = ()
    outputs: Mapping[TargetId, str] = field(default_factory=dict)
    interrupted: bool = False
    takes_enter: bool = False
    tr: Translator = ENGLISH


def live(view: LiveView, columns: int, rows: int) -> list[Text]:
    """The lines of one drawing: none wider than `columns`, fewer than `rows` in all, the footer always among them."""
    head = [_headline(view, columns), _progress(view, columns), _counts(view)]
    waiting = _wrapped(Text(_sentence(view), "italic"), columns, SENTENCE_LINES)
    foot = [Text(line, style) for line, style in _footer(view)]
    foot = [part for line in foot for part in _wrapped(line, columns, SENTENCE_LINES)]
    room = max(0, rows - 1 - len(foot))
    fixed = [*head[: max(1, room - len(waiting))], *waiting][:room]
    room -= len(fixed)
    output = _output(view)
    least = min(room, 1)  # also where a long name leaves hardly any room
    table = _table(view, max(least, room - min(len(output), OUTPUT_LINES)), columns)
    room -= len(table)
    shown = [output[0], *output[1:][-(room - 1) :]] if output and room > 1 else []
    lines = [*fixed[: len(head)], *table, *fixed[len(head) :], *shown, *foot]
    for line in lines:
        line.truncate(columns, overflow="ellipsis")
    return lines


def _headline(view: LiveView, columns: int) -> Text:
    """What, where, for how long; on a narrow terminal without the id, which stands above the view."""
    rollout, tr = view.rollout, view.tr
    what, took, left = subject(rollout.plan, tr), tr.span(lasted(rollout, view.now)), to_go(view)
    so_far = tr("{took} so far", took=took)
    choices = [f"  {so_far}{left}  {rollout.plan.rollout}", f"  {so_far}{left}", f"  {took}{left}"]
    fitting = [text for text in choices if cell_len(what + text) <= columns]
    return Text(what, "bold").append((fitting or choices[-1:])[0], "not bold")


def _progress(view: LiveView, columns: int) -> Text:
    rollout = view.rollout
    total = len(rollout.statuses)
    ended = sum(len(rollout.by_phase[phase]) for phase in FINAL_PHASES)
    failed = len(rollout.by_phase[Phase.LEFT_OUT]) + len(rollout.by_phase[Phase.FAILED_SERVING])
    moving = rollout.in_progress
    window = rollout.plan.window
    text = " " + view.tr(
        "{ended} of {total} ended, {moving} of {window} out at a time",
        ended=ended,
        total=total,
        moving=moving,
        window=window,
    )
    wide = max(10, min(50, columns - cell_len(text)))
    cells = [round(wide * number / max(1, total)) for number in (ended - failed, ended, ended + moving)]
    full, bad, busy = cells[0], cells[1] - cells[0], cells[2] - cells[1]
    if moving and not busy and sum((full, bad)) < wide:
        busy = 1
    bar = Text().append("━" * full, "green").append("━" * bad, "red").append("━" * busy, "cyan")
    return bar.append("─" * (wide - full - bad - busy), "dim").append(text)


def _counts(view: LiveView) -> Text:
    """How many targets are in each phase, those that move first."""
    by_phase = view.rollout.by_phase
    order = [phase for phase in Phase if phase in IN_PROGRESS]
    order += [
        Phase.LEFT_OUT,
        Phase.FAILED_SERVING,
        Phase.DONE,
        Phase.RETURNED,
        Phase.SKIPPED,
        Phase.GONE,
        Phase.WAITING,
    ]
    line = Text()
    for phase in order:
        if by_phase[phase]:
            line.append("  " if line else "")
            line.append(
                view.tr("{number} {phase}", number=len(by_phase[phase]), phase=_name(view, phase)),
                COLORS.get(phase, "cyan"),
            )
    return line


def _name(view: LiveView, phase: Phase) -> str:
    return view.tr.of(NAMES[phase]) if phase in NAMES else view.tr.name(phase)


def to_go(view: LiveView) -> str:
    """', about 3m to go'. The work itself is part of it once one target has come through.

    Returns:
        '' where nothing useful can be said.
    """
    rollout, known = view.rollout, bool(view.cycles)
    if rollout.finished:
        return ""
    cycle = sorted(view.cycles)[len(view.cycles) // 2] if known else view.forecast.per_target
    at_once = max(1, view.forecast.at_once)
    rounds = -(-len(rollout.by_phase[Phase.WAITING]) // at_once) if not rollout.stopped else 0
    moving = [rollout.statuses[target] for target in rollout.at(*IN_PROGRESS)]
    rest = max((_rest(view, cycle, status.phase, status.entered or status.since) for status in moving), default=None)
    left = max(timedelta(), cycle - view.forecast.covered) * rounds + (rest or timedelta())
    if left < timedelta(seconds=MARGIN):
        return view.tr(", nearly done") if rest is not None and not rounds and known else ""
    about = view.tr.span(_rounded(left))
    return view.tr(", about {time} to go" if known else ", about {time} to go and the work", time=about)


def _rounded(length: timedelta) -> timedelta:
    """To 10 seconds, from 10 minutes on to a minute: a forecast knows no more."""
    step = 10 if length < timedelta(minutes=10) else 60
    return timedelta(seconds=step * round(length.total_seconds() / step))


def _rest(view: LiveView, cycle: timedelta, phase: Phase, entered: datetime) -> timedelta:
    """How long a target in this phase still takes: the parts of the forecast that follow, as shares of a cycle."""
    parts = [part.length for part in view.forecast.parts]
    done = 0 if phase in {Phase.DRAINING, Phase.OUT} else 1 if phase is not Phase.SOAKING else max(1, len(parts) - 1)
    total = sum(parts, timedelta()) or timedelta(seconds=1)
    share = sum(parts[done:], timedelta()) / total
    return max(timedelta(), cycle * share - (view.now - entered))


def _table(view: LiveView, room: int, columns: int) -> list[Text]:
    """One line for each target that moves or failed, as many as fit; the last one says how many more there are.

    Where there is room for one line, it is that of a target: the counts above tell how many there are.
    """
    rollout = view.rollout
    phases = [phase for phase in Phase if phase in IN_PROGRESS]
    moving = sorted(rollout.at(*phases), key=lambda target: _entered(rollout, target))
    failed = [*rollout.by_phase[Phase.LEFT_OUT], *rollout.by_phase[Phase.FAILED_SERVING]]
    shown = [*failed[-FAILED_ROWS:], *moving, *failed[:-FAILED_ROWS]]
    room = min(room, MOST_ROWS)
    if not shown or room < 1:
        return []
    more = len(shown) - room
    kept = shown if more <= 0 else shown[: max(1, room - 1)]
    names = {target: one_line(rollout.targets[target].name) or str(target) for target in kept}
    wide = min(NAME_COLUMNS, columns // 3, max(map(cell_len, names.values()), default=0))
    lines = [_row(view, target, names[target], wide) for target in kept]
    if more <= 0 or room == 1:
        return lines
    return [*lines, Text(view.tr("and {number} more", number=len(shown) - len(kept)), "dim")]


def _row(view: LiveView, target: TargetId, name: str, wide: int) -> Text:
    status = view.rollout.statuses[target]
    label = Text(name)
    label.truncate(wide, overflow="ellipsis", pad=True)
    phase = padded(_name(view, status.phase), PHASE_COLUMNS)
    waited = "" if status.phase in FINAL_PHASES else view.tr.span(view.now - _entered(view.rollout, target))
    why = "" if target == _awaited(view) else sentence(view.whys.get(target, status.reason), view.tr)
    row = label.append(f"  {phase}", COLORS.get(status.phase, "cyan"))
    row.append(f"  {leading(waited, SPAN_COLUMNS)}  ", "default")
    row.append(why, "dim")
    row.rstrip()
    return row


def _entered(rollout: Rollout, target: TargetId) -> datetime:
    """When its phase began, also by an earlier process."""
    status = rollout.statuses[target]
    return status.entered or status.since


def _sentence(view: LiveView) -> str:
    """What the rollout waits for, since when, and until when at the latest (promise 9)."""
    rollout, awaited, tr = view.rollout, _awaited(view), view.tr
    if awaited is None:
        return sentence(view.why, tr)
    limit = latest(rollout, awaited)
    until = tr(", until {moment} at the latest", moment=clock_time(limit)) if limit else ""
    facts = dict(view.why.data)
    inner, others = facts.get("why"), facts.get("others")
    name = one_line(rollout.targets[awaited].name) or awaited
    text = f"{name}: {sentence(inner, tr)}" if isinstance(inner, Reason) else sentence(view.why, tr)
    more = tr("; {number} more in progress", number=others) if others else ""
    since = clock_time(_entered(rollout, awaited))
    return tr("{text} (since {since}{until}){more}", text=text, since=since, until=until, more=more)


def _awaited(view: LiveView) -> TargetId | None:
    """The target that the sentence is about; None where it is about none, or about one that does not move."""
    named = dict(view.why.data).get("target")
    moving = [target for target in view.rollout.at(*IN_PROGRESS) if target == named]
    return moving[0] if moving else None


def latest(rollout: Rollout, target: TargetId) -> datetime | None:
    """When the phase of a target in progress ends at the latest, whatever happens. It counts anew after a takeover."""
    spec, status = rollout.plan.spec, rollout.statuses[target]
    if status.overlaps and status.phase is Phase.OUT:
        soaking = rollout.statuses[status.overlaps]
        if soaking.phase is Phase.SOAKING:
            return (soaking.serving_since or soaking.since) + spec.soak + PATIENCE
    groups = rollout.groups[target]
    delay = max((group.delay for group in groups), default=timedelta())
    limits = spec.limits
    drain = max(spec.drain.settle, delay) if limits.draining_from_delay else timedelta()
    allowed = {
        Phase.DRAINING: drain + limits.draining_extra,
        Phase.OUT: drain + limits.draining_extra,
        Phase.WORKING: limits.working,
        Phase.CHECKING: spec.check.within,
        Phase.WARMING: limits.warming,
        Phase.RETURNING: limits.warming + delay,
        Phase.SOAKING: limits.warming + spec.soak,
    }.get(status.phase)
    return status.since + allowed if allowed else None


def _output(view: LiveView) -> list[Text]:
    """What the work prints, where it runs on exactly one target: whose it is, then its lines."""
    working = list(view.rollout.by_phase[Phase.WORKING])
    if len(working) != 1 or not view.outputs.get(working[0]):
        return []
    lines = [line.expandtabs() for line in harmless(view.outputs[working[0]]).splitlines() if line.strip()]
    name = one_line(view.rollout.targets[working[0]].name) or working[0]
    return [Text(view.tr("{name} prints:", name=name), "dim"), *(Text(f"│ {line}") for line in lines[-OUTPUT_LINES:])]


def _footer(view: LiveView) -> Iterator[tuple[str, str]]:
    """What a person has to do, and what Ctrl-C does now."""
    rollout, tr = view.rollout, view.tr
    ready = [target for target in rollout.by_phase[Phase.WORKING] if rollout.command(target).executor == "manual"]
    if ready:
        where = tr.listed(
            tr("{name} at {address}", name=one_line(rollout.targets[t].name) or t, address=rollout.targets[t].address)
            for t in ready
        )
        command = f"katakei approve {rollout.plan.rollout}"
        enter = tr("press Enter when it is done")
        done = enter if view.takes_enter else tr("then run: {command}", command=command)
        yield tr("Your turn: work on {where}, {done}", where=where, done=done), "bold yellow"
    for gate in rollout.asked_gates:
        yield tr("Your turn: {gate}", gate=gate_text(rollout, gate, tr)), "bold yellow"
    if rollout.frozen and rollout.in_progress:  # else the sentence says it
        why = sentence(frozen(rollout.frozen), tr)
        yield tr("{frozen}: no other target is taken out", frozen=why), "yellow"
    if view.interrupted:
        yield tr("Interrupted: finishing the targets in progress, then it ends"), "bold"
        yield tr("Ctrl-C now stops at once; a command on a target goes on running"), "bold"
    else:
        yield tr("Ctrl-C finishes the targets in progress; twice stops at once"), "dim"


def _wrapped(text: Text, columns: int, most: int) -> Sequence[Text]:
    """The text in at most so many lines; the last one ends with … where there are more."""
    if text.plain.isascii():
        lines = list(text.wrap(Console(width=columns), columns))
    else:  # rich breaks full-width text only at spaces, of which Japanese has few
        lines = [Text(line, text.style) for line in wrapped(text.plain, columns, "").splitlines()]
    if len(lines) > most:
        lines[most - 1].rstrip()
        lines[most - 1].append(" …")
    return lines[:most]
