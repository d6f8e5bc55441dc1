"""The differences between two requests, with keys and values as katakei.yml writes them."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import timedelta
from enum import Enum

from katakei.domain.spec import Limits, Share, Spec
from katakei.domain.words import span

KEYS: Mapping[str, str] = {
    "groups": "balancer.alb.target_groups",
    "targets.only": "targets",
    "targets.tags": "targets.tag",
    "work.executor": "work",
    "revert.executor": "revert",
    "drain.probe": "drain.witness",
    "drain.fallback": "drain.until",
    "check.asked": "check",
    "soak": "warm.soak",
    "overlap": "warm.overlap",
    "work.instance": "work.ec2",
    "revert.instance": "revert.ec2",
}
"""The keys whose names differ from those of the attributes. All others are the same."""


def differences(recorded: Spec, present: Spec) -> tuple[str, ...]:
    """The settings that differ from the recorded ones, each as 'window.floor 50%, now 1'."""
    return tuple(_differences("", recorded, present))


def _differences(path: str, was: object, now: object) -> Iterator[str]:
    if was == now:
        return
    if isinstance(was, Limits) and isinstance(now, Limits):
        yield from _drain_limit(path, was, now)
    if is_dataclass(was) and is_dataclass(now) and type(was) is type(now) and not isinstance(was, Share):
        for each in fields(was):
            if not each.name.startswith("draining_"):
                inner = f"{path}.{each.name}".lstrip(".")
                yield from _differences(inner, getattr(was, each.name), getattr(now, each.name))
    else:
        yield f"{KEYS.get(path, path)} {_said(was)}, now {_said(now)}"


def _drain_limit(path: str, was: Limits, now: Limits) -> Iterator[str]:
    """Two attributes make one key: 'limits.draining delay+1m, now 5m'."""
    before, after = (
        (limits.draining_extra, limits.draining_from_delay, "delay+" if limits.draining_from_delay else "")
        for limits in (was, now)
    )
    if before != after:
        yield f"{path}.draining {before[2]}{span(before[0])}, now {after[2]}{span(after[0])}"


def _said(value: object) -> str:
    """A value as a person writes it; nothing of Python's own notation."""
    match value:
        case None | () | "":
            return "none"
        case bool():
            return "asked" if value else "none"
        case tuple():
            return ", ".join(_said(each) for each in value)
        case timedelta():
            return span(value)
        case Enum():
            return str(value.value)
        case _ if is_dataclass(value) and type(value).__str__ is object.__str__:
            given = ((each.name, getattr(value, each.name)) for each in fields(value))
            return ", ".join(f"{name} {_said(held)}" for name, held in given if held not in {None, ""})
        case _:
            return str(value)
