"""Query protocol of AWS: forms become parameters, results become XML, by botocore's service model.

ELBv2 and CloudFormation speak it; without a service, a function means ELBv2.

The model's constraints (required, enum, range) are checked here with AWS's texts.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import botocore.session
from botocore.model import ListShape, ServiceModel, Shape, StringShape, StructureShape

from katakei.lab.elb.errors import invalid
from katakei.lab.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = "2015-12-01"
ELB = "elbv2"
NAMESPACES = {
    ELB: f"http://elasticloadbalancing.amazonaws.com/doc/{VERSION}/",
    "cloudformation": "http://cloudformation.amazonaws.com/doc/2010-05-15/",
}
Params = dict[str, Any]


@cache
def model(service: str = ELB) -> ServiceModel:
    """Returns botocore's model of a service. Loaded once, because that is slow."""
    return botocore.session.get_session().get_service_model(service)


def parse(action: str, form: Mapping[str, str], service: str = ELB) -> Params:
    """Parse the parameters of a call.

    Raises:
        ApiError: InvalidAction, or ValidationError with every broken constraint.
    """
    if action not in model(service).operation_names:
        raise ApiError("InvalidAction", f"The action {action} is not valid for this web service.")
    shape = model(service).operation_model(action).input_shape
    if not isinstance(shape, StructureShape):
        return {}
    faults: list[str] = []
    params: Params = _read(shape, "", "", form, faults) or {}
    if faults:
        count = f"{len(faults)} validation error{'s' if len(faults) > 1 else ''} detected: "
        raise invalid(count + "; ".join(faults))
    return params


def _read(shape: Shape, name: str, path: str, form: Mapping[str, str], faults: list[str]) -> Any:
    if isinstance(shape, StructureShape):
        return _read_structure(shape, name, path, form, faults)
    if isinstance(shape, ListShape):
        items: list[Any] = []
        while _present(item := f"{name}.member.{len(items) + 1}", form):
            items.append(_read(shape.member, item, f"{path}.{len(items) + 1}.member", form, faults))
        return items or None
    return _scalar(shape, form.get(name), path, faults)


def _read_structure(
    shape: StructureShape, name: str, path: str, form: Mapping[str, str], faults: list[str]
) -> Params | None:
    if name and not _present(name, form):
        return None
    found: Params = {}
    for member, inner in shape.members.items():
        at = f"{path}.{_lower(member)}" if path else _lower(member)
        value = _read(inner, f"{name}.{member}" if name else member, at, form, faults)
        if value is not None:
            found[member] = value
        elif member in shape.required_members:
            faults.append(f"Value null at '{at}' failed to satisfy constraint: Member must not be null")
    return found


def _present(name: str, form: Mapping[str, str]) -> bool:
    return any(key == name or key.startswith(f"{name}.") for key in form)


def _scalar(shape: Shape, text: str | None, path: str, faults: list[str]) -> Any:
    if text is None:
        return None
    if isinstance(shape, StringShape):
        if shape.enum and text not in shape.enum:
            faults.append(_broken(text, path, f"satisfy enum value set: [{', '.join(shape.enum)}]"))
        return text
    if shape.type_name == "boolean":
        return text.lower() == "true"
    try:
        number = int(text)
    except ValueError as error:
        raise ApiError("MalformedInput", f"'{text}' at '{path}' is not a number") from error
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and number < low:
        faults.append(_broken(text, path, f"have value greater than or equal to {low}"))
    if high is not None and number > high:
        faults.append(_broken(text, path, f"have value less than or equal to {high}"))
    return number


def _broken(text: str, path: str, must: str) -> str:
    return f"Value '{text}' at '{path}' failed to satisfy constraint: Member must {must}"


def _lower(member: str) -> str:
    return member[0].lower() + member[1:]


def render(action: str, result: Params, request_id: str, service: str = ELB) -> bytes:
    """Render a successful result as XML. Members that are None are left out, as AWS does."""
    root = ET.Element(f"{action}Response", xmlns=NAMESPACES[service])
    shape = model(service).operation_model(action).output_shape
    if isinstance(shape, StructureShape):
        _write(ET.SubElement(root, f"{action}Result"), shape, result)
    ET.SubElement(ET.SubElement(root, "ResponseMetadata"), "RequestId").text = request_id
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def render_error(error: ApiError, request_id: str, service: str = ELB) -> bytes:
    """Render an error as XML."""
    root = ET.Element("ErrorResponse", xmlns=NAMESPACES[service])
    inner = ET.SubElement(root, "Error")
    for name, text in (
        ("Type", "Sender" if error.status < 500 else "Receiver"),
        ("Code", error.code),
        ("Message", error.message),
    ):
        ET.SubElement(inner, name).text = text
    ET.SubElement(root, "RequestId").text = request_id
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _write(node: ET.Element, shape: Shape, value: Any) -> None:
    if isinstance(shape, StructureShape):
        for member, inner in shape.members.items():
            if value.get(member) is not None:
                _write(ET.SubElement(node, member), inner, value[member])
    elif isinstance(shape, ListShape):
        for item in value:
            _write(ET.SubElement(node, "member"), shape.member, item)
    else:
        node.text = _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
    return str(value)
