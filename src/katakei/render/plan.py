"""A plan as text and as JSON: order, floor, window, the predicted duration with its parts, what was said aloud."""

import shlex
from collections.abc import Sequence

from katakei.domain.plan import Floor, Plan, PlanKind
from katakei.domain.spec import AfterFailure, Command, OnFailure
from katakei.domain.words import counted, label, listed, span
from katakei.planning.forecast import Forecast
from katakei.render.json_data import Plain, plain

MOST = 20  # targets named line by line


def place(plan: Plan) -> str:
    """Where this happens: what a person confirms."""
    return f"account {plan.account}, region {plan.region}, {listed(group.name for group in plan.groups)}"


def plan_text(plan: Plan, forecast: Forecast) -> str:
    """The whole plan for a person."""
    lines = [f"{_verb(plan)} {counted(len(plan.targets), 'target')}: {place(plan)}"]
    if plan.kind is PlanKind.ROLL:
        lines.append(f"work     {_work(plan.spec.work)}")
        lines += [f"revert   {_work(plan.spec.revert)} ({_when(plan.spec.on_failure)})"] if plan.spec.revert else []
    if plan.kind is not PlanKind.REGISTER:
        lines += [f"floor    {group.name}: {_floor(plan.floors[group.arn])}" for group in plan.groups]
    if plan.kind is PlanKind.ROLL:
        lines.append(f"window   {plan.window} out at a time")
    named = enumerate(plan.targets[:MOST], 1)
    lines += [f"order    {n}. {label(target)}" + (f" in {target.zone}" if target.zone else "") for n, target in named]
    if len(plan.targets) > MOST:
        lines.append(f"         and {len(plan.targets) - MOST} more (all by --json)")
    if plan.kind is PlanKind.ROLL:
        lines += _duration(forecast)
    lines += [f"note     {said}" for said in plan.said]
    return "\n".join(lines)


def _work(work: Command) -> str:
    if work.executor == "manual":
        return "by hand: each target waits until you say that it is done"
    env = f", with {', '.join(map(str, work.env))}" if work.env else ""
    return f"by {work.executor}: {work.run or shlex.join(work.argv)}{env}"


def _when(failure: OnFailure) -> str:
    by_itself = f"by itself when more than {failure.max_failures} failed, or "
    return f"{by_itself if failure.then is AfterFailure.REVERT else ''}by katakei revert"


def _floor(floor: Floor) -> str:
    zones = f", {floor.per_zone} in each zone" if floor.per_zone else ""
    return f"{floor.count} of {floor.base} must serve{zones}"


def plan_data(plan: Plan, forecast: Forecast, restore: Sequence[str]) -> dict[str, Plain]:
    """The same for a program; `restore` are the commands that put everything back by hand."""
    return {
        "rollout": plan.rollout,
        "kind": plan.kind.value,
        "service": plan.spec.service,
        "release": plan.release,
        "account": plan.account,
        "region": plan.region,
        "groups": [group.arn for group in plan.groups],
        "window": plan.window,
        "floors": plain(plan.floors),
        "order": plain(plan.targets),
        "predicted_seconds": forecast.total.total_seconds(),
        "parts": plain(forecast.parts),
        "said": plain(plan.said),
        "restore": list(restore),
    }


def restore_text(lines: Sequence[str]) -> str:
    """The first thing a rollout prints (promise 3)."""
    return "To put everything back by hand, whatever happens:\n" + "\n".join(f"  {line}" for line in lines)


def _verb(plan: Plan) -> str:
    if plan.kind is not PlanKind.ROLL:
        return str(plan.kind.value)
    return f"roll {plan.spec.service}" + (f" to {plan.release}" if plan.release else "") + ","


def _duration(forecast: Forecast) -> list[str]:
    whole = f"about {span(forecast.total)} and {forecast.rounds} x the work itself"
    parts = [f"         {span(part.length):>8}  {part.name} ({part.setting})" for part in forecast.parts]
    return [f"takes    {whole}; for each target:", *parts]
