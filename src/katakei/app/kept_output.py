"""The use case that reads the rest of an output: what the journal cut, and the target still keeps."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from katakei.domain.errors import UsageError
from katakei.domain.events import WorkEnded
from katakei.domain.ports import OutputKeeper
from katakei.domain.replay import Rollout
from katakei.render.text import label
from katakei.runtime.drivers import Drivers

MOST = 5
"""Pieces of work that are read in one go, the newest."""

WITHIN = timedelta(seconds=90)
"""For one piece of work."""


class KeptOutputs:
    """Reads outputs where the work was done. It changes nothing there, and nothing in the journal."""

    def __init__(self, drivers: Drivers) -> None:
        self._drivers = drivers

    def complete(self, rollout: Rollout, ended: Sequence[WorkEnded]) -> Sequence[WorkEnded]:
        """The same pieces of work; those whose output the journal cut have all that their targets keep.

        Args:
            rollout: The rollout.
            ended: Its work, in the order in which it ended.

        Raises:
            UsageError: An executor keeps no more than the journal, or a target no longer keeps the output.
            NoAnswerError: A target did not answer.
            UnreachableError: A right is missing.
        """
        asked = {each.key for each in [each for each in ended if each.cut][-MOST:]}
        return [self._completed(rollout, each) if each.key in asked else each for each in ended]

    def _completed(self, rollout: Rollout, ended: WorkEnded) -> WorkEnded:
        command = rollout.plan.spec.command_of(ended.key.intent, ended.key.step)
        executor, target = self._drivers.executor(command), rollout.targets[ended.key.target]
        if not isinstance(executor, OutputKeeper):
            raise UsageError(f"the rest of the output cannot be read with work: {command.executor}")
        self._drivers.tell(f"reading the output on {label(target)}")
        kept = executor.kept_output(ended.key, target, WITHIN)
        return replace(ended, out=kept.out, cut=kept.cut)
