"""The judge of users' commands: a revert, a pause, an abort, an interrupt.

As in `judge.py`, each says how it is fair.
"""

from collections.abc import Iterator
from datetime import datetime

from tests.properties.ground_truth import (
    begun_on,
    changing,
    clock,
    first_resolved,
    first_starts,
    first_taken,
    interruptions,
    unknowable,
    words,
    written_at,
)
from tests.properties.simulation import ID, Outcome

from katakei.domain.errors import ExitCode
from katakei.domain.events import AbortAsked, PauseAsked, PhaseChanged, ResumeAsked, RevertAsked, RevertDecided
from katakei.domain.phases import Intent, Phase
from katakei.domain.plan import PlanKind
from katakei.domain.results import not_taken_back
from katakei.reconcile.outcome import taken_back

BEGUN = {Intent.UPDATE, Intent.REVERT}
Faults = Iterator[str]


def a_revert_is_a_revert(outcome: Outcome) -> Faults:
    """After a revert was asked for, no other target is taken out for the update. The revert goes only to targets on
    which the update began, with its own command, and names every updated target that does not serve what it brought.

    Fair: what was decided before may still take effect, within `unknowable`; an approval may come before the start.
    """
    told = min((found for kind in (RevertAsked, RevertDecided) if (found := written_at(outcome, kind))), default=None)
    late = told[0] + unknowable(outcome) if told else None
    for key, at in first_starts(outcome).items():
        mark, updated = outcome.aws.marks.get(key), begun_on(outcome, key.target, Intent.UPDATE)
        if mark and mark.run != {Intent.REVERT: "undo"}.get(key.intent, "true") and mark.fate != "refused":
            yield f"{mark.run!r} was run as {key.intent.value} on {key.target}"
        updated_before = outcome.scenario.by_hand or any(work.begins < at for work in updated)
        if key.intent is Intent.REVERT and not (told and updated_before):
            yield f"{key.target} was to be taken back at {clock(at)}, and was never updated"
        if late and key.intent is Intent.UPDATE and at > late:
            yield f"work on {key.target} was asked for at {clock(at)}, the revert at {clock(told[0]) if told else ''}"
    yield from _unreverted_targets_are_named(outcome)


def _unreverted_targets_are_named(outcome: Outcome) -> Faults:
    """After a revert every updated target was reverted well, or is named; undisturbed, the last one first.

    Fair: manual work is believed; refused or failed work changes the order.
    """
    wanted = words(outcome, RevertAsked, RevertDecided)
    if not wanted or outcome.scenario.by_hand or outcome.rollout.finished is None:
        return
    back: list[tuple[datetime, datetime]] = []
    for target in outcome.aws.targets:
        updated, reverted = (begun_on(outcome, target, intent) for intent in (Intent.UPDATE, Intent.REVERT))
        well = [work for work in reverted if work.fate == "good"]
        if updated and not well and target not in not_taken_back(outcome.rollout):
            yield f"{target} was updated, never taken back, and is not named"
        if updated and not well and taken_back(outcome.rollout) is ExitCode.DONE:
            yield f"{target} was never taken back, but exit code 0"
        if updated and well:
            back.append((updated[-1].begins, well[-1].begins))
    if outcome.scenario.calm and outcome.scenario.window == 1 and len(outcome.scenario.reverts) == 1:
        order = [begins for _, begins in sorted(back, reverse=True)]
        if order != sorted(order):
            yield "not the last one first"


def a_pause_is_heard(outcome: Outcome) -> Faults:
    """Between a pause and the next command that resumes, no target is decided to be taken out."""
    paused = False
    for event in outcome.store.events[ID]:
        if isinstance(event, PauseAsked | ResumeAsked | RevertAsked):
            paused = isinstance(event, PauseAsked)
        if paused and isinstance(event, PhaseChanged) and event.to is Phase.DRAINING and event.intent in BEGUN:
            yield f"{event.target} was resolved to be taken out during a pause"


def an_abort_is_heard(outcome: Outcome) -> Faults:
    """Once an abort is in the journal, no other target is taken out and no other work is started.

    Fair: what was resolved before may still land, within `unknowable`.
    """
    told = written_at(outcome, AbortAsked)
    if told is None or outcome.scenario.kind is not PlanKind.ROLL or RevertAsked in map(type, outcome.store.events[ID]):
        return  # a revert is a later word, or an earlier one whose targets were taken out before
    late = told[0] + unknowable(outcome)
    for what, at in [*first_taken(outcome).items(), *first_starts(outcome).items()]:
        if at > late:
            yield f"{what} was begun at {clock(at)}, the abort was there to be read at {clock(told[0])}"


def an_interrupt_begins_nothing(outcome: Outcome) -> Faults:
    """An interrupted process finishes targets in progress and takes no other target out.

    Fair: what was decided before is in progress, however long its calls take.
    """
    resolved = first_resolved(outcome)
    for when, who in interruptions(outcome):
        for target, at in first_taken(outcome).items():
            mine = any(call.who == who and call.at == at for call in changing(outcome))
            if mine and resolved.get(target, at) > when:
                yield f"{target} was taken out at {clock(at)} by process {who}, interrupted at {clock(when)}"
