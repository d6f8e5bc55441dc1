"""Recorded journals in and out of a store: a SQLite file as SQL, a bucket of S3 as JSON.

A recording of S3 is a JSON object: the key below the prefix, and the text of the object.
"""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.contracts.ledgers import Ledger, S3Ledger, SqliteLedger

from katakei.adapters.journals.s3.event_chain import Link, unchain
from katakei.domain.model import RolloutId

RECORDED = Path(__file__).parents[1] / "unit" / "adapters" / "journals" / "recorded"


def put_back(ledger: Ledger, recording: Path) -> None:
    """Puts a recording into an empty store, as its processes left it."""
    text = recording.read_text(encoding="utf-8")
    if isinstance(ledger, SqliteLedger):
        ledger.path.parent.mkdir(exist_ok=True)
        with closing(sqlite3.connect(ledger.path)) as connection:
            connection.executescript(text)
    if isinstance(ledger, S3Ledger):
        for key, value in json.loads(text).items():
            ledger.bucket.put(key, value)


def dump(ledger: Ledger) -> str:
    """The text of everything that a store holds."""
    if isinstance(ledger, SqliteLedger):
        with closing(sqlite3.connect(ledger.path)) as connection:
            return "\n".join(connection.iterdump()) + "\n"
    if isinstance(ledger, S3Ledger):
        keys = ledger.bucket.keys("")
        texts = {key: found.text for key, found in zip(keys, ledger.bucket.get_all(keys), strict=True) if found}
        return json.dumps(texts, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    raise TypeError(f"no recording is made of {type(ledger).__name__}")


def events_of(recording: Path) -> dict[RolloutId, list[str]]:
    """The events of each rollout as they were written, straight from the text of a recording, without the chain."""
    text = recording.read_text(encoding="utf-8")
    lines: dict[RolloutId, list[str]] = {}
    if recording.suffix == ".sql":
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.executescript(text)
            for rollout, line in connection.execute("SELECT rollout, event FROM events ORDER BY rollout, number"):
                lines.setdefault(RolloutId(rollout), []).append(line)
        return lines
    for key, value in sorted(json.loads(text).items()):
        _, _, name = key.partition("rollouts/")
        rollout, _, rest = name.partition("/")
        if rest.startswith("events/"):
            lines.setdefault(RolloutId(rollout), []).extend(value.splitlines())
    return {rollout: unchain(Link.first(rollout), stored, empty=True)[0] for rollout, stored in lines.items()}


def told(recording: Path) -> dict[RolloutId, Any]:
    """What the recording version told of each rollout (see `expected.py`)."""
    part = recording.stem.partition("-")[2]
    found: dict[RolloutId, Any] = json.loads((recording.parent / f"{part}.expected.json").read_text(encoding="utf-8"))
    return found
