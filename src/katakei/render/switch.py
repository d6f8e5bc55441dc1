"""A switch of traffic as text and JSON: its plan, how it stands, its events, and the commands that make sense now."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType

from katakei.domain import traffic as t
from katakei.domain.plan import Plan
from katakei.domain.rollout import Rollout
from katakei.domain.traffic import Switch, TrafficStatus
from katakei.render.json_data import Plain, output, plain
from katakei.render.reasons import sentence
from katakei.render.translation import ENGLISH, Translator

PHASES: Mapping[str, str] = MappingProxyType({word: word for word in ("switching", "moved", "returning", "paused")})
"""What an unfinished switch does; `list` shows the word in the language of the reader."""

MOST = 20  # routes that get a line of their own


def pair(plan: Plan, tr: Translator = ENGLISH) -> str:
    """The two groups of a switch: 'web to web-green'."""
    return tr("{old} to {new}", old=plan.groups[0].name, new=plan.groups[-1].name)


def plan_facts(plan: Plan, switch: Switch, total: timedelta, tr: Translator) -> list[tuple[str, str]]:
    """What the plan of a switch says, as words and facts."""
    names = [route.name for route in switch.routes]
    facts = [(tr("routes"), name) for name in names[:MOST]]
    if len(names) > MOST:
        facts.append(("", tr("and {number} more (--json lists all)", number=len(names) - MOST)))
    steps = ", ".join(f"{step} %" for step in switch.steps)
    soak = tr.span(plan.spec.soak)
    facts.append((tr("steps"), tr("{steps}; each is watched for {soak}", steps=steps, soak=soak)))
    facts.append((tr("needs"), tr("{number:target} of {group} at 100 %", number=switch.needed, group=_new(plan))))
    facts += [(tr("gate"), str(gate)) for gate in plan.spec.gates]
    facts.append((tr("takes"), tr("about {time}, at most one call for each route and step", time=tr.span(total))))
    back = tr("one call for each route, until katakei switch --finish")
    return [*facts, (tr("way back"), back)]


def _new(plan: Plan) -> str:
    return plan.groups[-1].name


def standing(rollout: Rollout, status: TrafficStatus, tr: Translator = ENGLISH) -> str:
    """How a switch stands, in one sentence."""
    groups = pair(rollout.plan, tr)
    if status.back:
        how = tr("back to what it was" if rollout.finished else "going back to what it was")
        return tr("{groups}: {how} ({why})", groups=groups, how=how, why=sentence(status.back, tr))
    if status.share is None:
        return tr("{groups}: no request has moved", groups=groups)
    return tr("{groups}: {share} % of the requests go to the new group", groups=groups, share=status.share)


def phase(rollout: Rollout, status: TrafficStatus) -> str:
    """What an unfinished switch does, as one of `PHASES`."""
    if status.back or rollout.aborting or rollout.reverting:
        return "returning"
    if rollout.paused:
        return "paused"
    if status.moved:
        return "moved"
    return "switching"


def awaited(rollout: Rollout, status: TrafficStatus, tr: Translator) -> str:
    """What an unfinished switch waits for, as far as the journal tells."""
    if status.moved and not status.back:
        return tr("a person, who takes the way back or gives it up")
    what = tr("every route as it was") if status.share is None else tr("every route at {share} %", share=status.share)
    if status.back or status.moving:
        return what
    step = rollout.plan.switch.after(status.share) if rollout.plan.switch else None
    return tr("the end of the soak") if step is None else tr("the step to {share} %", share=step)


def rows(rollout: Rollout, switch: Switch, status: TrafficStatus, tr: Translator) -> list[tuple[str, str]]:
    """What became of each route that is not as it should be; else one row for all."""
    found = [
        (route.name, sentence(status.changed[route.arn], tr)) for route in switch.routes if route.arn in status.changed
    ]
    if rollout.finished and status.moving:
        found += [
            (route.name, tr("NOT PUT BACK: {why}", why=tr.known(status.rejected[route.arn])))
            for route in switch.routes
            if route.arn in status.rejected
        ]
    return [*found, ("", standing(rollout, status, tr))]


def event_text(rollout: Rollout, event: t.TrafficEvent, tr: Translator) -> str:
    """One event of a switch; '' for one that is only a proof for later."""
    match event:
        case t.ShareDecided(_, None, why):
            return tr("all routes go back to what they were: {why}", why=sentence(why, tr))
        case t.ShareDecided(_, share):
            return tr("{share} % of the requests to {group}", share=share, group=_new(rollout.plan))
        case t.WeightsRejected(_, route, why):
            return tr("{route}: AWS refused the change: {why}", route=_named(rollout, route), why=tr.known(why))
        case t.RouteChanged(_, _, change):
            return sentence(change, tr)
        case t.ShareObserved(_, None):
            return tr("every route is as it was")
        case t.ShareObserved(_, share):
            return tr("every route is at {share} %", share=share)
        case t.TrafficMoved():
            return tr("all requests have moved; the way back stays open until it is given up")
        case t.FinishAsked(_, by):
            return tr("finished by {by}: the way back is given up", by=by)
        case _:
            return ""


def _named(rollout: Rollout, arn: str) -> str:
    switch = rollout.plan.switch
    return next((route.name for route in switch.routes if route.arn == arn), arn) if switch else arn


def next_words(rollout: Rollout, status: TrafficStatus, tr: Translator) -> Sequence[tuple[str, tuple[str, ...]]]:
    """The commands that make sense now, each with what for."""
    name, arns = rollout.plan.rollout, [group.name for group in rollout.plan.groups]
    see = (tr("see everything"), ("show", name))
    if rollout.finished:
        return () if status.share is not None and not status.changed else (see,)
    back = (tr("take the way back"), ("switch", "--back", name))
    if status.moved:
        return ((tr("give up the way back"), ("switch", "--finish", name)), back)
    gates = [
        (tr("approve the gate {gate}", gate=gate), ("approve", name, "--gate", gate)) for gate in rollout.asked_gates
    ]
    go_on = ("resume", name) if rollout.paused else ("switch", *arns, "--as-recorded")
    return (*gates, (tr("carry on"), go_on), back, see)


def traffic_data(switch: Switch | None, status: TrafficStatus | None) -> Plain:
    """The record `traffic` of the output `show`; None for a rollout of targets."""
    if switch is None or status is None:
        return None
    return output(
        "traffic",
        old=switch.old,
        new=switch.new,
        share=status.share,
        moved=plain(status.moved),
        back=plain(status.back),
        changed=[sentence(why) for why in status.changed.values()],
        routes=[route.name for route in switch.routes],
    )
