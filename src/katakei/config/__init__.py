"""katakei.yml to a Spec, or every fault in it with its line, in one go. Nothing is asked of the world.

pydantic and the YAML reader are imported only when a file is really read.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from katakei.config.evidence import usual
from katakei.domain.errors import UsageError
from katakei.domain.spec import Command, LatePolicy, Selection, Spec

__all__ = ["Overrides", "load", "release", "without_file"]

NAME = re.compile(r"[A-Za-z0-9._/@:+-]{1,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line says instead of the file: --only and GROUP. Empty and None say nothing."""

    only: tuple[str, ...] = ()
    target_group: str | None = None


def load(path: Path, overrides: Overrides) -> Spec:
    """The wishes in this file. Raises UsageFault: it cannot be read, or has faults, all of them listed."""
    from katakei.config.validation import validate  # noqa: PLC0415 - pydantic, likewise
    from katakei.config.yaml_document import read  # noqa: PLC0415 - only now is a file read (see above)

    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as fault:
        raise UsageError(f"{path}: this is not text in UTF-8: save it as UTF-8") from fault
    except OSError as fault:
        raise UsageError(f"{path}: cannot be read ({fault.strerror}): give another file with -f") from fault
    return _overridden(validate(read(text, path.name)), overrides)


def without_file(group: str, run: str | None, overrides: Overrides) -> Spec:
    """`roll GROUP --run CMD`: the group gives the service its name; without a command a person does the work."""
    if run is not None and not run.strip():
        raise UsageError("--run is empty: give the command to run on each target, or leave it out to work by hand")
    work = Command("manual") if run is None else Command("ssm", run)
    wishes = Spec(_name_of(group), (group,), work, late=LatePolicy.ROLL, drain=usual(work.executor))
    return _overridden(wishes, overrides)


def release(text: str) -> str:
    """A release's name, as it came. Raises UsageFault: it reaches commands, so only harmless characters are taken."""
    if not NAME.fullmatch(text):
        raise UsageError(f"the release {text!r} must be 1 to 128 characters out of A-Z a-z 0-9 . _ / @ : + -")
    return text


def _overridden(spec: Spec, overrides: Overrides) -> Spec:
    if overrides.only:
        spec = replace(spec, targets=Selection(only=overrides.only), late=LatePolicy.LEAVE)
    if overrides.target_group:
        spec = replace(spec, groups=(overrides.target_group,))
    return spec


def _name_of(group: str) -> str:
    """`web` of arn:aws:elasticloadbalancing:…:targetgroup/web/0123456789abcdef; a name is its own."""
    parts = group.split(":targetgroup/")
    name = parts[1].split("/")[0] if len(parts) == 2 else group
    if not NAME.fullmatch(name):
        raise UsageError(f"{group!r} is no name or ARN of a target group")
    return name
