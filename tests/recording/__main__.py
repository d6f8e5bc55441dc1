"""The recorder: `python -m tests.recording FOLDER [SITUATION...]`, run from the root of a source tree.

It records what the version in that tree writes, for every later version to read:

    sqlite-phases.sql, s3-phases.json   rollouts that real commands began, each stopped in the middle (situations.py)
    sqlite-more.sql                     edge cases, every setting, every kind of event, in SQLite alone
    phases.expected.json, more...       what this version tells of each rollout, how AWS was then, and how it ended
    kinds.json, shapes.json             every kind of event as it is encoded; the fields of every recorded type

Record a version of events once, when it is complete, into `tests/unit/adapters/journals/recorded/events-N`, and never
change those files. All situations take about three minutes. Where SITUATION names are given, such as `working` or
`seen`, only those are recorded.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.contracts.ledgers import LEDGERS
from tests.recording import examples, shapes
from tests.recording.carrying import Carried, aws_state, ended
from tests.recording.expected import expected
from tests.recording.situations import SITUATIONS, Situation
from tests.recording.stage import Stage
from tests.recording.stores import dump, put_back

from katakei.adapters.system import process
from katakei.domain.model import RolloutId

NUMBERS = {situation.name: number for number, situation in enumerate(SITUATIONS)}
RECORDINGS = ("sqlite-phases.sql", "s3-phases.json", "sqlite-more.sql")
MACHINE, NAMESPACE = "0" * 32, "pid:[4026531836]"


def main() -> None:
    """Records the chosen situations, and every kind and shape."""
    parser = argparse.ArgumentParser(prog="tests.recording", description="Records journals for later versions to read.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("situations", nargs="*", metavar="SITUATION", help="all when none is named")
    asked = parser.parse_args()
    chosen = [situation for situation in SITUATIONS if not asked.situations or situation.name in asked.situations]
    asked.folder.mkdir(parents=True, exist_ok=True)
    with _workshop() as work:
        _journals(asked.folder, chosen, work)
    _write(asked.folder / "kinds.json", examples.kinds())
    _write(asked.folder / "shapes.json", shapes.shapes())


def _journals(target: Path, chosen: Sequence[Situation], work: Path) -> None:
    """Raises AssertionError: the two stores do not tell the same of the same situations."""
    told: dict[str, Mapping[RolloutId, Any]] = {}
    for name in RECORDINGS:
        part = name.partition("-")[2].partition(".")[0]
        situations = [situation for situation in chosen if situation.core == (part == "phases")]
        if not situations:
            continue
        found = _recorded(target / name, situations, work)
        found = _carried_on(target / name, found, work)
        if told.setdefault(part, found) != found:
            raise AssertionError(f"the stores do not tell the same of {part}")
        _write(target / f"{part}.expected.json", found)


def _recorded(file: Path, situations: Sequence[Situation], work: Path) -> dict[RolloutId, Any]:
    """Plays these situations in one store, writes its dump, and returns what this version tells of each rollout."""
    told: dict[RolloutId, Any] = {}
    folder = Path(tempfile.mkdtemp(dir=work))
    with LEDGERS[file.stem.partition("-")[0]](folder) as store:
        for situation in situations:
            stage = Stage(store, folder, situation.name, NUMBERS[situation.name], **situation.shape)  # type: ignore[arg-type]  # its own
            situation.play(stage)
            for rollout in stage.rollouts:
                told[rollout] = {"about": situation.about, **expected(stage.events(rollout)), "aws": aws_state(stage)}
        file.write_text(dump(store), encoding="utf-8")
    return told


def _carried_on(file: Path, told: Mapping[RolloutId, Any], work: Path) -> dict[RolloutId, Any]:
    """Carries each rollout on from the dump, and adds how it ended."""
    carried: dict[RolloutId, Any] = {}
    folder = Path(tempfile.mkdtemp(dir=work))
    with LEDGERS[file.stem.partition("-")[0]](folder) as store:
        put_back(store, file)
        for number, (rollout, each) in enumerate(told.items()):
            stage = Carried(store, folder, rollout, each["aws"], number)
            if stage.now().finished is None:
                stage.carry_on()
            carried[rollout] = {**each, "carried_on": ended(stage.now())}
    return carried


def _write(file: Path, value: Mapping[Any, Any]) -> None:
    """One line for each entry, so that a difference stays readable and the file small."""
    lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(held, ensure_ascii=False)}" for key, held in value.items())
    file.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


@contextmanager
def _workshop() -> Iterator[Path]:
    """A temporary folder; leases name a machine that does not exist, so that no recording names this one."""
    with tempfile.TemporaryDirectory(prefix="record-") as name:
        folder = Path(name)
        (folder / "proc/self/ns").mkdir(parents=True)
        (folder / "proc/self/ns/pid").symlink_to(NAMESPACE)
        (folder / "machine-id").write_text(MACHINE)
        process.PROC, process.MACHINE_ID = folder / "proc", folder / "machine-id"
        yield folder


if __name__ == "__main__":
    main()
