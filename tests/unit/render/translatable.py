"""The English texts that the source gives to a translator, and every text that stands in it, found in its syntax."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import katakei

SOURCE = Path(katakei.__file__).parent
UNTRANSLATED = ("lab", "render/japanese")
"""The lab speaks English: its readers are people who develop. Catalogs are no source."""


@cache
def trees() -> tuple[tuple[str, ast.Module], ...]:
    """Every module that may hold texts, by its path inside the package."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        if not name.startswith(UNTRANSLATED):
            found.append((name, ast.parse(path.read_text(encoding="utf-8"))))
    return tuple(found)


@cache
def named() -> frozenset[str]:
    """The texts that calls of a translator name: `tr("...")`, and both arms of `tr("..." if x else "...")`."""
    return frozenset(text for _, tree in trees() for node in ast.walk(tree) for text in _named(node))


def _named(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and node.args and _is_translator(node.func):
        yield from _arms(node.args[0])


def _is_translator(function: ast.expr) -> bool:
    """By its name, which is the same everywhere."""
    match function:
        case ast.Name(id="tr") | ast.Attribute(attr="tr" | "_tr") | ast.Call(func=ast.Name(id="reader")):
            return True
        case _:
            return False


def _arms(text: ast.expr) -> Iterator[str]:
    match text:
        case ast.Constant(str() as value):
            yield value
        case ast.IfExp():
            yield from _arms(text.body)
            yield from _arms(text.orelse)
        case _:
            raise AssertionError(f"a translator is called without a text: {ast.unparse(text)}; use `of` for tables")


def shape(template: str) -> str:
    """A template without the names of its placeholders."""
    return "".join(literal + ("{}" if name is not None else "") for literal, name, _, _ in Formatter().parse(template))


@cache
def written() -> frozenset[str]:
    """The shape of every text in the source: constants, and f-strings with {} for what is filled in."""
    return frozenset(_shape(node) for _, tree in trees() for node in ast.walk(tree) if _is_text(node))


def raised(package: str) -> frozenset[str]:
    """The shapes of the sentences with which errors of Katakei are raised in a package."""
    return frozenset(
        _shape(node.args[0])
        for name, tree in trees()
        if name.startswith(package)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and node.args and _is_error(node.func) and _is_text(node.args[0])
    )


_FOREIGN = {"ValueError", "KeyError", "TypeError", "AssertionError", "RuntimeError", "AttributeError", "OSError"}


def _is_error(function: ast.expr) -> bool:
    name = (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )
    return name.endswith("Error") and name not in _FOREIGN


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _shape(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(_shape(part) for part in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else "{}"


CONFIG = "config/"
CONFIG_VALUES = ("domain/ci_identity.py", "domain/releases.py")
"""Values that check themselves: the messages of their ValueErrors are faults of configuration files too."""


@cache
def config_texts() -> frozenset[str]:
    """The shape of every text in the packages of configuration files, without docstrings and meanings of keys."""
    return frozenset(
        _shape(node)
        for name, tree in trees()
        if name.startswith(CONFIG) and not name.endswith("key_meanings.py")
        for node in _texts_in(tree)
    ) | frozenset(
        _shape(call.args[0])
        for name, tree in trees()
        if name in CONFIG_VALUES
        for raising in ast.walk(tree)
        if isinstance(raising, ast.Raise) and isinstance(call := raising.exc, ast.Call)
        if isinstance(call.func, ast.Name) and call.func.id == "ValueError" and _is_text(call.args[0])
    )


def _texts_in(node: ast.AST) -> Iterator[ast.AST]:
    """The texts below a node, also those inside the placeholders of another text; no docstrings."""
    if _is_text(node):
        yield node
        for part in node.values if isinstance(node, ast.JoinedStr) else ():
            yield from _texts_in(part.value) if isinstance(part, ast.FormattedValue) else ()
        return
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)):
            yield from _texts_in(child)
