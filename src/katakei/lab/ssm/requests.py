"""Parser of SendCommand, with the constraints of the service model and of the AWS-RunShellScript document."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from katakei.lab.ssm.model import VALIDATION_ERROR, Selector, SendCommandRequest, SsmError

DOCUMENT = "AWS-RunShellScript"
INSTANCE_ID = re.compile(r"(^i-(\w{8}|\w{17})$)|(^mi-\w{17}$)")
SHARE = r"([1-9][0-9]*|[1-9][0-9]%|[1-9]%|100%)"
MAX_CONCURRENCY = re.compile(rf"^{SHARE}$")
MAX_ERRORS = re.compile(rf"^(0|{SHARE})$")
START_WITHIN = (30, 2_592_000)
RUN_WITHIN = (1, 172_800)
KNOWN_PARAMETERS = frozenset({"commands", "workingDirectory", "executionTimeout"})

Params = Mapping[str, Any]


def parse_send_command(params: Params) -> SendCommandRequest:
    """Parse a SendCommand request.

    Raises:
        SsmError: the request is not valid; the code is AWS's own.
    """
    _document(params)
    ids, targets = _recipients(params)
    parameters = _parameters(params.get("Parameters") or {})
    return SendCommandRequest(
        document=DOCUMENT,
        commands=parameters["commands"],
        instance_ids=ids,
        targets=targets,
        working_directory=(parameters.get("workingDirectory") or ("",))[0],
        execution_timeout=_execution_timeout(parameters.get("executionTimeout") or ("3600",)),
        timeout=_timeout(params.get("TimeoutSeconds", 3600)),
        comment=_at_most(params.get("Comment", ""), "comment", 100),
        max_concurrency=_matching(params.get("MaxConcurrency", "50"), "maxConcurrency", MAX_CONCURRENCY),
        max_errors=_matching(params.get("MaxErrors", "0"), "maxErrors", MAX_ERRORS),
    )


def constraint_error(value: object, where: str, constraint: str) -> SsmError:
    """Returns the error that AWS's JSON services give for a value that violates the service model."""
    return SsmError(
        VALIDATION_ERROR,
        f"1 validation error detected: Value '{value}' at '{where}' failed to satisfy constraint: {constraint}",
    )


def _document(params: Params) -> None:
    name = params.get("DocumentName")
    if not name:
        raise constraint_error("null", "documentName", "Member must not be null")
    if str(name).rpartition("/")[2] != DOCUMENT:
        raise SsmError("InvalidDocument", f"Document with name {name} does not exist.")
    version = params.get("DocumentVersion", "$DEFAULT")
    if version not in {"$DEFAULT", "$LATEST", "1"}:
        raise SsmError("InvalidDocumentVersion", f"The document version {version} does not exist.")


def _recipients(params: Params) -> tuple[tuple[str, ...], tuple[Selector, ...]]:
    ids = tuple(params.get("InstanceIds") or ())
    targets = tuple(Selector(t.get("Key", ""), tuple(t.get("Values") or ())) for t in params.get("Targets") or ())
    if len(ids) > 50:
        raise constraint_error(list(ids), "instanceIds", "Member must have length less than or equal to 50")
    for instance_id in ids:
        _matching(instance_id, "instanceIds", INSTANCE_ID)
    if len(set(ids)) != len(ids):
        raise SsmError("DuplicateInstanceId", "You can't specify a managed node ID in more than one association.")
    if len(targets) > 5:
        raise constraint_error(targets, "targets", "Member must have length less than or equal to 5")
    if bool(ids) == bool(targets):
        raise SsmError(VALIDATION_ERROR, "Exactly one of InstanceIds and Targets must be given")
    return ids, targets


def _parameters(given: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    unknown = sorted(set(given) - KNOWN_PARAMETERS)
    if unknown:
        raise SsmError("InvalidParameters", f"Parameters provided in the request are not supported: {unknown}")
    if not given.get("commands"):
        raise SsmError("InvalidParameters", "Parameter commands is required by the document but was not provided")
    return {name: tuple(str(value) for value in values) for name, values in given.items()}


def _execution_timeout(values: Sequence[str]) -> timedelta:
    low, high = RUN_WITHIN
    if not re.fullmatch(r"[1-9][0-9]{0,5}", values[0]) or not low <= int(values[0]) <= high:
        raise SsmError("InvalidParameters", f"Parameter executionTimeout: {values[0]} is not between {low} and {high}")
    return timedelta(seconds=int(values[0]))


def _timeout(value: int) -> timedelta:
    low, high = START_WITHIN
    if value < low:
        raise constraint_error(value, "timeoutSeconds", f"Member must have value greater than or equal to {low}")
    if value > high:
        raise constraint_error(value, "timeoutSeconds", f"Member must have value less than or equal to {high}")
    return timedelta(seconds=value)


def _at_most(value: str, where: str, length: int) -> str:
    if len(value) > length:
        raise constraint_error(value, where, f"Member must have length less than or equal to {length}")
    return value


def _matching(value: str, where: str, pattern: re.Pattern[str]) -> str:
    if not pattern.match(value):
        raise constraint_error(value, where, f"Member must satisfy regular expression pattern: {pattern.pattern}")
    return value
