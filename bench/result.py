"""Results of runs and their files, so that an interrupted benchmark keeps what it measured."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.design import Leg
from bench.limit import TargetTimes
from bench.tool import Usage

FOLDER = Path(__file__).parent / "results"
CALL_KINDS = ("observations", "acts", "Run Command", "other")


@dataclass(frozen=True, slots=True)
class Result:
    """One run.

    Attributes:
        out: seconds out of service for each target.
        calls: number of calls by CALL_KINDS.
        observations: the most observations in one minute.
        bytes_in, bytes_out: sizes of bodies.
    """

    used: Usage
    requests: int
    failed: int
    out: tuple[float, ...]
    serving: int
    calls: Mapping[str, int]
    observations: int
    bytes_in: int
    bytes_out: int
    times_by_target: tuple[TargetTimes, ...]
    faults: tuple[str, ...]

    @classmethod
    def read(cls, text: str) -> "Result":
        """Parse its JSON."""
        known: dict[str, Any] = json.loads(text)
        known["used"] = Usage(**known["used"])
        known["times_by_target"] = tuple(TargetTimes(**times) for times in known["times_by_target"])
        known["out"], known["faults"] = tuple(known["out"]), tuple(known["faults"])
        return cls(**known)


class Results:
    """The results of one commit, in a folder of their own."""

    def __init__(self, commit: str) -> None:
        self._folder = FOLDER / commit

    def keep(self, leg: Leg, result: Result) -> None:
        """Write a result."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / f"{leg.name}.json").write_text(json.dumps(asdict(result), indent=1) + "\n")

    def of(self, leg: Leg) -> Result | None:
        """Returns the result of a run, or None if it was not measured."""
        file = self._folder / f"{leg.name}.json"
        return Result.read(file.read_text()) if file.exists() else None

    def forget(self) -> None:
        """Delete all results."""
        shutil.rmtree(self._folder, ignore_errors=True)
