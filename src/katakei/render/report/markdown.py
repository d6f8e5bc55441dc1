"""The report as Markdown, for a ticket or a chat: the result, each target, output of failed work, restore commands.

Text from outside can neither leave its place in the document nor mention anybody: see `cell` and `fenced`.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from katakei.domain import events as e
from katakei.domain.replay import Rollout
from katakei.render.reasons import sentence
from katakei.render.report import summary
from katakei.render.report.timeline import end_of
from katakei.render.text import counted, harmless, label, one_line

LAST_LINES = 60
"""Lines of a failed work's output. A ticket is no log: `katakei logs` has all of it."""

MOST = 100
"""Targets in the table. With more, only those with trouble are named."""

_SPECIAL = re.compile(r"([\\`*\[\]#|~]|(?<!\w)_|_(?!\w))")


def markdown(rollout: Rollout, events: Sequence[e.Event], restore: Sequence[str], now: datetime) -> str:
    """The whole document.

    Args:
        rollout: The rollout.
        events: All of its events.
        restore: The commands that restore every registration by hand.
        now: The time, which ends the figures of a rollout that goes on.
    """
    plan = rollout.plan
    parts = [
        f"## {summary.word(rollout)}: {cell(summary.title(rollout))}",
        cell(summary.outcome(rollout)),
        "\n".join(f"* {cell(line)}" for line in summary.troubles(rollout)),
        table(("", ""), _facts(rollout, events, end_of(rollout, events, now))),
        "### Targets",
        _targets(rollout, events),
        *_failures(rollout, events),
        "### Restore every registration by hand",
        fenced("\n".join(restore), "sh"),
        f"Everything else: {code(f'katakei show {plan.rollout}')}, {code(f'katakei logs {plan.rollout}')}",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def cell(value: object) -> str:
    """Text from outside as one line of Markdown: no markup, no mention, no reference."""
    text = one_line(str(value)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", text).replace("@", "&#64;")


def code(text: str) -> str:
    """A short text as code. It must not come from outside."""
    return f"`{text}`"


def fenced(text: str, language: str = "") -> str:
    """Output as a block of code. The fence is longer than any that the output holds."""
    shown = harmless(text).strip("\n")
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", shown)), default=0))
    return f"{fence}{language}\n{shown}\n{fence}"


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table with escaped cells."""
    lines = [heads, ["---"] * len(heads), *([cell(each) for each in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _facts(rollout: Rollout, events: Sequence[e.Event], end: datetime) -> list[tuple[str, str]]:
    plan = rollout.plan
    return [
        ("rollout", plan.rollout),
        ("where", summary.place(rollout)),
        ("by", plan.who),
        ("when", summary.period(rollout, events)),
        *summary.numbers(rollout, events, end).items(),
    ]


def _targets(rollout: Rollout, events: Sequence[e.Event]) -> str:
    outs, statuses = summary.outs(rollout, events), rollout.statuses
    few = len(statuses) <= MOST
    shown = [target for target, status in statuses.items() if few or sentence(status.reason)]
    rows = [
        (label(rollout.targets[target]), statuses[target].phase.value, outs[target], sentence(statuses[target].reason))
        for target in shown[:MOST]
    ]
    left = len(statuses) - len(rows)
    note = f"\n\n{counted(left, 'other target')} without a reason to name" if left else ""
    return table(("target", "phase", "out for", "why"), rows) + note


def _failures(rollout: Rollout, events: Sequence[e.Event]) -> list[str]:
    failed = [work for work in summary.works(rollout, events) if work.failed]
    parts = ["### Output of failed work"] if failed else []
    for work in failed:
        lines = work.text.splitlines()
        cut = f" (the last {LAST_LINES} of {len(lines)} lines)" if len(lines) > LAST_LINES else ""
        parts += [cell(work.title) + cut, fenced("\n".join(lines[-LAST_LINES:]))]
    return parts
