"""Policies of buckets: the statements that deny a request, with their conditions.

moto knows no conditions: a statement with one would deny everything. So the lab decides here which statements deny,
before moto sees the request. The lab is reached on loopback without TLS; that counts as an encrypted connection.
Rights that a policy grants have no effect: every key of the lab has all rights.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket, s3_backends

if TYPE_CHECKING:
    from katakei.lab.endpoint.wsgi import ApiCall, Environ

HEADERS = {
    "s3:if-none-match": "HTTP_IF_NONE_MATCH",
    "s3:if-match": "HTTP_IF_MATCH",
    "s3:x-amz-server-side-encryption": "HTTP_X_AMZ_SERVER_SIDE_ENCRYPTION",
}
KEYS = {"aws:securetransport", *HEADERS}
OPERATORS = {"Bool", "Null", "StringEquals", "StringNotEquals"}


def install() -> None:
    """Take the decision away from moto."""
    FakeBucket.get_permission = lambda *_: PermissionResult.NEUTRAL  # type: ignore[method-assign]  # for every bucket


def unknown_condition(call: ApiCall, environ: Environ) -> str | None:
    """Returns what the lab does not know of a policy that is being put, or None."""
    if call.action != "PUT" or "policy" not in environ.get("QUERY_STRING", "").split("&"):
        return None
    try:
        statements = _statements(call.body)
    except ValueError:
        return None  # S3 itself refuses it
    unknown = {
        f"{operator} of {key}"
        for statement in statements
        if statement.get("Effect") == "Deny"
        for operator, key, _ in _conditions(statement)
        if operator not in OPERATORS or key not in KEYS
    }
    return f"the lab does not know the condition {', '.join(sorted(unknown))}" if unknown else None


def denies(call: ApiCall, environ: Environ) -> bool:
    """Whether the policy of the bucket denies a request for an object."""
    bucket, _, key = str(environ.get("PATH_INFO", "")).strip("/").partition("/")
    found = s3_backends[call.account]["aws"].buckets.get(bucket)
    if not key or found is None or found.policy is None:
        return False
    action = f"s3:{environ['REQUEST_METHOD'].title()}Object"
    resource = f"arn:aws:s3:::{bucket}/{key}"
    return any(_applies(statement, action, resource, environ) for statement in _statements(found.policy))


def _applies(statement: Mapping[str, Any], action: str, resource: str, environ: Environ) -> bool:
    return (
        statement.get("Effect") == "Deny"
        and statement.get("Principal") in ("*", {"AWS": "*"})
        and any(_matches(pattern, action) for pattern in _listed(statement.get("Action")))
        and any(_matches(pattern, resource) for pattern in _listed(statement.get("Resource")))
        and all(_holds(operator, key, wanted, environ) for operator, key, wanted in _conditions(statement))
    )


def _holds(operator: str, key: str, wanted: list[str], environ: Environ) -> bool:
    found = "true" if key == "aws:securetransport" else environ.get(HEADERS.get(key, ""))
    if operator == "Null":
        return (found is None) is (wanted == ["true"])
    if operator == "StringNotEquals":
        return found not in wanted
    return found in wanted


def _conditions(statement: Mapping[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    for operator, keys in statement.get("Condition", {}).items():
        for key, wanted in keys.items():
            yield operator, key.lower(), [str(each).lower() for each in _listed(wanted)]


def _statements(policy: bytes) -> list[dict[str, Any]]:
    found = json.loads(policy)["Statement"]
    return found if isinstance(found, list) else [found]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _matches(pattern: str, text: str) -> bool:
    expression = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern)
    return re.fullmatch(expression, text) is not None
