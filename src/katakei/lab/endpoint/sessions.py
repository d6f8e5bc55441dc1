"""The STS actions GetSessionToken and GetFederationToken. moto answers both with one fixed key that everyone knows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from katakei.lab import clock
from katakei.lab.endpoint import errors
from katakei.lab.endpoint.wsgi import HttpResponse

if TYPE_CHECKING:
    from katakei.lab.endpoint.keys import KeyRing, Session
    from katakei.lab.endpoint.wsgi import ApiCall

ACTIONS = frozenset({"GetSessionToken", "GetFederationToken"})
NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
SHORTEST, LONGEST, DEFAULT = 900, 129_600, 43_200


def answer(keys: KeyRing, call: ApiCall, now: datetime) -> HttpResponse:
    """Make temporary credentials of the caller's account. An MFA code is accepted whatever it is, as in moto."""
    seconds = call.form.get("DurationSeconds", str(DEFAULT))
    if not seconds.isdigit() or not SHORTEST <= int(seconds) <= LONGEST:
        text = f"Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: {SHORTEST} to {LONGEST}"
        return errors.error_response(call, "ValidationError", text, 400)
    name = call.form.get("Name", "")
    if call.action == "GetFederationToken" and not name:
        text = "Value null at 'name' failed to satisfy constraint: Member must not be null"
        return errors.error_response(call, "ValidationError", text, 400)
    session = keys.begin_session(call.account, now, timedelta(seconds=int(seconds)))
    user = f"arn:aws:sts::{call.account}:federated-user/{name}" if name else None
    body = _rendered(call, session, user, name)
    return HttpResponse("200 OK", (("Content-Type", "text/xml"),), body)


def _rendered(call: ApiCall, session: Session, user: str | None, name: str) -> bytes:
    root = ET.Element(f"{call.action}Response", xmlns=NAMESPACE)
    result = ET.SubElement(root, f"{call.action}Result")
    shown = {
        "AccessKeyId": session.access_key,
        "SecretAccessKey": session.secret,
        "SessionToken": session.token,
        "Expiration": session.expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    _write(ET.SubElement(result, "Credentials"), shown)
    if user is not None:
        _write(ET.SubElement(result, "FederatedUser"), {"FederatedUserId": f"{call.account}:{name}", "Arn": user})
        ET.SubElement(result, "PackedPolicySize").text = "6"
    _write(ET.SubElement(root, "ResponseMetadata"), {"RequestId": clock.unique_uuid()})
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _write(node: ET.Element, values: dict[str, str]) -> None:
    for name, value in values.items():
        ET.SubElement(node, name).text = value
