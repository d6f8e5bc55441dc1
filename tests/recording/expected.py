"""What this version makes of a recorded rollout. Every later version must answer the same."""

from collections.abc import Sequence

from katakei.adapters.journals.event_codec import coder
from katakei.domain.events import Event
from katakei.domain.observation import baseline_text
from katakei.domain.phases import Phase
from katakei.domain.reasons import Reason, ReasonCode
from katakei.domain.replay import replay
from katakei.domain.rollout import TargetStatus
from katakei.domain.wire import kind_of
from katakei.reconcile.outcome import verdict

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]


def expected(events: Sequence[Event]) -> dict[str, Plain]:
    """The answers of `replay` for one rollout, under names that never change.

    Returns:
        Facts as JSON. A fact about a target that is None or False is left out.
    """
    rollout = replay(events)
    return {
        "kind": rollout.plan.kind.value,
        "service": rollout.plan.spec.service,
        "release": rollout.plan.release,
        "run": rollout.plan.spec.work.run,
        "window": rollout.plan.window,
        "events": len(events),
        "last": kind_of(events[-1]),
        "begun": rollout.begun.isoformat(),
        "finished": rollout.finished.isoformat() if rollout.finished else None,
        "paused": rollout.paused or "",
        "aborting": rollout.aborting or "",
        "reverting": rollout.reverting or "",
        "interrupted": rollout.interrupted,
        "unheard": rollout.unacknowledged,
        "reopened": rollout.reopened,
        "failures": rollout.failures,
        "exit": int(verdict(rollout)),
        "owner": str(rollout.owner or ""),
        "out_of_service": list(rollout.out_of_service),
        "left_out": list(rollout.at(Phase.LEFT_OUT)),
        "targets": {target: _target(status) for target, status in rollout.statuses.items()},
    }


def _target(status: TargetStatus) -> Plain:
    optional: dict[str, Plain] = {
        **_reason(status.reason),
        "ticket": status.ticket,
        "exit": status.exit,
        "blind": None if status.baseline is None else baseline_text(status.baseline),
        "approved": status.approved,
        "touched": bool(status.touched),
        "may_run": status.may_run,
        "retry": status.retry,
    }
    return {
        "phase": status.phase.value,
        "intent": status.intent.value,
        "attempt": status.attempt,
        "cause": status.cause.value if status.cause else None,
        **{name: value for name, value in optional.items() if value is not None and value is not False},
    }


def _reason(reason: Reason | None) -> dict[str, Plain]:
    """The text that version 1 recorded, or the code with its facts; never the sentence, whose words may change."""
    if reason is None:
        return {}
    if reason.code == ReasonCode.RECORDED_TEXT:
        return {"why": str(reason.value("text"))}
    return {"reason": coder(Reason).write(reason)}
