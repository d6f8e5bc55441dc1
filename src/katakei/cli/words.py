"""A person's word, recorded as an event: approve, abort, retry."""

import json
from collections.abc import Callable

import click

from katakei.cli.options import as_json, aws, journal, verbs
from katakei.cli.saying import say
from katakei.cli.showing import Shown, finish
from katakei.core.errors import Exit, Held
from katakei.core.model import RolloutId, TargetId
from katakei.driving import Drive


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
        return _driven("abort", rollout, Shown(as_json=as_json), lambda: app.carry_on(RolloutId(rollout)))


@click.command("retry")
@click.argument("rollout")
@click.argument("targets", nargs=-1, required=True)
@aws
@journal
@as_json
def retry_(  # noqa: PLR0913 - one option each
    rollout: str,
    targets: tuple[str, ...],
    profile: str | None,
    region: str | None,
    journal: str | None,
    *,
    as_json: bool,
) -> int:
    """One more attempt on TARGETS of ROLLOUT, with the release and the configuration that it was planned with.

    The process that drives the rollout carries it out; where none is alive, this one does.
    """
    shown = Shown(as_json=as_json)
    with verbs(profile, region, journal) as app:
        for unsure in app.unsure(RolloutId(rollout), targets):
            say(f"katakei: whether the work before has ended on {unsure} is not known; it is begun once more", err=True)
        return _driven("retry", rollout, shown, lambda: app.retry(RolloutId(rollout), targets))


def _driven(word: str, rollout: str, shown: Shown, drive: Callable[[], Drive]) -> int:
    """By this process, unless another one has the rollout in hand and obeys."""
    try:
        driven = drive()
    except Held as held:
        said = f"{word} recorded; whoever drives it obeys: {held}"
        say(json.dumps({"accepted": rollout}) if shown.as_json else said)
        return Exit.DONE
    return finish(driven, shown)
