"""A plan: order, floor, window, predicted duration with its parts, and notices; for a person and for a program."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from katakei.domain.instances import Disruption
from katakei.domain.model import Target
from katakei.domain.plan import Floor, Plan, PlanKind
from katakei.domain.spec import AfterFailure, Command, OnFailure
from katakei.planning.forecast import Forecast, Part, PartName
from katakei.render import switch
from katakei.render.json_data import Plain, output, plain
from katakei.render.reasons import sentence
from katakei.render.text import label, one_line
from katakei.render.translation import ENGLISH, Translator
from katakei.render.widths import leading, padded

UNFINISHED = "rollout_unfinished"  # said first: everything below is what that rollout recorded
MOST = 20  # targets that get a line of their own
HEAD = 8  # columns of the word before a fact

PART_NAMES: Mapping[PartName, str] = MappingProxyType(
    {
        PartName.DRAIN: "drain",
        PartName.FIRST_HEALTH_CHECK: "first health check",
        PartName.SECOND_OBSERVATION: "second observation",
        PartName.SOAK: "soak",
    }
)


def place(plan: Plan, tr: Translator = ENGLISH) -> str:
    """Where the plan is carried out: account, region and groups. A person confirms this."""
    groups = tr.listed(group.name for group in plan.groups)
    return tr("account {account}, region {region}, {groups}", account=plan.account, region=plan.region, groups=groups)


def plan_text(plan: Plan, forecast: Forecast, tr: Translator = ENGLISH) -> str:
    """The whole plan for a person, one fact per line."""
    lines = [sentence(notice, tr) for notice in plan.notices if notice.code == UNFINISHED]
    lines.append(_headline(plan, tr))
    facts: list[tuple[str, str]] = []
    if plan.switch:
        facts += switch.plan_facts(plan, plan.switch, forecast.total, tr)
    if plan.kind is PlanKind.ROLL:
        facts.append((tr("work"), _work(plan.spec.work, tr)))
        if plan.spec.revert:
            facts.append((tr("revert"), f"{_work(plan.spec.revert, tr)} ({_when(plan.spec.on_failure, tr)})"))
        facts += [(tr("before"), _work(plan.spec.before, tr))] if plan.spec.before else []
        facts += [(tr("after"), _work(plan.spec.after, tr))] if plan.spec.after else []
        facts += [(tr("at most"), _disruption(plan.spec.disruption, tr))] if plan.spec.disruption else []
    if plan.kind in {PlanKind.ROLL, PlanKind.DEREGISTER}:
        facts += [(tr("floor"), f"{group.name}: {_floor(plan.floors[group.arn], tr)}") for group in plan.groups]
    if plan.kind is PlanKind.ROLL:
        why = f" ({sentence(forecast.limited_by, tr)})" if forecast.limited_by else ""
        facts.append((tr("window"), tr("{number} out at a time", number=forecast.at_once) + why))
    if plan.waves:
        facts.append((tr("waves"), _waves(plan, tr)))
    facts += [(tr("order"), f"{n}. {_turn(plan, target, tr)}") for n, target in enumerate(plan.targets[:MOST], 1)]
    if len(plan.targets) > MOST:
        facts.append(("", tr("and {number} more (--json lists all)", number=len(plan.targets) - MOST)))
    if plan.kind is PlanKind.ROLL:
        facts += _duration(forecast, tr)
    rest = replace(plan, notices=tuple(notice for notice in plan.notices if notice.code != UNFINISHED))
    facts += [(tr("note"), notice) for notice in notices(rest, tr)]
    return "\n".join([*lines, *(f"{padded(name, HEAD)} {text}" for name, text in facts)])


def notices(plan: Plan, tr: Translator = ENGLISH) -> tuple[str, ...]:
    """What a person must know of the plan, as sentences. Older versions recorded sentences instead of reasons."""
    return (*map(one_line, plan.said), *(sentence(each, tr) for each in plan.notices))


def plan_data(
    plan: Plan, forecast: Forecast, restore: Sequence[str], restore_held: Sequence[str] = ()
) -> dict[str, Plain]:
    """The output `plan`.

    Args:
        plan: The plan.
        forecast: Its forecast.
        restore: The commands that restore every registration by hand.
        restore_held: The same for what was out of service before.
    """
    return output(
        "plan",
        rollout=plan.rollout,
        kind=plan.kind.value,
        service=plan.spec.service,
        release=plan.release,
        account=plan.account,
        region=plan.region,
        groups=[group.arn for group in plan.groups],
        window=plan.window,
        floors=plain(plan.floors),
        order=plain(plan.targets),
        predicted_seconds=forecast.total.total_seconds(),
        parts=[_part(part) for part in forecast.parts],
        said=plain(notices(plan)),
        restore=list(restore),
        notices=plain(plan.notices),
        held=plain(plan.held),
        at_once=forecast.at_once,
        limited_by=plain(forecast.limited_by),
        restore_held=list(restore_held),
        limit=plan.limit,
        waves=list(plan.waves),
        switch=plain(plan.switch),
    )


def restore_text(
    lines: Sequence[str], held: Sequence[str] = (), tr: Translator = ENGLISH, *, routes: bool = False
) -> str:
    """The first lines that a rollout prints (promise 3).

    Args:
        lines: The commands that restore what serves now.
        held: Those for what was out of service before: they put a target back that may be broken.
        routes: The lines put routes of a switch back, not registrations.
        tr: The language of the reader.
    """
    what = tr(
        "To put every route back by hand at any time:"
        if routes
        else "To restore every registration by hand at any time:"
    )
    said = [what, *_indented(lines)] if lines or not held else []
    if held:
        said += [tr("Out of service before this rollout; to register that by hand, once you know that it works:")]
    return "\n".join([*said, *_indented(held)])


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _turn(plan: Plan, target: Target, tr: Translator) -> str:
    """A target in the order of the plan."""
    name = label(target)
    where = tr("{target} in {zone}", target=name, zone=target.zone) if target.zone else name
    return where + (tr(" (out already)") if any(held.target == target.id for held in plan.held) else "")


def _headline(plan: Plan, tr: Translator) -> str:
    """What is done to how many targets, and where."""
    number, where, service = len(plan.targets), place(plan, tr), plan.spec.service
    match plan.kind:
        case PlanKind.DEREGISTER:
            return tr("deregister {number:target}: {place}", number=number, place=where)
        case PlanKind.SWITCH:
            return tr("switch {groups}: {place}", groups=switch.pair(plan, tr), place=where)
        case PlanKind.REGISTER:
            return tr("register {number:target}: {place}", number=number, place=where)
        case _ if plan.release:
            return tr(
                "roll {service} to {release}, {number:target}: {place}",
                service=service,
                release=plan.release,
                number=number,
                place=where,
            )
        case _:
            return tr("roll {service}, {number:target}: {place}", service=service, number=number, place=where)


def _work(work: Command, tr: Translator = ENGLISH) -> str:
    if work.executor == "manual":
        return tr("by hand: each target waits until you say that it is done")
    env = tr(", with {names}", names=", ".join(map(str, work.env))) if work.env else ""
    stops = tr(" ({shell}, stops at the first command that fails)", shell=work.shell) if work.errexit else ""
    stops = stops or (f" ({work.shell})" if work.shell != "sh" else "")
    command = str(work.release or work.instance or "") or work.run or shlex.join(work.argv)
    return tr("by {executor}: {command}", executor=work.executor, command=command) + stops + env


DISRUPTIONS: Mapping[Disruption, str] = MappingProxyType(
    {
        Disruption.NONE: "nothing is restarted",
        Disruption.RESTART: "programs are restarted",
        Disruption.REBOOT: "the machine is rebooted",
        Disruption.STOP_START: "the machine is stopped and started",
    }
)


def _disruption(most: Disruption, tr: Translator) -> str:
    return tr("{what} (disruption: {most})", what=tr.of(DISRUPTIONS[most]), most=most.value)


def _when(failure: OnFailure, tr: Translator) -> str:
    by_hand = tr("by katakei revert")
    if failure.then is not AfterFailure.REVERT:
        return by_hand
    return tr(
        "automatically when more than {number} failed, or {by_hand}", number=failure.max_failures, by_hand=by_hand
    )


def _floor(floor: Floor, tr: Translator) -> str:
    zones = tr(", {number} in each zone", number=floor.per_zone) if floor.per_zone else ""
    return tr("{count} of {base} must serve", count=floor.count, base=floor.base) + zones


def _waves(plan: Plan, tr: Translator) -> str:
    """How many targets each wave has, and the pause between two of them."""
    sizes = [str(end - begin) for begin, end in zip((0, *plan.waves), plan.waves, strict=False)]
    pause = plan.spec.window.pause_between
    text = tr("{sizes} targets, one wave after the other", sizes=tr.listed(sizes))
    return text + (tr(", {pause} apart", pause=tr.span(pause)) if pause and len(sizes) > 1 else "")


def _duration(forecast: Forecast, tr: Translator) -> list[tuple[str, str]]:
    took, rounds = tr.span(forecast.total), forecast.rounds
    whole = tr("about {time} and {rounds} x the work itself; for each target:", time=took, rounds=rounds)
    parts = [
        ("", f"{leading(tr.span(part.length), 8)}  {tr.of(PART_NAMES[part.name])} ({sentence(part.setting, tr)})")
        for part in forecast.parts
    ]
    if forecast.saved:
        saves = tr("saved: the next target drains while one soaks (warm.overlap)")
        parts.append(("", f"{leading(tr.span(forecast.saved), 8)}  {saves}"))
    return [(tr("takes"), whole), *parts]


def _part(part: Part) -> Plain:
    return output(
        "part",
        name=PART_NAMES[part.name],
        length=part.length.total_seconds(),
        setting=sentence(part.setting),
        code=part.name.value,
        setting_reason=plain(part.setting),
    )
