"""What all runs came to together: one line of JSON for each rollout, appended, so that runs add up."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Total:
    """Figures that can be added. Of rollouts in which a server died by itself no request is counted."""

    rollouts: int = 0
    kills: int = 0
    requests: int = 0
    failed: int = 0
    held_back: int = 0  # requests that the machine was too busy to send
    faults: int = 0

    def __add__(self, other: "Total") -> "Total":
        mine, theirs = asdict(self), asdict(other)
        return Total(**{name: mine[name] + theirs[name] for name in mine})

    def text(self) -> str:
        """For a person."""
        return (
            f"{self.rollouts} rollouts, {self.kills} kills, {self.requests} requests ({self.held_back} held back),"
            f" {self.failed} failed, {self.faults} violations"
        )


class Book:
    """The file. Safe for several that write at once: a line is one write."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    def write(self, name: str, total: Total) -> None:
        """One rollout more."""
        with self._path.open("a") as book:
            book.write(json.dumps({"script": name, **asdict(total)}) + "\n")

    def total(self) -> Total:
        """Everything in it."""
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        entries = [{name: value for name, value in json.loads(line).items() if name != "script"} for line in lines]
        return sum((Total(**entry) for entry in entries), Total())
