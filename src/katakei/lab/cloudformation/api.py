"""The CloudFormation API by HTTP: forms in, XML out."""

from __future__ import annotations

import re
from collections.abc import Mapping

from katakei.lab import clock
from katakei.lab.cloudformation import actions
from katakei.lab.cloudformation.errors import CloudFormationError
from katakei.lab.cloudformation.service import CloudFormation
from katakei.lab.elb import query_protocol
from katakei.lab.errors import ApiError

SERVICE = "cloudformation"


def answer(
    service: CloudFormation, action: str, form: Mapping[str, str], account: str, region: str
) -> tuple[int, bytes]:
    """Execute one call.

    Returns:
        The status and the XML. A CloudFormationError becomes an error response.
    """
    request_id = clock.unique_uuid()
    try:
        if action not in actions.KNOWN:
            raise CloudFormationError("InvalidAction", f"The lab does not implement {action} of CloudFormation.")
        params = query_protocol.parse(action, form, SERVICE)
        actions.check(action, params)
        with service.region(account, region) as state:
            handler: actions.Action = getattr(actions, re.sub(r"(?<!^)(?=[A-Z])", "_", action).lower())
            result = handler(service, state, params)
        if isinstance(result, actions.Begun):
            service.wait(result.thread)
            result = result.result
    except ApiError as error:
        return error.status, query_protocol.render_error(error, request_id, SERVICE)
    return 200, query_protocol.render(action, result, request_id, SERVICE)
