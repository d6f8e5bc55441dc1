"""The check that an answer is one of AWS, before botocore reads it.

A proxy, a captive portal or a cut connection answers with a page, with half a text or with nothing. botocore reads some
of that as an empty list, which would be believed, and fails on the rest with whatever Python raises.
"""

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.model import OperationModel
    from botocore.session import Session

ROOT = re.compile(rb"\s*(?:<\?[^>]*\?>\s*|<!--.*?-->\s*)*<(?:[\w.-]+:)?([\w.-]+)", re.DOTALL)
"""The name of a document's first element. botocore parses the whole document afterwards."""

ERRORS = frozenset({"Error", "Errors", "ErrorResponse", "Response"})
"""First elements of the errors of S3, of the query protocol and of EC2."""

LISTS = {"ListObjectsV2": "ListBucketResult"}
"""Answers of S3 that are a document. The content of an object is checked by its reader."""


def check_answers(session: "Session") -> None:
    """Makes every client of the session check its answers. They then raise ResponseParserError for any other text."""
    session.register("before-parse", _check)


def is_unreadable(error: Exception) -> bool:
    """Whether botocore failed to read an answer, although the answer had the right outer form."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and str(trace.tb_frame.f_globals.get("__name__", "")) == "botocore.parsers"


def _check(**event: Any) -> None:
    """Handles botocore's event before-parse."""
    from botocore.parsers import ResponseParserError  # noqa: PLC0415 - botocore is imported late

    status, body = int(event["response_dict"]["status_code"]), event["response_dict"]["body"]
    if status >= 500 or not isinstance(body, bytes):  # a service in trouble may say anything; a stream is read later
        return
    if not _is_of_aws(event["operation_model"], body, success=status < 300):
        raise ResponseParserError(f"HTTP {status} with {_kind(body)} is no answer of AWS; check for a proxy")


def _is_of_aws(operation: "OperationModel", body: bytes, *, success: bool) -> bool:
    match operation.service_model.resolved_protocol:
        case "json":
            return _is_json_object(body)
        case "query" | "ec2":
            root = _root(body)
            return root == f"{operation.name}Response" if success else root in ERRORS
        case "rest-xml" if success:
            return operation.name not in LISTS or _root(body) == LISTS[operation.name]
        case "rest-xml":
            return not body or _root(body) in ERRORS
    return True


def _is_json_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False


def _root(body: bytes) -> str:
    found = ROOT.match(body)
    return found[1].decode(errors="replace") if found else ""


def _kind(body: bytes) -> str:
    if not body:
        return "no content"
    return "a page of HTML" if b"<html" in body[:2000].lower() else f"{len(body)} bytes of something else"
