"""Error responses in the format of each AWS service: query XML, EC2's XML, JSON and S3's XML."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from katakei.lab import clock
from katakei.lab.elb import query_protocol
from katakei.lab.elb.errors import ElbError
from katakei.lab.endpoint.wsgi import HttpResponse

if TYPE_CHECKING:
    from katakei.lab.endpoint.wsgi import ApiCall

THROTTLED = {"ec2": ("RequestLimitExceeded", 503), "ssm": ("ThrottlingException", 400), "s3": ("SlowDown", 503)}
DENIED = {"ec2": ("UnauthorizedOperation", 403), "ssm": ("AccessDeniedException", 400)}
INTERNAL = {"ec2": "InternalError", "s3": "InternalError", "ssm": "InternalServerError"}


def throttled(call: ApiCall) -> HttpResponse:
    """The response to too many calls."""
    code, status = THROTTLED.get(call.service, ("Throttling", 400))
    return error_response(call, code, "Rate exceeded", status)


def denied(call: ApiCall, account: str) -> HttpResponse:
    """The response to a call without permission, in IAM's words."""
    code, status = DENIED.get(call.service, ("AccessDenied", 403))
    what = f"{call.service}:{call.action}"
    text = f"User: arn:aws:iam::{account}:user/lab is not authorized to perform: {what}"
    return error_response(call, code, f"{text} because no identity-based policy allows the {what} action", status)


def internal(call: ApiCall) -> HttpResponse:
    """The response to an internal error of AWS."""
    text = "The request processing has failed because of an unknown error, exception or failure."
    return error_response(call, INTERNAL.get(call.service, "InternalFailure"), text, 500)


def unknown(call: ApiCall) -> HttpResponse:
    """The response to an action that the lab does not implement."""
    if call.json:
        return error_response(call, "UnknownOperationException", f"The lab does not implement {call.action}.", 400)
    return error_response(call, "InvalidAction", f"The action {call.action} is not valid for this web service.", 400)


def unsigned(call: ApiCall) -> HttpResponse:
    """The response to a call without credentials."""
    return error_response(call, "MissingAuthenticationToken", "Request is missing Authentication Token", 403)


def error_response(call: ApiCall, code: str, message: str, status: int) -> HttpResponse:
    """Render one error in the format of the call's service."""
    request_id = clock.unique_uuid()
    kind, text = "text/xml", ""
    if call.json:
        kind, text = "application/x-amz-json-1.1", json.dumps({"__type": code, "message": message})
    elif call.service == "ec2":
        inner = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        text = f"<Response><Errors>{inner}</Errors><RequestID>{request_id}</RequestID></Response>"
    elif call.service == "s3":
        text = (
            f"<Error><Code>{code}</Code><Message>{escape(message)}</Message><RequestId>{request_id}</RequestId></Error>"
        )
    body = text.encode() if text else query_protocol.render_error(ElbError(code, message, status), request_id)
    line = f"{status} {HTTPStatus(status).phrase}"
    return HttpResponse(line, (("Content-Type", kind), ("x-amzn-RequestId", request_id)), body)
