"""The commands that only ask: groups, status, list, show."""

import json

import click

from katakei.cli.messages import say
from katakei.cli.options import as_json, asking, aws, group_of, journal
from katakei.domain.model import RolloutId
from katakei.render import events as event_text
from katakei.render import groups as view


def _data(data: object) -> None:
    say(json.dumps(data, ensure_ascii=False))


@click.command("groups")
@aws
@journal
@as_json
def groups_(profile: str | None, region: str | None, journal: str | None, *, as_json: bool) -> None:
    """Target groups, with how many of their targets serve."""
    with asking(profile, region, journal) as verbs:
        groups = verbs.groups()
    _data(view.groups_data(groups)) if as_json else say(view.groups_text(groups))


@click.command("status")
@click.argument("group", required=False)
@aws
@journal
@as_json
def status_(group: str | None, profile: str | None, region: str | None, journal: str | None, *, as_json: bool) -> None:
    """Every target of GROUP: state, reason, description; and who holds it out."""
    with asking(profile, region, journal) as verbs:
        state = verbs.status(group_of(group))
    held = tuple(state.held.items())
    if as_json:
        _data(view.status_data(state.group, held))
    else:
        say(view.status_text(state.group, held))


@click.command("list")
@click.option("--service", metavar="NAME", help="Only rollouts of this service.")
@aws
@journal
@as_json
def list_(service: str | None, profile: str | None, region: str | None, journal: str | None, *, as_json: bool) -> None:
    """Rollouts, newest first."""
    with asking(profile, region, journal) as verbs:
        headers = verbs.rollouts(service)
    _data(event_text.headers_data(headers)) if as_json else say(event_text.headers_text(headers))


@click.command("show")
@click.argument("rollout")
@aws
@journal
@as_json
def show_(rollout: str, profile: str | None, region: str | None, journal: str | None, *, as_json: bool) -> None:
    """One ROLLOUT (see `list`): every target's phase, what is waited for, and the history."""
    with asking(profile, region, journal) as verbs:
        state = verbs.show(RolloutId(rollout))
        events = verbs.events(RolloutId(rollout))
    if as_json:
        _data(event_text.summary_data(state))
        return
    say(event_text.history(state, events))
