"""How a rollout went, for the exit code: what a script may rely on."""

from katakei.domain.errors import ExitCode
from katakei.domain.phases import Cause, Phase
from katakei.domain.plan import PlanKind
from katakei.domain.replay import Rollout
from katakei.reconcile.revert import not_taken_back


def verdict(rollout: Rollout) -> ExitCode:
    """0 when everything asked for was done; 3 when a target is out of service that was not to be; else 1, or 130.

    What was reverted did not bring what was asked for, however well it was taken back: see `taken_back`.
    """
    if rollout.finished is None:
        return ExitCode.INTERRUPTED
    if rollout.plan.kind is PlanKind.DEREGISTER:
        return ExitCode.DONE if _reached(rollout) else ExitCode.FAILED
    lost = rollout.lost
    if rollout.by_phase[Phase.LEFT_OUT] or any(rollout.statuses[target].fell for target in lost):
        return ExitCode.LEFT_OUT
    hoped = Phase.RETURNED if rollout.plan.kind is PlanKind.REGISTER else Phase.DONE
    missed = len(rollout.statuses) - len(rollout.by_phase[hoped]) + len(lost)
    return ExitCode.FAILED if missed or rollout.aborting or rollout.reverting else ExitCode.DONE


def taken_back(rollout: Rollout) -> ExitCode:
    """The same for who asked for a revert: 0 when every target that was touched serves what the revert brought."""
    told = verdict(rollout)
    undisturbed = rollout.reverting and not rollout.aborting and not rollout.lost
    return ExitCode.DONE if told is ExitCode.FAILED and undisturbed and not not_taken_back(rollout) else told


def _reached(rollout: Rollout) -> bool:
    causes = [rollout.statuses[target].cause for target in rollout.by_phase[Phase.LEFT_OUT]]
    return len(causes) == len(rollout.statuses) and all(cause is Cause.BY_HAND for cause in causes)
