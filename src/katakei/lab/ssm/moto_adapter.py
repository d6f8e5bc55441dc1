"""Adapter between moto's Systems Manager and the lab's Run Command. moto answers all other calls itself."""

import json
from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.ssm.exceptions import SSMException
from moto.ssm.responses import SimpleSystemManagerResponse

from katakei.lab.ssm.model import SsmError
from katakei.lab.ssm.service import RunCommand

Call = Callable[[dict[str, Any]], dict[str, Any]]


def install(service: RunCommand) -> Callable[[], None]:
    """Replace moto's Run Command calls in this process.

    Returns:
        A function that restores moto.
    """
    calls: tuple[Call, ...] = (
        service.send_command,
        service.get_command_invocation,
        service.list_command_invocations,
        service.list_commands,
        service.cancel_command,
        service.describe_instance_information,
    )
    before = {call.__name__: vars(SimpleSystemManagerResponse).get(call.__name__) for call in calls}
    for call in calls:
        setattr(SimpleSystemManagerResponse, call.__name__, _answering(call))

    def undo() -> None:
        for name, method in before.items():
            if method is None:
                delattr(SimpleSystemManagerResponse, name)
            else:
                setattr(SimpleSystemManagerResponse, name, method)

    return undo


def _answering(call: Call) -> Callable[[SimpleSystemManagerResponse], ActionResult]:
    def action(response: SimpleSystemManagerResponse) -> ActionResult:
        try:
            return ActionResult(call(json.loads(response.body or "{}")))
        except SsmError as error:
            raise SSMException(error.code, error.message) from None

    return action
