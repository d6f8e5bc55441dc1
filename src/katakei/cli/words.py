"""A person's word, recorded as an event: approve, abort."""

import json

import click

from katakei.cli.options import as_json, aws, journal, verbs
from katakei.cli.saying import say
from katakei.cli.showing import Shown, finish
from katakei.core.errors import Exit, Held
from katakei.core.model import RolloutId, TargetId


@click.command("approve")
@click.argument("rollout")
@click.argument("targets", nargs=-1)
@journal
@as_json
def approve_(rollout: str, targets: tuple[str, ...], journal: str | None, *, as_json: bool) -> None:
    """Say that your work on TARGETS of ROLLOUT is done; without TARGETS, on all that wait for you."""
    with verbs(None, None, journal) as app:
        approved = app.approve(RolloutId(rollout), [TargetId(target) for target in targets])
    say(json.dumps({"approved": approved}) if as_json else f"approved: {', '.join(approved)}")


@click.command("abort")
@click.argument("rollout")
@aws
@journal
@as_json
def abort_(rollout: str, profile: str | None, region: str | None, journal: str | None, *, as_json: bool) -> int:
    """Stop ROLLOUT and bring every target in hand back into service.

    The process that drives the rollout carries it out; where none is alive, this one does.
    """
    with verbs(profile, region, journal) as app:
        app.abort(RolloutId(rollout))
        try:
            drive = app.carry_on(RolloutId(rollout))
        except Held as held:
            say(json.dumps({"accepted": rollout}) if as_json else f"abort recorded; whoever drives it obeys: {held}")
            return Exit.DONE
        shown = Shown(as_json=as_json)
        return finish(drive, shown)
