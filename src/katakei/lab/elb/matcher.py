"""Matchers of health checks: `200`, `200,202`, `200-299`. Pure."""

from __future__ import annotations

import re

from katakei.lab.elb.problem import invalid

FORM = re.compile(r"\d{1,3}(-\d{1,3})?(,\d{1,3}(-\d{1,3})?)*")


def matches(matcher: str, code: int) -> bool:
    """Whether a code is one of those that mean healthy."""
    return any(low <= code <= high for low, high in _ranges(matcher))


def check_matcher(matcher: str, lowest: int, highest: int) -> None:
    """Raises ValidationError for what is no matcher or reaches outside what AWS allows."""
    if not FORM.fullmatch(matcher):
        raise invalid("HttpCode must be like 200 | 200-399 | 200,201 ...")
    if any(low < lowest or high > highest or low > high for low, high in _ranges(matcher)):
        raise invalid(f"Health check matcher HTTP code '{matcher}' must be within '{lowest}-{highest}' inclusive")


def _ranges(matcher: str) -> list[tuple[int, int]]:
    parts = (part.partition("-") for part in matcher.split(","))
    return [(int(low), int(high or low)) for low, _, high in parts]
