"""The schema of `gates` in katakei.yml: approvals, and the conditions that a rollout reads."""

import re
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from katakei.config.field_types import Codes, Limit, Name, Url
from katakei.config.work_schema import Section, nothing
from katakei.domain import gate_conditions
from katakei.domain import spec as domain

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEK = len(DAYS)
DAY_END = 24 * 60
_DAY = "|".join(DAYS)
HOURS = re.compile(rf"({_DAY})(?:-({_DAY}))?\s+(\d\d):(\d\d)-(\d\d):(\d\d)", re.ASCII | re.IGNORECASE)
KINDS = ("approval", "hours", "probe")
MOST_HOURS = 50


def open_hours(value: object) -> gate_conditions.OpenHours:
    """Hours on days of the week: 'mon-fri 09:00-17:00', 'sat 22:00-02:00'."""
    match = HOURS.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{value!r} names no hours; write mon-fri 09:00-17:00")
    first, last = (DAYS.index(str(day).lower()) for day in (match[1], match[2] or match[1]))
    begin, end = (_minute(hour, minute) for hour, minute in ((match[3], match[4]), (match[5], match[6])))
    if begin >= DAY_END:
        raise ValueError(f"{value!r} begins after the end of the day; write 00:00 of the next day")
    if begin == end:
        raise ValueError(f"{value!r} never opens; write 00:00-24:00 for a whole day")
    return gate_conditions.OpenHours(
        tuple((first + number) % WEEK for number in range((last - first) % WEEK + 1)), begin, end
    )


def _minute(hour: str, minute: str) -> int:
    minutes = int(hour) * 60 + int(minute)
    if int(minute) >= 60 or minutes > DAY_END:
        raise ValueError(f"{hour}:{minute} is no time of a day; write 00:00 to 24:00")
    return minutes


def zone_name(name: str) -> str:
    """A time zone that this machine knows."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # also a name that is a folder, or leads out of the database
        raise ValueError(f"{name!r} is no time zone of this machine; write Asia/Tokyo or UTC, for example") from None
    return name


def probe_url(url: str) -> str:
    """A URL with a host and a port that can be connected to."""
    domain_part = url.partition("://")[2].partition("/")[0]
    if not re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?", domain_part, re.ASCII):
        raise ValueError(f"{url!r} names no host; write http://127.0.0.1/ready, for example")
    port = re.search(r":(\d+)$", domain_part)
    if port and not 0 < int(port[1]) < 2**16:
        raise ValueError(f"{url!r} has a port that does not exist")
    return url


OpenHours = Annotated[
    gate_conditions.OpenHours,
    BeforeValidator(open_hours),
    WithJsonSchema({"type": "string", "examples": ["mon-fri 09:00-17:00"]}),
]
Zone = Annotated[str, AfterValidator(zone_name)]
Moment = Literal["before", "soak", "end"]


def _before() -> list[Moment]:
    return ["before"]


class Approval(Section):
    """A person has to approve: before the first target, or once `after` targets are done."""

    name: Name = "approval"
    after: Annotated[int, Field(ge=0)] = 0
    expires: Limit = Field(default="4h", validate_default=True)
    default: Literal["abort", "pause"] = "abort"

    def to_domain(self) -> domain.Gate:
        """The same as a value of the domain."""
        approval = domain.Approval(self.expires, domain.ExpiryDefault(self.default))
        return domain.Gate(self.name, self.after, approval)


class Hours(Section):
    """Targets are taken out only within these hours."""

    name: Name = "hours"
    after: Annotated[int, Field(ge=0)] = 0
    open: Annotated[list[OpenHours], Field(min_length=1, max_length=MOST_HOURS)]
    zone: Zone

    def to_domain(self) -> domain.Gate:
        """The same as a value of the domain."""
        return domain.Gate(self.name, self.after, hours=gate_conditions.Hours(tuple(self.open), self.zone))


class Probe(Section):
    """A URL has to answer as expected, asked from the machine that runs Katakei."""

    name: Name = "probe"
    after: Annotated[int, Field(ge=0)] = 0
    url: Annotated[Url, AfterValidator(probe_url)]
    expect: Codes = "200"
    at: Annotated[list[Moment], Field(min_length=1)] = Field(default_factory=_before)
    then: Literal["hold", "stop", "revert"] = "hold"

    def to_domain(self) -> domain.Gate:
        """The same as a value of the domain."""
        return domain.Gate(
            self.name,
            self.after,
            probe=gate_conditions.GateProbe(self.url, self.expect),
            moments=tuple(moment for moment in gate_conditions.GateMoment if moment.value in self.at),
            outcome=gate_conditions.GateOutcome(self.then),
        )


class Gate(Section):
    """What has to be passed before targets are taken out: exactly one kind."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [kind]} for kind in KINDS]})

    approval: Annotated[Approval | None, BeforeValidator(nothing)] = None
    hours: Hours | None = None
    probe: Probe | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self._given) != 1:
            raise ValueError(f"has {len(self._given) or 'no'} kinds; write exactly one of {', '.join(KINDS)}")
        return self

    @property
    def _given(self) -> list[Approval | Hours | Probe]:
        return [kind for kind in (self.approval, self.hours, self.probe) if kind is not None]

    @property
    def name(self) -> str:
        """The name of the gate."""
        return self._given[0].name

    def to_domain(self) -> domain.Gate:
        """The same as a value of the domain."""
        return self._given[0].to_domain()
