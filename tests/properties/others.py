"""What is promised while others change the world: late failures, late targets, and worlds that come back.

As in `judge.py`, each says how it is fair.
"""

from collections.abc import Iterator
from dataclasses import replace

from tests.properties.evidence import changing, clock, done_at, out_of_service, unknowable, words
from tests.properties.play import Outcome
from tests.properties.things import seconds
from tests.properties.vices import Wickedness

from katakei.domain.errors import ExitCode
from katakei.domain.events import AbortAsked, Interrupted, RevertAsked, RevertDecided
from katakei.domain.plan import PlanKind
from katakei.domain.spec import LatePolicy
from katakei.reconcile.outcome import verdict

BLINDNESS = ("unseen", "blind", "denied", "gone", "deleted", "paper")
LATE = seconds(30) + seconds(10)  # and the looks that tell it
Faults = Iterator[str]


def a_release_that_shows_late_to_be_bad_is_a_failure(outcome: Outcome) -> Faults:
    """A target that was done, and has been out of service for long when the rollout ends, is no success: exit code 3.

    Fair: half a minute is its own; judged where the groups can be seen. One that is lost counts as failed, which
    `a_bad_release_stops_early` knows.
    """
    given = outcome.setting
    if given.kind is not PlanKind.ROLL or any(getattr(given.wicked, name) for name in BLINDNESS):
        return
    for name, since in done_at(outcome).items():
        target = outcome.rollout.targets[name]
        for fell in out_of_service(outcome, target, since, outcome.ended):
            if outcome.ended - fell > LATE + unknowable(outcome) and verdict(outcome.rollout) is not ExitCode.LEFT_OUT:
                yield f"{name} was done at {clock(since)}, out of service from {clock(fell)} to the end, and not named"


def who_comes_late_is_rolled_or_left(outcome: Outcome) -> Faults:
    """With `late: leave` no call of ours ever touches a machine that somebody registered meanwhile; with `late: roll`
    one that came in good time is worked on.

    Fair: in good time is a minute before the end, where nothing else disturbs and nobody wants an end or a revert.
    """
    given, late = outcome.setting, outcome.setting.spec.late
    alone = replace(given.wicked, born=0) == Wickedness()
    undisturbed = alone and not words(outcome, AbortAsked, RevertAsked, RevertDecided, Interrupted)
    for new in outcome.world.born:
        touched = [call for call in changing(outcome) if call.places & set(new.registrations)]
        begun = [was.at for place in new.registrations for was in outcome.world.past[place][1:2]]
        if late is LatePolicy.LEAVE and touched:
            yield f"{new.name} is to be left as it is, and {touched[0].kind} was called at {clock(touched[0].at)}"
        in_time = any(outcome.ended - at > seconds(60) for at in begun)
        if late is LatePolicy.ROLL and undisturbed and in_time and not touched:
            yield f"{new.name} came at {clock(begun[0])} and was never rolled"


def a_world_that_may_come_back_is_borne(outcome: Outcome) -> Faults:
    """An endpoint that is gone for less than a quarter of an hour ends no process.

    Fair: judged where nothing else does.
    """
    alone = replace(outcome.setting.wicked, gone=0) == Wickedness()
    if outcome.setting.wicked.gone and alone and outcome.figures["gave up"]:
        yield f"{outcome.figures['gave up']} processes gave up"
