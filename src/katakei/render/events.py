"""A rollout as text and NDJSON: one line per event, its summary and history, and the list of rollouts."""

import json
from collections.abc import Mapping, Sequence

from katakei.domain import events as e
from katakei.domain.model import TargetId
from katakei.domain.outside_text import escaped_json
from katakei.domain.phases import Cause, Phase
from katakei.domain.reasons import Reason
from katakei.domain.replay import Rollout
from katakei.domain.results import not_taken_back, result
from katakei.domain.spec import Gate
from katakei.domain.wire import kind_of
from katakei.reconcile.gating import frozen
from katakei.reconcile.outcome import verdict
from katakei.render.holds import holds
from katakei.render.json_data import Plain, output, plain
from katakei.render.local_time import local_minute
from katakei.render.reasons import sentence
from katakei.render.recap import lasted, reverted_text, word
from katakei.render.text import clock_time, counted, grid, label, listed, one_line, span


def line(rollout: Rollout, event: e.Event) -> str:
    """One event with its local time: '12:03:04 JST  i-0abc (web1)  draining'.

    Returns:
        '' for an event that is only a proof for later (an observation, a call that returned).
    """
    text = one_line(describe(rollout, event))
    return f"{clock_time(event.at)}  {text}" if text else ""


def describe(rollout: Rollout, event: e.Event) -> str:  # noqa: C901, PLR0911, PLR0912 - one case for each kind of event
    """One event without its time; '' as in `line`."""
    match event:
        # The course of the rollout
        case e.PhaseChanged(_, target, to):
            why = sentence(e.reason_of(event))
            return _of(rollout, target, to.value + (f": {why}" if why else ""))
        case e.TargetAdded(_, added, takes_part):
            why = sentence(e.reason_of(event))
            what = "it is updated at the end" if takes_part else f"it is left as it is ({why})"
            return f"{label(added)}  somebody registered it during the rollout; {what}"
        case e.OwnerChanged(_, owner):
            return f"the rollout is now run by {owner}"
        case e.RevertDecided(_, failures):
            failed = f"{counted(failures, 'target')} failed, more than on_failure.max_failures allows"
            return f"revert by on_failure: {failed}; the updated targets are reverted, the last one first"
        case e.Interrupted(_, by):
            return f"interrupted ({by}): targets in progress are finished, no other one is started"
        # Calls and work
        case e.Started(_, key, ticket):
            return _of(rollout, key.target, "work started" + (f" ({ticket})" if ticket else ""))
        case e.WorkEnded(_, key, code):
            return _of(rollout, key.target, f"work ended with exit code {code}")
        case e.WorkLost(_, key, begun):
            return _of(rollout, key.target, "work was interrupted" if begun else "work was refused before it began")
        case e.RegistrationRejected(_, target, why):
            return _of(rollout, target, f"rejected by the load balancer: {why}")
        # Observations
        case e.ObservedBusy(_, target, why):
            return _of(rollout, target, f"still draining: {why}")
        case e.DrainCutShort(_, target, connections):
            number = counted(connections, "connection")
            return _of(rollout, target, f"no longer waiting for {number} (drain.cut_after)")
        case e.RequestsAfterQuiet(_, target, requests):
            number = counted(requests, "request")
            return _of(rollout, target, f"{number} arrived after its drain had ended; drain.settle is too short")
        case e.BecameUnhealthy(_, target):
            return _of(rollout, target, f"left service again: {sentence(e.reason_of(event))}")
        case e.FailedAfterDone(_, target):
            return _of(rollout, target, f"failed late: {sentence(e.reason_of(event))}")
        case e.FoundServing(_, target):
            return _of(rollout, target, "in service although this rollout holds it out; deregistering it again")
        # A person's commands
        case e.Approved(_, by, target):
            return f"{target or 'all targets'}  approved by {by}"
        case e.PromoteAsked(_, by):
            return f"promoted by {by}: the targets that soak now soak no longer"
        case e.GateAnswered(_, by, gate, approved):
            return f"gate {gate}  {'approved' if approved else 'denied'} by {by}"
        case e.GateSkipped(_, by, gate, why):
            return f"gate {gate}  skipped by {by}: {why}"
        # What holds the rollout
        case e.ApprovalAsked(_, gate, expires):
            return f"gate {gate}  waits for approval until {local_minute(expires)}"
        case e.ApprovalExpired(_, gate):
            return f"gate {gate}  expired: nobody answered in time"
        case e.FreezeObserved(_, freeze):
            return f"{sentence(frozen(freeze))}; no target is taken out"
        case e.FreezeLifted():
            return "not frozen any more; targets may be taken out again"
        case e.AbortAsked(_, by):
            return f"abort requested by {by}"
        case e.PauseAsked(_, by):
            return f"paused by {by}: targets in progress are finished, no other one is started"
        case e.ResumeAsked(_, by):
            return f"resumed by {by}"
        case e.RevertAsked(_, by):
            return f"revert requested by {by}: the updated targets are reverted, the last one first"
        case e.RetryAsked(_, by, targets):
            return f"retry requested by {by}: {listed(targets)}"
        case _:
            return ""


def _of(rollout: Rollout, target: TargetId, text: str) -> str:
    return f"{label(rollout.targets[target])}  {text}"


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


def summary(rollout: Rollout) -> str:
    """How the rollout went: one line with counts, then a line for targets that are out of service or failed late."""
    counts = {phase: len(targets) for phase, targets in rollout.by_phase.items() if targets}
    ends = ", ".join(f"{count} {phase.value}" for phase, count in counts.items())
    ended, begun = rollout.finished, clock_time(rollout.begun)
    when = f" finished after {span(lasted(rollout, ended))}" if ended else f" began at {begun}"
    text = f"{word(rollout)}  rollout {rollout.plan.rollout}{when}: {ends}"
    outside = rollout.by_phase[Phase.LEFT_OUT]
    requested = [target for target in outside if rollout.statuses[target].cause is Cause.BY_HAND]
    left = [
        f"{label(rollout.targets[t])}: {sentence(rollout.statuses[t].reason)}" for t in outside if t not in requested
    ]
    if requested:
        names = " ".join([rollout.plan.spec.service, *requested])
        text += f"\nout of service, as requested: {listed(requested)}; to bring it back, run: katakei register {names}"
    text += "\nleft out of service: " + "; ".join(left) if left else ""
    text += "".join(f"\n{lost(rollout, target)}" for target in rollout.lost)
    return text + (f"\n{back}" if (back := reverted_text(rollout)) else "")


def lost(rollout: Rollout, target: TargetId) -> str:
    """A target that failed after it was done, and whether it serves again."""
    status = rollout.statuses[target]
    now = "it does not serve" if status.unhealthy_since else "it serves again"
    return f"failed late: {label(rollout.targets[target])}: {sentence(status.reason)}; {now}"


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
        gates=[_gate_data(rollout, gate) for gate in rollout.plan.spec.gates],
        owner=str(rollout.owner or ""),
        waiting_for=awaited(rollout),
        result=ended.value if (ended := result(rollout)) else None,
        driver=driver,
        targets=[_target_data(rollout, target) for target in rollout.statuses],
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


def history(rollout: Rollout, events: Sequence[e.Event], driver: str) -> str:
    """What `show` prints: how the rollout stands, the phase of every target, and one line per event.

    Args:
        rollout: The rollout.
        events: All its events.
        driver: Who drives it now, as a sentence (`answers.driver_text`).
    """
    heads = ("TARGET", "NAME", "PHASE", "SINCE (UTC)", "WHY")
    rows = [
        (target, rollout.targets[target].name, s.phase.value, f"{s.since:%H:%M:%S}", sentence(s.reason))
        for target, s in rollout.statuses.items()
    ]
    lines = [text for event in events[1:] if (text := line(rollout, event))]
    waits = [] if rollout.finished else [f"waiting for: {awaited(rollout)}", *holds(rollout), driver]
    return "\n".join([summary(rollout), *waits, "", grid(heads, rows), "", *lines])


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


def awaited(rollout: Rollout) -> str:
    """What the rollout waits for, as far as the journal tells: the targets in progress, their phases, since when."""
    if rollout.finished:
        return ""
    phases = [phase for phase in _AWAITED if rollout.by_phase[phase]]
    where = [f"{listed(rollout.by_phase[phase])} {phase.value}" for phase in phases]
    since = min((rollout.statuses[t].since for phase in phases for t in rollout.by_phase[phase]), default=rollout.moved)
    return f"{'; '.join(where) or 'the next target'} since {clock_time(since)}"
