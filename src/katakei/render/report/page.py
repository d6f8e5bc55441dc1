"""The page of a report: the result first, then the reasons for each wait, then every event."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files

from katakei.domain import events as e
from katakei.domain.errors import ExitCode
from katakei.domain.model import TargetId
from katakei.domain.observation import Blind, recorded_baseline
from katakei.domain.phases import Phase
from katakei.domain.replay import Rollout
from katakei.domain.spec import Command
from katakei.reconcile.outcome import out_of_service, verdict
from katakei.render import events as event_text
from katakei.render.reasons import sentence
from katakei.render.report.markup import Axis, folded, gantt, section, serving, table, text
from katakei.render.report.timeline import Bar, bars, end_of, figures, levels
from katakei.render.text import counted, label, listed, span

SHORT = timedelta(seconds=5)  # a shorter stay in a phase explains nothing
MANY = 40  # targets in the table of waits; with more targets only those that were out longest
VERDICTS = {
    ExitCode.DONE: "Done. Everything that was requested is in service.",
    ExitCode.FAILED: "Failed, aborted or reverted. Every target is in service.",
    ExitCode.LEFT_OUT: "Targets were left out of service.",
    ExitCode.INTERRUPTED: "Not finished.",
}


def page(rollout: Rollout, events: Sequence[e.Event], restore: Sequence[str], now: datetime) -> str:
    """The whole HTML document.

    Args:
        rollout: The rollout.
        events: All of its events.
        restore: The commands that restore every registration by hand.
        now: The time, which ends the bars of a rollout that goes on.
    """
    end = end_of(rollout, events, now)
    axis, stays = Axis(rollout.begun, end), bars(rollout, events, end)
    plan = rollout.plan
    title = f"{plan.spec.service}{f' → {plan.release}' if plan.release else ''}"
    serves = [
        serving(group, plan.floors[group.arn], levels(rollout, events, group.arn), axis)
        for group in plan.groups
        if group.arn in plan.floors
    ]
    lines = [(f"{event.at:%H:%M:%S}", what) for event in events if (what := event_text.describe(rollout, event))]
    parts = [
        _head(rollout, title, events[-1].at),
        _figures(rollout, events, end),
        section("Phases", gantt(rollout, stays, axis), note="Minutes since the beginning. Point at a bar for details."),
        section("Serving", *serves, note=SERVING) if serves else "",
        section("Why it waited", _waits(rollout, events, stays)),
        section("Work", *_work(rollout, events)),
        section("Restore every registration by hand", f"<pre>{text(chr(10).join(restore))}</pre>"),
        section("Everything that happened", folded(counted(len(lines), "line"), table(("UTC", "what"), lines))),
    ]
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{text(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>\n{_style()}</style>\n</head>\n<body>\n{''.join(parts)}</body>\n</html>\n"
    )


SERVING = (
    "Registrations that could serve. A registration counts as out from the decision to take it out until two"
    " observations, some seconds apart, show it healthy again. The dashed line is the floor."
)


@cache
def _style() -> str:
    return files("katakei.render.report").joinpath("style.css").read_text(encoding="utf-8")


def _head(rollout: Rollout, title: str, last: datetime) -> str:
    plan, code = rollout.plan, verdict(rollout)
    where = f"account {plan.account}, region {plan.region}, {listed(group.name for group in plan.groups)}"
    until = f"{rollout.finished:%Y-%m-%d %H:%M:%S} UTC" if rollout.finished else f"not finished at {last:%H:%M:%S} UTC"
    kind = "good" if code is ExitCode.DONE else "bad"
    left = [f"{label(rollout.targets[t])}: {sentence(rollout.statuses[t].reason)}" for t in rollout.at(Phase.LEFT_OUT)]
    late = [event_text.lost(rollout, target) for target in rollout.lost]
    outside = "".join(f'<p class="bad">{text(line)}</p>\n' for line in (*left, *late))
    return (
        f'<header>\n<h1>{text(title)}</h1>\n<p class="sub">rollout {text(plan.rollout)} · {text(where)}</p>\n'
        f'<p class="sub">by {text(plan.who)} · {rollout.begun:%Y-%m-%d %H:%M:%S} to {text(until)}</p>\n'
        f'<p class="verdict {kind}">{text(VERDICTS[code])} (exit code {int(code)})</p>\n{outside}</header>\n'
    )


def _figures(rollout: Rollout, events: Sequence[e.Event], end: datetime) -> str:
    found, out = figures(events, end), sorted(out_of_service(events).values())
    shown = {
        "took": span(found.lasted),
        **{phase.value: str(len(who)) for phase, who in rollout.by_phase.items() if who},
        "median out": span(out[len(out) // 2]) if out else "none",
        "longest out": span(out[-1]) if out else "none",
        "requests after quiet": str(found.late_requests),
        "connections cut": str(found.cut_connections),
    }
    inside = "".join(f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>" for name, value in shown.items())
    return f'<dl class="figures">{inside}</dl>\n'


def _work(rollout: Rollout, events: Sequence[e.Event]) -> list[str]:
    ended = [event for event in events if isinstance(event, e.WorkEnded)]
    commands = zip(("work", "revert"), rollout.plan.spec.commands, strict=False)
    outputs = [
        folded(
            f"{label(rollout.targets[event.key.target])}, attempt {event.key.attempt} ({event.key.intent.value}):"
            f" exit code {event.exit}",
            f"<pre>{text(event.out or '(no output)')}</pre>",
        )
        for event in ended
    ]
    return [*(f"<p>{what} by {_command(command)}</p>" for what, command in commands), *outputs]


def _command(command: Command) -> str:
    run = command.run or " ".join(command.argv) or "by hand"
    return f"{text(command.executor)}: <code>{text(run)}</code>"


def _waits(rollout: Rollout, events: Sequence[e.Event], stays: Mapping[TargetId, Sequence[Bar]]) -> str:
    """A table of every stay that was long enough to need a reason."""
    noted: dict[TargetId, list[tuple[datetime, str]]] = {}
    for event in events:
        if isinstance(event, (e.ObservedBusy, e.BecameUnhealthy, e.FoundServing, e.BaselineTaken)) and (
            note := _note(rollout, event)
        ):
            noted.setdefault(event.target, []).append((event.at, note))
    longest = sorted(stays, key=lambda target: sum((bar.lasted for bar in stays[target]), timedelta()), reverse=True)
    shown = frozenset(longest[:MANY])
    rows = [
        (
            rollout.targets[target].name or target,
            bar.phase.value,
            span(bar.lasted),
            _why(rollout, bar, noted.get(target, [])),
        )
        for target in stays
        if target in shown
        for bar in stays[target]
        if bar.lasted >= SHORT
    ]
    return table(("target", "phase", "lasted", "for what"), rows)


def _note(rollout: Rollout, event: e.Event) -> str:
    if isinstance(event, e.BaselineTaken):
        baseline = recorded_baseline(event)
        return f"the probe could not see its traffic: {sentence(baseline.why)}" if isinstance(baseline, Blind) else ""
    description = event_text.describe(rollout, event)
    return description.partition("  ")[2] or description


def _why(rollout: Rollout, bar: Bar, noted: Sequence[tuple[datetime, str]]) -> str:
    """What the rollout waited for in this phase, and what was observed meanwhile."""
    drain = rollout.plan.spec.drain
    awaited = {
        Phase.DRAINING: f"settle of {span(drain.settle)}, then until nothing is pending (until: {drain.until.value})",
        Phase.OUT: "until the work could begin",
        Phase.WORKING: "the work",
        Phase.CHECKING: "until its check passed",
        Phase.WARMING: "until two observations, some seconds apart, showed it in service",
        Phase.SOAKING: f"steady service for {span(rollout.plan.spec.soak)}",
        Phase.RETURNING: "until it was back in service",
    }
    during = [note for at, note in noted if bar.begun - SHORT <= at <= bar.ended]
    return "; ".join([awaited[bar.phase], *during, *([bar.why] if bar.why else [])])
