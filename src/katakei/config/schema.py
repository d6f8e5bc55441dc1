"""The shape of katakei.yml as it is obeyed now, with every default, as text. Keys of later versions: see `judge`."""

import json
from dataclasses import replace
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from katakei.config.evidence import usual
from katakei.config.field_types import Codes, Draining, Limit, Name, Part, Some, Span, Text, Url, UrlPath
from katakei.config.variables import OnTarget, OnThisMachine
from katakei.domain import spec as core


class Section(BaseModel):
    """Unknown keys are faults; a value is taken as it is written, never bent into another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Alb(Section):
    """An Application Load Balancer's target groups, by name or ARN."""

    target_groups: Annotated[list[Name], Field(min_length=1)]


class Balancer(Section):
    """Which load balancer the targets stand behind."""

    alb: Alb


class Tagged(Section):
    """Targets by their EC2 tags; all of them must fit."""

    tag: Annotated[dict[str, str], Field(min_length=1)]


class Window(Section):
    """How many targets may be out, how many registrations must serve, and in which order targets are taken."""

    max_unavailable: Some = Field(default="1", validate_default=True)
    floor: Part = Field(default="50%", validate_default=True)
    floor_per_zone: Annotated[int, Field(ge=0)] = 0
    order: Literal["zone", "listed"] = "zone"


class Counter(Section):
    """Where the number of requests in flight is read, as seen from the target: exactly one of `url` and `command`."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["url"]}, {"required": ["command"]}]})

    url: Url | None = None
    command: Text | None = None
    field: Text | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.url is None) == (self.command is None):
            raise ValueError("write exactly one of url: http://127.0.0.1/status and command: ./in-flight")
        return self

    def wish(self) -> core.CounterSource:
        """As the core names it."""
        return core.CounterSource(self.command or "", self.url or "", self.field or "")


class Drain(Section):
    """How long nothing may reach a target before work begins. `until` is proof where a witness can reach the target."""

    settle: Span = Field(default="30s", validate_default=True)
    until: Literal["proof", "answered", "counter", "delay"] | None = None
    quiet: Span = Field(default="5s", validate_default=True)
    witness: Literal["work", "ssm"] = "work"
    counter: Counter | None = None
    cut_after: Span | None = None

    @model_validator(mode="after")
    def _nothing_is_cut_before_settle(self) -> Self:
        if self.cut_after is not None and self.cut_after < self.settle:
            raise ValueError("cut_after is shorter than settle, before whose end nothing is cut; write more of it")
        return self

    def wish(self, work: core.Command) -> core.Drain:
        """As the core names it, with what this kind of work makes of the defaults."""
        usually = usual(work.executor if self.witness == "work" else self.witness)
        until = core.DrainUntil(self.until) if self.until else usually.until
        witness = "" if until is core.DrainUntil.DELAY else usually.probe
        counter = self.counter.wish() if self.counter else None
        return core.Drain(self.settle, until, self.quiet, witness, counter, self.cut_after)


class Ssm(Section):
    """A shell command, run on the target by Run Command; values reach it as environment variables."""

    run: Text
    env: OnTarget = Field(default_factory=dict)


class Local(Section):
    """A command on the machine that runs Katakei, once per target: a shell's text, or words that no shell reads."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["run"]}, {"required": ["argv"]}]})

    run: Text | None = None
    argv: Annotated[list[Text], Field(min_length=1)] | None = None
    env: OnThisMachine = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.run is None) == (self.argv is None):
            raise ValueError('write exactly one of run: "./deploy.sh" and argv: [./deploy.sh, web]')
        return self


class Manual(Section):
    """A person does the work and says `katakei approve`."""


def _nothing(value: object) -> object:
    """`manual:` with nothing behind it is the usual way to write it."""
    return {} if value is None else value


class Work(Section):
    """What is done on each target, or what takes that back: exactly one."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})  # for editors; `judge` tells

    ssm: Ssm | None = None
    local: Local | None = None
    manual: Annotated[Manual | None, BeforeValidator(_nothing)] = None

    def command(self) -> core.Command:
        """As the core names it."""
        if self.local:
            return core.Command("local", self.local.run or "", tuple(self.local.argv or ()), _env(self.local.env))
        return core.Command("ssm", self.ssm.run, env=_env(self.ssm.env)) if self.ssm else core.Command("manual")


def _env(values: dict[str, core.Variable]) -> tuple[core.Variable, ...]:
    """By name: in which order they were written means nothing."""
    return tuple(replace(value, name=name) for name, value in sorted(values.items()))


class Http(Section):
    """A question asked of the target itself."""

    path: UrlPath
    expect: Codes = "200"
    port: Annotated[int, Field(ge=1, le=65535)] | None = None


class Check(Section):
    """What must hold before a target is registered again; without `http` the group's own health check is asked."""

    http: Http | None = None
    within: Limit = Field(default="1m", validate_default=True)

    def wish(self) -> core.Check:
        """As the core names it."""
        return core.Check(
            core.HttpCheck(self.http.path, self.http.expect, self.http.port) if self.http else None, self.within
        )


class Warm(Section):
    """How long a target must go on serving before the next one is taken."""

    soak: Span = Field(default="30s", validate_default=True)


class Limits(Section):
    """How long each phase may last."""

    draining: Draining = Field(default="delay+60s", validate_default=True)
    working: Limit = Field(default="15m", validate_default=True)
    warming: Limit = Field(default="5m", validate_default=True)
    waiting: Limit = Field(default="30m", validate_default=True)

    def wish(self) -> core.Limits:
        """As the core names them."""
        from_delay, extra = self.draining
        return core.Limits(extra, from_delay, self.working, self.warming, self.waiting)


class OnFailure(Section):
    """When to stop, and what becomes of a target that failed."""

    max_failures: Annotated[int, Field(ge=0)] = 0
    then: Literal["stop", "revert"] = "stop"
    failed_target: Literal["keep_out", "put_back"] = "keep_out"


class Settings(Section):
    """The whole file."""

    service: Name
    balancer: Balancer
    targets: Literal["all"] | Annotated[list[Text], Field(min_length=1)] | Tagged = "all"
    late: Literal["roll", "leave"] | None = None
    window: Window = Field(default_factory=Window)
    drain: Drain = Field(default_factory=Drain)
    work: Work
    check: Literal["none"] | Check = Field(default_factory=Check)
    warm: Warm = Field(default_factory=Warm)
    limits: Limits = Field(default_factory=Limits)
    on_failure: OnFailure = Field(default_factory=OnFailure)
    revert: Work | None = None

    @field_validator("late")
    @classmethod
    def _nobody_late_has_a_name(cls, late: str | None, written: ValidationInfo) -> str | None:
        if late == "roll" and isinstance(written.data.get("targets"), list):
            raise ValueError("roll needs targets: all or {tag: {Role: web}}; a list of targets names nobody else")
        return late

    def spec(self) -> core.Spec:
        """The same wishes in the core's own words."""
        window, failure = self.window, self.on_failure
        order = core.TargetOrder(window.order)
        return core.Spec(
            service=self.service,
            groups=tuple(self.balancer.alb.target_groups),
            work=self.work.command(),
            targets=_selection(self.targets),
            late=core.LatePolicy(self.late or ("roll" if self.targets == "all" else "leave")),
            window=core.Window(window.max_unavailable, window.floor, window.floor_per_zone, order),
            drain=self.drain.wish(self.work.command()),
            check=self.check.wish() if isinstance(self.check, Check) else core.Check(asked=False),
            soak=self.warm.soak,
            limits=self.limits.wish(),
            on_failure=core.OnFailure(
                failure.max_failures, core.FailedTargetPolicy(failure.failed_target), core.AfterFailure(failure.then)
            ),
            revert=self.revert.command() if self.revert else None,
        )


def _selection(targets: str | list[str] | Tagged) -> core.Selection:
    if isinstance(targets, Tagged):
        return core.Selection(tags=tuple(sorted(targets.tag.items())))
    return core.Selection() if isinstance(targets, str) else core.Selection(only=tuple(targets))


def schema() -> dict[str, Any]:
    """The JSON Schema that editors use; docs/katakei.schema.json is this."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Settings.model_json_schema()}


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2, ensure_ascii=False))  # noqa: T201 - a generator prints what it generates
