"""Adapter between moto's Systems Manager and the lab's Run Command. moto answers all other calls itself."""

import json
import threading
from collections.abc import Callable

from moto.core.responses import ActionResult
from moto.ssm.exceptions import SSMException
from moto.ssm.responses import SimpleSystemManagerResponse

from katakei.lab.ssm.model import SsmError
from katakei.lab.ssm.service import RunCommand

CALLS = (
    "send_command",
    "get_command_invocation",
    "list_command_invocations",
    "list_commands",
    "cancel_command",
    "describe_instance_information",
)


class Regions:
    """One Run Command for each account and region, started when it is first used. Thread-safe."""

    def __init__(self, new: Callable[[str, str], RunCommand]) -> None:
        self._new = new
        self._services: dict[tuple[str, str], RunCommand] = {}
        self._lock = threading.Lock()

    def get(self, account: str, region: str) -> RunCommand:
        """Returns the service of one account and region."""
        with self._lock:
            if (account, region) not in self._services:
                service = self._services[account, region] = self._new(account, region)
                service.start()
            return self._services[account, region]

    def close(self) -> None:
        """Stop all. No command runs any more when this returns."""
        with self._lock:
            for service in self._services.values():
                service.close()


def install(regions: Regions) -> Callable[[], None]:
    """Replace moto's Run Command calls in this process.

    Returns:
        A function that restores moto.
    """
    before = {name: vars(SimpleSystemManagerResponse).get(name) for name in CALLS}
    for name in CALLS:
        setattr(SimpleSystemManagerResponse, name, _answering(regions, name))

    def undo() -> None:
        for name, method in before.items():
            if method is None:
                delattr(SimpleSystemManagerResponse, name)
            else:
                setattr(SimpleSystemManagerResponse, name, method)

    return undo


def _answering(regions: Regions, name: str) -> Callable[[SimpleSystemManagerResponse], ActionResult]:
    def action(response: SimpleSystemManagerResponse) -> ActionResult:
        call = getattr(regions.get(response.current_account, response.region), name)
        try:
            return ActionResult(call(json.loads(response.body or "{}")))
        except SsmError as error:
            raise SSMException(error.code, error.message) from None

    return action
