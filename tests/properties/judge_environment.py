"""The judge of what others change: late failures, late targets, and outages.

As in `judge.py`, each says how it is fair.
"""

from collections.abc import Iterator
from dataclasses import replace

from tests.properties.adversary import Adversary
from tests.properties.builders import seconds
from tests.properties.ground_truth import (
    changing,
    clock,
    done_at,
    floor_can_be_kept,
    out_of_service,
    unknowable,
    words,
)
from tests.properties.simulation import Outcome

from katakei.domain.errors import ExitCode
from katakei.domain.events import AbortAsked, Interrupted, RevertAsked, RevertDecided
from katakei.domain.phases import Phase
from katakei.domain.plan import PlanKind
from katakei.domain.spec import LatePolicy
from katakei.reconcile.outcome import verdict

BLINDNESS = ("unseen", "blind", "denied", "gone", "deleted", "paper")
LATE = seconds(30) + seconds(10)  # and the observations that show it
Faults = Iterator[str]


def late_failures_set_the_exit_code(outcome: Outcome) -> Faults:
    """A target that was done, and has been out of service for long when the rollout ends, is no success: exit code 3.

    Fair: half a minute is allowed; judged where groups can be observed. Such a target counts as failed, which
    `a_bad_release_stops_early` knows.
    """
    given = outcome.scenario
    if given.kind is not PlanKind.ROLL or any(getattr(given.adversary, name) for name in BLINDNESS):
        return
    for name, since in done_at(outcome).items():
        target = outcome.rollout.targets[name]
        for fell in out_of_service(outcome, target, since, outcome.ended):
            if outcome.ended - fell > LATE + unknowable(outcome) and verdict(outcome.rollout) is not ExitCode.LEFT_OUT:
                yield f"{name} was done at {clock(since)}, out of service from {clock(fell)} to the end, and not named"


def late_targets_are_updated_or_left(outcome: Outcome) -> Faults:
    """With `late: leave` no call touches a machine that somebody registered during the rollout; with `late: roll` one
    that came in time is worked on.

    Fair: in time is a minute before the end, where there is no other fault and no abort or revert.
    """
    given, late = outcome.scenario, outcome.scenario.spec.late
    alone = replace(given.adversary, born=0) == Adversary() and not given.holds
    undisturbed = alone and not words(outcome, AbortAsked, RevertAsked, RevertDecided, Interrupted)
    for new in outcome.aws.born:
        touched = [call for call in changing(outcome) if call.places & set(new.registrations)]
        begun = [was.at for place in new.registrations for was in outcome.aws.past[place][1:2]]
        if late is LatePolicy.LEAVE and touched:
            yield f"{new.name} is to be left as it is, and {touched[0].kind} was called at {clock(touched[0].at)}"
        in_time = any(outcome.ended - at > seconds(60) for at in begun)
        if late is LatePolicy.ROLL and undisturbed and in_time and not touched:
            yield f"{new.name} came at {clock(begun[0])} and was never rolled"


def a_mad_target_is_alone(outcome: Outcome) -> Faults:
    """Where the drivers fail for one target only, all others are done, and that one is done or named. A target whose
    registration is rejected for some seconds is done.

    Fair: judged where nothing else goes wrong, the floor lets one target be out, failures stop nothing, and no person
    decides.
    """
    given = outcome.scenario
    alone = replace(given.adversary, mad=0, lingers=0) == Adversary() and given.kind is PlanKind.ROLL
    free = given.spec.on_failure.max_failures >= len(outcome.aws.mad) and floor_can_be_kept(outcome)
    people = (
        given.abort is not None or given.reverts or given.by_hand or given.interrupts or given.pauses or given.holds
    )
    one = len(outcome.aws.mad) <= 1 and (outcome.aws.mad or outcome.aws.lingering)
    if not alone or people or not free or not one:
        return
    for target, status in outcome.rollout.statuses.items():
        if target not in outcome.aws.mad and status.phase is not Phase.DONE:
            yield f"{target} ended {status.phase.value}, and only {sorted(outcome.aws.mad)} is mad"
        if status.phase is not Phase.DONE and not status.reason:
            yield f"{target} ended {status.phase.value} without a reason"


def outages_are_retried(outcome: Outcome) -> Faults:
    """An outage of less than 15 minutes ends no process.

    Fair: judged where nothing else ends one.
    """
    alone = replace(outcome.scenario.adversary, gone=0) == Adversary()
    if outcome.scenario.adversary.gone and alone and outcome.figures["gave up"]:
        yield f"{outcome.figures['gave up']} processes gave up"
