"""One plain line per event: what CI logs and `show` print; and the same as one JSON object per line."""

import json
from collections.abc import Mapping, Sequence

from katakei.domain import events as e
from katakei.domain.model import TargetId
from katakei.domain.phases import Cause, Phase
from katakei.domain.ports import RolloutHeader
from katakei.domain.replay import Rollout
from katakei.domain.wire import kind_of
from katakei.domain.words import counted, label, listed, span
from katakei.reconcile.outcome import verdict
from katakei.reconcile.revert import not_taken_back
from katakei.render.grid import grid
from katakei.render.json_data import Plain, plain


def line(rollout: Rollout, event: e.Event) -> str:
    """'12:03:04  i-0abc (web1)  draining'. '' for events that only prove something."""
    text = said(rollout, event)
    return f"{event.at:%H:%M:%S}  {text}" if text else ""


def said(rollout: Rollout, event: e.Event) -> str:
    """The same without its time."""
    match event:
        case e.PhaseChanged(_, target, to, why):
            return f"{label(rollout.targets[target])}  {to.value}" + (f": {why}" if why else "")
        case e.TargetAdded(_, target, takes_part, why):
            what = "rolled at the end" if takes_part else f"left as it is ({why})"
            return f"{label(target)}  registered by somebody meanwhile; {what}"
        case e.OwnerChanged(_, owner):
            return f"taken in hand by {owner}"
        case e.Started(_, key, ticket):
            return f"{label(rollout.targets[key.target])}  work started" + (f" ({ticket})" if ticket else "")
        case e.WorkEnded(_, key, code):
            return f"{label(rollout.targets[key.target])}  work ended with exit code {code}"
        case e.WorkLost(_, key, begun):
            told = "work was interrupted" if begun else "work was refused before it began"
            return f"{label(rollout.targets[key.target])}  {told}"
        case e.RegistrationRejected(_, target, why):
            return f"{label(rollout.targets[target])}  refused by the load balancer: {why}"
        case _:
            return _seen(rollout, event)


def _seen(rollout: Rollout, event: e.Event) -> str:
    """What was seen of one target."""
    match event:
        case e.ObservedBusy(_, target, why):
            return f"{label(rollout.targets[target])}  still drains: {why}"
        case e.DrainCutShort(_, target, connections):
            number = counted(connections, "connection")
            return f"{label(rollout.targets[target])}  not waited for any longer (drain.cut_after): {number}"
        case e.RequestsAfterQuiet(_, target, requests):
            number = counted(requests, "request")
            return (
                f"{label(rollout.targets[target])}  {number} came after it was called quiet: drain.settle is too short"
            )
        case e.BecameUnhealthy(_, target, why):
            return f"{label(rollout.targets[target])}  left service again: {why}"
        case e.FailedAfterDone(_, target, why):
            return f"{label(rollout.targets[target])}  failed after it was done: it {why}"
        case e.FoundServing(_, target):
            return f"{label(rollout.targets[target])}  found in service although we hold it out; deregistered again"
        case _:
            return _asked(event)


def _asked(event: e.Event) -> str:
    """What a person wanted."""
    match event:
        case e.Approved(_, by, target):
            return f"{target or 'all'}  approved by {by}"
        case e.AbortAsked(_, by):
            return f"abort asked by {by}"
        case e.PauseAsked(_, by):
            return f"paused by {by}: finishing what is in hand"
        case e.ResumeAsked(_, by):
            return f"resumed by {by}"
        case e.RevertAsked(_, by):
            return f"revert asked by {by}: what was touched is taken back, the last one first"
        case e.RevertDecided(_, failures):
            failed = f"{counted(failures, 'target')} failed, more than on_failure.max_failures allows"
            return f"revert by on_failure: {failed}; what was touched is taken back, the last one first"
        case e.RetryAsked(_, by, targets):
            return f"one more attempt asked by {by}: {listed(targets)}"
        case e.Interrupted(_, by):
            return f"interrupted ({by}): finishing what is in hand"
        case _:
            return ""


def object_json(kind: str, body: Mapping[str, Plain]) -> str:
    """One object of the stream, with its kind as `event`."""
    return json.dumps({"event": kind, **body}, ensure_ascii=False)


def event_json(event: e.Event) -> str:
    """One event as one line of JSON."""
    body = plain(event)
    return object_json(kind_of(event), body if isinstance(body, dict) else {})


def waiting_json(at: str, why: str) -> str:
    """The sentence of promise 9, for a program that follows."""
    return object_json("Waiting", {"at": at, "why": why})


def summary(rollout: Rollout) -> str:
    """How it went, in one or two lines, naming whoever is outside."""
    counts = {phase: len(targets) for phase, targets in rollout.by_phase.items() if targets}
    ends = ", ".join(f"{count} {phase.value}" for phase, count in counts.items())
    state = "finished after" if rollout.finished else "not finished after"
    took = span((rollout.finished or rollout.moved) - rollout.begun)
    text = f"rollout {rollout.plan.rollout} {state} {took}: {ends}"
    outside = rollout.by_phase[Phase.LEFT_OUT]
    asked = [target for target in outside if rollout.statuses[target].cause is Cause.BY_HAND]
    left = [f"{label(rollout.targets[t])}: {rollout.statuses[t].why}" for t in outside if t not in asked]
    if asked:
        names = " ".join([rollout.plan.spec.service, *asked])
        text += f"\nout of service, as asked: {listed(asked)}; back again by: katakei register {names}"
    text += "\nleft out of service: " + "; ".join(left) if left else ""
    text += "".join(f"\n{lost(rollout, target)}" for target in rollout.lost)
    return text + _taken_back(rollout)


def lost(rollout: Rollout, target: TargetId) -> str:
    """A failure that showed late, and whether it is one still."""
    status = rollout.statuses[target]
    now = "it does not serve" if status.fell else "it serves again"
    return f"failed after it was done: {label(rollout.targets[target])} {status.why}; {now}"


def _taken_back(rollout: Rollout) -> str:
    """Who serves what a revert brought, and who still serves what it was to take back."""
    if not rollout.reverting:
        return ""
    missed = not_taken_back(rollout)
    touched = sum(status.touched > 0 for status in rollout.statuses.values())
    serving = [label(rollout.targets[target]) for target in missed if target not in rollout.by_phase[Phase.LEFT_OUT]]
    why = f" ({rollout.stopped})" if rollout.stopped else ""
    named = f"; not taken back: {listed(serving)}{why}" if serving else ""
    count = f"{touched - len(missed)} of {counted(touched, 'touched target')} taken back"
    return f"\nreverted by {rollout.reverting}: {count}{named}"


def how_to_go_on(rollout: Rollout) -> str:
    """What a person can do about a rollout that nobody drives any more, and who is outside meanwhile."""
    name = rollout.plan.rollout
    out = [label(rollout.targets[target]) for target in rollout.out_of_service]
    return (
        f"rollout {name} is not finished; out of service: {listed(out) or 'none'};"
        f" carry it on: the same command again; bring everything back instead: katakei abort {name}"
    )


def summary_data(rollout: Rollout) -> dict[str, Plain]:
    """The same for a program."""
    targets: list[Plain] = [
        {
            "id": target,
            "name": rollout.targets[target].name,
            "phase": status.phase.value,
            "intent": status.intent.value,
            "attempt": status.attempt,
            "since": status.since.isoformat(),
            "why": status.why,
            "exit": status.exit,
        }
        for target, status in rollout.statuses.items()
    ]
    return {
        "rollout": rollout.plan.rollout,
        "service": rollout.plan.spec.service,
        "release": rollout.plan.release,
        "begun": rollout.begun.isoformat(),
        "finished": rollout.finished.isoformat() if rollout.finished else None,
        "exit": int(verdict(rollout)),
        "left_out": plain(rollout.at(Phase.LEFT_OUT)),
        "failed_late": plain(rollout.lost),
        "reverted_by": rollout.reverting or None,
        "not_taken_back": plain(not_taken_back(rollout)),
        "paused_by": rollout.paused or None,
        "owner": str(rollout.owner or ""),
        "waiting_for": held_by(rollout),
        "targets": targets,
    }


def history(rollout: Rollout, events: Sequence[e.Event]) -> str:
    """What `show` prints: how it stands, who is where, and every event that says something."""
    heads = ("TARGET", "NAME", "PHASE", "SINCE", "WHY")
    rows = [
        (target, rollout.targets[target].name, s.phase.value, f"{s.since:%H:%M:%S}", s.why)
        for target, s in rollout.statuses.items()
    ]
    told = [text for event in events[1:] if (text := line(rollout, event))]
    waits = [] if rollout.finished else [f"waiting for: {held_by(rollout)}; driven by {rollout.owner or 'nobody'}"]
    return "\n".join([summary(rollout), *waits, "", grid(heads, rows), "", *told])


def header_row(header: RolloutHeader) -> tuple[str, ...]:
    """One rollout of the list, for a person."""
    finished = f"{header.finished:%Y-%m-%d %H:%M}" if header.finished else "not finished"
    return header.rollout, header.service, f"{header.begun:%Y-%m-%d %H:%M}", finished, header.who


def header_data(header: RolloutHeader) -> Plain:
    """The same for a program."""
    return plain(header)


def held_by(rollout: Rollout) -> str:
    """What the journal alone can say of the wait: who is in which phase, since when."""
    if rollout.finished:
        return ""
    phases = [phase for phase in Phase if rollout.by_phase[phase] and phase in _SHOWN]
    where = [f"{listed(rollout.by_phase[phase])} {phase.value}" for phase in phases]
    since = min((rollout.statuses[t].since for phase in phases for t in rollout.by_phase[phase]), default=rollout.moved)
    return f"{'; '.join(where) or 'the next target'} since {since:%H:%M:%S} UTC"


_SHOWN = {
    Phase.DRAINING,
    Phase.OUT,
    Phase.WORKING,
    Phase.CHECKING,
    Phase.WARMING,
    Phase.SOAKING,
    Phase.RETURNING,
}
