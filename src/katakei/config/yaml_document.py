"""A YAML document: plain values, the line and column of each of them, and the faults found so far."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, ComposerError, MaxDepthExceededError
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from katakei.domain.config_faults import ConfigFault, ConfigurationError
from katakei.domain.outside_text import one_line

Path = tuple[str | int, ...]
TAG = "tag:yaml.org,2002:"
MAX_DEPTH = 20
MAX_VALUES = 20_000
MAX_DIGITS = 18
"""Digits of a number. Python refuses to read one of 4,300 digits, and no key needs more than a few."""

LONGEST = 300
"""Characters of a key or a message that quotes a value."""

INTEGER = re.compile(rf"[+-]?[0-9]{{1,{MAX_DIGITS}}}")
SURROGATE = re.compile("[\ud800-\udfff]")
TOO_DEEP = "is too deep or too long; check whether an alias contains itself"


@dataclass(slots=True)
class Document:
    """A document while it is being checked.

    Attributes:
        name: The name of the file.
        data: The values, or None where there is no valid document.
        lines: The line where the key or list item at a path begins.
        columns: The column of the same; both count from 1.
        faults: The faults found so far.
    """

    name: str
    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    columns: dict[Path, int] = field(default_factory=dict)
    faults: list[ConfigFault] = field(default_factory=list)

    def fault(self, path: Path, message: str) -> None:
        """Adds a fault at the nearest place that is known for this path."""
        near = next((path[:n] for n in range(len(path), -1, -1) if path[:n] in self.lines), ())
        self.add((self.lines.get(near, 1), self.columns.get(near, 1)), path, message)

    def add(self, place: tuple[int, int], path: Path, message: str) -> None:
        """Adds a fault at a line and column. What it quotes of the file is made short and printable."""
        self.faults.append(ConfigFault(*place, _short(dotted(path)), _short(message)))

    def raise_faults(self) -> None:
        """Raises ConfigurationError with all faults in the order of their lines, if there are any."""
        if self.faults:
            found = sorted(dict.fromkeys(self.faults), key=lambda fault: fault.line)
            raise ConfigurationError(self.name, found)


def dotted(path: Path) -> str:
    """A path as text: 'balancer.alb.target_groups[0]'."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def _short(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= LONGEST else f"{line[: LONGEST // 2]} … {line[-LONGEST // 2 :]}"


class _BoundedComposer(Composer):
    """ruamel's composer with an end: it composes no more nodes than a document may have.

    `place` is the line and column where the last node begins: errors without a mark are near it.
    """

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader)
        self.warn_double_anchors = False  # YAML 1.2 allows an anchor to be set again
        self.nodes = 0
        self.place = (1, 1)

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Composes one node. Raises ComposerError when there are too many."""
        self.nodes += 1
        mark = self.parser.peek_event().start_mark
        self.place = _place(mark)
        if self.nodes > MAX_VALUES:
            raise ComposerError(None, None, TOO_DEEP, mark)
        return super().compose_node(parent, index)


def read(text: str, name: str) -> Document:
    """Parses YAML text.

    Returns:
        The document, which may already have faults (a key that appears twice, an unknown tag).

    Raises:
        ConfigurationError: The text is not YAML, or not a mapping.
    """
    document, yaml = Document(name), _reader()
    try:
        root = yaml.compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        document.add(_place(mark) if mark else (1, 1), (), _problem(error))
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - text.rfind("\n", 0, error.position)
        document.add(
            (line, column), (), f"this is not YAML: it contains the character U+{error.character:04X}; remove it"
        )
    except Exception as error:  # noqa: BLE001 - the reader raises whatever Python raises for nonsense
        document.add(yaml.composer.place, (), f"this is not YAML: {error}")
    else:
        document.data = _value(document, root, ()) if root else {}
        if not isinstance(document.data, Mapping):
            document.fault((), "the file must be keys with values, for example service: shop")
            document.data = None
    if document.data is None:
        document.raise_faults()
    return document


def _reader() -> YAML:
    reader = YAML(typ="safe", pure=True)
    reader.Composer = _BoundedComposer
    reader.max_depth = MAX_DEPTH + 2
    return reader


def _place(mark: Any) -> tuple[int, int]:
    """Line and column of one of ruamel's marks, which count from 0."""
    return mark.line + 1, mark.column + 1


def _problem(error: MarkedYAMLError) -> str:
    if isinstance(error, MaxDepthExceededError) or error.problem == TOO_DEEP:
        return TOO_DEEP
    return f"this is not YAML: {error.problem or error.context} (check indentation, colons and quotes)"


def _value(document: Document, node: Node, path: Path) -> Any:
    line, column = _place(node.start_mark)
    document.lines.setdefault(path, line)
    document.columns.setdefault(path, column)
    if (
        len(path) > MAX_DEPTH or len(document.lines) > MAX_VALUES
    ):  # a few aliases can expand to more values than fit into memory
        document.faults.clear()
        document.fault(path[:1], TOO_DEEP)
        document.raise_faults()
    if isinstance(node, MappingNode):
        return _mapping(document, node, path)
    if isinstance(node, SequenceNode):
        return [_value(document, item, (*path, n)) for n, item in enumerate(node.value)]
    return _scalar(document, node, path)


def _mapping(document: Document, node: MappingNode, path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.value:
        here = (*path, str(key.value) if isinstance(key, ScalarNode) else "?")
        place = _place(key.start_mark)
        if here[-1] in found:
            first = document.lines[here]
            document.add(place, here, f"appears twice (also in line {first}); keep one of them")
            continue
        document.lines[here], document.columns[here] = place
        found[str(here[-1])] = _value(document, value, here)
    return found


def _scalar(document: Document, node: Node, path: Path) -> Any:
    """A scalar as YAML 1.2 defines it.

    A number that is not a decimal integer, or is absurdly large, stays text; the schema refuses it.
    """
    kind, text = str(node.tag).removeprefix(TAG), str(node.value)
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int" and INTEGER.fullmatch(text):
        return int(text)
    if SURROGATE.search(text):
        document.fault(path, "contains half of a character (\\ud800 to \\udfff); write the whole character")
        text = SURROGATE.sub("?", text)
    if kind not in {"str", "int", "float", "timestamp"}:
        document.fault(path, f"the tag {node.tag} is not supported; write a plain value")
    return text
