"""The judge of steps beside the work: their order, and that none is left out.

As in `judge.py`, each function says how it is fair.
"""

from collections.abc import Iterator
from dataclasses import replace

from tests.properties.ground_truth import begun_on, clock
from tests.properties.simulation import Outcome

from katakei.domain.phases import Intent, Phase, Step

Faults = Iterator[str]


def steps_run_in_order(outcome: Outcome) -> Faults:
    """A step begins only after the step before it has ended well, in the same attempt.

    Fair: a person who works by hand ends a step without a mark.
    """
    steps = outcome.scenario.spec.steps(Intent.UPDATE)
    for key, mark in outcome.aws.marks.items():
        if key.intent is not Intent.UPDATE or key.step is steps[0] or mark.fate == "refused":
            continue
        earlier = steps[steps.index(key.step) - 1]
        same = replace(key, step=earlier)
        before = [outcome.aws.marks[same]] if same in outcome.aws.marks else []
        well = [each for each in before if each.fate == "good" and each.ends and each.ends <= mark.begins]
        if not well and not outcome.scenario.by_hand:
            at = clock(mark.begins)
            yield f"{key.step.value} began on {key.target} at {at}, and {earlier.value} had not ended well"


def a_done_target_has_every_step(outcome: Outcome) -> Faults:
    """On a target that was done, every step of the update began.

    Fair: nobody reverted it, and no person said that its work is done.
    """
    steps = outcome.scenario.spec.steps(Intent.UPDATE)
    for target in outcome.rollout.at(Phase.DONE) if len(steps) > 1 and not outcome.scenario.by_hand else ():
        if outcome.rollout.statuses[target].intent is not Intent.UPDATE or not begun_on(outcome, target, Intent.UPDATE):
            continue
        known = {k.step for k, m in outcome.aws.marks.items() if k.target == target and m.fate != "refused"}
        if missing := [step.value for step in Step if step in steps and step not in known]:
            yield f"{target} is done without {missing}"


CLAUSES = {"step order": steps_run_in_order, "step all": a_done_target_has_every_step}
