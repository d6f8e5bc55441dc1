"""The fake executor of work that stops machines: each stays stopped until another start is made under its key."""

from collections.abc import Mapping
from datetime import timedelta

from tests.properties.builders import seconds
from tests.properties.fake_ports import FakeExecutor
from tests.properties.simulated_aws import Mark

from katakei.domain.actions import Job
from katakei.domain.events import WorkKey
from katakei.domain.model import Target
from katakei.domain.observation import WorkState, WorkStatus

STOPPING = 25.0  # seconds until a machine is stopped
BOOTING = 3.0


class StoppingExecutor(FakeExecutor):
    """Stops machines, and starts each again when another start comes under its key.

    A mark without an end is a stopped machine.
    """

    def start(self, jobs: Mapping[WorkKey, tuple[Target, Job]], by: timedelta) -> Mapping[WorkKey, str]:
        taken = super().start(jobs, by)
        now = self.aws.clock.time
        for key in taken:
            if self._is_stopped(key):
                self.aws.log.gone_on.append((now, key))
                self.aws.marks[key].ends = now + seconds(BOOTING)
        return taken

    def _is_stopped(self, key: WorkKey) -> bool:
        mark = self.aws.marks.get(key)
        stopped = mark is not None and mark.fate != "refused" and mark.ends is None
        return stopped and mark is not None and self.aws.clock.time >= mark.begins + seconds(STOPPING)

    def _mark(self, run: str) -> Mark:
        now, fate = self.aws.clock.time, "refused" if self.aws.roll(self.aws.adversary.refused) else "good"
        return Mark(now, now + seconds(0.5), None, fate, run)

    def _work(self, key: WorkKey, recorded: str) -> WorkStatus:
        said = super()._work(key, recorded)
        return WorkStatus(WorkState.HALFWAY) if said.state is WorkState.RUNNING and self._is_stopped(key) else said
