"""Extracts of botocore's service models and endpoints: only what Katakei calls.

`python -m tests.project.extracts` (`make extracts`) writes them. A test compares them with the installed botocore, so
an upgrade that changes something Katakei uses is noticed.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from botocore.loaders import Loader

from katakei.adapters.aws.loader import EXTRACTS
from katakei.adapters.aws.services import SERVICES, Service

Model = dict[str, Any]
TEXTS = {"documentation", "documentationUrl", "errors", "examples"}
"""What no call needs. Without `errors` each error is a ClientError with its code, which is all that is read."""

SIGN_IN = ("oidc", "portal.sso", "signin")
"""Endpoints that credential providers of botocore ask, besides those of the services."""

INSTANCE_FIELDS: Mapping[str, tuple[str, ...]] = {
    "DescribeInstancesRequest": ("Filters", "NextToken", "MaxResults"),
    "DescribeInstancesResult": ("NextToken", "Reservations"),
    "Reservation": ("Instances",),
    "Instance": (
        "InstanceId",
        "VpcId",
        "PrivateIpAddress",
        "Placement",
        "NetworkInterfaces",
        "Tags",
        "Platform",
        "State",
        "LaunchTime",
        "InstanceType",
        "Architecture",
        "RootDeviceType",
        "InstanceLifecycle",
    ),
    "Placement": ("AvailabilityZone",),
    "InstanceNetworkInterface": ("PrivateIpAddresses", "Ipv6Addresses", "Association"),
    "InstanceNetworkInterfaceAssociation": ("IpOwnerId",),
    "InstancePrivateIpAddress": ("PrivateIpAddress",),
    "DescribeInstanceStatusRequest": ("InstanceIds", "IncludeAllInstances"),
    "InstanceStatus": ("InstanceId", "InstanceStatus", "SystemStatus"),
    "InstanceStatusSummary": ("Status",),
    "DescribeInstanceTypesRequest": ("InstanceTypes",),
    "InstanceTypeInfo": ("InstanceType", "InstanceStorageSupported", "ProcessorInfo"),
    "ProcessorInfo": ("SupportedArchitectures",),
    "ModifyInstanceAttributeRequest": ("DryRun", "InstanceId", "InstanceType"),
}
"""The fields that are read of an instance, which has more than a hundred. botocore's parser skips the others."""

FIELDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {"ec2": INSTANCE_FIELDS}


def extracts() -> Iterator[tuple[Path, str]]:
    """Yields each file with its text, by the installed botocore."""
    loader = Loader()
    for service in SERVICES:
        version = loader.determine_latest_version(service.name, "service-2")
        place = Path(service.name, version, "service-2")
        yield EXTRACTS / f"{place}.json", _text(_extract(service, loader.load_data(str(place))))
    yield EXTRACTS / "endpoints.json", _text(_endpoints(loader.load_data("endpoints")))


def _extract(service: Service[Any], model: Model) -> Model:
    """The model with the actions of a service, and the shapes that they use."""
    fields = FIELDS.get(service.name, {})
    operations = {name: _without_texts(model["operations"][name]) for name in service.actions}
    shapes: Model = {}
    waiting = [name for operation in operations.values() for name in _shapes_of(operation)]
    while waiting:
        name = waiting.pop()
        if name not in shapes:
            shapes[name] = _reduced(_without_texts(model["shapes"][name]), fields.get(name))
            waiting += _shapes_of(shapes[name])
    kept = {key: value for key, value in model.items() if key not in TEXTS}
    return {**kept, "operations": operations, "shapes": dict(sorted(shapes.items()))}


def _reduced(shape: Model, fields: tuple[str, ...] | None) -> Model:
    return shape if fields is None else {**shape, "members": {name: shape["members"][name] for name in fields}}


def _without_texts(part: Any) -> Any:
    """The same without documentation. A member may have such a name: its value is no text or list."""
    if not isinstance(part, dict):
        return part
    return {
        key: _without_texts(value)
        for key, value in part.items()
        if not (key in TEXTS and isinstance(value, str | list))
    }


def _shapes_of(part: Any) -> list[str]:
    """The names of all shapes that a part of a model refers to."""
    if not isinstance(part, dict):
        return []
    own = [part["shape"]] if isinstance(part.get("shape"), str) else []
    return own + [name for value in part.values() for name in _shapes_of(value)]


def _endpoints(table: Model) -> Model:
    """The table of endpoints with the services in use. Every partition and region stays."""
    used = {service.iam for service in SERVICES} | {service.name for service in SERVICES} | set(SIGN_IN)
    partitions = [
        {**one, "services": {name: rules for name, rules in one["services"].items() if name in used}}
        for one in table["partitions"]
    ]
    return {**table, "partitions": partitions}


def _text(model: Model) -> str:
    return json.dumps(model, separators=(",", ":"), ensure_ascii=False).replace('},"', '},\n"') + "\n"


def main() -> None:
    """Writes the extracts, and removes those of other API versions."""
    made = dict(extracts())
    for path in EXTRACTS.rglob("*.json"):
        if path not in made:
            path.unlink()
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
