"""Tests of differences between configurations: each changed field is found once, under a key of katakei.yml."""

from dataclasses import fields, is_dataclass, replace
from datetime import timedelta
from enum import Enum
from typing import Any

import pytest

from katakei.config import schema
from katakei.domain import spec as s
from katakei.domain.spec_differences import differences


def other(value: Any) -> Any:
    """A value of the same type that is not this one."""
    match value:
        case bool():
            return not value
        case Enum():
            return next(each for each in type(value) if each is not value)
        case timedelta():
            return value + timedelta(microseconds=1)
        case int():
            return value + 1
        case str():
            return f"{value}x"
        case s.Share():
            return s.Share(count=77)
        case tuple():
            return (*value, ("k", "v"))
    return {None: s.Command("ssm", "back")}[value]


def variants(value: Any) -> list[Any]:
    """The value with each of its fields, at any depth, changed alone."""
    found = []
    for each in fields(value):
        inside = getattr(value, each.name)
        deep = is_dataclass(inside) and not isinstance(inside, s.Share)
        new = variants(inside) if deep else [8080 if each.name == "port" else other(inside)]
        found += [replace(value, **{each.name: changed}) for changed in new]
    return found


FULL = s.Spec("shop", ("web",), s.Command("ssm", "x"), check=s.Check(s.HttpCheck("/")))


@pytest.mark.parametrize("changed", variants(FULL))
def test_differences_find_every_changed_field(changed: s.Spec) -> None:
    (told,) = differences(FULL, changed)
    assert known_key(told.split(" ")[0].split(".")), told


def known_key(path: list[str]) -> bool:
    """Whether the published schema has this key. The kind of work (`ssm`) may be left out."""
    top = schema.schema()
    node = top
    for name in path:
        found = [each for each in options(node, top) if name in each.get("properties", {})]
        if not found:
            here = [each.get("properties", {}) for each in options(node, top)]
            kinds = [each[kind] for each in here for kind in ("ssm", "local") if kind in each]
            found = [each for kind in kinds for each in options(kind, top) if name in each.get("properties", {})]
        if not found:
            return False
        node = found[0]["properties"][name]
    return True


def options(node: dict[str, Any], top: dict[str, Any]) -> list[dict[str, Any]]:
    """The forms that a value may have, with references followed."""
    if "$ref" in node:
        return options(top["$defs"][node["$ref"].rpartition("/")[2]], top)
    return [node, *(form for each in node.get("anyOf", []) for form in options(each, top))]
