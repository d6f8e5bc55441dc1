"""The public JSON output: the fields of every object that `--json` prints, and plain JSON data of any value.

`OUTPUTS` and `RECORDS` are the contract with programs that read the output. What is written here once is never changed
or removed; a field that is added later states the version of outputs that added it (`name:type@2`). Recorded types
(events, plans, targets) have their names in `katakei.domain.wire`. `make docs` draws both into `docs/schemas/`.

The types: `text`, `integer`, `number`, `boolean`; `T?` may be null; `[T]` is a list of T; `{T}` is an object whose keys
are names and whose values are T. T may also be a record of `RECORDS`, or `wire.KIND` for a record of the wire tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from types import MappingProxyType

from katakei.domain.reasons import Reason
from katakei.domain.wire import record_of

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]


@dataclass(frozen=True, slots=True)
class OutputField:
    """One field of an output.

    Attributes:
        name: Its name in JSON.
        type: Its type, as the module docstring explains.
        since: The version of outputs that added it.
    """

    name: str
    type: str
    since: int


def _fields(written: str) -> tuple[OutputField, ...]:
    return tuple(map(_field, written.split()))


def _field(written: str) -> OutputField:
    declared, _, since = written.partition("@")
    name, _, kind = declared.partition(":")
    return OutputField(name, kind, int(since or 1))


_PLAN = (
    "rollout:text kind:text service:text release:text account:text region:text groups:[text] window:integer "
    "floors:{wire.Floor} order:[wire.Target] predicted_seconds:number parts:[part] said:[text] restore:[text] "
    "notices:[wire.Reason]@2 held:[wire.HeldTarget]@2 restore_held:[text]@2 "
    "at_once:integer@2 limited_by:wire.Reason?@2 limit:integer?@4 waves:[integer]@4 "
    "switch:wire.Switch?@4"
)
_ROLLOUT = (
    "rollout:text service:text release:text begun:text finished:text? exit:integer left_out:[text] failed_late:[text] "
    "reverted_by:text? not_taken_back:[text] paused_by:text? owner:text waiting_for:text targets:[target] "
    "result:text?@2 driver:text?@2 frozen:wire.Freeze?@3 gates:[gate]@3 "
    "wave:integer@4 waves:[integer]@4 traffic:traffic?@4"
)
_GROUP = (
    "name:text arn:text protocol:text port:integer target_type:text serving:integer total:integer "
    "region:text@2 account:text@2"
)

OUTPUTS: Mapping[str, tuple[OutputField, ...]] = MappingProxyType(
    {
        name: _fields(written)
        for name, written in {
            "groups": "groups:[group] region:text@2 account:text@2",
            "status": f"{_GROUP} targets:[member] held_out:integer@2 freezes:[wire.Freeze]@3",
            "plan": _PLAN,
            "list": "rollouts:[listed]",
            "show": _ROLLOUT,
            "logs": "work:[wire.WorkEnded]",
            "report": (
                f"{_ROLLOUT} figures:figures seconds_out:{{number}} phases:{{[bar]}} serving:{{[level]}} "
                "floors:{wire.Floor} restore:[text]"
            ),
            "approve": "approved:[text]",
            "accepted": "accepted:text",
            "unlock": "group:text held:text",
            "token": "secret:text@3 token:token@3",
            "tokens": "tokens:[token]@3",
            "revoked": "revoked:text@3",
            "db": "journal:text@3 state:text@3 schema_before:integer@3 schema:integer@3",
            "promote": "promoted:[text]@3",
            "freeze": "freeze:wire.Freeze@3 rollouts:[text]@3 ignored_by:[text]@3",
            "freezes": "freezes:[wire.Freeze]@3",
            "unfreeze": "lifted:wire.Freeze@3",
            "doctor": "worst:text@4 findings:[finding]@4",
            "ok-to-stop": (
                "ok:boolean@4 targets:[text]@4 reasons:[wire.Reason]@4 serving:{integer}@4 floors:{integer}@4"
            ),
            "init": "file:text@4 groups:[text]@4 work:text@4 refused:text?@4 next:text@4",
            "iam": "role:text@4 policy:text@4 notes:[text]@4",
            "config-validate": "valid:boolean@4 files:[checked_file]@4",
            "demo": (
                "exit:integer requests:integer slow:integer failed:integer releases:{text} seconds_out:{number} "
                "seconds:number seconds_by_timer:number"
            ),
            "lab-up": (
                "endpoint:text url:text target_group_arn:text load_balancer_arn:text targets:[lab_target] env:{text}"
            ),
        }.items()
    }
)
"""What a command prints: one object. `wait` prints what `show` does; `accepted` answers pause, and abort, resume,
retry and revert where another process carries them out."""

LINES: Mapping[str, tuple[OutputField, ...]] = MappingProxyType(
    {
        name: _fields(written)
        for name, written in {
            "Planned": f"event:text {_PLAN} carried_on:boolean",
            "Waiting": "event:text at:text why:text reason:wire.Reason@2",
            "Ended": f"event:text {_ROLLOUT}",
            "Missing": "event:text@2 lines:integer@2",
        }.items()
    }
)
"""The lines of a running rollout besides its events, by their `event`. Every event is a line too: its `event` is its
kind in `katakei.domain.wire`, and its fields follow."""

RECORDS: Mapping[str, tuple[OutputField, ...]] = MappingProxyType(
    {
        name: _fields(written)
        for name, written in {
            "group": f"{_GROUP} freezes:[wire.Freeze]?@3",
            "token": "id:text name:text roles:{text} label:text expires:text revoked:text?",
            "member": (
                "id:text port:integer zone:text name:text state:text reason:text description:text since:text "
                "held_by:text release:text?@2 release_state:text?@2"
            ),
            "listed": (
                "rollout:text service:text groups:[text] begun:text finished:text? who:text "
                "release:text?@2 result:text?@2 phase:text?@2 driver:text?@2"
            ),
            "part": "name:text length:number setting:text code:text@2 setting_reason:wire.Reason@2",
            "target": (
                "id:text name:text phase:text intent:text attempt:integer since:text why:text exit:integer? "
                "reason:wire.Reason?@2"
            ),
            "gate": (
                "name:text@3 after:integer@3 state:text?@3 expires:text?@3 by:text@3 why:text@3 reason:wire.Reason?@4"
            ),
            "traffic": (
                "old:text@4 new:text@4 share:integer?@4 moved:text?@4 back:wire.Reason?@4 changed:[text]@4 "
                "routes:[text]@4"
            ),
            "checked_file": "file:text@4 service:text?@4 faults:[fault]@4",
            "finding": "level:text@4 topic:text@4 code:text?@4 message:text@4 advice:text?@4",
            "fault": "line:integer?@4 column:integer?@4 key:text?@4 message:text@4",
            "bar": "phase:text begun:text ended:text attempt:integer why:text open:boolean",
            "level": "at:text serving:integer",
            "lab_target": "id:text port:integer address:text zone:text folder:text",
            "figures": "lasted:number late_requests:integer cut_connections:integer",
        }.items()
    }
)
"""Objects inside the outputs."""


def output(name: str, /, **values: Plain) -> dict[str, Plain]:
    """An object of the public JSON output, with its fields in the order of the table.

    Args:
        name: An output, a line or a record of the tables above.
        **values: Every field of it.

    Raises:
        ValueError: The values are not those that the table lists.
    """
    names = [field.name for field in OUTPUTS.get(name) or LINES.get(name) or RECORDS[name]]
    if values.keys() != set(names):
        raise ValueError(f"{name} has the fields {', '.join(names)}, not {', '.join(values)}")
    return {each: values[each] for each in names}


def plain(value: object) -> Plain:
    """A value as JSON data: recorded types as objects, durations in seconds, moments in ISO 8601.

    This goes one way only; the journal has its own exact codec.

    Raises:
        TypeError: The value is of a type that the wire tables do not name.
    """
    match value:
        case None | bool() | int() | float():
            return value
        case Enum():
            return plain(value.value)
        case str():
            return str(value)
        case timedelta():
            return value.total_seconds()
        case datetime():
            return value.isoformat()
        case Mapping():
            return {str(plain(key)): plain(held) for key, held in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(item) for item in value]
        case Reason(code, data):
            return {"code": code, "data": {name: plain(fact) for name, fact in data}}
        case _ if is_dataclass(value):
            cls: type = type(value)
            return {name: plain(getattr(value, attribute)) for attribute, name in _names(cls).items()}
        case _:
            raise TypeError(f"no JSON form for {type(value).__name__}")


@cache
def _names(cls: type) -> Mapping[str, str]:
    """The attributes of a recorded type, each with its name in JSON."""
    record = record_of(cls)
    if record is None:
        raise TypeError(f"the wire tables do not name {cls.__name__}")
    return {field.attribute: field.name for field in record.fields}
