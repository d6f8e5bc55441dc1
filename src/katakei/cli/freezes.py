"""The commands about freezes: freeze and unfreeze."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import click

from katakei.app.freezes import Freezing, Frozen
from katakei.cli.language import reader
from katakei.cli.messages import say, say_json
from katakei.cli.moments import UNTIL
from katakei.cli.options import Context, NoOptions, argument, completes, group_of, option, takes
from katakei.domain.errors import UsageError
from katakei.render import freezes as freeze_text
from katakei.render.json_data import output, plain


@dataclass(frozen=True, slots=True)
class FreezeOptions(NoOptions):
    """One target group or service, why, and until when."""

    group: str | None = argument("group", required=False, shell_complete=completes("groups"))
    service: str | None = option("--service", metavar="NAME", help="Freeze this service instead of a group.")
    until: datetime | timedelta | None = option(  # noqa: RUF009 - returns a field
        "--until",
        type=UNTIL,
        metavar="WHEN",
        help="When it ends by itself: 2h, or a moment like 2026-12-24T18:00+09:00; else `unfreeze` ends it.",
    )
    reason: str = option("--reason", metavar="WORDS", default="", help="Why; shown wherever the freeze is.")
    listed: bool = option("--list", "listed", is_flag=True, help="Only show what is frozen.")


@dataclass(frozen=True, slots=True)
class UnfreezeOptions(NoOptions):
    """One target group or service."""

    group: str | None = argument("group", required=False, shell_complete=completes("groups"))
    service: str | None = option("--service", metavar="NAME", help="Unfreeze this service instead of a group.")


@click.command("freeze")
@takes(FreezeOptions)
def freeze_(context: Context, options: FreezeOptions) -> None:
    """Take no target of GROUP, or of a service, out of service until `katakei unfreeze`.

    Rollouts that run wait before their next target; targets that are out come back as always. Abort, revert and
    register work as always. A new `katakei roll` ends with 4, or waits with --lock-wait.
    """
    if options.listed:
        _check_alone(options)
        with context.journal_drivers() as drivers:
            active = Freezing(drivers).active()
        say_json(output("freezes", freezes=plain(active))) if context.as_json else say(
            freeze_text.table(active, reader())
        )
        return
    _check_one(options.group, options.service)
    with context.journal_drivers() as drivers:
        freezing = Freezing(drivers)
        if options.service:
            frozen = freezing.freeze_service(options.service, options.reason, options.until)
        else:
            frozen = freezing.freeze_group(group_of(options.group), options.reason, options.until)
    say_json(_data(frozen)) if context.as_json else say(
        freeze_text.frozen_text(frozen.freeze, frozen.rollouts, frozen.ignored_by, reader())
    )


@click.command("unfreeze")
@takes(UnfreezeOptions)
def unfreeze_(context: Context, options: UnfreezeOptions) -> None:
    """Lift the freeze of GROUP, or of a service. A rollout that somebody paused stays paused."""
    _check_one(options.group, options.service)
    with context.journal_drivers() as drivers:
        lifted = Freezing(drivers).unfreeze(options.service or group_of(options.group))
    text = freeze_text.lifted_text(lifted, reader())
    say_json(output("unfreeze", lifted=plain(lifted))) if context.as_json else say(text)


def _check_one(group: str | None, service: str | None) -> None:
    if group and service:
        raise UsageError("a group and --service name two different things: give one of them")


def _check_alone(options: FreezeOptions) -> None:
    if options.group or options.service or options.until or options.reason:
        raise UsageError("--list freezes nothing: leave everything else out")


def _data(frozen: Frozen) -> object:
    return output(
        "freeze",
        freeze=plain(frozen.freeze),
        rollouts=plain(frozen.rollouts),
        ignored_by=plain(frozen.ignored_by),
    )
