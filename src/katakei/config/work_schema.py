"""The schema of `work` and `revert` in katakei.yml: what is done on a target, and how it is reached."""

from dataclasses import replace
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, field_validator, model_validator

from katakei.config.defaults import several_lines, shell_text
from katakei.config.field_types import (
    NOT_BY_SSH,
    NOT_BY_SSM,
    ArtifactPlace,
    Checksum,
    InstanceType,
    LocalEnv,
    ReleaseEnv,
    ReleasePath,
    Revision,
    SharedName,
    SshEnv,
    SshFile,
    SshHost,
    SshOptions,
    SshUser,
    TargetEnv,
    Text,
)
from katakei.domain import instances, releases
from katakei.domain import spec as domain

MAX_SHARED = 100
"""Files and folders that releases share."""


class Section(BaseModel):
    """A mapping in the file. Unknown keys are faults; a value is never converted into another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class SshWay(Section):
    """How the OpenSSH client reaches the targets. Everything else is in the configuration of the client.

    `host` names the host: private_ip, name (the Name tag), id, or {tag: KEY}. `host_keys: accept-new` also accepts the
    key of a host that the client never met; a changed key is always refused.
    """

    user: SshUser | None = None
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    host: SshHost = Field(default="private_ip", validate_default=True)
    config: SshFile | None = None
    options: SshOptions = Field(default_factory=dict)
    host_keys: Literal["verify", "accept-new"] = "verify"

    def access(self) -> domain.SshAccess:
        """The same as a value of the domain."""
        source, tag = self.host
        return domain.SshAccess(
            self.user or "",
            self.port,
            domain.HostSource(source),
            tag,
            self.config or "",
            tuple(sorted(self.options.items())),
            domain.HostKeys(self.host_keys),
        )


class Shell(Section):
    """How a command is read: by `sh` or `bash`; with `errexit` it stops at the first command that fails (`set -e`).

    By default a command of several lines stops so, and a command of one line does not.
    """

    shell: Literal["sh", "bash"] | None = None
    errexit: bool | None = None

    def read(self, executor: str, run: str, env: dict[str, domain.Variable]) -> domain.Command:
        """The command for a shell."""
        text = shell_text(run)
        errexit = several_lines(text) if self.errexit is None else self.errexit
        return domain.Command(executor, text, env=_env(env), shell=self.shell or "sh", errexit=errexit)


class Ssm(Shell):
    """A shell command that Run Command runs on the target. `env` sets its environment variables."""

    run: Text
    env: TargetEnv = Field(default_factory=dict)

    def command(self) -> domain.Command:
        """The same as a value of the domain."""
        return self.read("ssm", self.run, self.env)


class Ssh(Shell, SshWay):
    """A shell command on the target, started through the OpenSSH client. `env` sets its environment variables."""

    run: Text
    env: SshEnv = Field(default_factory=dict)

    def command(self) -> domain.Command:
        """The same as a value of the domain."""
        return replace(self.read("ssh", self.run, self.env), ssh=self.access())


class Local(Shell):
    """A command on the machine that runs Katakei, once per target: text for a shell, or `argv` without a shell."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["run"]}, {"required": ["argv"]}]})

    run: Text | None = None
    argv: Annotated[list[Text], Field(min_length=1)] | None = None
    env: LocalEnv = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.run is None) == (self.argv is None):
            raise ValueError('write exactly one of run: "./deploy.sh" and argv: [./deploy.sh, web]')
        if self.argv and (self.shell or self.errexit is not None):
            raise ValueError("shell and errexit have an effect only with run: no shell reads argv; remove them")
        return self


class Manual(Section):
    """A person does the work and then approves it."""


def nothing(value: object) -> object:
    """Accepts `manual:` without a value."""
    return {} if value is None else value


class Source(Section):
    """Where each target finds the release: exactly one of `git`, `s3` and `url`. `{release}` stands for its name.

    `git` is a repository, of which `revision` names a tag or a commit. `s3` and `url` name an archive that tar reads.
    `sha256` is its checksum; `beside` reads it from a file with the same name and `.sha256` at its end. `strip: true`
    is for an archive that holds one folder, and takes what is in that.
    """

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [kind.value]} for kind in releases.SourceKind]})

    git: ArtifactPlace | None = None
    revision: Revision | None = None
    s3: ArtifactPlace | None = None
    region: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,32}$")] | None = None
    url: ArtifactPlace | None = None
    sha256: Checksum | None = None
    strip: bool = False

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        given = {"git": self.git, "s3": self.s3, "url": self.url}
        kinds = [kind for kind, place in given.items() if place is not None]
        if len(kinds) != 1:
            raise ValueError("write exactly one of git: URL, s3: s3://BUCKET/KEY and url: https://HOST/PATH")
        [kind] = kinds
        releases.check_place(releases.SourceKind(kind), given[kind] or "", self.sha256 or "")
        keys = {"revision": "git", "region": "s3"}
        wrong = [key for key, needs in keys.items() if getattr(self, key) is not None and kind != needs]
        wrong += ["sha256"] if self.sha256 and kind == "git" else []
        wrong += ["strip"] if self.strip and kind == "git" else []
        if wrong:
            raise ValueError(f"{wrong[0]} has no effect with {kind}; remove it")
        return self

    def to_domain(self) -> releases.ArtifactSource:
        """The same as a value of the domain."""
        if self.git:
            revision = self.revision or releases.NAME_PLACE
            return releases.ArtifactSource(releases.SourceKind.GIT, self.git, revision)
        kind = releases.SourceKind.S3 if self.s3 else releases.SourceKind.URL
        place, region = self.s3 or self.url or "", self.region or ""
        return releases.ArtifactSource(kind, place, "", self.sha256 or "", region, self.strip)


class Release(Section):
    """A release that is put into place below `path`, in the layout of Capistrano; `--release` names it.

    `by` says how the target is reached. The commands stop at their first command that fails.
    """

    path: ReleasePath
    source: Source
    shared: Annotated[list[SharedName], Field(max_length=MAX_SHARED)] = Field(default_factory=list)
    keep: Annotated[int, Field(ge=2, le=1000)] = 5
    before_switch: Text | None = None
    restart: Text | None = None
    after_switch: Text | None = None
    by: Literal["ssm", "ssh"] = "ssm"
    ssh: SshWay | None = None
    env: ReleaseEnv = Field(default_factory=dict)

    @field_validator("shared")
    @classmethod
    def _none_in_another(cls, shared: list[str]) -> list[str]:
        names = sorted(f"{name.rstrip('/')}/" for name in shared)
        for before, name in pairwise(names):
            if name.startswith(before):
                raise ValueError(f"{name.rstrip('/')} is in {before.rstrip('/')}, which is shared; remove one of them")
        return shared

    @model_validator(mode="after")
    def _fits_the_way(self) -> Self:
        if self.ssh and self.by != "ssh":
            raise ValueError("ssh has an effect only with by: ssh; write by: ssh or remove it")
        for name, value in sorted(self.env.items()):
            if value.secret and self.by == "ssm":
                raise ValueError(f"{name}: {NOT_BY_SSM}")
            if value.ssm_parameter and self.by == "ssh":
                raise ValueError(f"{name}: {NOT_BY_SSH}")
        return self

    def command(self) -> domain.Command:
        """The same as a value of the domain."""
        release = releases.Release(
            self.path,
            self.source.to_domain(),
            tuple(self.shared),
            self.keep,
            *(shell_text(text or "") for text in (self.before_switch, self.restart, self.after_switch)),
        )
        access = (self.ssh or SshWay()).access() if self.by == "ssh" else None
        return domain.Command(self.by, env=_env(self.env), ssh=access, release=release)


class Ec2(Section):
    """An action of EC2 on the instance of each target: a reboot, or a stop and a start.

    `by` asks the machine whether it is up again. A reboot needs it, because EC2 does not show that one took place.
    `instance_type` is what a stopped instance gets before it is started.
    """

    action: Literal["reboot", "stop_start"]
    instance_type: InstanceType | None = None
    by: Literal["ssm", "ssh", "none"] = "ssm"
    ssh: SshWay | None = None

    @model_validator(mode="after")
    def _fits_the_action(self) -> Self:
        if self.action == "reboot" and self.by == "none":
            raise ValueError("a reboot needs by: ssm or ssh, because EC2 does not show that one took place")
        if self.action == "reboot" and self.instance_type:
            raise ValueError("instance_type has an effect only with action: stop_start; remove it")
        if self.ssh and self.by != "ssh":
            raise ValueError("ssh has an effect only with by: ssh; write by: ssh or remove it")
        return self

    def command(self) -> domain.Command:
        """The same as a value of the domain."""
        by = "" if self.by == "none" else self.by
        action = instances.InstanceAction(instances.InstanceActionKind(self.action), self.instance_type or "", by)
        access = (self.ssh or SshWay()).access() if by == "ssh" else None
        return domain.Command("ec2", ssh=access, instance=action)


class Work(Section):
    """The work on each target, or its revert: exactly one kind."""

    model_config = ConfigDict(
        json_schema_extra={"minProperties": 1, "maxProperties": 1}
    )  # for editors; `validation` reports it

    ssm: Ssm | None = None
    ssh: Ssh | None = None
    local: Local | None = None
    manual: Annotated[Manual | None, BeforeValidator(nothing)] = None
    release: Release | None = None
    ec2: Ec2 | None = None

    def command(self) -> domain.Command:
        """The same as a value of the domain."""
        if self.ec2:
            return self.ec2.command()
        if self.local and self.local.argv:
            return domain.Command("local", argv=tuple(self.local.argv), env=_env(self.local.env))
        if self.local:
            return self.local.read("local", self.local.run or "", self.local.env)
        if self.ssh:
            return self.ssh.command()
        if self.release:
            return self.release.command()
        return self.ssm.command() if self.ssm else domain.Command("manual")

    def back(self) -> domain.Command | None:
        """What reverts this work by itself: a release goes back to the one before. None for other work."""
        command = self.command()
        return replace(command, release=command.release.back) if command.release else None


class StepCommand(Section):
    """A command on the target: exactly one of `ssm` and `ssh`."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    ssm: Ssm | None = None
    ssh: Ssh | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if len(self._given) != 1:
            raise ValueError('write exactly one of ssm: {run: "./warm-up"} and ssh: {run: "./warm-up"}')
        return self

    @property
    def _given(self) -> list[Ssm | Ssh]:
        return [kind for kind in (self.ssm, self.ssh) if kind is not None]

    def command(self) -> domain.Command:
        """The same as a value of the domain."""
        return self._given[0].command()


class Beside(Section):
    """Steps beside the work, each with a mark of its own. A step that fails is a failure of its target."""

    target: StepCommand


def _env(values: dict[str, domain.Variable]) -> tuple[domain.Variable, ...]:
    """The variables in the order of their names, because the order in the file has no meaning."""
    return tuple(replace(value, name=name) for name, value in sorted(values.items()))
