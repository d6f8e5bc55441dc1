"""A person's word, recorded as an event: approve, abort, pause, resume, revert, retry; and unlock."""

import json
from collections.abc import Callable

import click

from katakei.cli.messages import on_terminal, say
from katakei.cli.options import as_json, aws, group_of, journal, verbs
from katakei.cli.progress import Shown, finish
from katakei.domain.errors import ExitCode, LeaseHeldError, RefusedError
from katakei.domain.model import RolloutId
from katakei.domain.replay import Rollout
from katakei.reconcile.outcome import taken_back, verdict
from katakei.runtime.session import RolloutSession


@click.command("approve")
@click.argument("rollout")
@click.argument("targets", nargs=-1)
@aws
@journal
@as_json
def approve_(  # noqa: PLR0913 - one option each
    rollout: str,
    targets: tuple[str, ...],
    profile: str | None,
    region: str | None,
    journal: str | None,
    *,
    as_json: bool,
) -> None:
    """Say that your work on TARGETS (ids, names or IPs) of ROLLOUT is done; without TARGETS, on all that wait."""
    with verbs(profile, region, journal) as app:
        approved = app.approve(RolloutId(rollout), targets)
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
        return _driven("abort", rollout, Shown(as_json=as_json), lambda: app.abort(RolloutId(rollout)))


@click.command("pause")
@click.argument("rollout")
@aws
@journal
@as_json
def pause_(rollout: str, profile: str | None, region: str | None, journal: str | None, *, as_json: bool) -> None:
    """Finish what ROLLOUT has in hand and begin nothing else, until `katakei resume`."""
    with verbs(profile, region, journal) as app:
        app.pause(RolloutId(rollout))
    said = f"pause recorded; what is in hand is finished; to go on: katakei resume {rollout}"
    say(json.dumps({"accepted": rollout}) if as_json else said)


@click.command("resume")
@click.argument("rollout")
@aws
@journal
@as_json
def resume_(rollout: str, profile: str | None, region: str | None, journal: str | None, *, as_json: bool) -> int:
    """Go on with ROLLOUT after a pause.

    The process that drives the rollout carries it out; where none is alive, this one does.
    """
    with verbs(profile, region, journal) as app:
        return _driven("resume", rollout, Shown(as_json=as_json), lambda: app.resume(RolloutId(rollout)))


@click.command("unlock")
@click.argument("group", required=False)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation on a terminal.")
@aws
@journal
@as_json
def unlock_(  # noqa: PLR0913 - one option each
    group: str | None, profile: str | None, region: str | None, journal: str | None, *, yes: bool, as_json: bool
) -> None:
    """Let go of the lease of GROUP, whoever has it: only when its process is known to be gone.

    Seldom needed: a holder that was silent for 30 s is taken over by the same command. Whoever had it writes nothing
    more, and begins nothing more after 10 s; a call that is under way may still have its effect.
    """
    name = group_of(group)
    asked = f"Is the process that holds {name} really gone? Two at once would harm it"
    if on_terminal(0) and not yes and not click.confirm(asked, err=True):
        raise RefusedError("not confirmed; nothing was changed")
    with verbs(profile, region, journal) as app:
        held = app.unlock(name)
    said = f"{name} is free; it was held by {held}" if held else f"{name} was not held by anybody"
    say(json.dumps({"group": name, "held": held}) if as_json else said)


@click.command("revert")
@click.argument("rollout")
@aws
@journal
@as_json
def revert_(rollout: str, profile: str | None, region: str | None, journal: str | None, *, as_json: bool) -> int:
    """Take every target that ROLLOUT touched back, the last one first, by the `revert` command it was planned with.

    With the same drain, floor and checks. What is in hand is finished or brought back first, whatever still waits is
    skipped. The process that drives the rollout carries it out; where none is alive, this one does, and ends with 0
    when all of them were taken back.
    """
    with verbs(profile, region, journal) as app:
        return _driven("revert", rollout, Shown(as_json=as_json), lambda: app.revert(RolloutId(rollout)), taken_back)


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


def _driven(
    word: str,
    rollout: str,
    shown: Shown,
    drive: Callable[[], RolloutSession],
    judge: Callable[[Rollout], ExitCode] = verdict,
) -> int:
    """By this process, unless another one has the rollout in hand and obeys."""
    try:
        driven = drive()
    except LeaseHeldError as held:
        said = f"{word} recorded; whoever drives it obeys: {held}"
        say(json.dumps({"accepted": rollout}) if shown.as_json else said)
        return ExitCode.DONE
    return finish(driven, shown, judge)
