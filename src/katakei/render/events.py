"""A rollout as text and NDJSON: one line per event, its summary and history, and the list of rollouts."""

import json
from collections.abc import Mapping, Sequence

from katakei.domain import events as e
from katakei.domain import traffic as t
from katakei.domain.model import TargetId
from katakei.domain.outside_text import escaped_json
from katakei.domain.phases import Cause, Phase, Step
from katakei.domain.reasons import Reason
from katakei.domain.replay import Rollout
from katakei.domain.results import not_taken_back, result
from katakei.domain.spec import Gate
from katakei.domain.wire import kind_of
from katakei.reconcile.gating import frozen
from katakei.reconcile.outcome import verdict
from katakei.render import switch
from katakei.render.holds import holds
from katakei.render.json_data import Plain, output, plain
from katakei.render.local_time import local_minute
from katakei.render.reasons import sentence
from katakei.render.recap import headline, lasted, reverted_text, word
from katakei.render.text import clock_time, grid, label, one_line
from katakei.render.translation import ENGLISH, Translator


def line(rollout: Rollout, event: e.Event, tr: Translator = ENGLISH) -> str:
    """One event with its local time: '12:03:04 JST  i-0abc (web1)  draining'.

    Returns:
        '' for an event that is only a proof for later (an observation, a call that returned).
    """
    text = one_line(describe(rollout, event, tr))
    return f"{clock_time(event.at)}  {text}" if text else ""


def describe(rollout: Rollout, event: e.Event, tr: Translator = ENGLISH) -> str:
    """One event without its time; '' as in `line`."""
    match event:
        case e.Started() | e.WorkEnded() | e.WorkLost() | e.RegistrationRejected():
            target, text = _of_work(event, tr)
            return f"{label(rollout.targets[target])}  {text}"
        case e.ObservedBusy() | e.DrainCutShort() | e.RequestsAfterQuiet() | e.BecameUnhealthy() | e.FailedAfterDone():
            return f"{label(rollout.targets[event.target])}  {_observed(event, tr)}"
        case e.FoundServing(_, target):
            text = tr("in service although this rollout holds it out; deregistering it again")
            return f"{label(rollout.targets[target])}  {text}"
        case e.PhaseChanged(_, target, to):
            why = why_of(rollout, event, tr)
            return f"{label(rollout.targets[target])}  {tr.name(to)}" + (f": {why}" if why else "")
        case e.TargetAdded(_, added, takes_part):
            why = sentence(e.reason_of(event), tr)
            what = tr("it is updated at the end") if takes_part else tr("it is left as it is ({why})", why=why)
            said = tr("somebody registered it during the rollout; {what}", what=what)
            return f"{label(added)}  {said}"
        case e.GateHeld() | e.GateStopped():
            return sentence(event.reason, tr)
        case e.GateReleased(_, gate):
            return f"{tr('gate {gate}', gate=gate)}  {tr('lets the rollout pass')}"
        case e.GateAnswered() | e.GateSkipped() | e.ApprovalAsked() | e.ApprovalExpired():
            return f"{tr('gate {gate}', gate=event.gate)}  {_of_gate(event, tr)}"
        case _ if isinstance(event, t.TrafficEvent):
            return switch.event_text(rollout, event, tr)
        case _:
            return _of_rollout(event, tr)


def why_of(rollout: Rollout, event: e.PhaseChanged, tr: Translator = ENGLISH) -> str:
    """Why a target changed its phase: its reason, or during whose soak it is taken out; '' where neither is known."""
    if event.overlaps:
        return tr("during the soak of {target}", target=label(rollout.targets[event.overlaps]))
    return sentence(e.reason_of(event), tr)


def _of_work(
    event: e.Started | e.WorkEnded | e.WorkLost | e.RegistrationRejected, tr: Translator
) -> tuple[TargetId, str]:
    match event:
        case e.Started(_, key, ticket):
            return key.target, _of_step(key, tr("work started"), tr) + (f" ({ticket})" if ticket else "")
        case e.WorkEnded(_, key, code):
            return key.target, _of_step(key, tr("work ended with exit code {exit}", exit=code), tr)
        case e.WorkLost(_, key, begun):
            text = tr("work was interrupted" if begun else "work was refused before it began")
            return key.target, _of_step(key, text, tr)
        case e.RegistrationRejected(_, target, why):
            return target, tr("rejected by the load balancer: {why}", why=tr.known(why))


def _of_step(key: e.WorkKey, text: str, tr: Translator) -> str:
    """The text with the name of the step, where it is not the work itself."""
    return text if key.step is Step.WORK else tr("step {step}: {text}", step=key.step.value, text=text)


def _observed(
    event: e.ObservedBusy | e.DrainCutShort | e.RequestsAfterQuiet | e.BecameUnhealthy | e.FailedAfterDone,
    tr: Translator,
) -> str:
    match event:
        case e.ObservedBusy(_, _, why):
            return tr("still draining: {why}", why=tr.known(why))
        case e.DrainCutShort(_, _, connections):
            return tr("no longer waiting for {number:connection} (drain.cut_after)", number=connections)
        case e.RequestsAfterQuiet(_, _, requests):
            return tr("{number:request} arrived after its drain had ended; drain.settle is too short", number=requests)
        case e.BecameUnhealthy():
            return tr("left service again: {why}", why=sentence(e.reason_of(event), tr))
        case e.FailedAfterDone():
            return tr("failed late: {why}", why=sentence(e.reason_of(event), tr))


def _of_gate(event: e.GateAnswered | e.GateSkipped | e.ApprovalAsked | e.ApprovalExpired, tr: Translator) -> str:
    match event:
        case e.GateAnswered(_, by, _, approved):
            return tr("approved by {by}" if approved else "denied by {by}", by=by)
        case e.GateSkipped(_, by, _, why):
            return tr("skipped by {by}: {why}", by=by, why=why)
        case e.ApprovalAsked(_, _, expires):
            return tr("waits for approval until {until}", until=local_minute(expires))
        case e.ApprovalExpired():
            return tr("expired: nobody answered in time")


def _of_rollout(event: e.Event, tr: Translator) -> str:  # noqa: C901, PLR0911, PLR0912 - one case for each kind of event
    """What happened to the rollout as a whole."""
    match event:
        case e.OwnerChanged(_, owner):
            return tr("the rollout is now run by {owner}", owner=owner)
        case e.RevertDecided(_, failures):
            return tr(
                "revert by on_failure: {failures:target} failed, more than on_failure.max_failures allows;"
                " the updated targets are reverted, the last one first",
                failures=failures,
            )
        case e.Interrupted(_, by):
            return tr("interrupted ({by}): targets in progress are finished, no other one is started", by=by)
        case e.Approved(_, by, target):
            return f"{target or tr('all targets')}  {tr('approved by {by}', by=by)}"
        case e.PromoteAsked(_, by):
            return tr("promoted by {by}: the targets that soak now soak no longer", by=by)
        case e.WaveEnded(_, wave):
            return tr("wave {wave} is over", wave=wave)
        case e.WaveBegun(_, wave):
            return tr("wave {wave} begins", wave=wave)
        case e.FreezeObserved(_, freeze):
            return tr("{frozen}; no target is taken out", frozen=sentence(frozen(freeze), tr))
        case e.FreezeLifted():
            return tr("not frozen any more; targets may be taken out again")
        case e.AbortAsked(_, by):
            return tr("abort requested by {by}", by=by)
        case e.PauseAsked(_, by):
            return tr("paused by {by}: targets in progress are finished, no other one is started", by=by)
        case e.ResumeAsked(_, by):
            return tr("resumed by {by}", by=by)
        case e.RevertAsked(_, by):
            return tr("revert requested by {by}: the updated targets are reverted, the last one first", by=by)
        case e.RetryAsked(_, by, targets):
            return tr("retry requested by {by}: {targets}", by=by, targets=tr.listed(targets))
        case _:
            return ""


def event_json(event: e.Event) -> str:
    """One event as a line of NDJSON. The fields are those of the wire tables; `why` is the sentence of its reason."""
    body = plain(event)
    line = {"event": kind_of(event), **(body if isinstance(body, dict) else {})}
    if isinstance(event, e.TargetAdded | e.PhaseChanged | e.BecameUnhealthy | e.FailedAfterDone):
        line["why"] = sentence(e.reason_of(event))
    return _line(line)


def planned_json(plan: Mapping[str, Plain], *, carried_on: bool) -> str:
    """The first line of a rollout as NDJSON.

    Args:
        plan: The output `plan`.
        carried_on: Whether the rollout was begun before.
    """
    return _line(output("Planned", event="Planned", **plan, carried_on=carried_on))


def waiting_json(at: str, why: Reason) -> str:
    """What the rollout waits for, as a line of NDJSON (promise 9)."""
    return _line(output("Waiting", event="Waiting", at=at, why=sentence(why), reason=plain(why)))


def missing_json(lines: int) -> str:
    """Says, as a line of NDJSON, how many lines before it were dropped because nobody read them."""
    return _line(output("Missing", event="Missing", lines=lines))


def ended_json(rollout: Rollout) -> str:
    """The last line of a rollout as NDJSON."""
    return _line(output("Ended", event="Ended", **summary_data(rollout)))


def _line(data: Mapping[str, Plain]) -> str:
    return escaped_json(json.dumps(data, ensure_ascii=False))


def summary(rollout: Rollout, tr: Translator = ENGLISH) -> str:
    """How the rollout went: one line with counts, then a line for targets that are out of service or failed late."""
    counts = {phase: len(targets) for phase, targets in rollout.by_phase.items() if targets}
    if rollout.traffic:
        return f"{headline(rollout, rollout.moved, tr)}\n{switch.standing(rollout, rollout.traffic, tr)}"
    ends = ", ".join(tr("{number} {phase}", number=count, phase=tr.name(phase)) for phase, count in counts.items())
    name, ended, begun = rollout.plan.rollout, rollout.finished, clock_time(rollout.begun)
    if ended:
        took = tr.span(lasted(rollout, ended))
        said = tr("rollout {rollout} finished after {took}: {ends}", rollout=name, took=took, ends=ends)
    else:
        said = tr("rollout {rollout} began at {begun}: {ends}", rollout=name, begun=begun, ends=ends)
    text = f"{word(rollout, tr)}  {said}"
    outside = rollout.by_phase[Phase.LEFT_OUT]
    requested = [target for target in outside if rollout.statuses[target].cause is Cause.BY_HAND]
    left = [
        f"{label(rollout.targets[t])}: {sentence(rollout.statuses[t].reason, tr)}"
        for t in outside
        if t not in requested
    ]
    if requested:
        names = " ".join([rollout.plan.spec.service, *requested])
        text += "\n" + tr(
            "out of service, as requested: {targets}; to bring it back, run: katakei register {words}",
            targets=tr.listed(requested),
            words=names,
        )
    text += "\n" + tr("left out of service: {targets}", targets="; ".join(left)) if left else ""
    text += "".join(f"\n{lost(rollout, target, tr)}" for target in rollout.lost)
    return text + (f"\n{back}" if (back := reverted_text(rollout, tr)) else "")


def lost(rollout: Rollout, target: TargetId, tr: Translator = ENGLISH) -> str:
    """A target that failed after it was done, and whether it serves again."""
    status = rollout.statuses[target]
    now = tr("it does not serve" if status.unhealthy_since else "it serves again")
    why = sentence(status.reason, tr)
    return tr("failed late: {target}: {why}; {now}", target=label(rollout.targets[target]), why=why, now=now)


def summary_data(rollout: Rollout, driver: str | None = None) -> dict[str, Plain]:
    """The output `show`.

    Args:
        rollout: The rollout.
        driver: The process that drives it now; None where none does.
    """
    return output(
        "show",
        rollout=rollout.plan.rollout,
        service=rollout.plan.spec.service,
        release=rollout.plan.release,
        begun=rollout.begun.isoformat(),
        finished=rollout.finished.isoformat() if rollout.finished else None,
        exit=int(verdict(rollout)),
        left_out=plain(rollout.at(Phase.LEFT_OUT)),
        failed_late=plain(rollout.lost),
        reverted_by=rollout.reverting,
        not_taken_back=plain(not_taken_back(rollout)),
        paused_by=rollout.paused,
        frozen=plain(rollout.frozen),
        wave=rollout.wave,
        waves=list(rollout.plan.waves),
        gates=[_gate_data(rollout, gate) for gate in rollout.plan.spec.gates],
        owner=str(rollout.owner or ""),
        waiting_for=awaited(rollout),
        result=ended.value if (ended := result(rollout)) else None,
        driver=driver,
        targets=[_target_data(rollout, target) for target in rollout.statuses],
        traffic=switch.traffic_data(rollout.plan.switch, rollout.traffic),
    )


def _gate_data(rollout: Rollout, gate: Gate) -> dict[str, Plain]:
    status = rollout.gates.get(gate.name)
    return output(
        "gate",
        name=gate.name,
        after=gate.after,
        state=status.state.value if status else None,
        expires=plain(status.expires) if status else None,
        by=status.by if status else "",
        why=status.why if status else "",
        reason=plain(status.reason) if status else None,
    )


def _target_data(rollout: Rollout, target: TargetId) -> dict[str, Plain]:
    status = rollout.statuses[target]
    return output(
        "target",
        id=target,
        name=rollout.targets[target].name,
        phase=status.phase.value,
        intent=status.intent.value,
        attempt=status.attempt,
        since=status.since.isoformat(),
        why=sentence(status.reason),
        reason=plain(status.reason),
        exit=status.exit,
    )


def history(rollout: Rollout, events: Sequence[e.Event], driver: str, tr: Translator = ENGLISH) -> str:
    """What `show` prints: how the rollout stands, the phase of every target, and one line per event.

    Args:
        rollout: The rollout.
        events: All its events.
        driver: Who drives it now, as a sentence (`answers.driver_text`).
        tr: The language of the reader.
    """
    heads = (tr("TARGET"), tr("NAME"), tr("PHASE"), tr("SINCE (UTC)"), tr("WHY"))
    rows = [
        (target, rollout.targets[target].name, tr.name(s.phase), f"{s.since:%H:%M:%S}", sentence(s.reason, tr))
        for target, s in rollout.statuses.items()
    ]
    lines = [text for event in events[1:] if (text := line(rollout, event, tr))]
    what = tr("waiting for: {what}", what=awaited(rollout, tr))
    waits = [] if rollout.finished else [what, *holds(rollout, tr), driver]
    table = [] if rollout.traffic else ["", grid(heads, rows)]
    return "\n".join([summary(rollout, tr), *waits, *table, "", *lines])


def work_data(ended: Sequence[e.WorkEnded]) -> Plain:
    """The output `logs`."""
    return output("logs", work=plain(ended))


_AWAITED = (
    Phase.DRAINING,
    Phase.OUT,
    Phase.WORKING,
    Phase.CHECKING,
    Phase.WARMING,
    Phase.SOAKING,
    Phase.RETURNING,
)


def awaited(rollout: Rollout, tr: Translator = ENGLISH) -> str:
    """What the rollout waits for, as far as the journal tells: the targets in progress, their phases, since when."""
    if rollout.finished:
        return ""
    if rollout.traffic:
        return switch.awaited(rollout, rollout.traffic, tr)
    phases = [phase for phase in _AWAITED if rollout.by_phase[phase]]
    where = [
        tr("{targets} {phase}", targets=tr.listed(rollout.by_phase[phase]), phase=tr.name(phase)) for phase in phases
    ]
    since = min((rollout.statuses[t].since for phase in phases for t in rollout.by_phase[phase]), default=rollout.moved)
    what = "; ".join(where) or tr("the next target")
    return tr("{what} since {since}", what=what, since=clock_time(since))
