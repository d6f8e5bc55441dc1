"""The judge of work that stops machines. As in `judge.py`, each function says how it is fair."""

from collections.abc import Iterator

from tests.properties.ground_truth import back_since, clock, first_starts, short, unknowable
from tests.properties.simulated_aws import By
from tests.properties.simulation import Outcome

from katakei.domain.observation import HealthState

Faults = Iterator[str]


def a_stop_begins_and_goes_on_only_where_it_is_absent(outcome: Outcome) -> Faults:
    """A machine is stopped, and started again, only while no load balancer lists it: evidence is not enough.

    Fair: what a stranger registered less than `unknowable` before could not be known.
    """
    if not outcome.scenario.spec.work.stops:
        return
    for at, key in (*((at, key) for key, at in first_starts(outcome).items()), *outcome.aws.log.gone_on):
        for place in outcome.rollout.targets[key.target].registrations:
            state, back = outcome.aws.was(place, at).state, back_since(outcome, place, at)
            late = back is not None and back.by is By.STRANGER and at - back.at <= unknowable(outcome)
            if state is not HealthState.ABSENT and not late:
                yield f"{short(place)} was stopped or started at {clock(at)} while it was {state.value}"


def no_machine_stays_stopped(outcome: Outcome) -> Faults:
    """At the end every machine that was stopped runs again, whether the rollout was aborted or its process died.

    Fair: a target of which the rollout says that it may not have ended is named, and left to a person.
    """
    for key, mark in outcome.aws.marks.items() if outcome.scenario.spec.work.stops else ():
        named = outcome.rollout.statuses[key.target].may_run
        if mark.fate != "refused" and mark.ends is None and not named:
            yield f"{key.target} was stopped at {clock(mark.begins)} and is stopped at the end"


def a_stop_is_not_given_up(outcome: Outcome) -> Faults:
    """Without strangers no machine is left to a person: an abort lets a stop and a start go on to their end.

    Fair: judged where calls reach AWS.
    """
    given = outcome.scenario
    hindered = given.adversary.strangers or given.adversary.lost or not given.spec.work.stops
    for key, mark in outcome.aws.marks.items() if not hindered else ():
        if mark.fate != "refused" and mark.ends is None:
            yield f"{key.target} was stopped at {clock(mark.begins)} and is stopped at the end"


CLAUSES = {
    "stop absent": a_stop_begins_and_goes_on_only_where_it_is_absent,
    "stop up": no_machine_stays_stopped,
    "stop ends": a_stop_is_not_given_up,
}
