"""A witness at one process's door: it tells, a little late, whether requests are truly pending on a target.

Of a target that it cannot see it says so beforehand, and is then quiet without a reason: that must not be believed.
"""

from collections.abc import Mapping, Sequence

from tests.properties.doors import Door
from tests.properties.things import seconds
from tests.properties.world import OLD_VERDICT

from katakei.domain.model import TargetId
from katakei.domain.observation import DrainEvidence, ProbeVerdict
from katakei.domain.ports import ProbedTarget


class WitnessDoor(Door):
    def baseline(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, str]:
        self.call("baseline")
        known = [it.target.id for it in targets if not self.world.roll(self.world.wicked.mute)]
        self.answered()
        return {target: "no traffic seen" if target in self.world.unseeable else "" for target in known}

    def look(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, DrainEvidence]:
        self.call("witness")
        told = [it.target.id for it in targets if not self.world.roll(self.world.wicked.mute)]
        verdicts = {target: self._verdict(target) for target in told}
        self.answered()
        return verdicts

    def _verdict(self, target: TargetId) -> DrainEvidence:
        """Of some seconds ago; now and then it cannot tell."""
        age = seconds(self.world.dice.uniform(0, OLD_VERDICT))
        quiet = target in self.world.unseeable or not self.world.pending(target, self.world.clock.time - age)
        verdict = ProbeVerdict.QUIET if quiet else ProbeVerdict.BUSY
        verdict = ProbeVerdict.BLIND if self.world.roll(self.world.wicked.mute) else verdict
        return DrainEvidence(verdict, self.clock.now() - age - seconds(1), self.clock.now() - age)

    def arrivals(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, int]:
        del targets
        return {}

    def last_look(self, targets: Sequence[ProbedTarget]) -> str:
        del targets
        return "exit 0  # the judge wants to see what would be begun without it"
