"""The recap of a rollout: how it ended, what became of each target, and the commands that make sense now.

It is printed when a process is done with a rollout, also with one that is not finished. Every command can be pasted:
it repeats the options that the rollout was begun with.
"""

import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from katakei.domain.model import TargetId
from katakei.domain.phases import IN_PROGRESS, Cause, Intent, Phase
from katakei.domain.plan import Plan, PlanKind
from katakei.domain.results import Result, not_taken_back, result
from katakei.domain.rollout import Rollout, TargetStatus
from katakei.render import switch
from katakei.render.reasons import sentence
from katakei.render.text import harmless, label, one_line
from katakei.render.translation import ENGLISH, Translator
from katakei.render.widths import padded, width

ROWS = 8  # with more targets than this, those without trouble are only counted
TROUBLES = 10  # targets with trouble that get a row
OUTPUTS = 3  # targets whose output is shown
LINES = 5  # the last lines of it
LONGEST = 160  # characters of such a line
NAMED = 20  # targets that a command names
NEW_RELEASE = "NEW_RELEASE"

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_COUNTED = re.compile(r"([A-Za-z]*[-_]?(?:\d+\.)*)(\d{1,9})")


@dataclass(frozen=True, slots=True)
class Invocation:
    """The command that runs the rollout, as far as another command has to repeat it.

    Attributes:
        words: The words of `katakei roll` without the release and without what is only for once (`--yes`); empty where
            another command began it.
        common: The options that every command takes: where AWS is, and where rollouts are recorded.
    """

    words: tuple[str, ...] = ()
    common: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """A command that makes sense now: what for, its words after `katakei`, and what to know of it."""

    purpose: str
    words: tuple[str, ...]
    note: str = ""

    @property
    def command(self) -> str:
        """The command as it can be pasted into a shell."""
        return shlex.join(("katakei", *self.words))


def recap(
    rollout: Rollout, serves: Mapping[TargetId, str], invocation: Invocation, now: datetime, tr: Translator = ENGLISH
) -> str:
    """The whole recap.

    Args:
        rollout: The rollout.
        serves: The release that each target carries, as far as the journal tells.
        invocation: How the rollout was begun.
        now: The time, which ends the duration of a rollout that is not finished.
        tr: The language of the reader.
    """
    rows = [*_rows(rollout, serves, tr)]
    if rollout.traffic and rollout.plan.switch:
        rows = switch.rows(rollout, rollout.plan.switch, rollout.traffic, tr)
    wide = max((width(name) for name, _ in rows if name), default=0)
    lines = [headline(rollout, now, tr)]
    lines += [f"  {back}"] if (back := reverted_text(rollout, tr)) else []
    lines += [f"  {padded(name, wide)}  {text}".rstrip() for name, text in rows]
    steps = next_steps(rollout, invocation, tr)
    purposes, head = max((width(step.purpose) for step in steps), default=0), tr("Next:")
    for number, step in enumerate(steps):
        note = f"  ({step.note})" if step.note else ""
        first = padded("" if number else head, width(head))
        lines.append(f"{first}  {padded(step.purpose, purposes)}  {step.command}{note}")
    return "\n".join(lines)


def reverted_text(rollout: Rollout, tr: Translator = ENGLISH) -> str:
    """How many targets were reverted, and which of them still serve the release."""
    if not rollout.reverting or rollout.traffic:
        return ""
    missed = not_taken_back(rollout)
    touched = sum(status.touched > 0 for status in rollout.statuses.values())
    serving = [label(rollout.targets[target]) for target in missed if target not in rollout.by_phase[Phase.LEFT_OUT]]
    why = f" ({sentence(rollout.stopped, tr)})" if rollout.stopped else ""
    named = tr("; not reverted: {targets}{why}", targets=tr.listed(serving), why=why) if serving else ""
    count = tr("{number} of {touched:updated target} reverted", number=touched - len(missed), touched=touched)
    by = one_line(rollout.reverting)
    return tr("reverted by {by}: {count}{named}", by=by, count=count, named=named)


def word(rollout: Rollout, tr: Translator = ENGLISH) -> str:
    """How the rollout ended, in one word for people; NOT FINISHED as long as it has not."""
    ended = result(rollout)
    if ended is None and rollout.traffic and rollout.traffic.moved:
        return tr("ALL REQUESTS MOVED")
    return tr.name(ended).upper() if ended else tr("NOT FINISHED")


def headline(rollout: Rollout, now: datetime, tr: Translator = ENGLISH) -> str:
    """How it ended, of what, where and after how long: 'FAILED  v9 on web (rollout r-7h2k, 1m 12s)'."""
    took, name = tr.span(lasted(rollout, now)), rollout.plan.rollout
    took = took if rollout.finished else tr("{took} so far", took=took)
    what = tr("{what} (rollout {rollout}, {took})", what=subject(rollout.plan, tr), rollout=name, took=took)
    return f"{word(rollout, tr)}  {what}"


def lasted(rollout: Rollout, now: datetime) -> timedelta:
    """How long the rollout took, without the time in which no process drove it."""
    return rollout.driven_until(now)


def subject(plan: Plan, tr: Translator = ENGLISH) -> str:
    """What a rollout brings where: 'v9 on web', 'v9 of shop on web-a, web-b', 'deregister web-1 from web'."""
    groups, service = tr.listed(group.name for group in plan.groups), plan.spec.service
    targets = tr.listed(one_line(target.name) or target.id for target in plan.targets)
    if plan.switch:
        return tr("switch {groups}", groups=switch.pair(plan, tr))
    if plan.kind is PlanKind.DEREGISTER:
        return tr("deregister {targets} from {groups}", targets=targets, groups=groups)
    if plan.kind is PlanKind.REGISTER:
        return tr("register {targets} in {groups}", targets=targets, groups=groups)
    named = service in {group.name for group in plan.groups}
    if plan.release and named:
        return tr("{release} on {groups}", release=plan.release, groups=groups)
    if plan.release:
        return tr("{release} of {service} on {groups}", release=plan.release, service=service, groups=groups)
    return groups if named else tr("{service} on {groups}", service=service, groups=groups)


def short_name(rollout: Rollout, target: TargetId) -> str:
    """The name of a target where it names this one only and needs no quotes, else its id."""
    return names(rollout)[target]


def names(rollout: Rollout) -> Mapping[TargetId, str]:
    """The short name of every target: what the rows show and the commands take."""
    count = Counter(target.name for target in rollout.targets.values())
    return {
        target.id: target.name if count[target.name] == 1 and _PLAIN.fullmatch(target.name) else target.id
        for target in rollout.targets.values()
    }


def _rows(rollout: Rollout, serves: Mapping[TargetId, str], tr: Translator) -> Iterator[tuple[str, str]]:
    """The name of a target with its text; a line of output has no name."""
    known, statuses = names(rollout), rollout.statuses
    troubled = [target for target in statuses if _troubled(rollout, target)]
    few = len(statuses) <= ROWS
    shown = list(statuses) if few else troubled[:TROUBLES]
    outputs = 0
    for target in shown:
        output = _output(statuses[target]) if target in troubled and outputs < OUTPUTS else []
        outputs += bool(output)
        yield known[target], _state(rollout, target, serves, tr) + (tr("; last lines:") if output else "")
        yield from (("", f"| {line}") for line in output)
    if few:
        return
    if len(troubled) > TROUBLES:
        more = tr("{number} more", number=len(troubled) - TROUBLES)
        yield more, tr("with trouble, see: katakei show {rollout}", rollout=rollout.plan.rollout)
    rest = Counter(_kind(rollout, target, serves, tr) for target in statuses if target not in set(troubled))
    for text, count in rest.most_common(ROWS):
        yield tr("{count:target}", count=count), text


def failures(rollout: Rollout, tr: Translator = ENGLISH) -> Sequence[tuple[str, str]]:
    """The targets with trouble of a finished rollout: a title with the target, and what became of it."""
    if rollout.finished is None:
        return ()
    known = names(rollout)
    troubled = [target for target in rollout.statuses if _troubled(rollout, target)]
    name = rollout.plan.rollout
    return [
        (tr("{target} (rollout {rollout})", target=known[target], rollout=name), _state(rollout, target, {}, tr))
        for target in troubled
    ]


def _troubled(rollout: Rollout, target: TargetId) -> bool:
    status = rollout.statuses[target]
    if status.phase is Phase.LEFT_OUT:
        return status.cause is not Cause.BY_HAND
    return status.phase in IN_PROGRESS or status.phase is Phase.FAILED_SERVING or target in rollout.lost


def _state(rollout: Rollout, target: TargetId, serves: Mapping[TargetId, str], tr: Translator) -> str:
    """What became of one target."""
    status = rollout.statuses[target]
    why = sentence(status.reason, tr)
    reason = f" ({why})" if why else ""
    match status.phase:
        case Phase.LEFT_OUT if status.attempt == 0:
            return tr("OUT OF SERVICE since before this rollout{reason}", reason=reason)
        case Phase.LEFT_OUT if status.cause is Cause.BY_HAND:
            return tr("out of service, as requested")
        case Phase.LEFT_OUT:
            return tr("OUT OF SERVICE") + f"  {why}"
        case Phase.FAILED_SERVING:
            return tr("FAILED, but in service") + f"  {why}"
        case Phase.DONE if target in rollout.lost:
            now = tr("it does not serve" if status.unhealthy_since else "it serves again")
            return tr("FAILED LATE") + "  " + tr("{why}; {now}", why=why, now=now)
        case Phase.SKIPPED | Phase.RETURNED if reason:
            return f"{_kind(rollout, target, serves, tr)}{reason}"
        case Phase.GONE:
            return tr("no longer registered") + reason
        case phase if phase in IN_PROGRESS:
            place = tr("in service" if phase is Phase.SOAKING else "OUT OF SERVICE")
            runs = phase is Phase.WORKING and status.may_run and rollout.command(target).executor != "manual"
            still = tr("; its command goes on running") if runs else ""
            return f"{place}  {tr.name(phase)}{f': {why}' if why else ''}{still}"
        case _:
            return _kind(rollout, target, serves, tr)


def _kind(rollout: Rollout, target: TargetId, serves: Mapping[TargetId, str], tr: Translator) -> str:
    """What became of a target without trouble, in the words that others share with it."""
    status = rollout.statuses[target]
    carried = tr(", serves {release}", release=serves[target]) if serves.get(target) else ""
    match status.phase:
        case Phase.DONE if status.intent is Intent.REVERT:
            return tr("reverted") + carried
        case Phase.RETURNED if rollout.plan.kind is PlanKind.REGISTER:
            return tr("in service again")
        case Phase.DONE | Phase.GONE | Phase.LEFT_OUT:
            return tr.name(status.phase).replace("_", " ") + carried
        case Phase.RETURNED:
            return tr("back in service" if status.touched else "back in service, not touched") + carried
        case _:
            return tr("not touched") + carried


def _output(status: TargetStatus) -> list[str]:
    """The last lines that the work printed, where it failed."""
    if not status.exit:
        return []
    lines = [line.rstrip() for line in harmless(status.out).splitlines() if line.strip()]
    return [line if len(line) <= LONGEST else f"{line[:LONGEST]} …" for line in lines[-LINES:]]


def next_steps(rollout: Rollout, invocation: Invocation, tr: Translator = ENGLISH) -> Sequence[Step]:
    """The commands that make sense in this state, the most useful first; none where all is well."""
    plan, name = rollout.plan, rollout.plan.rollout
    if rollout.traffic:
        steps = [Step(purpose, words) for purpose, words in switch.next_words(rollout, rollout.traffic, tr)]
        if not steps:
            return ()
    elif rollout.finished is None:
        steps = [*_unfinished(rollout, invocation, tr)]
    elif plan.kind is not PlanKind.ROLL:
        steps = [*_after_manual_step(rollout, tr)]
    elif result(rollout) is Result.DONE:
        return ()
    else:
        steps = [*_after_trouble(rollout, invocation, tr)]
    steps = steps or [Step(tr("see everything"), ("show", name))]
    return [Step(step.purpose, (*step.words, *invocation.common), step.note) for step in steps]


def _unfinished(rollout: Rollout, invocation: Invocation, tr: Translator) -> Iterator[Step]:
    plan, name, known = rollout.plan, rollout.plan.rollout, names(rollout)
    working = [known[target] for target in rollout.at(Phase.WORKING) if rollout.command(target).executor == "manual"]
    if working:
        yield Step(tr("say that the work is done"), ("approve", name, *working[:NAMED]))
    for gate in rollout.asked_gates:
        yield Step(tr("approve the gate {gate}", gate=gate), ("approve", name, "--gate", gate))
    if rollout.paused:
        yield Step(tr("carry on"), ("resume", name))
    elif plan.kind is not PlanKind.ROLL:
        yield Step(tr("carry on"), (plan.kind.value, plan.groups[0].name, *plan.spec.targets.only))
    elif invocation.words:
        yield Step(tr("carry on"), (*invocation.words, *_release(plan.release)))
    yield Step(tr("bring every target back"), ("abort", name))
    yield Step(tr("see everything"), ("show", name))


def _after_manual_step(rollout: Rollout, tr: Translator) -> Iterator[Step]:
    plan = rollout.plan
    out, words = rollout.by_phase[Phase.LEFT_OUT], tuple(plan.spec.targets.only)
    if result(rollout) is not Result.DONE:
        yield Step(tr("try it again"), (plan.kind.value, plan.groups[0].name, *words))
        yield Step(tr("see everything"), ("show", plan.rollout))
    if out and plan.kind is PlanKind.DEREGISTER:
        yield from _register(rollout, list(out), tr)


def _after_trouble(rollout: Rollout, invocation: Invocation, tr: Translator) -> Iterator[Step]:
    plan, name, known = rollout.plan, rollout.plan.rollout, names(rollout)
    failed = [*rollout.by_phase[Phase.LEFT_OUT], *rollout.by_phase[Phase.FAILED_SERVING], *rollout.lost]
    out = list(rollout.by_phase[Phase.LEFT_OUT])
    ran = [target for target in failed if rollout.statuses[target].exit]
    yield Step(tr("see everything"), ("logs", name, known[ran[0]]) if ran else ("show", name))
    if failed and len(failed) <= NAMED:
        again = tr("try {release} again", release=plan.release) if plan.release else tr("try it again")
        yield Step(again, ("retry", name, *(known[target] for target in failed)))
    rest = [target for target in rollout.statuses if rollout.statuses[target].phase is Phase.SKIPPED]
    if invocation.words and not failed and rest and not rollout.aborting and not rollout.reverting:
        yield Step(tr("roll the rest"), (*invocation.words, *_release(plan.release)))
    elif invocation.words:
        first = tr("takes {targets} first", targets=tr.listed(known[target] for target in out)) if out else ""
        clean = not failed and rollout.aborting
        release = plan.release if clean else _next_release(plan.release)
        yield Step(tr("begin again" if clean else "roll a fix"), (*invocation.words, *_release(release)), first)
    touched = any(status.touched for status in rollout.statuses.values())
    if plan.spec.revert and touched and (not rollout.reverting or not_taken_back(rollout)):
        purpose = tr("take {release} back", release=plan.release) if plan.release else tr("take it back")
        yield Step(purpose, ("revert", name))
    yield from _register(rollout, out, tr)


def _register(rollout: Rollout, out: Sequence[TargetId], tr: Translator) -> Iterator[Step]:
    """By hand: one command for each group in which one of these targets was registered."""
    known = names(rollout)
    for group in rollout.plan.groups:
        here = [
            target for target in out if any(place.group == group.arn for place in rollout.targets[target].registrations)
        ]
        if here and len(here) <= NAMED:
            may_run = any(rollout.statuses[target].may_run for target in here)
            note = tr("its work may still run") if may_run else ""
            purpose = tr("put {targets} back", targets=tr.listed(known[target] for target in here))
            yield Step(purpose, ("register", group.name, *(known[target] for target in here)), note)


def _release(release: str) -> tuple[str, ...]:
    return ("--release", release) if release else ()


def _next_release(release: str) -> str:
    """An example of the release after this one: v10 after v9. A name that does not count gives a word to replace."""
    found = _COUNTED.fullmatch(release)
    if found is None:
        return NEW_RELEASE if release else ""
    return f"{found[1]}{int(found[2]) + 1}"
