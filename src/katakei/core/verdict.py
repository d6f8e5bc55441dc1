"""How a rollout went, for the exit code: what a script may rely on."""

from katakei.core.errors import Exit
from katakei.core.planned import Kind
from katakei.core.roads import Cause, Phase
from katakei.core.rollout import Rollout


def verdict(rollout: Rollout) -> Exit:
    """0 when everything asked for was done; 3 when a target is out of service that was not to be; else 1, or 130."""
    if rollout.finished is None:
        return Exit.INTERRUPTED
    if rollout.plan.kind is Kind.DEREGISTER:
        return Exit.DONE if _reached(rollout) else Exit.FAILED
    lost = rollout.lost
    if rollout.by_phase[Phase.LEFT_OUT] or any(rollout.standings[target].fell for target in lost):
        return Exit.LEFT_OUT
    hoped = Phase.RETURNED if rollout.plan.kind is Kind.REGISTER else Phase.DONE
    missed = len(rollout.standings) - len(rollout.by_phase[hoped]) + len(lost)
    return Exit.FAILED if missed or rollout.aborting else Exit.DONE


def _reached(rollout: Rollout) -> bool:
    causes = [rollout.standings[target].cause for target in rollout.by_phase[Phase.LEFT_OUT]]
    return len(causes) == len(rollout.standings) and all(cause is Cause.BY_HAND for cause in causes)
