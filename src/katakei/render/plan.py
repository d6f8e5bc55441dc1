"""A plan: order, floor, window, predicted duration with its parts, and notices; for a person and for a program."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from katakei.domain.model import Target
from katakei.domain.plan import Floor, Plan, PlanKind
from katakei.domain.spec import AfterFailure, Command, OnFailure
from katakei.planning.forecast import Forecast, Part, PartName
from katakei.render.json_data import Plain, output, plain
from katakei.render.reasons import sentence
from katakei.render.text import counted, label, listed, one_line, span

UNFINISHED = "rollout_unfinished"  # said first: everything below is what that rollout recorded
MOST = 20  # targets that get a line of their own

PART_NAMES: Mapping[PartName, str] = MappingProxyType(
    {
        PartName.DRAIN: "drain",
        PartName.FIRST_HEALTH_CHECK: "first health check",
        PartName.SECOND_OBSERVATION: "second observation",
        PartName.SOAK: "soak",
    }
)


def place(plan: Plan) -> str:
    """Where the plan is carried out: account, region and groups. A person confirms this."""
    return f"account {plan.account}, region {plan.region}, {listed(group.name for group in plan.groups)}"


def plan_text(plan: Plan, forecast: Forecast) -> str:
    """The whole plan for a person, one fact per line."""
    lines = [sentence(notice) for notice in plan.notices if notice.code == UNFINISHED]
    lines += [f"{_verb(plan)} {counted(len(plan.targets), 'target')}: {place(plan)}"]
    if plan.kind is PlanKind.ROLL:
        lines.append(f"work     {_work(plan.spec.work)}")
        lines += [f"revert   {_work(plan.spec.revert)} ({_when(plan.spec.on_failure)})"] if plan.spec.revert else []
    if plan.kind is not PlanKind.REGISTER:
        lines += [f"floor    {group.name}: {_floor(plan.floors[group.arn])}" for group in plan.groups]
    if plan.kind is PlanKind.ROLL:
        why = f" ({sentence(forecast.limited_by)})" if forecast.limited_by else ""
        lines.append(f"window   {forecast.at_once} out at a time{why}")
    lines += [f"order    {n}. {_turn(plan, target)}" for n, target in enumerate(plan.targets[:MOST], 1)]
    if len(plan.targets) > MOST:
        lines.append(f"         and {len(plan.targets) - MOST} more (--json lists all)")
    if plan.kind is PlanKind.ROLL:
        lines += _duration(forecast)
    rest = replace(plan, notices=tuple(notice for notice in plan.notices if notice.code != UNFINISHED))
    lines += [f"note     {notice}" for notice in notices(rest)]
    return "\n".join(lines)


def notices(plan: Plan) -> tuple[str, ...]:
    """What a person must know of the plan, as sentences. Older versions recorded sentences instead of reasons."""
    return (*map(one_line, plan.said), *map(sentence, plan.notices))


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
    )


def restore_text(lines: Sequence[str], held: Sequence[str] = ()) -> str:
    """The first lines that a rollout prints (promise 3).

    Args:
        lines: The commands that restore what serves now.
        held: Those for what was out of service before: they put a target back that may be broken.
    """
    said = ["To restore every registration by hand at any time:", *_indented(lines)] if lines or not held else []
    if held:
        said += ["Out of service before this rollout; to register that by hand, once you know that it works:"]
    return "\n".join([*said, *_indented(held)])


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _turn(plan: Plan, target: Target) -> str:
    """A target in the order of the plan."""
    where = f" in {target.zone}" if target.zone else ""
    return label(target) + where + (" (out already)" if any(held.target == target.id for held in plan.held) else "")


def _verb(plan: Plan) -> str:
    if plan.kind is not PlanKind.ROLL:
        return str(plan.kind.value)
    return f"roll {plan.spec.service}" + (f" to {plan.release}" if plan.release else "") + ","


def _work(work: Command) -> str:
    if work.executor == "manual":
        return "by hand: each target waits until you say that it is done"
    env = f", with {', '.join(map(str, work.env))}" if work.env else ""
    stops = f" ({work.shell}, stops at the first command that fails)" if work.errexit else ""
    stops = stops or (f" ({work.shell})" if work.shell != "sh" else "")
    return f"by {work.executor}: {work.run or shlex.join(work.argv)}{stops}{env}"


def _when(failure: OnFailure) -> str:
    automatic = f"automatically when more than {failure.max_failures} failed, or "
    return f"{automatic if failure.then is AfterFailure.REVERT else ''}by katakei revert"


def _floor(floor: Floor) -> str:
    zones = f", {floor.per_zone} in each zone" if floor.per_zone else ""
    return f"{floor.count} of {floor.base} must serve{zones}"


def _duration(forecast: Forecast) -> list[str]:
    whole = f"about {span(forecast.total)} and {forecast.rounds} x the work itself"
    parts = [
        f"         {span(part.length):>8}  {PART_NAMES[part.name]} ({sentence(part.setting)})"
        for part in forecast.parts
    ]
    return [f"takes    {whole}; for each target:", *parts]


def _part(part: Part) -> Plain:
    return output(
        "part",
        name=PART_NAMES[part.name],
        length=part.length.total_seconds(),
        setting=sentence(part.setting),
        code=part.name.value,
        setting_reason=plain(part.setting),
    )
