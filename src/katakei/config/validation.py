"""Validation of a document against the schema: every fault with its line and with what to write instead.

pydantic finds most faults; this module adds those between keys, and turns pydantic's errors into plain sentences.
"""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from katakei.config.defaults import PROBE_EXECUTORS, Configuration
from katakei.config.schema import Settings
from katakei.config.work_schema import Work
from katakei.config.yaml_document import Document, Path

SettingsT = TypeVar("SettingsT", bound=Settings)
KEY = "[key]"  # how pydantic names the key itself where the key is at fault
COMMANDS = ("work", "revert")
STEPS = ("before", "after")
PROBED = ("requests", "proof", "answered", "counter")  # values of drain.until that need a probe
# Keys of later versions. They are refused, because a key that has no effect must not be ignored.
_ON_THIS_MACHINE = "is not supported yet in this version; put the archive where the target finds it, with s3: or url:"
NOT_YET: dict[Path, str] = {
    ("current",): "is not supported yet in this version: --only-outdated compares the recorded releases; remove it",
    ("revert", "release"): "is not needed: work: release goes back to the release before by itself; remove it",
    ("work", "release", "source", "folder"): _ON_THIS_MACHINE,
    ("work", "release", "source", "tarball"): _ON_THIS_MACHINE,
}
FORMS = {
    "targets": "must be all, a list of ids or names, or {tag: {Role: web}}",
    "check": "must be none, or {http: {path: /health, expect: 200}, within: 1m}",
}
UNTIL = ("drain", "until")
EMPTY = {(command, "manual") for command in COMMANDS}
MISSING = {
    "service": "write service: shop",
    "balancer": "write balancer: {alb: {target_groups: [NAME]}}",
    "alb": "write alb: {target_groups: [NAME]}",
    "target_groups": "write target_groups: [NAME]",
    "work": 'write work: {ssm: {run: "./deploy"}} or work: {manual: }',
    "run": 'write run: "./deploy"',
    "target": 'write target: {ssm: {run: "./warm-up"}}',
    "action": "write action: reboot or action: stop_start",
    "source": "write source: {git: URL}, {s3: s3://BUCKET/KEY} or {url: https://HOST/PATH}",
    "path": "write path: /health",
    "work.release.path": "write path: /var/www/shop",
    "tag": "write {tag: {Role: web}}",
    "window.ranks.tag": "write ranks: {tag: Tier, first: [batch, web]}",
    "first": "write ranks: {tag: Tier, first: [batch, web]}",
    "url": "write url: {secret: CHAT_URL}",
    "name": "write name: main",
    "system": "write system: github or system: gitlab",
    "claims": "write the claims that a token must have; docs/server.md has an example",
    "open": "write open: [mon-fri 09:00-17:00]",
    "zone": "write zone: Asia/Tokyo",
    "approval": "write approval: {name: first, expires: 4h, default: abort}",
}
MESSAGES = {
    "string_type": "must be text; put it in quotes",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "list_type": "must be a list, like [a, b]",
    "dict_type": "must be keys with values, like {Role: web}",
    "too_short": "is empty; name at least one",
    "too_long": "has too many entries",
    "string_too_short": "is empty; write something or remove it",
}
PATTERNS = {
    "name": "must be 1 to 128 characters of A-Z a-z 0-9 . _ / @ : + -",
    "service": "must be 1 to 128 characters of A-Z a-z 0-9 . _ / @ : + -",
    "target_groups": "must be the name or ARN of a target group",
    "path": "must be a path like /health",
    "instance_type": "must be an instance type like m7g.large",
    "user": "must be the name of a user",
    "config": "must be the path of a file",
    "url": "must be a URL like http://127.0.0.1/status",
}


def validate(document: Document) -> Configuration:
    """The configuration that a document describes.

    Raises:
        UsageError: The document has faults; the error lists all of them.
    """
    if "server" in document.data:
        document.fault(("server",), "has an effect only in the services folder of a server; remove it from this file")
    data = {key: value for key, value in document.data.items() if key != "server"}
    settings = settings_of(document, data, Settings)
    return Configuration(settings.spec(), settings.rules())


def settings_of(document: Document, values: Mapping[str, Any], model: type[SettingsT]) -> SettingsT:
    """The settings that a document describes.

    Args:
        document: Gives the lines, and gets the faults.
        values: What is read of it.
        model: The schema.

    Raises:
        UsageError: The document has faults; the error lists all of them.
    """
    data = dict(_supported(document, dict(values), ()))
    for command in COMMANDS:
        _check_work(document, command, data.get(command))
    _check_revert(document, data)
    _check_marks(document, data)
    _check_drain(document, data.get("drain", {}), data.get("work"))
    _check_stops(document, data)
    try:
        settings = model.model_validate(data)
    except ValidationError as invalid:
        for error in invalid.errors(include_url=False):
            _add_error(document, data, error, model)
        document.raise_faults()
        raise AssertionError("pydantic found an error, but no fault was added") from invalid
    document.raise_faults()
    return settings


def _check_drain(document: Document, drain: object, work: object) -> None:
    """Keys of `drain` that contradict one another or the work, and keys that would have no effect."""
    if isinstance(drain, dict) and isinstance(work, dict):
        for key, message in _drain_faults(drain, work):
            document.fault(("drain", key), message)


def _drain_faults(drain: Mapping[str, Any], work: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    chosen = drain.get("until", "")
    listed = isinstance(chosen, list) and len(chosen) == 2 and chosen[0] == "requests" and isinstance(chosen[1], str)
    if not (listed or isinstance(chosen, str)) or not isinstance(drain.get("witness", ""), str):
        return  # the schema reports a value of another type
    probed = drain.get("witness") in PROBE_EXECUTORS or bool(carrier_of(work))
    until = set(chosen) if listed else {chosen or ("proof" if probed and not stops(work) else "delay")}
    if stops(work) and until != {"delay"}:
        yield "until", "has no effect with ec2: stop_start, which always waits for the delay; remove it"
        return
    for value in sorted(until.intersection(PROBED)):
        if not probed:
            yield (
                "until",
                (
                    f"{value} runs a probe on the targets, which needs work: ssm or ssh, or witness: ssm or ssh;"
                    " or use until: delay"
                ),
            )
    if "quiet" in drain and not until & {"answered", "counter"}:
        yield "quiet", "has an effect only with until: answered or counter; remove it"
    if "counter" in drain and "counter" not in until:
        yield "counter", "has an effect only with until: counter; remove it"
    for key in ("witness", "cut_after"):
        if key in drain and until == {"delay"}:
            yield key, "has an effect only with until: proof, answered, counter or requests; remove it"
    if "ssh" in drain and (drain.get("witness") != "ssh" or carrier_of(work) == "ssh" or until == {"delay"}):
        yield "ssh", "has an effect only with witness: ssh, where the work is not ssh; remove it"
    if "counter" in until and "counter" not in drain:
        yield "until", "counter needs a source; write counter: {url: http://127.0.0.1/status}"


def _supported(document: Document, data: dict[str, Any], path: Path) -> Iterator[tuple[str, Any]]:
    """The document without keys of later versions and keys without a value, each of which becomes a fault."""
    for key, value in data.items():
        here = (*path, key)
        if later := NOT_YET.get(here):
            document.fault(here, later)
        elif value is None and here not in EMPTY:
            document.fault(here, "has no value; write one or remove the line")
        elif isinstance(value, dict):
            yield key, dict(_supported(document, value, here))
        else:
            yield key, value


def _check_work(document: Document, command: str, work: object) -> None:
    if not isinstance(work, dict):
        return
    known = [key for key in document.data[command] if key in Work.model_fields or (command, key) in NOT_YET]
    if len(known) != 1:
        document.fault(
            (command,),
            f"has {len(known) or 'no'} kinds of work; write exactly one of ssm, ssh, release, ec2, local, manual",
        )


def _check_marks(document: Document, data: dict[str, Any]) -> None:
    """Work and revert keep their marks in one folder of each target."""
    ways = [
        (kind, _way(work)) if (kind := way_of(work)) else None
        for work in (data.get(command) for command in COMMANDS)
        if isinstance(work, dict)
    ]
    if None not in ways and len(set(map(str, ways))) > 1:
        document.fault(
            ("revert",), "must reach the targets as work does, with the same settings: both keep marks on the target"
        )
    on_targets = [way for way in ways if way]
    for step in STEPS:
        command = step_of(data, step)
        if kind := way_of(command):
            on_targets.append((kind, _way(command)))
            if len(set(map(str, on_targets))) > 1:
                document.fault(
                    (step, "target"),
                    "must reach the targets as work does, with the same settings: all keep marks on the target",
                )


def step_of(data: Mapping[str, Any], step: str) -> Mapping[str, Any]:
    """The command of a step beside the work; empty where there is none, or something else."""
    beside = data.get(step)
    command = beside.get("target") if isinstance(beside, dict) else None
    return command if isinstance(command, dict) else {}


def way_of(work: Mapping[str, Any]) -> str:
    """The executor that reaches the targets for this work; '' where it does not reach them."""
    release = work.get("release")
    if "release" in work:
        return "ssh" if isinstance(release, dict) and release.get("by") == "ssh" else "ssm"
    return next((kind for kind in PROBE_EXECUTORS if kind in work), "")


def carrier_of(work: Mapping[str, Any]) -> str:
    """The executor that reaches the targets for this work or asks whether they are up again; '' where none does."""
    if isinstance(ec2 := work.get("ec2"), dict):
        by = ec2.get("by", "ssm")
        return by if by in PROBE_EXECUTORS else ""
    return way_of(work)


def stops(work: object) -> bool:
    """Whether the work stops the machine."""
    ec2 = work.get("ec2") if isinstance(work, dict) else None
    return isinstance(ec2, dict) and ec2.get("action") == "stop_start"


def _check_stops(document: Document, data: Mapping[str, Any]) -> None:
    """A machine that was stopped is registered again only after its check."""
    if data.get("check") == "none" and any(stops(data.get(command)) for command in COMMANDS):
        document.fault(
            ("check",), "none is not possible with ec2: stop_start; a started machine needs a check before it serves"
        )


def _way(work: Mapping[str, Any]) -> Mapping[str, Any]:
    """How the targets are reached, without the command itself."""
    settings = work.get(way_of(work))
    if isinstance(release := work.get("release"), dict):
        settings = release.get("ssh")
    given = settings if isinstance(settings, dict) else {}
    return {key: given[key] for key in sorted(given) if key not in {"run", "env", "shell", "errexit"}}


def _check_revert(document: Document, data: dict[str, Any]) -> None:
    work = data.get("work")
    by_itself = isinstance(work, dict) and "release" in work
    if "revert" in document.data or by_itself:
        return
    for path in _asking_for_revert(data):
        document.fault(path, 'revert needs a command: write revert: {ssm: {run: "./revert"}}')


def _asking_for_revert(data: Mapping[str, Any]) -> Iterator[Path]:
    """The keys with the value `revert`."""
    gates, failure = data.get("gates"), data.get("on_failure")
    for number, gate in enumerate(gates if isinstance(gates, list) else ()):
        probe = gate.get("probe") if isinstance(gate, dict) else None
        if isinstance(probe, dict) and probe.get("then") == "revert":
            yield ("gates", number, "probe", "then")
    if isinstance(failure, dict) and failure.get("then") == "revert":
        yield ("on_failure", "then")


def _add_error(document: Document, data: dict[str, Any], error: ErrorDetails, model: type[Settings]) -> None:
    loc = error["loc"]
    if loc[0] in FORMS and len(loc) > 1 and not _is_meant(str(loc[0]), data[str(loc[0])], str(loc[1])):
        return
    if loc[:2] == UNTIL:
        if str(loc[2]).startswith("literal"):
            unknown = (
                f"{error['input']!r} is not a known value; write proof, requests, answered, counter or delay,"
                " or a list like [requests, proof]"
            )
            document.fault(UNTIL, unknown.replace("'", ""))
        return
    path = _path(data, loc)
    if error["type"] == "extra_forbidden":
        document.fault(path, _unknown(path, model))
    elif error["type"] != "missing":
        document.fault(path, _message(path, error, model))
    elif path not in document.lines:  # a key of a later version is a fault already
        document.fault(path, f"is missing; {MISSING.get('.'.join(map(str, path))) or MISSING[str(path[-1])]}")


def _is_meant(key: str, value: object, branch: str) -> bool:
    """Whether the value was meant for this branch of a union. Errors of the other branches are left out."""
    if isinstance(value, dict):
        return branch.startswith(("Tagged", "Check"))
    return branch.startswith("list" if isinstance(value, list) and key == "targets" else "literal")


def _path(data: Any, loc: Path) -> Path:
    """The path in the document. pydantic also names the branch of a union, which no document contains."""
    path: list[str | int] = []
    for n, step in enumerate(loc):
        inside = isinstance(data, dict) or (isinstance(data, list) and isinstance(step, int))
        if inside and step != KEY and (n == len(loc) - 1 or _has(data, step)):
            path.append(step)
            data = data[step] if _has(data, step) else None
    return tuple(path)


def _has(data: Any, step: str | int) -> bool:
    return step in data if isinstance(data, dict) else isinstance(data, list) and step in range(len(data))


def _unknown(path: Path, model: type[Settings]) -> str:
    known = sorted(_keys(path[:-1], model))
    near = difflib.get_close_matches(str(path[-1]), known, n=1, cutoff=0.5)
    if near:
        return f"is not a known key; did you mean {near[0]}?"
    return f"is not a known key; known keys: {', '.join(known)}"


def _keys(path: Path, settings: type[Settings]) -> set[str]:
    model: Any = settings
    for step in path:
        if isinstance(step, str):  # a number counts the items of a list
            model = _section(model.model_fields[step].annotation)
    return set(model.model_fields)


def _section(hint: Any) -> Any:
    """The section inside an annotation such as `Section | None`."""
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return hint
    return next((found for inside in get_args(hint) if (found := _section(inside))), None)


def _message(path: Path, error: ErrorDetails, model: type[Settings]) -> str:
    if path in {(form,) for form in FORMS}:
        return FORMS[str(path[0])]
    kind, key = error["type"], next((str(step) for step in reversed(path) if isinstance(step, str)), "")
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if kind == "string_pattern_mismatch":
        return PATTERNS.get(key, "is empty; write something or remove it")
    if kind in {"model_type", "model_attributes_type"}:
        return f"must be keys with values; known keys: {', '.join(sorted(_keys(path, model)))}"
    if kind == "literal_error":
        return f"{error['input']!r} is not a known value; write {error['ctx']['expected']}".replace("'", "")
    return MESSAGES.get(kind) or f"{error['msg'].removeprefix('Input ').lower()}; it is {error['input']!r}"
