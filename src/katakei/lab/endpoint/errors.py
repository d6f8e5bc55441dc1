"""Error responses in the format of each AWS service: query XML, EC2's XML, JSON and S3's XML."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from katakei.lab import clock
from katakei.lab.elb import query_protocol
from katakei.lab.elb.errors import ElbError
from katakei.lab.endpoint.signatures import Problem
from katakei.lab.endpoint.wsgi import HttpResponse, Protocol

if TYPE_CHECKING:
    from katakei.lab.endpoint.wsgi import ApiCall

THROTTLED = {
    Protocol.EC2: ("RequestLimitExceeded", 503),
    Protocol.JSON: ("ThrottlingException", 400),
    Protocol.CBOR: ("ThrottlingException", 400),
    Protocol.S3: ("SlowDown", 503),
}
DENIED = {
    Protocol.EC2: ("UnauthorizedOperation", 403),
    Protocol.JSON: ("AccessDeniedException", 400),
    Protocol.CBOR: ("AccessDeniedException", 403),
}
UNAUTHENTICATED: dict[Protocol, dict[Problem, tuple[str, int]]] = {
    Protocol.QUERY: {
        Problem.MISSING: ("MissingAuthenticationToken", 403),
        Problem.MALFORMED: ("IncompleteSignature", 400),
        Problem.UNKNOWN_KEY: ("InvalidClientTokenId", 403),
        Problem.INVALID_TOKEN: ("InvalidClientTokenId", 403),
        Problem.EXPIRED_TOKEN: ("ExpiredToken", 403),
        Problem.SKEWED: ("SignatureDoesNotMatch", 403),
        Problem.EXPIRED_URL: ("SignatureDoesNotMatch", 403),
        Problem.MISMATCH: ("SignatureDoesNotMatch", 403),
        Problem.OTHER_BODY: ("SignatureDoesNotMatch", 403),
    },
    Protocol.EC2: {
        Problem.MISSING: ("MissingAuthenticationToken", 403),
        Problem.UNKNOWN_KEY: ("AuthFailure", 401),
        Problem.INVALID_TOKEN: ("AuthFailure", 401),
        Problem.EXPIRED_TOKEN: ("RequestExpired", 400),
        Problem.SKEWED: ("RequestExpired", 400),
        Problem.MISMATCH: ("AuthFailure", 401),
    },
    Protocol.JSON: {
        Problem.MISSING: ("MissingAuthenticationTokenException", 400),
        Problem.MALFORMED: ("IncompleteSignatureException", 400),
        Problem.UNKNOWN_KEY: ("UnrecognizedClientException", 400),
        Problem.INVALID_TOKEN: ("UnrecognizedClientException", 400),
        Problem.EXPIRED_TOKEN: ("ExpiredTokenException", 400),
        Problem.SKEWED: ("InvalidSignatureException", 400),
        Problem.EXPIRED_URL: ("InvalidSignatureException", 400),
        Problem.MISMATCH: ("InvalidSignatureException", 400),
        Problem.OTHER_BODY: ("InvalidSignatureException", 400),
    },
    Protocol.S3: {
        Problem.MISSING: ("AccessDenied", 403),
        Problem.MALFORMED: ("AuthorizationHeaderMalformed", 400),
        Problem.UNKNOWN_KEY: ("InvalidAccessKeyId", 403),
        Problem.INVALID_TOKEN: ("InvalidToken", 400),
        Problem.EXPIRED_TOKEN: ("ExpiredToken", 400),
        Problem.SKEWED: ("RequestTimeTooSkewed", 403),
        Problem.EXPIRED_URL: ("AccessDenied", 403),
        Problem.OTHER_BODY: ("XAmzContentSHA256Mismatch", 400),
    },
}
EXPLANATIONS = {
    Problem.MISSING: "Request is missing Authentication Token",
    Problem.MALFORMED: "The signature of the request is not complete.",
    Problem.UNKNOWN_KEY: "The security token included in the request is invalid."
    " The lab accepts the key that it printed and the keys of its own STS and IAM.",
    Problem.INVALID_TOKEN: "The security token included in the request is invalid",
    Problem.EXPIRED_TOKEN: "The security token included in the request is expired",
    Problem.SKEWED: "The difference between the request time and the current time is too large.",
    Problem.EXPIRED_URL: "Request has expired",
    Problem.MISMATCH: "The request signature we calculated does not match the signature you provided."
    " Check your AWS Secret Access Key and signing method.",
    Problem.OTHER_BODY: "The provided 'x-amz-content-sha256' header does not match what was computed.",
}
INTERNAL = {
    Protocol.EC2: "InternalError",
    Protocol.S3: "InternalError",
    Protocol.JSON: "InternalServerError",
    Protocol.CBOR: "InternalServerError",
}


def throttled(call: ApiCall) -> HttpResponse:
    """The response to too many calls."""
    code, status = THROTTLED.get(call.protocol, ("Throttling", 400))
    return error_response(call, code, "Rate exceeded", status)


def denied(call: ApiCall, account: str) -> HttpResponse:
    """The response to a call without permission, in IAM's words."""
    code, status = DENIED.get(call.protocol, ("AccessDenied", 403))
    what = f"{call.service}:{call.action}"
    text = f"User: arn:aws:iam::{account}:user/lab is not authorized to perform: {what}"
    return error_response(call, code, f"{text} because no identity-based policy allows the {what} action", status)


def internal(call: ApiCall) -> HttpResponse:
    """The response to an internal error of AWS."""
    text = "The request processing has failed because of an unknown error, exception or failure."
    return error_response(call, INTERNAL.get(call.protocol, "InternalFailure"), text, 500)


def unknown(call: ApiCall) -> HttpResponse:
    """The response to an action that the lab does not implement."""
    if call.protocol in {Protocol.JSON, Protocol.CBOR}:
        text = f"The lab does not implement {call.service}:{call.action}."
        return error_response(call, "UnknownOperationException", text, 400)
    text = f"The action {call.action} is not valid for this web service: the lab does not implement it."
    return error_response(call, "InvalidAction", text, 400)


def unknown_region(call: ApiCall) -> HttpResponse:
    """The response to a call in a region that does not exist, which no client of AWS can reach."""
    code, status = UNAUTHENTICATED[_family(call)].get(Problem.MISMATCH, ("SignatureDoesNotMatch", 403))
    return error_response(call, code, f"Credential should be scoped to a valid region, not '{call.region}'.", status)


def unauthenticated(call: ApiCall, problem: Problem) -> HttpResponse:
    """The response to a call without a valid signature. Nothing was executed."""
    code, status = UNAUTHENTICATED[_family(call)].get(problem) or UNAUTHENTICATED[Protocol.QUERY][problem]
    return error_response(call, code, EXPLANATIONS[problem], status)


def _family(call: ApiCall) -> Protocol:
    return Protocol.JSON if call.protocol is Protocol.CBOR else call.protocol


def error_response(call: ApiCall, code: str, message: str, status: int) -> HttpResponse:
    """Render one error in the format of the call's service."""
    request_id = clock.unique_uuid()
    kind, text = "text/xml", ""
    if call.protocol is Protocol.CBOR:
        return _cbor_error(code, message, status, request_id)
    if call.protocol is Protocol.JSON:
        kind, text = "application/x-amz-json-1.1", json.dumps({"__type": code, "message": message})
    elif call.protocol is Protocol.EC2:
        inner = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        text = f"<Response><Errors>{inner}</Errors><RequestID>{request_id}</RequestID></Response>"
    elif call.protocol is Protocol.S3:
        text = (
            f"<Error><Code>{code}</Code><Message>{escape(message)}</Message><RequestId>{request_id}</RequestId></Error>"
        )
    body = text.encode() if text else query_protocol.render_error(ElbError(code, message, status), request_id)
    headers = (("Content-Type", kind), ("x-amzn-RequestId", request_id), ("x-amzn-ErrorType", code))
    return HttpResponse(_line(status), headers, body)


def _line(status: int) -> str:
    return f"{status} {HTTPStatus(status).phrase}"


def _cbor_error(code: str, message: str, status: int, request_id: str) -> HttpResponse:
    """Render an error of a service that speaks CBOR: a map with two texts."""
    fields = ("__type", code, "message", message)
    body = b"\xa2" + b"".join(_cbor_text(text.encode()) for text in fields)
    headers = (
        ("Content-Type", "application/cbor"),
        ("smithy-protocol", "rpc-v2-cbor"),
        ("x-amzn-RequestId", request_id),
    )
    return HttpResponse(_line(status), headers, body)


def _cbor_text(text: bytes) -> bytes:
    return b"\x79" + len(text).to_bytes(2, "big") + text
