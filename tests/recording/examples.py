"""One example of every kind of event, as the codec writes it.

The examples come from the wire tables and the annotations, so that no kind and no field can be left out.
"""

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

from tests.recording.shapes import default_of, has_default, kind_row

from katakei.adapters.journals.event_codec import coder, encode
from katakei.domain.events import VERSION, Event
from katakei.domain.reasons import Reason
from katakei.domain.wire import EVENTS

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TEXT = 'why it is so, 片系 "quoted"'
GROUP = "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/web/0123456789abcdef"
BALANCER = "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:loadbalancer/app/web/0123456789abcdef"
BOOT = "00000000-0000-4000-8000-000000000000"
COMMAND = 'cd /srv/app\n./deploy "$KATAKEI_RELEASE" # 片系ずつ\n'
ENV = [
    {"name": "APP_ENV", "value": "production"},
    {"name": "KEY", "ssm_parameter": "/shop/key"},
    {"name": "TOKEN", "secret": "DEPLOY_TOKEN"},
]
REASON = {"code": "work_failed", "data": {"exit": 3, "note": "片系"}}
OF_FIELD: Mapping[str, Any] = {
    "Command.argv": [],
    "Command.env": ENV,
    "Command.executor": "ssm",
    "Command.run": COMMAND,
    "Group.arn": GROUP,
    "Group.target_type": "ip",
    "HealthCheck.port": 8081,
    "Http.expect": "200,204",
    "Key.intent": "update",
    "Minimum.name": "target_group_health.dns_failover.minimum_healthy_targets",
    "Minimum.percent": None,
    "Moved.cause": "failed",
    "Moved.to": "left_out",
    "Owner.boot": BOOT,
    "Owner.host": "deploy-1",
    "Owner.pid": 21733,
    "Owner.started": 280234,
    "Owner.user": "kim",
    "Plan.begin": "out",
    "Plan.floors": {GROUP: {"count": 2, "base": 3, "per_zone": 1}},
    "Plan.versions": {"katakei": "0.1.0", "events": str(VERSION)},
    "Moved.reason": REASON,
    "Selection.tags": [["Role", "web"]],
    "Share.percent": None,
    "Spec.groups": ["web"],
    "SshAccess.options": [["StrictHostKeyChecking", "yes"]],
    "Spec.revert": {"executor": "local", "argv": ["./undo.sh", "--host", "$KATAKEI_ADDRESS"]},
    "Tally.command": "",
}
"""By kind and field, as JSON: values where the annotation alone gives no sensible one."""

OF_NAME: Mapping[str, str | int] = {
    "account": "123456789012",
    "address": "10.0.0.1",
    "autoscaling": "web-asg",
    "balancer_type": "application",
    "by": "kim",
    "field": "in_flight",
    "group": GROUP,
    "id": "i-00000000000000001",
    "load_balancers": BALANCER,
    "marks": f"deploy-1 {BOOT} pid:[4026531836] k3v9x2m7p4qd",
    "matcher": "200-299",
    "name": "web1",
    "only": "i-00000000000000001",
    "overlaps": "i-00000000000000002",
    "first": "batch",
    "out": "restarted\n再起動 \u0007\n",
    "path": "/health",
    "port": 80,
    "protocol": "HTTP",
    "protocol_version": "HTTP1",
    "region": "ap-northeast-1",
    "release": "v2",
    "revert_marks": f"ci-2 {BOOT} pid:[4026531836] q8w2e6r4t1yz",
    "rollout": "r-abcdefgh",
    "service": "shop",
    "target": "i-00000000000000001",
    "tag": "Tier",
    "targets": "i-00000000000000001",
    "ticket": "0b8c5a1e-7d42-4c1f-9a60-000000000001",
    "url": "http://127.0.0.1:8081/status",
    "who": "kim@deploy-1 (pid 21733)",
    "witness": "ssm",
    "zonal_shift": "ap-northeast-1c",
    "zone": "ap-northeast-1a",
}
"""By the name of the field: texts and integers."""


def kinds() -> dict[str, list[str]]:
    """Two lines for each kind: one with every optional field set, one with every default left as it is."""
    return {EVENTS[type(full)].kind: [encode(full), encode(least)] for full, least in samples()}


def samples() -> list[tuple[Event, Event]]:
    """The same examples as events."""
    return [(example(kind, "", full=True), example(kind, "", full=False)) for kind in get_args(Event)]


def example(hint: Any, name: str, *, full: bool) -> Any:
    """A value of this annotation.

    Args:
        hint: The annotation.
        name: `Kind.field`, the wire names of the place where the value stands.
        full: Whether every field gets a value that differs from its default.

    Raises:
        TypeError: No recorded type has this annotation.
    """
    if name in OF_FIELD and (full or type(None) not in get_args(hint)):
        return coder(hint).read(OF_FIELD[name])
    if isinstance(hint, NewType):
        return example(hint.__supertype__, name, full=full)
    if hint is Reason:
        return coder(Reason).read(REASON)
    if is_dataclass(hint) and isinstance(hint, type):
        return _record(hint, full=full)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return list(hint)[-1]
    bare = name.rpartition(".")[2]
    simple = {str: OF_NAME.get(bare, TEXT), int: OF_NAME.get(bare, 2), bool: full, datetime: NOON}
    if hint is timedelta:
        return timedelta(seconds=90, microseconds=250000 if full else 0)
    return simple[hint] if hint in simple else _compound(hint, name, full=full)


def _record(cls: type, *, full: bool) -> Any:
    hints, row = get_type_hints(cls), kind_row(cls)
    names = {field.attribute: f"{row.kind}.{field.name}" for field in row.fields}
    values = {}
    for slot in fields(cls):
        if full or not has_default(slot):
            value = example(hints[slot.name], names[slot.name], full=full)
            values[slot.name] = _another(value) if has_default(slot) and value == default_of(slot) else value
    return cls(**values)


def _another(value: Any) -> Any:
    """A value that is not the default: a reader that ignored the field would otherwise go unnoticed."""
    if isinstance(value, bool):
        return not value
    return next(iter(type(value))) if isinstance(value, Enum) else value


def _compound(hint: Any, name: str, *, full: bool) -> Any:
    origin, inside = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        return example(inside[0], name, full=full) if full else None
    if origin is tuple and inside[1:] == (...,):
        return (example(inside[0], name, full=full),)
    raise TypeError(f"no example of {hint} for {name}")
