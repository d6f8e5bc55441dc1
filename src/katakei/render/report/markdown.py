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
from katakei.render.text import harmless, label, one_line
from katakei.render.translation import ENGLISH, Translator

LAST_LINES = 60
"""Lines of a failed work's output. A ticket is no log: `katakei logs` has all of it."""

MOST = 100
"""Targets in the table. With more, only those with trouble are named."""

_SPECIAL = re.compile(r"([\\`*\[\]#|~]|(?<!\w)_|_(?!\w))")


def markdown(
    rollout: Rollout, events: Sequence[e.Event], restore: Sequence[str], now: datetime, tr: Translator = ENGLISH
) -> str:
    """The whole document.

    Args:
        rollout: The rollout.
        events: All of its events.
        restore: The commands that restore every registration by hand.
        now: The time, which ends the figures of a rollout that goes on.
        tr: The language of the reader.
    """
    name = rollout.plan.rollout
    parts = [
        f"## {summary.word(rollout, tr)}: {cell(summary.title(rollout))}",
        cell(summary.outcome(rollout, tr)),
        "\n".join(f"* {cell(line)}" for line in summary.troubles(rollout, tr)),
        table(("", ""), _facts(rollout, events, end_of(rollout, events, now), tr)),
        "### " + tr("Targets"),
        _targets(rollout, events, tr),
        *_failures(rollout, events, tr),
        "### " + tr("Restore every registration by hand"),
        fenced("\n".join(restore), "sh"),
        tr("Everything else: {show}, {logs}", show=code(f"katakei show {name}"), logs=code(f"katakei logs {name}")),
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


def _facts(rollout: Rollout, events: Sequence[e.Event], end: datetime, tr: Translator) -> list[tuple[str, str]]:
    plan = rollout.plan
    return [
        (tr("rollout"), plan.rollout),
        (tr("where"), summary.place(rollout, tr)),
        (tr("by"), plan.who),
        (tr("when"), summary.period(rollout, events, tr)),
        *summary.numbers(rollout, events, end, tr).items(),
    ]


def _targets(rollout: Rollout, events: Sequence[e.Event], tr: Translator) -> str:
    outs, statuses = summary.outs(rollout, events, tr), rollout.statuses
    few = len(statuses) <= MOST
    shown = [target for target, status in statuses.items() if few or sentence(status.reason)]
    rows = [
        (
            label(rollout.targets[target]),
            tr.name(statuses[target].phase),
            outs[target],
            sentence(statuses[target].reason, tr),
        )
        for target in shown[:MOST]
    ]
    left = len(statuses) - len(rows)
    note = "\n\n" + tr("{number:other target} without a reason to name", number=left) if left else ""
    return table((tr("target"), tr("phase"), tr("out for"), tr("why")), rows) + note


def _failures(rollout: Rollout, events: Sequence[e.Event], tr: Translator) -> list[str]:
    failed = [work for work in summary.works(rollout, events, tr) if work.failed]
    parts = ["### " + tr("Output of failed work")] if failed else []
    for work in failed:
        lines = work.text.splitlines()
        cut = ""
        if len(lines) > LAST_LINES:
            cut = tr(" (the last {shown} of {all} lines)", shown=LAST_LINES, all=len(lines))
        parts += [cell(work.title) + cut, fenced("\n".join(lines[-LAST_LINES:]))]
    return parts
