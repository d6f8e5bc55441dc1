"""What people want, judged from outside: a revert, a pause, an abort, an interrupt.

As in `judge.py`, each says how it is fair.
"""

from collections.abc import Iterator
from datetime import datetime

from tests.properties.evidence import (
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
from tests.properties.play import ID, Outcome

from katakei.domain.errors import ExitCode
from katakei.domain.events import AbortAsked, PauseAsked, PhaseChanged, ResumeAsked, RevertAsked, RevertDecided
from katakei.domain.phases import Intent, Phase
from katakei.domain.plan import PlanKind
from katakei.reconcile.outcome import taken_back
from katakei.reconcile.revert import not_taken_back

BEGUN = {Intent.UPDATE, Intent.REVERT}
Faults = Iterator[str]


def a_revert_is_a_revert(outcome: Outcome) -> Faults:
    """Once it is wanted no other target is taken out for the update. It goes to no target on which the update never
    began, by its own command; and whoever was updated and does not serve what it brought is named.

    Fair: what was resolved before may still land, within `unknowable`; a person who says that the work is done may have
    been faster than its start.
    """
    told = min((found for kind in (RevertAsked, RevertDecided) if (found := written_at(outcome, kind))), default=None)
    late = told[0] + unknowable(outcome) if told else None
    for key, at in first_starts(outcome).items():
        mark, updated = outcome.world.marks.get(key), begun_on(outcome, key.target, Intent.UPDATE)
        if mark and mark.run != {Intent.REVERT: "undo"}.get(key.intent, "true") and mark.fate != "refused":
            yield f"{mark.run!r} was run as {key.intent.value} on {key.target}"
        updated_before = outcome.setting.by_hand or any(work.begins < at for work in updated)
        if key.intent is Intent.REVERT and not (told and updated_before):
            yield f"{key.target} was to be taken back at {clock(at)}, and was never updated"
        if late and key.intent is Intent.UPDATE and at > late:
            yield f"work on {key.target} was asked for at {clock(at)}, the revert at {clock(told[0]) if told else ''}"
    yield from _whoever_is_not_taken_back_is_named(outcome)


def _whoever_is_not_taken_back_is_named(outcome: Outcome) -> Faults:
    """After a revert: every updated target was well taken back since, or is named; undisturbed, the last one first.

    Fair: a person who does the work is believed; what was refused or failed changes the order.
    """
    wanted = words(outcome, RevertAsked, RevertDecided)
    if not wanted or outcome.setting.by_hand or outcome.rollout.finished is None:
        return
    back: list[tuple[datetime, datetime]] = []
    for target in outcome.world.targets:
        updated, reverted = (begun_on(outcome, target, intent) for intent in (Intent.UPDATE, Intent.REVERT))
        well = [work for work in reverted if work.fate == "good"]
        if updated and not well and target not in not_taken_back(outcome.rollout):
            yield f"{target} was updated, never taken back, and is not named"
        if updated and not well and taken_back(outcome.rollout) is ExitCode.DONE:
            yield f"{target} was never taken back, but exit code 0"
        if updated and well:
            back.append((updated[-1].begins, well[-1].begins))
    if outcome.setting.calm and outcome.setting.window == 1 and len(outcome.setting.reverts) == 1:
        order = [begins for _, begins in sorted(back, reverse=True)]
        if order != sorted(order):
            yield "not the last one first"


def a_pause_is_heard(outcome: Outcome) -> Faults:
    """Between a person's pause and their next word that lets it go on, nobody is resolved to be taken out."""
    paused = False
    for event in outcome.paper.events[ID]:
        if isinstance(event, PauseAsked | ResumeAsked | RevertAsked):
            paused = isinstance(event, PauseAsked)
        if paused and isinstance(event, PhaseChanged) and event.to is Phase.DRAINING and event.intent in BEGUN:
            yield f"{event.target} was resolved to be taken out during a pause"


def an_abort_is_heard(outcome: Outcome) -> Faults:
    """Once a person's abort is in the journal, no other target is taken out and no other work is asked for.

    Fair: what was resolved before may still land, within `unknowable`.
    """
    told = written_at(outcome, AbortAsked)
    if told is None or outcome.setting.kind is not PlanKind.ROLL or RevertAsked in map(type, outcome.paper.events[ID]):
        return  # a revert is a later word, or an earlier one whose targets were taken out before
    late = told[0] + unknowable(outcome)
    for what, at in [*first_taken(outcome).items(), *first_starts(outcome).items()]:
        if at > late:
            yield f"{what} was begun at {clock(at)}, the abort was there to be read at {clock(told[0])}"


def an_interrupt_begins_nothing(outcome: Outcome) -> Faults:
    """A process that was told to stop finishes what it has in hand, and takes no other target out.

    Fair: what was resolved before is in hand, however long its calls take.
    """
    resolved = first_resolved(outcome)
    for when, who in interruptions(outcome):
        for target, at in first_taken(outcome).items():
            mine = any(call.who == who and call.at == at for call in changing(outcome))
            if mine and resolved.get(target, at) > when:
                yield f"{target} was taken out at {clock(at)} by process {who}, interrupted at {clock(when)}"
