"""The state of a test's lab, read from the lab itself and never from Katakei."""

from datetime import timedelta
from pathlib import Path

from tests.lab.conftest import Clients

from katakei.lab.process import Lab

ASKING = ("Describe", "List", "Get")


class Ground:
    """One lab. Calls and starts count from the moment this was made."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.group = lab.target_group_arn
        self.ids = [target.id for target in lab.targets]
        self.aws = Clients(lab.env)
        self._calls = len(lab.calls())
        self._starts = {target.id: self._started(target.folder) for target in lab.targets}

    def changes(self) -> list[str]:
        """Every call that changed something."""
        actions = [str(call["action"]) for call in self.lab.calls()[self._calls :]]
        return [action for action in actions if not action.startswith(ASKING)]

    def set_delay(self, delay: timedelta) -> None:
        """The group's deregistration delay from now on. Changes count from here."""
        attribute = {"Key": "deregistration_delay.timeout_seconds", "Value": str(int(delay.total_seconds()))}
        self.aws.get("elbv2").modify_target_group_attributes(TargetGroupArn=self.group, Attributes=[attribute])
        self._calls = len(self.lab.calls())

    def states(self) -> dict[str, str]:
        """State by id of what the group lists."""
        return {target: state for target, (state, _, _) in self.aws.health(self.group).items()}

    def places(self) -> list[tuple[str, int]]:
        """Registrations as the group lists them."""
        described = self.aws.get("elbv2").describe_target_health(TargetGroupArn=self.group)
        return sorted((one["Target"]["Id"], one["Target"]["Port"]) for one in described["TargetHealthDescriptions"])

    def becomes(self, target: str, state: str, within: float = 20) -> None:
        self.aws.becomes(self.group, target, state, within)

    def starts(self) -> list[int]:
        """How often each server was started since."""
        return [self._started(target.folder) - self._starts[target.id] for target in self.lab.targets]

    def releases(self) -> list[str]:
        return [(Path(target.folder) / "release").read_text().strip() for target in self.lab.targets]

    def put_back(self) -> None:
        """Both servers registered and healthy, no fault left."""
        quiet = {"deny": [], "throttle": 0, "error": 0, "timeout": 0, "deploy_hangs": [], "agent_dead": []}
        self.lab.faults(**quiet)
        missing = [target for target in self.lab.targets if self.states().get(target.id) != "healthy"]
        if missing:
            places = [{"Id": target.id, "Port": target.port} for target in missing]
            self.aws.get("elbv2").register_targets(TargetGroupArn=self.group, Targets=places)
        for target in missing:
            self.becomes(target.id, "healthy")

    @staticmethod
    def _started(folder: str) -> int:
        log = Path(folder) / "starts.log"
        return len(log.read_text().splitlines()) if log.exists() else 0
