"""Errors of CloudFormation: calls that are rejected, and resources that could not be made."""

from __future__ import annotations

from katakei.lab.errors import ApiError, LabError


class CloudFormationError(ApiError):
    """A call that is rejected. Nothing has changed."""


class DeploymentError(LabError):
    """A resource that could not be made, changed or deleted. The text says why; the stack records it."""


def invalid(message: str) -> CloudFormationError:
    """Returns ValidationError: the call or its template is not valid."""
    return CloudFormationError("ValidationError", message)


def no_stack(name: str) -> CloudFormationError:
    """Returns the error for an unknown stack. `aws cloudformation deploy` reads this text."""
    return invalid(f"Stack with id {name} does not exist")


def no_change_set(name: str) -> CloudFormationError:
    """Returns the error for an unknown change set."""
    return CloudFormationError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", 404)
