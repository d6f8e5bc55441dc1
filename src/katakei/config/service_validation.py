"""The validation of one service file: its service, with every fault of the file at its line."""

from collections.abc import Callable, Collection
from typing import Any

from pydantic import ValidationError

from katakei.config.defaults import NAME, release
from katakei.config.service_schema import Aws, Policy, ReleaseSource, ServiceSettings
from katakei.config.validation import COMMANDS, STEPS, carrier_of, settings_of, step_of
from katakei.config.yaml_document import Document, read
from katakei.domain.access import ServicePolicy
from katakei.domain.aws_place import AwsPlace
from katakei.domain.errors import UsageError
from katakei.domain.services import HERE, UNREADABLE_POLICY, Service

OWN_RIGHTS = {"local", "ssh"}
"""Work that has the rights of the server's user: its files, its SSH keys and agent."""

LOCAL = (
    "would run as the user of this server with its rights, which was not allowed for this service;"
    " write ssm: {run: …}, or allow it where the server is started"
)


def read_service(
    text: str, file: str, beside: Callable[[str], str], allow_local: Collection[str]
) -> tuple[Service, int]:
    """The service that a file describes, and the line of its name.

    Args:
        text: The content of the file.
        file: Its name.
        beside: Reads another file of the same folder. Raises UsageError.
        allow_local: The services whose work may run as the user of this server.

    Returns:
        A service without a spec, where the file has faults. Everything else is read as far as it can be.
    """
    document = Document(file)
    try:
        document = read(text, file)
        name = _name(document)
        _check_local(document, allow_local)
        chosen = _release(document, beside)
        settings = settings_of(document, document.data, ServiceSettings)
    except UsageError as error:
        faults = tuple(str(error).splitlines())
        name, place = _name(document) or file, _place(document)
        service = Service(name, file, None, faults, place, policy=_policy(document), frozen=_frozen(document))
    else:
        server = settings.server
        place, policy = server.aws.to_domain(), server.policy.to_domain()
        service = Service(name, file, settings.spec(), (), place, chosen, policy, server.frozen or "", settings.rules())
    return service, document.lines.get(("service",), 1)


def check_service(document: Document, beside: Callable[[str], str]) -> None:
    """Checks a service file without a server: which work is allowed there is said where the server is started.

    Args:
        document: The file.
        beside: Reads another file of the same folder. Raises UsageError.

    Raises:
        ConfigurationError: The file has faults.
    """
    _release(document, beside)
    settings_of(document, document.data, ServiceSettings)


def _name(document: Document) -> str:
    """The name of the service, as far as it can be read; ''."""
    name = document.data.get("service") if isinstance(document.data, dict) else None
    return name if isinstance(name, str) and NAME.fullmatch(name) else ""


def _place(document: Document) -> AwsPlace:
    """The place, where this part of the file has no fault: rollouts that run go on in it."""
    try:
        return Aws.model_validate(_server(document).get("aws", {})).to_domain()
    except ValidationError:
        return HERE


def _policy(document: Document) -> ServicePolicy:
    """The policy, where this part of the file has no fault: its limits hold for rollouts that run."""
    server = document.data.get("server", {}) if isinstance(document.data, dict) else None
    if not isinstance(server, dict):
        return UNREADABLE_POLICY
    try:
        return Policy.model_validate(server.get("policy", {})).to_domain()
    except ValidationError:
        return UNREADABLE_POLICY


def _frozen(document: Document) -> str:
    """Why the service is frozen: another fault of the file must not lift that."""
    frozen = _server(document).get("frozen", "")
    return frozen if isinstance(frozen, str) else "the file has a fault in server.frozen"


def _server(document: Document) -> dict[str, Any]:
    server = document.data.get("server") if isinstance(document.data, dict) else None
    return server if isinstance(server, dict) else {}


def _check_local(document: Document, allow_local: Collection[str]) -> None:
    if _name(document) in allow_local:
        return
    for command in COMMANDS:
        work = document.data.get(command)
        for kind in OWN_RIGHTS & work.keys() if isinstance(work, dict) else ():
            document.fault((command, kind), LOCAL)
        for kind in ("release", "ec2"):
            if isinstance(work, dict) and kind in work and carrier_of(work) == "ssh":
                document.fault((command, kind, "by"), LOCAL)
    for step in STEPS:
        if "ssh" in step_of(document.data, step):
            document.fault((step, "target", "ssh"), LOCAL)
    drain = document.data.get("drain")
    if isinstance(drain, dict) and drain.get("witness") == "ssh":
        document.fault(("drain", "witness"), LOCAL)


def _release(document: Document, beside: Callable[[str], str]) -> str:
    """The release of the file that `release: {file: NAME}` names, or the release itself."""
    written = _server(document).get("release")
    if written is None:
        return ""
    try:
        source = ReleaseSource.read(written)
    except ValueError:
        return ""  # the schema reports it
    if not source.file:
        return source.name
    try:
        return release(beside(source.file).strip())
    except UsageError as error:
        document.fault(("server", "release", "file"), str(error))
        return ""
