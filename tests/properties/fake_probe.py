"""The fake probe of one process: it says, a little late, whether requests are really pending on a target.

Of a target that it cannot see it says so in the baseline, and later says quiet without evidence: that must not count.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from tests.properties.builders import seconds
from tests.properties.fake_ports import FakePort
from tests.properties.simulated_aws import OLD_VERDICT

from katakei.domain.model import TargetId
from katakei.domain.observation import DrainEvidence, ProbeVerdict
from katakei.domain.ports import ProbedTarget

UNKNOWN = 0.2  # of the verdicts of a reader: it does not know some connections
SILENCE = 20  # seconds of silence that prove without a reader that nothing is pending
YEAR_9999 = datetime(9999, 12, 31, tzinfo=UTC)


class FakeProbe(FakePort):
    def baseline(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, str]:
        self.fail_for_the_mad(it.target.id for it in targets)
        self.call("baseline")
        known = [it.target.id for it in targets if not self.aws.roll(self.aws.adversary.mute)]
        self.answered()
        return {target: "no traffic seen" if target in self.aws.unseeable else "" for target in known}

    def look(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, DrainEvidence]:
        self.fail_for_the_mad(it.target.id for it in targets)
        self.call("probe")
        told = [it.target.id for it in targets if not self.aws.roll(self.aws.adversary.mute)]
        verdicts = {target: self._verdict(target) for target in told}
        self.answered()
        return verdicts

    def _verdict(self, target: TargetId) -> DrainEvidence:
        """The verdict of some seconds ago; sometimes the probe cannot tell."""
        if self.nonsense(target):
            return DrainEvidence(ProbeVerdict.QUIET, YEAR_9999, YEAR_9999)
        age = seconds(self.aws.rng.uniform(0, OLD_VERDICT))
        quiet = target in self.aws.unseeable or not self.aws.pending(target, self.aws.clock.time - age)
        verdict = ProbeVerdict.QUIET if quiet else ProbeVerdict.BUSY
        verdict = ProbeVerdict.BLIND if self.aws.roll(self.aws.adversary.mute) else verdict
        return DrainEvidence(verdict, self.clock.now() - age - seconds(1), self.clock.now() - age)

    def arrivals(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, int]:
        del targets
        return {}

    def last_look(self, targets: Sequence[ProbedTarget]) -> str:
        del targets
        return "exit 0  # the judge wants to see what would begin without it"

    def unable(self, targets: Sequence[ProbedTarget], by: timedelta) -> Mapping[TargetId, str]:
        del targets, by
        return {}

    def end(self, targets: Sequence[ProbedTarget], *, forbid: bool) -> None:
        """It leaves nothing running."""


class FakeReader(FakeProbe):
    """Readers of requests. Each begins with the baseline; it may die, answer late, or not know a connection.

    Where none runs, proof stands in: nothing may have been pending for a while.
    """

    def baseline(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, str]:
        known = super().baseline(targets)
        self.aws.readers.update(known)
        return known

    def _verdict(self, target: TargetId) -> DrainEvidence:
        now = self.clock.now()
        if self.aws.roll(self.aws.adversary.mute):
            self.aws.readers.discard(target)
        if self.aws.roll(UNKNOWN):
            return DrainEvidence(ProbeVerdict.BUSY, now - seconds(1), now, "4 connections unknown", 4)
        said = super()._verdict(target)
        if target in self.aws.readers or said.verdict is not ProbeVerdict.QUIET:
            return said
        if any(self.aws.pending(target, self.aws.clock.time - seconds(back)) for back in range(SILENCE)):
            return DrainEvidence(ProbeVerdict.BUSY, said.begun, said.ended, "1 connection", 1)
        return said

    def end(self, targets: Sequence[ProbedTarget], *, forbid: bool) -> None:
        del forbid
        self.call("end")
        self.aws.readers.difference_update(it.target.id for it in targets)
        self.answered()
