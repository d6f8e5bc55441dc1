"""The schema of katakei.yml: every key with its type and default.

`validation` refuses keys of later versions. `python -m katakei.config.schema` prints the JSON Schema for editors.
"""

import json
from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import (
    ConfigDict,
    Field,
    Strict,
    ValidationInfo,
    field_validator,
    model_validator,
)

from katakei.config.defaults import default_drain, drain_of
from katakei.config.field_types import (
    Codes,
    Draining,
    Limit,
    Name,
    NotifyUrl,
    Part,
    Some,
    Span,
    Text,
    Url,
    UrlPath,
)
from katakei.config.gate_schema import Gate
from katakei.config.key_meanings import with_meanings
from katakei.config.work_schema import Beside, Section, SshWay, Work
from katakei.domain import notifications
from katakei.domain import spec as domain
from katakei.domain.instances import Disruption

MAX_COUNTER = 16_000
"""Bytes of a counter's command, URL and field: Run Command carries 56,000 characters with the rest of the probe."""

MAX_QUIET = timedelta(hours=24)
"""The probe watches for this long in one command, which Run Command ends after 48 hours (executionTimeout)."""

MAX_WAVES = 100
ALL = 100
"""Percent."""

MAX_NOTIFY = 20
"""Addresses of one service. Each message is sent to all of them, one after another."""


class Alb(Section):
    """Target groups of an Application Load Balancer, by name or ARN."""

    target_groups: Annotated[list[Name], Field(min_length=1)]


class Balancer(Section):
    """The load balancer that sends requests to the targets."""

    alb: Alb


class Tagged(Section):
    """Targets by their EC2 tags. A target must have all of them."""

    tag: Annotated[dict[str, str], Field(min_length=1)]


class Ranks(Section):
    """Which targets are taken first, by the value of an EC2 tag. All others come after them."""

    tag: Text
    first: Annotated[list[Text], Field(min_length=1)]

    @field_validator("first")
    @classmethod
    def _each_once(cls, first: list[str]) -> list[str]:
        if twice := sorted({value for value in first if first.count(value) > 1}):
            raise ValueError(f"each value has one rank; written several times: {', '.join(twice)}")
        return first


class Window(Section):
    """How many targets may be out at a time, how many registrations must serve, and the order of the targets."""

    max_unavailable: Some = Field(default="1", validate_default=True)
    floor: Part = Field(default="50%", validate_default=True)
    floor_per_zone: Annotated[int, Field(ge=0)] = 0
    order: Literal["zone", "listed"] = "zone"
    waves: Annotated[list[Some], Field(min_length=1, max_length=MAX_WAVES)] | None = None
    pause_between: Span | None = None
    ranks: Ranks | None = None

    @field_validator("waves")
    @classmethod
    def _waves_grow(cls, waves: list[domain.Share] | None) -> list[domain.Share] | None:
        for before, after in pairwise(waves or ()):
            if not _grows(before, after):
                raise ValueError(
                    f"{after} comes after {before}; waves count from the first target on, so each is larger"
                )
        return waves

    @model_validator(mode="after")
    def _pause_between_waves(self) -> Self:
        if self.pause_between is not None and self.waves is None:
            raise ValueError("pause_between has an effect only with waves; write waves: [1, 10%, 100%], or remove it")
        return self

    def to_domain(self) -> domain.Window:
        """The same as a value of the domain."""
        return domain.Window(
            self.max_unavailable,
            self.floor,
            self.floor_per_zone,
            domain.TargetOrder(self.order),
            tuple(self.waves or ()),
            self.pause_between or timedelta(),
            domain.Ranks(self.ranks.tag, tuple(self.ranks.first)) if self.ranks else None,
        )


def _grows(before: domain.Share, after: domain.Share) -> bool:
    """Whether a wave can be larger than the one before it. A count and a percentage compare only with all targets."""
    if before.percent is not None and after.percent is not None:
        return after.percent > before.percent
    if before.count is not None and after.count is not None:
        return after.count > before.count
    return before.percent != ALL


class Membership(Section):
    """Which members of the groups take part. Members of an Auto Scaling group are refused."""

    auto_scaling: Literal["refuse"] = "refuse"
    zonal_shift: Literal["refuse", "allow"] = "refuse"
    unhealthy: Literal["last", "first", "skip", "refuse"] = "last"

    def to_domain(self) -> domain.Membership:
        """The same as a value of the domain."""
        return domain.Membership(domain.ZonalShift(self.zonal_shift), domain.UnhealthyAtStart(self.unhealthy))


class Counter(Section):
    """Where the target reads its number of requests in flight: exactly one of `url` and `command`.

    `field` names the number: a key in JSON (`in_flight`, or `pool.in_flight`), or the name on a line `name: number`.
    """

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["url"]}, {"required": ["command"]}]})

    url: Url | None = None
    command: Text | None = None
    field: Text | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.url is None) == (self.command is None):
            raise ValueError("write exactly one of url: http://127.0.0.1/status and command: ./in-flight")
        size = sum(len((text or "").encode()) for text in (self.url, self.command, self.field))
        if size > MAX_COUNTER:
            raise ValueError(
                f"takes {size} bytes, more than Run Command carries beside the probe ({MAX_COUNTER});"
                " put it into a script on the target and call that"
            )
        return self

    def to_domain(self) -> domain.CounterSource:
        """The same as a value of the domain."""
        return domain.CounterSource(self.command or "", self.url or "", self.field or "")


Fallbacks = Annotated[tuple[Literal["requests"], Literal["proof", "answered", "counter", "delay"]], Strict(False)]
"""What proves that nothing is pending, and what does so where that is not possible."""


class Drain(Section):
    """When the drain of a target ends. `until` is proof by default if a probe can run on the target, else delay.

    A list is `requests` and what proves it where that is not possible.
    """

    settle: Span = Field(default="30s", validate_default=True)
    until: Literal["requests", "proof", "answered", "counter", "delay"] | Fallbacks | None = None
    quiet: Span = Field(default="5s", validate_default=True)
    witness: Literal["work", "ssm", "ssh"] = "work"
    ssh: SshWay | None = None
    counter: Counter | None = None
    cut_after: Span | None = None

    @field_validator("quiet")
    @classmethod
    def _quiet_within_one_command(cls, quiet: timedelta) -> timedelta:
        if quiet > MAX_QUIET:
            raise ValueError("must be 24h or less, because Run Command ends the command of a probe after 48h")
        return quiet

    @model_validator(mode="after")
    def _cut_after_settle(self) -> Self:
        if self.cut_after is not None and self.cut_after < self.settle:
            raise ValueError("cut_after must not be shorter than settle; write a longer time")
        return self

    def to_domain(self, work: domain.Command) -> domain.Drain:
        """The same as a value of the domain. The kind of work decides the defaults."""
        default = drain_of(work) if self.witness == "work" else default_drain(self.witness)
        first, *rest = (self.until,) if isinstance(self.until, str) else self.until or (default.until.value,)
        until = domain.DrainUntil(first)
        fallback = domain.DrainUntil(rest[0]) if rest else None
        probe = "" if until is domain.DrainUntil.DELAY else default.probe
        counter = self.counter.to_domain() if self.counter else None
        access = (self.ssh or SshWay()).access() if probe == "ssh" and work.ssh is None else None
        return domain.Drain(self.settle, until, self.quiet, probe, counter, self.cut_after, access, fallback)


class Http(Section):
    """An HTTP request that is sent to the target itself."""

    path: UrlPath
    expect: Codes = "200"
    port: Annotated[int, Field(ge=1, le=65535)] | None = None


class Check(Section):
    """The check before a target is registered again. Without `http` it is the health check of its group."""

    http: Http | None = None
    within: Limit = Field(default="1m", validate_default=True)

    def to_domain(self) -> domain.Check:
        """The same as a value of the domain."""
        return domain.Check(
            domain.HttpCheck(self.http.path, self.http.expect, self.http.port) if self.http else None, self.within
        )


class Warm(Section):
    """How long a target must keep serving, and whether the next one may drain meanwhile."""

    soak: Span = Field(default="30s", validate_default=True)
    overlap: Literal["auto", "never"] = "auto"


class Limits(Section):
    """How long each phase may last."""

    draining: Draining = Field(default="delay+60s", validate_default=True)
    working: Limit = Field(default="15m", validate_default=True)
    warming: Limit = Field(default="5m", validate_default=True)
    waiting: Limit = Field(default="30m", validate_default=True)

    def to_domain(self) -> domain.Limits:
        """The same as a value of the domain."""
        from_delay, extra = self.draining
        return domain.Limits(extra, from_delay, self.working, self.warming, self.waiting)


class OnFailure(Section):
    """When a rollout stops, and what happens to a target that failed."""

    max_failures: Annotated[int, Field(ge=0)] = 0
    then: Literal["stop", "revert"] = "stop"
    failed_target: Literal["keep_out", "put_back"] = "keep_out"


class Notify(Section):
    """An address that gets messages about rollouts. Its URL holds a secret, so that the file only says where it is."""

    url: NotifyUrl
    on: Annotated[list[Literal["started", "waiting_for_approval", "failed", "done"]], Field(min_length=1)] | None = None
    language: Literal["en", "ja"] = "en"

    def to_domain(self) -> notifications.NotifyRule:
        """The same as a value of the domain."""
        on = frozenset(notifications.Occasion(each) for each in self.on or notifications.Occasion)
        return notifications.NotifyRule(self.url, on, notifications.Language(self.language))


class Settings(Section):
    """The whole file."""

    service: Name
    balancer: Balancer
    targets: Literal["all"] | Annotated[list[Text], Field(min_length=1)] | Tagged = "all"
    late: Literal["roll", "leave"] | None = None
    membership: Membership = Field(default_factory=Membership)
    window: Window = Field(default_factory=Window)
    drain: Drain = Field(default_factory=Drain)
    work: Work
    check: Literal["none"] | Check = Field(default_factory=Check)
    warm: Warm = Field(default_factory=Warm)
    limits: Limits = Field(default_factory=Limits)
    on_failure: OnFailure = Field(default_factory=OnFailure)
    revert: Work | None = None
    notify: Annotated[list[Notify], Field(max_length=MAX_NOTIFY)] = Field(default_factory=list)
    gates: list[Gate] = Field(default_factory=list)
    disruption: Literal["none", "restart", "reboot", "stop_start"] | None = None
    before: Beside | None = None
    after: Beside | None = None

    @field_validator("gates")
    @classmethod
    def _each_has_a_name(cls, gates: list[Gate]) -> list[Gate]:
        names = [gate.name for gate in gates]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"each gate needs a name of its own; several are named {', '.join(twice)}")
        return gates

    @field_validator("late")
    @classmethod
    def _late_needs_a_rule(cls, late: str | None, written: ValidationInfo) -> str | None:
        if late == "roll" and isinstance(written.data.get("targets"), list):
            raise ValueError(
                "roll needs targets: all or {tag: {Role: web}}; a list of targets cannot include a new one"
            )
        return late

    def rules(self) -> tuple[notifications.NotifyRule, ...]:
        """The rules of `notify`. They are no part of the spec: a rollout goes on with the ones that hold then."""
        return tuple(rule.to_domain() for rule in self.notify)

    def spec(self) -> domain.Spec:
        """The same as a value of the domain."""
        failure = self.on_failure
        return domain.Spec(
            service=self.service,
            groups=tuple(self.balancer.alb.target_groups),
            work=self.work.command(),
            targets=_selection(self.targets),
            late=domain.LatePolicy(self.late or ("roll" if self.targets == "all" else "leave")),
            window=self.window.to_domain(),
            drain=self.drain.to_domain(self.work.command()),
            check=self.check.to_domain() if isinstance(self.check, Check) else domain.Check(asked=False),
            soak=self.warm.soak,
            overlap=domain.Overlap(self.warm.overlap),
            limits=self.limits.to_domain(),
            on_failure=domain.OnFailure(
                failure.max_failures,
                domain.FailedTargetPolicy(failure.failed_target),
                domain.AfterFailure(failure.then),
            ),
            revert=self.revert.command() if self.revert else self.work.back(),
            gates=tuple(gate.to_domain() for gate in self.gates),
            disruption=Disruption(self.disruption) if self.disruption else None,
            membership=self.membership.to_domain(),
            before=self.before.target.command() if self.before else None,
            after=self.after.target.command() if self.after else None,
        )


def _selection(targets: str | list[str] | Tagged) -> domain.Selection:
    if isinstance(targets, Tagged):
        return domain.Selection(tags=tuple(sorted(targets.tag.items())))
    return domain.Selection() if isinstance(targets, str) else domain.Selection(only=tuple(targets))


def schema() -> dict[str, Any]:
    """The JSON Schema for editors, which is published as docs/katakei.schema.json."""
    return with_meanings({"$schema": "https://json-schema.org/draft/2020-12/schema", **Settings.model_json_schema()})


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2, ensure_ascii=False))  # noqa: T201 - a generator prints what it generates
