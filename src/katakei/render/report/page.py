"""The page as a whole: what happened first, then why, then everything that was written down."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files

from katakei.domain import events as e
from katakei.domain.errors import ExitCode
from katakei.domain.phases import Phase
from katakei.domain.replay import Rollout
from katakei.domain.spec import Command
from katakei.domain.words import counted, label, listed, span
from katakei.reconcile.figures import out_of_service
from katakei.reconcile.outcome import verdict
from katakei.render import events as event_text
from katakei.render.report.axis import Axis
from katakei.render.report.drawings import gantt, serving
from katakei.render.report.markup import folded, section, table, text
from katakei.render.report.story import bars, end_of, figures, levels
from katakei.render.report.waits import waits

VERDICTS = {
    ExitCode.DONE: "Done: everything that was asked for serves.",
    ExitCode.FAILED: "Failed, aborted or reverted; every target serves.",
    ExitCode.LEFT_OUT: "Targets were left out of service.",
    ExitCode.INTERRUPTED: "Not finished.",
}


def page(rollout: Rollout, events: Sequence[e.Event], restore: Sequence[str], now: datetime) -> str:
    """The whole HTML document; `restore` are the commands that put everything back by hand."""
    end = end_of(rollout, events, now)
    axis, stays = Axis(rollout.begun, end), bars(rollout, events, end)
    plan = rollout.plan
    title = f"{plan.spec.service}{f' → {plan.release}' if plan.release else ''}"
    serves = [
        serving(group, plan.floors[group.arn], levels(rollout, events, group.arn), axis)
        for group in plan.groups
        if group.arn in plan.floors
    ]
    told = [(f"{event.at:%H:%M:%S}", said) for event in events if (said := event_text.said(rollout, event))]
    parts = [
        _head(rollout, title, events[-1].at),
        _figures(rollout, events, end),
        section(
            "Phases", gantt(rollout, stays, axis), note="Minutes since the beginning; a bar tells more when pointed at."
        ),
        section("Serving", *serves, note=SERVING) if serves else "",
        section("Why it waited", waits(rollout, events, stays)),
        section("Work", *_work(rollout, events)),
        section("Put everything back by hand", f"<pre>{text(chr(10).join(restore))}</pre>"),
        section("Everything that happened", folded(counted(len(told), "line"), table(("UTC", "what"), told))),
    ]
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{text(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>\n{_style()}</style>\n</head>\n<body>\n{''.join(parts)}</body>\n</html>\n"
    )


SERVING = (
    "Registrations that could serve, by what was resolved and proven: one counts as out from the moment it was resolved"
    " to take it out until two looks, apart, showed it healthy again. Dashed: the floor."
)


@cache
def _style() -> str:
    return files("katakei.render.report").joinpath("style.css").read_text(encoding="utf-8")


def _head(rollout: Rollout, title: str, last: datetime) -> str:
    plan, code = rollout.plan, verdict(rollout)
    where = f"account {plan.account}, region {plan.region}, {listed(group.name for group in plan.groups)}"
    until = f"{rollout.finished:%Y-%m-%d %H:%M:%S} UTC" if rollout.finished else f"not finished at {last:%H:%M:%S} UTC"
    kind = "good" if code is ExitCode.DONE else "bad"
    left = [f"{label(rollout.targets[t])}: {rollout.statuses[t].why}" for t in rollout.at(Phase.LEFT_OUT)]
    late = [event_text.lost(rollout, target) for target in rollout.lost]
    outside = "".join(f'<p class="bad">{text(said)}</p>\n' for said in (*left, *late))
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
    said = command.run or " ".join(command.argv) or "by hand"
    return f"{text(command.executor)}: <code>{text(said)}</code>"
