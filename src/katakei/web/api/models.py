"""The bodies that the API takes. Unknown fields and values of another type are refused."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from katakei.planning.survey import AcceptedRisks

Name = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]
Text = Annotated[str, StringConstraints(max_length=1000, pattern=r"^[^\x00]*$")]
Release = Annotated[str, StringConstraints(max_length=128)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Names = Annotated[list[Name], Field(max_length=1000)]


class Body(BaseModel):
    """A body."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Nothing(Body):
    """A body without a field."""


class Accepted(Body):
    """The risks that a person accepts; the plan names each of them."""

    force: bool = False
    only_these_groups: bool = False
    ignore_draining: bool = False

    def risks(self) -> AcceptedRisks:
        """As the use cases take them."""
        return AcceptedRisks(self.force, self.only_these_groups, self.ignore_draining)


class PlanBody(Body):
    """A rollout of a service."""

    release: Release = Field("", description="What is rolled out; empty: the service's default.")
    only: Names = Field([], description="Only these targets: ids, names or addresses.")
    limit: Annotated[int, Field(ge=1)] | None = Field(
        None, description="How many targets are taken at most; null: all."
    )
    only_outdated: bool = Field(False, description="Leave targets alone on which the journal knows this release.")
    accept: Accepted = Accepted()


class StartBody(PlanBody):
    """A rollout of a service that is started."""

    digest: Digest | None = Field(None, description="The plan that was confirmed; null confirms any.")
    as_recorded: bool = Field(False, description="Carry an unfinished rollout on although its configuration changed.")


class StepBody(Body):
    """Targets that are deregistered or registered."""

    targets: Annotated[list[Name], Field(min_length=1, max_length=1000)] = Field(
        description="Ids, addresses or names, each with :port or without."
    )
    accept: Accepted = Accepted()
    all_groups: bool = Field(False, description="Take them out of every group that sends requests to them.")


class ConfirmedStepBody(StepBody):
    """Targets that are deregistered or registered now."""

    digest: Digest | None = Field(None, description="The plan that was confirmed; null confirms any.")


class TargetsBody(Body):
    """Targets of a rollout; none: all that the command can concern."""

    targets: Names = []


class RetryBody(TargetsBody):
    """Targets that are tried again."""

    again: bool = Field(False, description="Also targets that did not fail.")


class SkipBody(Body):
    """Why a gate is skipped."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=500)]


class FreezeBody(Body):
    """A freeze."""

    why: Text = ""
    until: AwareDatetime | None = Field(None, strict=False, description="When it ends; null: when it is lifted.")

    @property
    def end(self) -> datetime | None:
        """When it ends."""
        return self.until


class TokenBody(Body):
    """A new token."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    roles: Annotated[dict[Name, str], Field(min_length=1, max_length=100)] = Field(
        description="The role for each service; * for every service."
    )
    program: bool = Field(False, description="A deploy token of a program. It signs in no browser.")
    acts: Annotated[list[str], Field(max_length=50)] | None = Field(None, description="What it is limited to.")
    days: Annotated[float, Field(gt=0, le=366)] = 90
    label: Annotated[str, StringConstraints(max_length=200)] = ""


class CiTokenBody(Body):
    """The OpenID Connect token of a CI job, which is exchanged for a short token of one service."""

    token: Annotated[str, StringConstraints(min_length=1, max_length=16384)]
    service: Name
