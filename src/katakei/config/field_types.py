"""The little languages inside katakei.yml: durations, shares and matchers. Each refusal says what to write instead."""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, StringConstraints, WithJsonSchema

from katakei.domain.spec import Share

SPAN = re.compile(r"(?=\d)(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?", re.ASCII)
PERCENT = re.compile(r"(\d{1,3})%", re.ASCII)
CODES = re.compile(r"[1-5]\d\d(-[1-5]\d\d)?(,[1-5]\d\d(-[1-5]\d\d)?)*", re.ASCII)
SPAN_PATTERN = "^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$"
DELAY = "delay+"


def span(value: object) -> timedelta:
    """'30s', '1m', '1m30s', '2h'. Raises ValueError."""
    match = SPAN.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        hint = f"{value}s" if isinstance(value, int) and not isinstance(value, bool) else "30s, 1m30s or 2h"
        raise ValueError(f"{value!r} is no duration; write {hint}")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def positive(value: object) -> timedelta:
    """A span that is not nothing. Raises ValueError."""
    length = span(value)
    if not length:
        raise ValueError("a limit of nothing can never be met; write 1m, say")
    return length


def draining(value: object) -> tuple[bool, timedelta]:
    """'delay+60s', 'delay', or a span of its own: whether the group's delay counts, and what is added. ValueError."""
    if value == "delay":
        return True, timedelta()
    if isinstance(value, str) and value.startswith(DELAY):
        return True, span(value.removeprefix(DELAY).strip())
    try:
        return False, positive(value)
    except ValueError as fault:
        raise ValueError(f"{fault}, or delay+60s") from fault


def share(value: object) -> Share:
    """A count or a per cent; a count in quotes is one too. Raises ValueError."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return Share(count=value)
    match = PERCENT.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match[1]) > 100:
        raise ValueError(f"{value!r} is neither a count nor a per cent; write 1 or 50%")
    return Share(percent=int(match[1]))


def some(value: object) -> Share:
    """A share that is not nothing. Raises ValueError."""
    found = share(value)
    if not (found.count or found.percent):
        raise ValueError("with nothing allowed out, nothing can ever be done; write 1 or more")
    return found


def codes(value: object) -> str:
    """An ELBv2 matcher. Raises ValueError."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not CODES.fullmatch(text):
        raise ValueError(f"{value!r} is no HTTP code; write 200, 200-299 or 200,204")
    if any(low > high for low, _, high in (part.partition("-") for part in text.split(",")) if high):
        raise ValueError(f"{value!r} runs backwards; write the smaller code first")
    return text


def without_nul(text: str) -> str:
    """As it is written. Raises ValueError: no command line can carry it."""
    if "\0" in text:
        raise ValueError("holds a NUL character, which no command can carry; remove it")
    return text


def _schema(pattern: str, example: str, *, count: int | None = None) -> WithJsonSchema:
    text: dict[str, Any] = {"type": "string", "pattern": pattern, "examples": [example]}
    return WithJsonSchema(text if count is None else {"anyOf": [{"type": "integer", "minimum": count}, text]})


Span = Annotated[timedelta, BeforeValidator(span), _schema(SPAN_PATTERN, "1m30s")]
Limit = Annotated[timedelta, BeforeValidator(positive), _schema(SPAN_PATTERN, "15m")]
Draining = Annotated[
    tuple[bool, timedelta],
    BeforeValidator(draining),
    _schema("^(delay|(delay\\+)?([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?)$", "delay+60s"),
]
Some = Annotated[Share, BeforeValidator(some), _schema("^(100|[1-9]?[0-9])%$", "25%", count=1)]
Part = Annotated[Share, BeforeValidator(share), _schema("^(100|[1-9]?[0-9])%$", "50%", count=0)]
Codes = Annotated[str, BeforeValidator(codes), _schema("^[1-5][0-9]{2}([-,][1-5][0-9]{2})*$", "200-299", count=100)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._/@:+-]{1,128}$")]
Text = Annotated[str, StringConstraints(min_length=1, pattern=r"\S"), AfterValidator(without_nul)]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[!-~]+$")]
UrlPath = Annotated[str, StringConstraints(pattern=r"^/[!-~]*$")]
