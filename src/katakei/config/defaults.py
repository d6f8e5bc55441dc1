"""Specs without a configuration file, the overrides of a person, and the defaults that depend on the kind of work.

Nothing here imports pydantic.
"""

import re
from dataclasses import dataclass, replace

from katakei.domain.errors import UsageError
from katakei.domain.notifications import NotifyRule
from katakei.domain.spec import Command, Drain, DrainUntil, LatePolicy, Overlap, Selection, Spec

NAME = re.compile(r"[A-Za-z0-9._/@:+-]{1,128}", re.ASCII)
PROBE_EXECUTORS = ("ssm", "ssh")  # executors that can run a probe on the targets


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a person names beside the file: targets and a group. Empty and None change nothing."""

    only: tuple[str, ...] = ()
    target_group: str | None = None


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a configuration file says: the request for a rollout, and who gets messages about it."""

    spec: Spec
    notify: tuple[NotifyRule, ...] = ()


def without_file(group: str, run: str | None, overrides: Overrides) -> Spec:
    """The spec of a rollout without a configuration file.

    Args:
        group: Name or ARN of the target group. Its name is the name of the service.
        run: The command to run on each target by SSM, or None where a person does the work.
        overrides: What else the person named.

    Raises:
        UsageError: The command is empty, or the group is neither a name nor an ARN.
    """
    if run is not None and not run.strip():
        raise UsageError("the command to run is empty; write the command, or leave it out to do the work by hand")
    text = None if run is None else shell_text(run)
    work = Command("manual") if text is None else Command("ssm", text, errexit=several_lines(text))
    spec = Spec(
        _name_of(group), (group,), work, late=LatePolicy.ROLL, drain=default_drain(work.executor), overlap=Overlap.AUTO
    )
    return overridden(spec, overrides)


def release(text: str) -> str:
    """Checks the name of a release. It reaches commands, so only characters without a meaning in a shell are allowed.

    Raises:
        UsageError: The name contains another character, or is too long.
    """
    if not NAME.fullmatch(text):
        raise UsageError(f"the release {text!r} must be 1 to 128 characters of A-Z a-z 0-9 . _ / @ : + -")
    return text


def default_drain(executor: str) -> Drain:
    """The drain where the file does not say: by proof if this executor can run a probe, else by the delay."""
    return Drain(until=DrainUntil.PROOF, probe=executor) if executor in PROBE_EXECUTORS else Drain()


def drain_of(work: Command) -> Drain:
    """The default for this work. A machine that is stopped must be absent first: there is nothing to prove earlier."""
    return Drain() if work.stops else default_drain(work.carrier)


def shell_text(run: str) -> str:
    """A command as a POSIX shell reads it: with the line ends of Windows, each line would end with a strange word."""
    return run.replace("\r\n", "\n")


def several_lines(run: str) -> bool:
    """Whether a command has more than one line. Then it stops at the first command that fails, unless chosen else."""
    return len([line for line in run.split("\n") if line.strip()]) > 1


def overridden(spec: Spec, overrides: Overrides) -> Spec:
    """The spec with what a person named beside it. Named targets leave late ones alone."""
    if overrides.only:
        spec = replace(spec, targets=Selection(only=overrides.only), late=LatePolicy.LEAVE)
    if overrides.target_group:
        spec = replace(spec, groups=(overrides.target_group,))
    return spec


def _name_of(group: str) -> str:
    """`web` of arn:aws:elasticloadbalancing:…:targetgroup/web/0123456789abcdef. A name stays as it is."""
    parts = group.split(":targetgroup/")
    name = parts[1].split("/")[0] if len(parts) == 2 else group
    if not NAME.fullmatch(name):
        raise UsageError(f"{group!r} is not the name or ARN of a target group")
    return name
