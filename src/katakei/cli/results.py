"""How a rollout went: waiting for its end, the output of its work, and the report."""

import json
import tempfile
from datetime import timedelta
from pathlib import Path

import click

from katakei.cli.messages import say
from katakei.cli.options import as_json, asking, aws, journal
from katakei.domain.errors import UsageError
from katakei.domain.model import RolloutId
from katakei.reconcile.outcome import verdict
from katakei.render import events as event_text
from katakei.render.text import harmless, label


@click.command("logs")
@click.argument("rollout")
@click.argument("targets", nargs=-1)
@aws
@journal
@as_json
def logs_(  # noqa: PLR0913 - one option each
    rollout: str,
    targets: tuple[str, ...],
    profile: str | None,
    region: str | None,
    journal: str | None,
    *,
    as_json: bool,
) -> None:
    """What the work of ROLLOUT printed on TARGETS (id, name or IP); without TARGETS on all of them.

    The journal keeps the last 8 KiB of each. Control characters are written out, so that no output can play with the
    terminal; --json has them as they were.
    """
    with asking(profile, region, journal) as verbs:
        ended = verbs.work(RolloutId(rollout), targets)
        known = verbs.show(RolloutId(rollout)).targets
    if as_json:
        say(json.dumps(event_text.work_data(ended), ensure_ascii=False))
        return
    for each in ended:
        key = each.key
        head = f"== {label(known[key.target])}, attempt {key.attempt} ({key.intent.value}), exit code {each.exit}"
        say(f"{head}, {each.at:%Y-%m-%d %H:%M:%S} UTC\n{harmless(each.out).rstrip() or '(no output)'}\n")
    if not ended:
        say("no work has ended there yet, or a person did it")


@click.command("wait")
@click.argument("rollout")
@click.option(
    "--timeout",
    "minutes",
    metavar="MINUTES",
    type=click.IntRange(1, 366 * 24 * 60),
    default=24 * 60,
    show_default=True,
    help="How long to wait.",
)
@aws
@journal
@as_json
def wait_(  # noqa: PLR0913 - one option each
    rollout: str, minutes: int, profile: str | None, region: str | None, journal: str | None, *, as_json: bool
) -> int:
    """Wait until ROLLOUT is finished, and end with its exit code; 130 when it is not finished in time."""
    with asking(profile, region, journal) as verbs:
        state = verbs.wait(RolloutId(rollout), timedelta(minutes=minutes))
    say(json.dumps(event_text.summary_data(state), ensure_ascii=False) if as_json else event_text.summary(state))
    return verdict(state)


@click.command("report")
@click.argument("rollout")
@click.option(
    "-o", "--output", metavar="FILE", help="Where to write it; - for standard output. Else katakei-ROLLOUT.html here."
)
@aws
@journal
@as_json
def report_(  # noqa: PLR0913 - one option each
    rollout: str, output: str | None, profile: str | None, region: str | None, journal: str | None, *, as_json: bool
) -> None:
    """One HTML page about ROLLOUT that needs nothing else: phases, who served, why it waited, output, restore lines."""
    from katakei.render import report

    with asking(profile, region, journal) as verbs:
        state, events = verbs.show(RolloutId(rollout)), verbs.events(RolloutId(rollout))
        restore, now = verbs.restore_lines(state), verbs.now()
    if as_json:
        say(json.dumps(report.data(state, events, restore, now), ensure_ascii=False))
        return
    page = report.page(state, events, restore, now)
    if output == "-":
        say(page)
        return
    file = Path(output or f"katakei-{state.plan.rollout}.html")
    _written(file, page)
    say(str(file))


def _written(file: Path, page: str) -> None:
    """Whole or not at all. Raises UsageFault."""
    try:
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".katakei-") as folder:
            new = Path(folder, "report")
            new.write_text(page, encoding="utf-8")
            new.replace(file)
    except OSError as fault:
        raise UsageError(f"{file} cannot be written ({fault.strerror}): give another file with -o") from fault
