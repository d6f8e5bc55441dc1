"""A document against the model: every fault at its line, with what to write instead. Nothing is read from disk here."""

import difflib
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from katakei.config.evidence import faults
from katakei.config.schema import Settings, Work
from katakei.config.yaml_document import Document, Path
from katakei.domain.spec import Spec

KEY = "[key]"  # what pydantic calls the key itself, where that is at fault
LATER = "is not built yet in this version"
# Keys and values that product and examples name but that nothing obeys by now: never ignored, always refused.
COMMANDS = ("work", "revert")
KEYS: dict[Path, str] = {
    (command, way): f"{LATER}; use ssm: {{run: …}}, local: {{run: …}} or manual:"
    for command in COMMANDS
    for way in ("ssh", "ec2", "release")
}
FORMS = {
    "targets": "must be all, a list of ids or names, or {tag: {Role: web}}",
    "check": "must be none, or {http: {path: /health, expect: 200}, within: 1m}",
}
EMPTY = {(command, "manual") for command in COMMANDS}
MISSING = {
    "service": "write service: shop",
    "balancer": "write balancer: {alb: {target_groups: [NAME]}}",
    "alb": "write alb: {target_groups: [NAME]}",
    "target_groups": "write target_groups: [NAME]",
    "work": 'write work: {ssm: {run: "./deploy"}} or work: {manual: }',
    "run": 'write run: "./deploy"',
    "path": "write path: /health",
    "tag": "write {tag: {Role: web}}",
}
SAID = {
    "string_type": "must be text; put it in quotes",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "list_type": "must be a list, like [a, b]",
    "dict_type": "must be keys with values, like {Role: web}",
    "too_short": "is empty; name at least one",
    "string_too_short": "is empty; write something or remove it",
}
PATTERNS = {
    "service": "must be 1 to 128 characters out of A-Z a-z 0-9 . _ / @ : + -",
    "target_groups": "must be the name or ARN of a target group",
    "path": "must be a path like /health",
    "url": "must be a URL like http://127.0.0.1/status",
}


def validate(document: Document) -> Spec:
    """What the document asks for. Raises UsageFault: all its faults."""
    data = dict(_built(document, document.data, ()))
    for command in COMMANDS:
        _one_kind_of_work(document, command, data.get(command))
    _reverted_by_something(document, data)
    _witnessed(document, data.get("drain", {}), data.get("work"))
    try:
        settings = Settings.model_validate(data)
    except ValidationError as refusal:
        for error in refusal.errors(include_url=False):
            _tell(document, data, error)
        document.settled()
        raise AssertionError("a refusal without a fault") from refusal
    document.settled()
    return settings.spec()


def _witnessed(document: Document, drain: object, work: object) -> None:
    if isinstance(drain, dict) and isinstance(work, dict):
        for key, sentence in faults(drain, work):
            document.fault(("drain", key), sentence)


def _built(document: Document, data: dict[str, Any], path: Path) -> Iterator[tuple[str, Any]]:
    """The document without what is not built yet, each piece of which is told."""
    for key, value in data.items():
        here = (*path, key)
        if later := KEYS.get(here):
            document.fault(here, later)
        elif value is None and here not in EMPTY:
            document.fault(here, "has no value; write one or remove the line")
        elif isinstance(value, dict):
            yield key, dict(_built(document, value, here))
        else:
            yield key, value


def _one_kind_of_work(document: Document, command: str, work: object) -> None:
    if not isinstance(work, dict):
        return
    known = [key for key in document.data[command] if key in Work.model_fields or (command, key) in KEYS]
    if len(known) != 1:
        document.fault((command,), f"names {len(known) or 'no'} ways to work; write exactly one of ssm, local, manual")


def _reverted_by_something(document: Document, data: dict[str, Any]) -> None:
    failure = data.get("on_failure")
    if isinstance(failure, dict) and failure.get("then") == "revert" and "revert" not in document.data:
        document.fault(("on_failure", "then"), 'revert needs a command: write revert: {ssm: {run: "./revert"}}')


def _tell(document: Document, data: dict[str, Any], error: ErrorDetails) -> None:
    loc = error["loc"]
    if loc[0] in FORMS and len(loc) > 1 and not _tried(str(loc[0]), data[str(loc[0])], str(loc[1])):
        return
    path = _path(data, loc)
    if error["type"] == "extra_forbidden":
        document.fault(path, _unknown(path))
    elif error["type"] != "missing":
        document.fault(path, _sentence(path, error))
    elif path not in document.lines:  # what is there but not built yet has been told already
        document.fault(path, f"is missing; {MISSING[str(path[-1])]}")


def _tried(key: str, value: object, branch: str) -> bool:
    """Whether this branch of a union is the one that the value was meant for; plain values are told as such."""
    if isinstance(value, dict):
        return branch.startswith(("Tagged", "Check"))
    return branch.startswith("list" if isinstance(value, list) and key == "targets" else "literal")


def _path(data: Any, loc: Path) -> Path:
    """Where in the document: pydantic also names the branch of a union it tried, which no file contains."""
    path: list[str | int] = []
    for n, step in enumerate(loc):
        inside = isinstance(data, dict) or (isinstance(data, list) and isinstance(step, int))
        if inside and step != KEY and (n == len(loc) - 1 or _has(data, step)):
            path.append(step)
            data = data[step] if _has(data, step) else None
    return tuple(path)


def _has(data: Any, step: str | int) -> bool:
    return step in data if isinstance(data, dict) else isinstance(data, list) and step in range(len(data))


def _unknown(path: Path) -> str:
    known = sorted(_keys(path[:-1]))
    near = difflib.get_close_matches(str(path[-1]), known, n=1, cutoff=0.5)
    return f"is no key that is known here; did you mean {near[0]}?" if near else f"is no key; known: {', '.join(known)}"


def _keys(path: Path) -> set[str]:
    model: Any = Settings
    for step in path:
        model = _section(model.model_fields[str(step)].annotation)
    return set(model.model_fields)


def _section(hint: Any) -> Any:
    """The section in an annotation, behind `| None` and the like."""
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return hint
    return next((found for inside in get_args(hint) if (found := _section(inside))), None)


def _sentence(path: Path, error: ErrorDetails) -> str:
    if path in {(form,) for form in FORMS}:
        return FORMS[str(path[0])]
    kind, key = error["type"], next((str(step) for step in reversed(path) if isinstance(step, str)), "")
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if kind == "string_pattern_mismatch":
        return PATTERNS.get(key, "is empty; write something or remove it")
    if kind in {"model_type", "model_attributes_type"}:
        return f"must be keys with values; known: {', '.join(sorted(_keys(path)))}"
    if kind == "literal_error":
        return f"{error['input']!r} is not known here; write {error['ctx']['expected']}".replace("'", "")
    return SAID.get(kind) or f"{error['msg'].removeprefix('Input ').lower()}; it is {error['input']!r}"
