"""Deployments: a stack is created, updated, rolled back or deleted, one resource after the other.

A resource that must be replaced is made first; the old one is deleted when everything else has succeeded. After a
failure, every change is taken back in reverse order.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from katakei.lab import clock
from katakei.lab.cloudformation.blueprint import Blueprint, Surroundings
from katakei.lab.cloudformation.errors import CloudFormationError, DeploymentError
from katakei.lab.cloudformation.functions import NotMadeError
from katakei.lab.cloudformation.kinds import KINDS
from katakei.lab.cloudformation.kinds.kind import Existing, Kind, Site
from katakei.lab.cloudformation.stack import Deployed, Desired, Stack
from katakei.lab.cloudformation.template import Resource

log = logging.getLogger(__name__)
STOPPED = "The lab ends"


class Deployment:
    """One change of one stack. It runs on a thread of its own.

    Args:
        stack: the stack, which no other deployment changes meanwhile.
        surroundings: what the region offers.
        ending: set when the lab ends.
        check_exports: called with the new exports; raises CloudFormationError if one is taken, or an old one is in use.
    """

    def __init__(
        self,
        stack: Stack,
        surroundings: Surroundings,
        ending: threading.Event,
        check_exports: Callable[[Stack, Mapping[str, str]], None],
    ) -> None:
        self._stack = stack
        self._surroundings = surroundings
        self._ending = ending
        self._check_exports = check_exports
        self._undo: list[Callable[[], None]] = []
        self._replaced: list[Deployed] = []

    def create(self, desired: Desired) -> None:
        """Create the resources of a new stack. Ends as CREATE_COMPLETE or ROLLBACK_COMPLETE."""
        self._change(desired, "CREATE", "ROLLBACK")

    def update(self, desired: Desired) -> None:
        """Change the resources of a stack. Ends as UPDATE_COMPLETE or UPDATE_ROLLBACK_COMPLETE."""
        self._stack.updated = clock.now()
        self._change(desired, "UPDATE", "UPDATE_ROLLBACK")

    def delete(self) -> None:
        """Delete the resources, last made first. Ends as DELETE_COMPLETE or DELETE_FAILED."""
        failed = [one.name for one in self._stack.last_first() if not self._dispose(one)]
        if failed:
            names = ", ".join(failed)
            self._stack.become("DELETE_FAILED", f"The following resource(s) failed to delete: [{names}]. ")
            return
        self._stack.deleted, self._stack.outputs, self._stack.imports = clock.now(), (), frozenset()
        self._stack.become("DELETE_COMPLETE")

    def _change(self, desired: Desired, verb: str, back: str) -> None:
        stack = self._stack
        before = stack.desired, stack.description, stack.outputs
        stack.desired, stack.description = desired, desired.template.description
        try:
            blueprint = Blueprint(desired, stack, self._surroundings)
            wanted = blueprint.resources
            for resource in wanted:
                self._deploy(resource, blueprint)
            outputs = blueprint.outputs()
            self._check_exports(stack, {one.export: one.value for one in outputs if one.export})
            stack.outputs, stack.imports = outputs, frozenset(blueprint.imports)
        except (DeploymentError, CloudFormationError, NotMadeError) as error:
            stack.become(f"{back}_IN_PROGRESS", str(error))
            self._take_back()
            if verb == "UPDATE":
                stack.desired, stack.description, stack.outputs = before
            stack.become(f"{back}_COMPLETE")
            return
        self._clean_up({one.name for one in wanted}, verb)
        stack.become(f"{verb}_COMPLETE")

    def _deploy(self, resource: Resource, blueprint: Blueprint) -> None:
        if self._ending.is_set():
            raise DeploymentError(STOPPED)
        old = self._stack.resources.get(resource.name)
        kind = KINDS[resource.type]
        try:
            new = blueprint.properties(resource)
            if old is None:
                self._create(resource, kind, new)
            elif old.type != resource.type or kind.needs_replacement(old.properties, new):
                self._replace(resource, kind, old, new)
            elif old.properties != new:
                self._update(resource, kind, old, new)
            else:
                policy = resource.deletion_policy
                self._stack.resources[resource.name] = replace(old, deletion_policy=policy)
        except Exception as error:
            verb = "CREATE" if old is None else "UPDATE"
            physical_id = old.made.id if old else ""
            self._stack.note(resource.name, resource.type, physical_id, f"{verb}_FAILED", _text(error))
            text = f"The following resource(s) failed to {verb.lower()}: [{resource.name}]. {_text(error)}"
            raise DeploymentError(text) from error

    def _create(self, resource: Resource, kind: Kind, properties: Mapping[str, Any], verb: str = "CREATE") -> Deployed:
        stack, name = self._stack, resource.name
        stack.note(name, resource.type, "", f"{verb}_IN_PROGRESS")
        site = self._site(name)
        made = kind.create(site, self._surroundings.resolved(properties))
        deployed = Deployed(name, resource.type, made, properties, resource.deletion_policy, clock.now())
        stack.resources[name] = deployed
        self._undo.append(lambda: self._forget(deployed))
        stack.note(name, resource.type, made.id, f"{verb}_COMPLETE")
        return deployed

    def _replace(self, resource: Resource, kind: Kind, old: Deployed, new: Mapping[str, Any]) -> None:
        if kind.name in new and new.get(kind.name or "") == old.properties.get(kind.name or ""):
            text = "CloudFormation cannot update a stack when a custom-named resource requires replacing"
            raise DeploymentError(f"{text}. Rename {new[kind.name or '']} and update the stack again.")
        self._create(resource, kind, new, "UPDATE")
        self._replaced.append(replace(old, deletion_policy=resource.replace_policy))
        # Last in, first out: the new one is forgotten first, then the old one is there again.
        self._undo.insert(len(self._undo) - 1, lambda: self._stack.resources.update({old.name: old}))

    def _update(self, resource: Resource, kind: Kind, old: Deployed, new: Mapping[str, Any]) -> None:
        stack, name, site = self._stack, resource.name, self._site(resource.name)
        stack.note(name, resource.type, old.made.id, "UPDATE_IN_PROGRESS")
        resolved = self._surroundings.resolved

        def back() -> None:
            made = kind.update(site, Existing(old.made, resolved(new)), resolved(old.properties))
            stack.resources[name] = replace(old, made=made)
            stack.note(name, resource.type, old.made.id, "UPDATE_COMPLETE")

        self._undo.append(back)  # before the call, because a part of a change may have been made when it fails
        made = kind.update(site, Existing(old.made, resolved(old.properties)), resolved(new))
        stack.resources[name] = replace(
            old, made=made, properties=new, deletion_policy=resource.deletion_policy, at=clock.now()
        )
        stack.note(name, resource.type, made.id, "UPDATE_COMPLETE")

    def _take_back(self) -> None:
        """Undo every change, last one first. What cannot be undone stays, and is named in the events."""
        for undo in reversed(self._undo):
            try:
                undo()
            except Exception as error:  # noqa: BLE001 - the other changes must still be taken back
                self._stack.become(self._stack.status, f"{self._stack.reason}; {_text(error)}")

    def _forget(self, deployed: Deployed) -> None:
        self._dispose(replace(deployed, deletion_policy="Delete"))

    def _clean_up(self, wanted: set[str], verb: str) -> None:
        """Delete what was replaced, and what is not in the template any more."""
        gone = [one for one in self._stack.last_first() if one.name not in wanted]
        if not (gone or self._replaced):
            return
        self._stack.become(f"{verb}_COMPLETE_CLEANUP_IN_PROGRESS")
        for one in (*reversed(self._replaced), *gone):
            self._dispose(one)

    def _dispose(self, deployed: Deployed) -> bool:
        """Delete one resource, as its policy says. Returns whether it is gone from the stack."""
        stack, kind, site = self._stack, KINDS[deployed.type], self._site(deployed.name)
        physical_id, existing = deployed.made.id, Existing(deployed.made, deployed.properties)
        status = "DELETE_SKIPPED" if deployed.deletion_policy == "Retain" else "DELETE_COMPLETE"
        try:
            if deployed.deletion_policy != "Retain":
                stack.note(deployed.name, deployed.type, physical_id, "DELETE_IN_PROGRESS")
                if deployed.deletion_policy == "Snapshot":
                    kind.snapshot(site, existing)
                kind.delete(site, existing)
        except Exception as error:  # noqa: BLE001 - the stack must not stay in progress
            stack.note(deployed.name, deployed.type, physical_id, "DELETE_FAILED", _text(error))
            return False
        if stack.resources.get(deployed.name, deployed).made.id == physical_id:
            stack.resources.pop(deployed.name, None)
        stack.note(deployed.name, deployed.type, physical_id, status)
        return True

    def _site(self, name: str) -> Site:
        desired = self._stack.desired
        tags = dict(desired.tags) if desired else {}
        own = {"stack-name": self._stack.name, "stack-id": self._stack.id, "logical-id": name}
        tags |= {f"aws:cloudformation:{key}": value for key, value in own.items()}
        return Site(self._stack.name, name, tags, self._surroundings.calls)


def _text(error: Exception) -> str:
    """Returns why a resource failed. A stack must never stay in progress, so an error of the lab is a reason too."""
    if isinstance(error, DeploymentError | CloudFormationError):
        return str(error)
    log.error("a resource failed", exc_info=error)
    return f"internal error of the lab: {type(error).__name__}: {error}"
