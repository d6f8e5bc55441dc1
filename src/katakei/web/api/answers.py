"""The answers of the API as models, for its OpenAPI document. Handlers return plain data; nothing is validated here.

What the command line prints as JSON too has its fields in the tables of `katakei.render.json_data`: those models are
made from the tables. Recorded values (events, targets, floors) stay objects; `docs/schemas/` describes them.
"""

from functools import cache
from typing import Any, cast

from pydantic import BaseModel, Field, JsonValue, create_model

from katakei.render.json_data import OUTPUTS, RECORDS, OutputField

Recorded = dict[str, JsonValue]
"""A recorded value in the form of the journal."""
PLAIN = {"text": str, "integer": int, "number": float, "boolean": bool}


def _type(written: str) -> Any:
    """The type that a table writes as text."""
    if written.endswith("?"):
        return _type(written[:-1]) | None
    if written.startswith("["):
        return list[_type(written[1:-1])]  # type: ignore[misc]  # a type made at run time
    if written.startswith("{"):
        return dict[str, _type(written[1:-1])]  # type: ignore[misc]  # as above
    if written.startswith("wire."):
        return Recorded
    return PLAIN.get(written) or _table(written)


@cache
def _table(name: str) -> type[BaseModel]:
    """The model of an output or of an object inside outputs."""
    fields: tuple[OutputField, ...] = OUTPUTS.get(name) or RECORDS[name]
    typed: dict[str, Any] = {each.name: (_type(each.type), ...) for each in fields}
    return cast("type[BaseModel]", create_model(name.capitalize(), **typed))


Plan, Show, Listed, Status, GroupList = (_table(name) for name in ("plan", "show", "list", "status", "groups"))


class Fault(BaseModel):
    """What went wrong."""

    code: str = Field(description="For programs. A code is never renamed.")
    message: str = Field(description="What happened and what to do now.")
    exit_code: int = Field(description="What the command line would end with.")
    reasons: list[JsonValue] = Field([], description="The reasons as data, where there are some.")


class Problem(BaseModel):
    """The answer to a request that was not carried out."""

    error: Fault


class PlaceGroups(GroupList):  # type: ignore[valid-type,misc]  # made from its table
    """The groups of one account and region."""

    trouble: str = Field(description="Why they cannot be read; empty: they could.")


class Places(BaseModel):
    """The groups of every account and region."""

    places: list[PlaceGroups]


class Policy(BaseModel):
    """Who may use a service, beyond what the roles say."""

    start: list[str]
    approve: list[str]
    abort: list[str]
    four_eyes: bool


class ServiceAnswer(BaseModel):
    """A stored service."""

    name: str
    file: str
    groups: list[str]
    faults: list[str] = Field(description="Every fault of its file; no rollout can be started before it has none.")
    region: str
    release: str = Field(description="What is rolled out where a request names no release.")
    frozen: str = Field(description="Why its file freezes it; empty: it does not.")
    work: str = Field(description="The executor of its work.")
    policy: Policy


class Services(BaseModel):
    """The services that the person may see."""

    services: list[ServiceAnswer]


class Planned(BaseModel):
    """A plan, and what confirms it."""

    plan: Plan  # type: ignore[valid-type]  # made from its table
    sentences: list[str]
    recorded: Recorded
    restore: list[str]
    restore_held: list[str]
    digest: str = Field(description="Send it with the start: another plan is then refused.")


class Started(BaseModel):
    """A rollout that was started."""

    rollout: str | None = Field(description="Its id; null: there was nothing to do.")
    sentences: list[str]


class Accepted(BaseModel):
    """A command that was recorded."""

    rollout: str
    accepted: str = Field(description="What was recorded, and who carries it out.")
    targets: list[str]


class FreezeAnswer(BaseModel):
    """A freeze of a service or a group."""

    name: str
    who: str
    why: str
    since: str
    until: str | None


class Freezes(BaseModel):
    """What is frozen now."""

    freezes: list[FreezeAnswer]
    now: str = Field(description="The time of the store, by which freezes end.")


class Frozen(BaseModel):
    """A freeze that was made."""

    frozen: FreezeAnswer
    rollouts: list[str] = Field(description="The unfinished rollouts that it holds.")
    ignored_by: list[str] = Field(description="The unfinished rollouts of older versions, which do not see it.")


class Lifted(BaseModel):
    """A freeze that was lifted."""

    lifted: FreezeAnswer


class Person(BaseModel):
    """Who asks: a person, a program or a CI job."""

    name: str
    kind: str
    roles: dict[str, str]
    acts: list[str] | None = Field(description="What it is limited to; null: to nothing.")
    services: list[str] | None = Field(description="As acts.")


class Token(BaseModel):
    """A token without its secret."""

    id: str
    principal: Person
    label: str
    created: str
    created_by: str
    expires: str
    revoked: str | None


class Tokens(BaseModel):
    """The tokens that the person may manage, and their own."""

    tokens: list[Token]


class Issued(BaseModel):
    """A new token."""

    secret: str = Field(description="It is in this answer and nowhere else.")
    token: Token


class Exchanged(BaseModel):
    """The short token of a CI job."""

    secret: str
    expires: str


class Revoked(BaseModel):
    """A token that was revoked."""

    revoked: str


class Entry(BaseModel):
    """One entry of the audit log."""

    number: int
    at: str | None
    who: str
    address: str
    act: str
    service: str
    rollout: str
    outcome: str
    detail: str


class Entries(BaseModel):
    """Entries of the audit log, the newest first."""

    entries: list[Entry]


class Headers(BaseModel):
    """The headers of rollouts, newest first."""

    rollouts: list[Recorded]


class Events(BaseModel):
    """Events of a rollout."""

    events: list[Recorded]


class Lease(BaseModel):
    """Who has a lease."""

    lease: Recorded | None


class RecordedGroups(BaseModel):
    """Groups in full."""

    groups: list[Recorded]


class GroupNames(BaseModel):
    """Names of groups."""

    names: list[str]


PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Problem, "description": "The request was not carried out."},
    "5XX": {"model": Problem, "description": "AWS, the journal or the server failed."},
}
"""The errors of every route."""
NOTHING_TO_DO: dict[int | str, dict[str, Any]] = {200: {"model": Started, "description": "There was nothing to do."}}
