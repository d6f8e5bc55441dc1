"""The log of a command: `-v`, `-vv` and KATAKEI_LOG, to standard error, one structured line per record.

Without them nothing is logged. Only loggers under `katakei` are shown, so that no library prints headers or bodies of
signed requests. Records hold ids, counts and error sentences, never a command's text or a variable's value.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from katakei.cli.messages import say_log
from katakei.domain.errors import UsageError
from katakei.domain.outside_text import escaped_json

if TYPE_CHECKING:
    import logging

LEVELS = ("error", "warning", "info", "debug")
FORMATS = ("text", "json")
BARE = re.compile(r"[\w.:/@+-]+")


def start_logging(verbose: int, env: Mapping[str, str]) -> None:
    """Sets the log up for this command.

    Args:
        verbose: How many times -v was given: 1 shows info, 2 shows debug.
        env: KATAKEI_LOG is a level (error, warning, info, debug), or a level and a format, as in `debug:json`.

    Raises:
        UsageError: KATAKEI_LOG is neither.
    """
    wanted = env.get("KATAKEI_LOG", "").strip().lower()
    if not verbose and not wanted:
        return
    level, _, form = wanted.partition(":")
    if (wanted and level not in LEVELS) or (form and form not in FORMATS):
        raise UsageError(
            f"KATAKEI_LOG={wanted!r} is no log level: write {', '.join(LEVELS[:-1])} or {LEVELS[-1]},"
            " with :json after it for JSON"
        )
    import logging

    class Handler(logging.Handler):
        """Writes to standard error, and never holds a rollout up."""

        def emit(self, record: logging.LogRecord) -> None:
            say_log(line(record, as_json=form == "json"))

    rank = max(LEVELS.index(level) if wanted else 0, min(verbose, 2) + 1 if verbose else 0)
    logger = logging.getLogger("katakei")
    for old in [each for each in logger.handlers if not isinstance(each, logging.NullHandler)]:
        logger.removeHandler(old)
    logger.addHandler(Handler())
    logger.setLevel(LEVELS[rank].upper())
    logger.propagate = False


def start_service_log(log_format: str, env: Mapping[str, str]) -> None:
    """Sets the log of a server or a worker up: one without a log cannot be watched.

    Args:
        log_format: `text` or `json`.
        env: KATAKEI_LOG may name another level than info, or another format.
    """
    import logging

    debug = logging.getLogger("katakei").level == logging.DEBUG  # -vv was given
    level, _, form = env.get("KATAKEI_LOG", "").partition(":")
    start_logging(0, {"KATAKEI_LOG": f"{level or ('debug' if debug else 'info')}:{form or log_format}"})


def line(record: "logging.LogRecord", *, as_json: bool) -> str:
    """One record as `key=value` pairs, or as a JSON object: time, level, logger, event, then its facts."""
    values: dict[str, object] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": record.getMessage(),
        **getattr(record, "facts", {}),
    }
    if as_json:
        return escaped_json(json.dumps(values, ensure_ascii=False, default=str))
    return " ".join(f"{name}={_value(value)}" for name, value in values.items())


def _value(value: object) -> str:
    """Without quotes where nothing in it needs them; quotes also make control characters harmless."""
    text = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return text if BARE.fullmatch(text) else json.dumps(text)
