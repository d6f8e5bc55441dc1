"""What every resource type has: its properties, and how one is made, changed and deleted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from katakei.lab import clock
from katakei.lab.cloudformation.errors import DeploymentError

if TYPE_CHECKING:
    from katakei.lab.cloudformation.calls import ServiceCalls

Properties = Mapping[str, Any]
WITHIN = 30.0
"""Seconds that a resource has to reach a state."""


@dataclass(frozen=True, slots=True)
class Made:
    """A resource that exists. `id` is what Ref returns, `attributes` what GetAtt returns."""

    id: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Existing:
    """A resource of a stack, with the properties that it was made with."""

    made: Made
    properties: Properties

    @property
    def id(self) -> str:
        """What Ref returns."""
        return self.made.id

    def lost_tags(self, new: Properties) -> list[str]:
        """Returns the keys of its tags that the new properties do not have."""
        return sorted({tag["Key"] for tag in self.properties.get("Tags", [])} - {t["Key"] for t in new.get("Tags", [])})


@dataclass(frozen=True, slots=True)
class Site:
    """Where one resource is made.

    Attributes:
        stack: name of the stack.
        logical_id: name of the resource in the template.
        stack_tags: tags that every resource of the stack gets.
        calls: the services.
    """

    stack: str
    logical_id: str
    stack_tags: Mapping[str, str]
    calls: ServiceCalls

    def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        """Call a service; parameters that are None are left out.

        Raises:
            DeploymentError: the service rejects the call.
        """
        return self.calls.call(service, operation, {key: value for key, value in params.items() if value is not None})

    def name(self, longest: int) -> str:
        """Returns a new name, as CloudFormation makes one for a resource without a name."""
        ending = clock.unique()[:12].upper()
        begin = f"{self.stack}-{self.logical_id}"[: longest - len(ending) - 1].rstrip("-")
        return f"{begin}-{ending}"

    def tags(self, properties: Properties) -> list[dict[str, str]]:
        """Returns the tags of the resource: its own, and those of the stack."""
        own = {tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])}
        return [{"Key": key, "Value": str(value)} for key, value in {**self.stack_tags, **own}.items()]

    def wait(self, done: Callable[[], bool], what: str) -> None:
        """Wait until a resource has reached a state.

        Raises:
            DeploymentError: it has not in time.
        """
        if not clock.wait_for(done, WITHIN, 0.1):
            raise DeploymentError(f"{what} within {WITHIN:g} s")


class Kind:
    """One resource type.

    Attributes:
        type: its name in templates.
        changed: properties that can change while the resource stays.
        replaced: properties whose change needs another resource.
        required: properties that must be given.
        attributes: names that GetAtt takes.
        name: the property that names it; such a resource cannot be replaced under the same name.
        grants_rights: whether a stack with it needs CAPABILITY_IAM.
        snapshots: whether its deletion can leave a snapshot.
    """

    type: ClassVar[str]
    changed: ClassVar[frozenset[str]] = frozenset()
    replaced: ClassVar[frozenset[str]] = frozenset()
    required: ClassVar[frozenset[str]] = frozenset()
    attributes: ClassVar[frozenset[str]] = frozenset()
    name: ClassVar[str | None] = None
    grants_rights: ClassVar[bool] = False
    snapshots: ClassVar[bool] = False

    def needs_replacement(self, old: Properties, new: Properties) -> bool:
        """Whether this change needs another resource."""
        return any(old.get(key) != new.get(key) for key in self.replaced)

    def create(self, site: Site, properties: Properties) -> Made:
        """Make one. Returns when it can be used.

        Raises:
            DeploymentError: it cannot be made; nothing of it is left.
        """
        raise NotImplementedError

    def update(self, site: Site, old: Existing, new: Properties) -> Made:
        """Change the properties in `changed`. The default is for types without such properties.

        Raises:
            DeploymentError: it cannot be changed.
        """
        raise NotImplementedError

    def delete(self, site: Site, old: Existing) -> None:
        """Delete it. Returns when it is gone; one that is gone already is not an error.

        Raises:
            DeploymentError: it cannot be deleted.
        """
        raise NotImplementedError

    def snapshot(self, site: Site, old: Existing) -> None:
        """Keep the data of one that is deleted next; only where `snapshots` is true."""
        raise NotImplementedError


def picked(properties: Properties, names: Iterable[str]) -> dict[str, Any]:
    """Returns the properties that are given, of those named."""
    return {name: properties[name] for name in names if name in properties}


def known_only(value: Properties, names: Iterable[str], what: str) -> None:
    """Check the keys of a nested value that no API checks.

    Raises:
        DeploymentError: the lab does not know a key.
    """
    if unknown := sorted(set(value) - set(names)):
        raise DeploymentError(f"the lab does not know {', '.join(unknown)} of {what}")


def is_gone(error: DeploymentError) -> bool:
    """Whether a service said that the resource does not exist."""
    code = re.search(r"Code: ([\w.]+)\)$", str(error))
    return code is not None and re.search(r"NotFound|NoSuch|\.Missing|ResourceNotFound", code[1]) is not None


def delete_unless_gone(act: Callable[[], object]) -> None:
    """Run a deletion; a resource that is gone already is not an error."""
    try:
        act()
    except DeploymentError as error:
        if not is_gone(error):
            raise


@contextmanager
def deleted_on_failure(delete: Callable[[], object]) -> Iterator[None]:
    """Delete a new resource if a call that completes it fails: nothing of it must be left."""
    try:
        yield
    except DeploymentError:
        delete()
        raise
