"""The summary of a report, as values that the page and the Markdown form share: result, period, figures, work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from katakei.domain import events as e
from katakei.domain.errors import ExitCode
from katakei.domain.model import TargetId
from katakei.domain.phases import Phase
from katakei.domain.replay import Rollout
from katakei.domain.results import Result, result
from katakei.domain.spec import Command
from katakei.reconcile.outcome import out_of_service, verdict
from katakei.render import events as event_text
from katakei.render.local_time import local_second, zones
from katakei.render.reasons import sentence
from katakei.render.report.timeline import figures
from katakei.render.text import label, work_name
from katakei.render.translation import ENGLISH, Translator

OUTCOMES: Mapping[Result | None, str] = {
    Result.DONE: "Everything that was requested was done.",
    Result.FAILED: "Not everything that was requested was done.",
    Result.ABORTED: "A person stopped the rollout.",
    Result.REVERTED: "Every target that was worked on serves what the revert brought.",
    None: "The rollout goes on, or waits to be continued.",
}


@dataclass(frozen=True, slots=True)
class WorkOutput:
    """What one run of the work printed. `failed` is true for an exit code other than 0."""

    title: str
    text: str
    failed: bool


def title(rollout: Rollout) -> str:
    """The service, with the release if the rollout has one."""
    plan = rollout.plan
    return f"{plan.spec.service}{f' → {plan.release}' if plan.release else ''}"


def word(rollout: Rollout, tr: Translator = ENGLISH) -> str:
    """DONE, FAILED, ABORTED or REVERTED; NOT FINISHED while there is no result."""
    ended = result(rollout)
    return tr.name(ended).upper() if ended else tr("NOT FINISHED")


def outcome(rollout: Rollout, tr: Translator = ENGLISH) -> str:
    """The result in a sentence or two, with the exit code."""
    ended, code = result(rollout), verdict(rollout)
    said = [tr.of(OUTCOMES[ended])]
    if code is ExitCode.LEFT_OUT:
        said.append(tr("Targets are out of service."))
    elif code is ExitCode.FAILED:
        said.append(tr("Every target is in service."))
    return " ".join([*said, tr("Exit code {code}.", code=int(code))])


def troubles(rollout: Rollout, tr: Translator = ENGLISH) -> list[str]:
    """A line for each target that is out of service, and for each that failed late."""
    out = rollout.at(Phase.LEFT_OUT)
    left = [f"{label(rollout.targets[t])}: {sentence(rollout.statuses[t].reason, tr)}" for t in out]
    return [*left, *(event_text.lost(rollout, target, tr) for target in rollout.lost)]


def place(rollout: Rollout, tr: Translator = ENGLISH) -> str:
    """Where it ran: account, region, groups."""
    plan = rollout.plan
    groups = tr.listed(group.name for group in plan.groups)
    return tr("account {account}, region {region}, {groups}", account=plan.account, region=plan.region, groups=groups)


def period(rollout: Rollout, events: Sequence[e.Event], tr: Translator = ENGLISH) -> str:
    """From when until when, by the clock on the wall, with its zone."""
    begun = local_second(rollout.begun)
    if rollout.finished:
        return tr("{begun} to {ended}", begun=begun, ended=local_second(rollout.finished))
    return tr("{begun}, not finished at {moment}", begun=begun, moment=local_second(events[-1].at))


def numbers(rollout: Rollout, events: Sequence[e.Event], end: datetime, tr: Translator = ENGLISH) -> Mapping[str, str]:
    """The figures, each with its name."""
    found, out = figures(events, end), sorted(out_of_service(events).values())
    return {
        tr("took"): tr.span(found.lasted),
        **{tr.name(phase): str(len(who)) for phase, who in rollout.by_phase.items() if who},
        tr("median out"): tr.span(out[len(out) // 2]) if out else tr("none"),
        tr("longest out"): tr.span(out[-1]) if out else tr("none"),
        tr("requests after quiet"): str(found.late_requests),
        tr("connections cut"): str(found.cut_connections),
    }


def works(rollout: Rollout, events: Sequence[e.Event], tr: Translator = ENGLISH) -> list[WorkOutput]:
    """What the work printed, in the order in which it ended."""
    return [work_output(rollout, event, tr) for event in events if isinstance(event, e.WorkEnded)]


def work_output(rollout: Rollout, event: e.WorkEnded, tr: Translator = ENGLISH) -> WorkOutput:
    """What one run of the work printed."""
    return WorkOutput(
        tr(
            "{target}, attempt {attempt} ({intent}): exit code {exit}",
            target=label(rollout.targets[event.key.target]),
            attempt=event.key.attempt,
            intent=work_name(event.key, tr),
            exit=event.exit,
        ),
        event.out or tr("(no output)"),
        failed=event.exit != 0,
    )


def commands(rollout: Rollout, tr: Translator = ENGLISH) -> list[tuple[str, Command]]:
    """The commands of the rollout: `work`, and `revert` and the steps where there are any."""
    spec = rollout.plan.spec
    named = (
        (tr("work"), spec.work),
        (tr("revert"), spec.revert),
        (tr("before"), spec.before),
        (tr("after"), spec.after),
    )
    return [(name, command) for name, command in named if command]


def outs(rollout: Rollout, events: Sequence[e.Event], tr: Translator = ENGLISH) -> Mapping[TargetId, str]:
    """How long each target was out of service; '' for a target that never was."""
    spans = out_of_service(events)
    return {target: tr.span(spans[target]) if target in spans else "" for target in rollout.targets}


@dataclass(frozen=True, slots=True)
class Stamps:
    """How the moments of one rollout are written: short where they share a day and a zone."""

    zone: str
    form: str

    def __call__(self, at: datetime) -> str:
        """A moment in local time."""
        return f"{at.astimezone():{self.form}}"


def stamps(moments: Sequence[datetime]) -> Stamps:
    """The shortest form that tells these moments apart. `zone` is empty where each moment names its own."""
    days = {at.astimezone().date() for at in moments}
    found = zones(list(moments))
    form = "%H:%M:%S" if len(days) < 2 else "%m-%d %H:%M:%S"
    return Stamps(found.pop(), form) if len(found) == 1 else Stamps("", f"{form} %Z")
