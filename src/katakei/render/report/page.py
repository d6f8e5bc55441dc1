"""The page of a report: the result first, then the reasons for each wait, then every event."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files

from katakei.domain import events as e
from katakei.domain.model import TargetId
from katakei.domain.observation import Blind, recorded_baseline
from katakei.domain.phases import Phase
from katakei.domain.replay import Rollout
from katakei.domain.results import Result, result
from katakei.domain.spec import Command
from katakei.render import events as event_text
from katakei.render.local_time import local_second
from katakei.render.reasons import sentence
from katakei.render.report import summary
from katakei.render.report.markup import Axis, folded, gantt, line, section, serving, table, text
from katakei.render.report.summary import WorkOutput
from katakei.render.report.timeline import Bar, bars, end_of, levels
from katakei.render.translation import ENGLISH, Translator

SHORT = timedelta(seconds=5)  # a shorter stay in a phase explains nothing
MANY = 40  # targets in the table of waits; with more targets only those that were out longest
KINDS: Mapping[Result | None, str] = {Result.DONE: "good", Result.FAILED: "bad"}


def page(
    rollout: Rollout, events: Sequence[e.Event], restore: Sequence[str], now: datetime, tr: Translator = ENGLISH
) -> str:
    """The whole HTML document.

    Args:
        rollout: The rollout.
        events: All of its events.
        restore: The commands that restore every registration by hand.
        now: The time, which ends the bars of a rollout that goes on.
        tr: The language of the reader.
    """
    end = end_of(rollout, events, now)
    axis, stays = Axis(rollout.begun, end), bars(rollout, events, end, tr)
    plan, title = rollout.plan, summary.title(rollout)
    serves = [
        serving(group, plan.floors[group.arn], levels(rollout, events, group.arn), axis, tr)
        for group in plan.groups
        if group.arn in plan.floors
    ]
    works = summary.works(rollout, events, tr)
    failed = [_output(work) for work in works if work.failed]
    since = tr("Minutes since {moment}. Point at a bar for details.", moment=local_second(rollout.begun))
    parts = [
        _head(rollout, events, tr),
        _figures(rollout, events, end, tr),
        section(tr("Output of failed work"), *failed) if failed else "",
        section(tr("Phases"), gantt(rollout, stays, axis, tr), note=since),
        section(tr("Serving"), *serves, note=tr.of(SERVING)) if serves else "",
        section(tr("Why it waited"), _waits(rollout, events, stays, tr)),
        section(tr("Work"), *_work(rollout, works, tr)),
        section(tr("Restore every registration by hand"), *map(line, restore), note=tr.of(RESTORE)),
        section(tr("Everything that happened"), _history(rollout, events, tr)),
    ]
    return (
        f'<!DOCTYPE html>\n<html lang="{tr.language.value}">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{text(title)}</title>\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>\n{_style()}</style>\n</head>\n<body>\n{''.join(parts)}</body>\n</html>\n"
    )


SERVING = (
    "Registrations that could serve. A registration counts as out from the decision to take it out until two"
    " observations, some seconds apart, show it healthy again. The dashed line is the floor."
)
RESTORE = "One command for each group. A click selects the whole command."


@cache
def _style() -> str:
    return files("katakei.render.report").joinpath("style.css").read_text(encoding="utf-8")


def _head(rollout: Rollout, events: Sequence[e.Event], tr: Translator) -> str:
    plan, ended = rollout.plan, result(rollout)
    name, by = tr("rollout {rollout}", rollout=plan.rollout), tr("by {who}", who=plan.who)
    trouble = "".join(f'<p class="bad">{text(line)}</p>\n' for line in summary.troubles(rollout, tr))
    return (
        f'<header>\n<p class="word {KINDS.get(ended, "soft")}">{summary.word(rollout, tr)}</p>\n'
        f"<h1>{text(summary.title(rollout))}</h1>\n"
        f'<p class="verdict {KINDS.get(ended, "soft")}">{text(summary.outcome(rollout, tr))}</p>\n{trouble}'
        f'<p class="sub">{text(name)} · {text(summary.place(rollout, tr))}</p>\n'
        f'<p class="sub">{text(by)} · {text(summary.period(rollout, events, tr))}</p>\n</header>\n'
    )


def _figures(rollout: Rollout, events: Sequence[e.Event], end: datetime, tr: Translator) -> str:
    shown = summary.numbers(rollout, events, end, tr)
    inside = "".join(f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>" for name, value in shown.items())
    return f'<dl class="figures">{inside}</dl>\n'


def _work(rollout: Rollout, works: Sequence[WorkOutput], tr: Translator) -> list[str]:
    outputs = [_output(work) for work in works if not work.failed]
    commands = [
        tr("{what} by {command}", what=text(what), command=_command(command, tr))
        for what, command in summary.commands(rollout, tr)
    ]
    return [*(f"<p>{command}</p>" for command in commands), *outputs]


def _output(work: WorkOutput) -> str:
    """What the work printed, shown at once where it failed."""
    return folded(work.title, f"<pre>{text(work.text)}</pre>", shown=work.failed)


def _history(rollout: Rollout, events: Sequence[e.Event], tr: Translator) -> str:
    stamps = summary.stamps([event.at for event in events])
    lines = [(stamps(event.at), what) for event in events if (what := event_text.describe(rollout, event, tr))]
    head = f"{tr('time')} {stamps.zone}".strip()
    return folded(tr("{number:line}", number=len(lines)), table((head, tr("what")), lines))


def _command(command: Command, tr: Translator) -> str:
    run = str(command.release or "") or command.run or " ".join(command.argv) or tr("by hand")
    return f"{text(command.executor)}: <code>{text(run)}</code>"


def _waits(rollout: Rollout, events: Sequence[e.Event], stays: Mapping[TargetId, Sequence[Bar]], tr: Translator) -> str:
    """A table of every stay that was long enough to need a reason."""
    noted: dict[TargetId, list[tuple[datetime, str]]] = {}
    for event in events:
        if isinstance(event, (e.ObservedBusy, e.BecameUnhealthy, e.FoundServing, e.BaselineTaken)) and (
            note := _note(rollout, event, tr)
        ):
            noted.setdefault(event.target, []).append((event.at, note))
    longest = sorted(stays, key=lambda target: sum((bar.lasted for bar in stays[target]), timedelta()), reverse=True)
    shown = frozenset(longest[:MANY])
    rows = [
        (
            rollout.targets[target].name or target,
            tr.name(bar.phase),
            tr.span(bar.lasted),
            _why(rollout, bar, noted.get(target, []), tr),
        )
        for target in stays
        if target in shown
        for bar in stays[target]
        if bar.lasted >= SHORT
    ]
    return table((tr("target"), tr("phase"), tr("lasted"), tr("for what")), rows)


def _note(rollout: Rollout, event: e.Event, tr: Translator) -> str:
    if isinstance(event, e.BaselineTaken):
        baseline = recorded_baseline(event)
        if not isinstance(baseline, Blind):
            return ""
        return tr("the probe could not see its traffic: {why}", why=sentence(baseline.why, tr))
    description = event_text.describe(rollout, event, tr)
    return description.partition("  ")[2] or description


def _why(rollout: Rollout, bar: Bar, noted: Sequence[tuple[datetime, str]], tr: Translator) -> str:
    """What the rollout waited for in this phase, and what was observed meanwhile."""
    drain = rollout.plan.spec.drain
    awaited = {
        Phase.DRAINING: tr(
            "settle of {settle}, then until nothing is pending (until: {until})",
            settle=tr.span(drain.settle),
            until=drain.until.value,
        ),
        Phase.OUT: tr("until the work could begin"),
        Phase.WORKING: tr("the work"),
        Phase.CHECKING: tr("until its check passed"),
        Phase.WARMING: tr("until two observations, some seconds apart, showed it in service"),
        Phase.SOAKING: tr("steady service for {soak}", soak=tr.span(rollout.plan.spec.soak)),
        Phase.RETURNING: tr("until it was back in service"),
    }
    during = [note for at, note in noted if bar.begun - SHORT <= at <= bar.ended]
    return "; ".join([awaited[bar.phase], *during, *([bar.why] if bar.why else [])])
