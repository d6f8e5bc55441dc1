"""The ELBv2 matcher: '200', '200,204', '200-299', and lists of both (shape Matcher.HttpCode)."""

import re
from collections.abc import Callable

_PART = re.compile(r"(\d{3})(?:-(\d{3}))?")


def read(expect: str) -> Callable[[int], bool]:
    """Whether a status is hoped for. Raises ValueError for what is no matcher."""
    parts = [_PART.fullmatch(part.strip()) for part in expect.split(",")]
    ranges = [(int(part[1]), int(part[2] or part[1])) for part in parts if part]
    if len(ranges) != len(parts) or any(low > high for low, high in ranges):
        raise ValueError(
            f"{expect!r} is no list of statuses like 200, 200,204 or 200-299 (gRPC checks cannot be asked)"
        )
    return lambda status: any(low <= status <= high for low, high in ranges)
