"""YAML text as plain values, and the line of each of them. What the values mean is not known here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from katakei.domain.errors import UsageError

Path = tuple[str | int, ...]
TAG = "tag:yaml.org,2002:"
DEEP = 20
MANY = 20_000


@dataclass(frozen=True, slots=True)
class ConfigFault:
    """One thing that is wrong, and where."""

    line: int
    key: str
    sentence: str


@dataclass(slots=True)
class Document:
    """`lines` tells where the key at a path begins (an item of a list: where the item does); `faults` grows."""

    name: str
    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    faults: list[ConfigFault] = field(default_factory=list)

    def fault(self, path: Path, sentence: str) -> None:
        """One more, at the nearest line that is known for this path."""
        near = next((path[:n] for n in range(len(path), -1, -1) if path[:n] in self.lines), ())
        self.faults.append(ConfigFault(self.lines.get(near, 1), dotted(path), sentence))

    def settled(self) -> None:
        """Raises UsageFault: all faults there are, by line."""
        if self.faults:
            said = sorted(dict.fromkeys(self.faults), key=lambda fault: fault.line)
            raise UsageError(
                "\n".join(f"{self.name}:{f.line}: {f.key}{': ' if f.key else ''}{f.sentence}" for f in said)
            )


def dotted(path: Path) -> str:
    """'balancer.alb.target_groups[0]'."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def read(text: str, name: str) -> Document:
    """The document in this text, with the faults that its form has. Raises UsageFault: it is not YAML at all."""
    document = Document(name)
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        document.lines[()] = mark.line + 1 if mark else 1
        document.fault(
            (), f"this is not YAML: {fault.problem or fault.context} (see to indentation, colons and quotes)"
        )
    except (YAMLError, ValueError, RecursionError) as fault:
        document.fault((), f"this is not YAML: {' '.join(str(fault).split())}")
    else:
        document.data = _value(document, root, ()) if root else {}
        if not isinstance(document.data, Mapping):
            document.fault((), "the file must be keys with values, like `service: shop`")
            document.data = None
    if document.data is None:
        document.settled()
    return document


def _value(document: Document, node: Node, path: Path) -> Any:
    document.lines.setdefault(path, node.start_mark.line + 1)
    if len(path) > DEEP or len(document.lines) > MANY:  # aliases can stand for more values than any memory holds
        document.faults.clear()
        document.fault(path[:1], "is too deep or too long (does an alias contain itself?)")
        document.settled()
    if isinstance(node, MappingNode):
        return _mapping(document, node, path)
    if isinstance(node, SequenceNode):
        return [_value(document, item, (*path, n)) for n, item in enumerate(node.value)]
    return _scalar(document, node, path)


def _mapping(document: Document, node: MappingNode, path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.value:
        here = (*path, str(key.value) if isinstance(key, ScalarNode) else "?")
        line = key.start_mark.line + 1
        if here[-1] in found:
            first = document.lines[here]
            document.faults.append(
                ConfigFault(line, dotted(here), f"is here twice (also in line {first}); keep one of them")
            )
            continue
        document.lines[here] = line
        found[str(here[-1])] = _value(document, value, here)
    return found


def _scalar(document: Document, node: Node, path: Path) -> Any:
    """Plain scalars as YAML 1.2 takes them; numbers that are no decimal integer stay text, and are faults later."""
    kind, text = str(node.tag).removeprefix(TAG), str(node.value)
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int" and text.lstrip("+-").isascii() and text.lstrip("+-").isdigit():
        return int(text)
    if kind not in {"str", "int", "float", "timestamp"}:
        document.fault(path, f"the tag {node.tag} means nothing here; write a plain value")
    return text
