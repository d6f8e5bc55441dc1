"""The identity of a machine and its state folder: a mark that was lost, or is of another machine, proves nothing."""

import shutil
import time
from datetime import timedelta
from pathlib import Path

from tests.contracts.machine import NAME, LocalMachine, Machine, Request, copy_folder, forbid, remove_folder, start
from tests.contracts.rows import Case, Rows, Shown

from katakei.adapters.executors import mark
from katakei.adapters.executors.mark import MarkState

BEGIN = "echo begun >> begun; sleep 20"
NOT_AT_ALL = timedelta()
rows = Rows()


def _begun(machine: Machine) -> int:
    file = machine.folder / "begun"
    return len(file.read_text().splitlines()) if file.exists() else 0


def _begin(machine: Machine, run: str = BEGIN) -> None:
    machine.run(start(run, follow=NOT_AT_ALL))
    deadline = time.monotonic() + 10
    while not _begun(machine):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _another(machine: Machine, name: str) -> Machine:
    """Another machine with a boot of its own, in the same state folder."""
    other = Machine(machine.folder, machine.shell) if not isinstance(machine, LocalMachine) else machine
    other.name, other.boot = name, f"boot of {name}"
    return other


@rows
def mark_of_another_machine_is_unknown_and_named(machine: Machine) -> None:
    machine.run(start("echo begun >> begun; exit 4"))
    other = _another(machine, "i-2")
    code, answer = other.run(start("echo begun >> begun; exit 4", machine="i-2"))
    told = answer.of(NAME)
    assert told
    assert (code, told.state, told.exit, told.out) == (1, MarkState.UNKNOWN, None, "")
    assert "the mark here is of another machine (i-1)" in told.why
    assert _begun(machine) == 1
    for request in (Request("look"), forbid(NAME), Request("cancel")):
        _, answer = other.run(request)
        assert [each.state for each in answer.marks] == [MarkState.UNKNOWN]


@rows
def running_work_of_another_machine_is_left_alone(machine: Machine) -> None:
    _begin(machine)
    other = _another(machine, "i-2")
    for request in (Request("look"), forbid(NAME), Request("cancel"), start(BEGIN, machine="i-2")):
        _, answer = other.run(request)
        assert [each.state for each in answer.marks] == [MarkState.UNKNOWN]
    machine.name, machine.boot = "i-1", "first"
    assert (machine.look().state, _begun(machine)) == (MarkState.RUNNING, 1)


@rows
def removed_mark_of_begun_work_is_unknown_for_ever(machine: Machine) -> None:
    _begin(machine)
    remove_folder(machine.place())
    for request in (Request("look"), forbid(NAME), start(BEGIN, follow=NOT_AT_ALL), forbid(NAME), Request("look")):
        _, answer = machine.run(request)
        assert [each.state for each in answer.marks] == [MarkState.UNKNOWN]
        assert "its mark was removed" in answer.marks[0].why
    assert _begun(machine) == 1


@rows
def part_of_a_removed_mark_tells_nothing(machine: Machine) -> None:
    """A look while the work removes its own mark: the files go one by one."""
    _begin(machine)
    for name in ("boot_id", "pid"):
        (machine.place() / name).unlink()
        told = machine.look()
        assert (told.state, "its mark was removed" in told.why) == (MarkState.UNKNOWN, True), name
    assert _begun(machine) == 1


@rows
def work_that_deletes_its_own_mark_begins_once(machine: Machine) -> None:
    run = 'echo begun >> begun; until rm -rf "$KATAKEI_STATE"/*; do :; done; sleep 0.5'
    _begin(machine, run)
    for _ in range(3):
        _, answer = machine.run(start(run))
        assert [each.state for each in answer.marks] == [MarkState.UNKNOWN]
    assert _begun(machine) == 1


@rows.of_targets
def emptied_state_folder_has_another_place(machine: Machine) -> None:
    before = machine.look().place
    assert before.startswith("i-1@")
    assert machine.look().place == before
    _begin(machine)
    remove_folder(machine.state)
    machine.state.mkdir()
    machine.boot = "second"
    after = machine.look()
    assert (after.state, after.place[:4]) == (MarkState.ABSENT, "i-1@")
    assert after.place != before
    assert after.believed(before, begun=False).state is MarkState.UNKNOWN
    _, answer = machine.run(start(BEGIN, follow=NOT_AT_ALL, place=before))
    told = answer.of(NAME)
    assert told
    assert told.state is MarkState.UNKNOWN
    assert "is not the state folder that was read before the target was taken out" in told.why
    assert _begun(machine) == 1


@rows.of_targets
def forbidden_mark_in_another_folder_is_unknown(machine: Machine) -> None:
    before = machine.look().place
    remove_folder(machine.state)
    _, answer = machine.run(forbid(NAME))
    [told] = answer.marks
    assert told.state is MarkState.FORBIDDEN
    assert told.believed(before, begun=False).state is MarkState.UNKNOWN
    assert told.believed(told.place, begun=False).state is MarkState.FORBIDDEN
    assert told.believed("", begun=False).state is MarkState.FORBIDDEN


@rows.of_targets
def image_of_another_machine_gets_an_identity_of_its_own(machine: Machine) -> None:
    original = machine.look().place
    machine.run(start("exit 0", name="r-0/1-update"))
    clone = Machine(machine.folder.parent / f"{machine.folder.name}-clone", machine.shell, name="i-2", boot="other")
    copy_folder(machine.state, clone.state)
    try:
        place = clone.look().place
        assert place.startswith("i-2@")
        assert place.partition("@")[2] != original.partition("@")[2]
        _, answer = clone.run(start("echo begun >> begun", machine="i-2", place=place))
        assert [each.state for each in answer.marks] == [MarkState.ENDED]
        assert (_begun(clone), machine.look().place) == (1, original)
    finally:
        clone.end()


@rows.of_targets
def image_taken_during_the_work_is_unknown_on_the_clone(machine: Machine) -> None:
    _begin(machine)
    clone = Machine(machine.folder.parent / f"{machine.folder.name}-clone", machine.shell, name="i-2", boot="other")
    copy_folder(machine.state, clone.state)
    try:
        _, answer = clone.run(start("echo begun >> begun", machine="i-2", place=clone.look().place))
        assert [each.state for each in answer.marks] == [MarkState.UNKNOWN]
        assert _begun(clone) == 0
    finally:
        clone.end()


@rows.of_targets
def second_start_in_a_vanished_folder_begins_nothing(machine: Machine) -> None:
    place = machine.look().place
    slow = machine.folder / "bin" / "setsid"
    real = shutil.which("setsid", path="/usr/bin:/bin")
    slow.unlink(missing_ok=True)
    slow.write_text(
        f'#!/bin/sh\nuntil rm -rf "$KATAKEI_STATE"/* "$KATAKEI_STATE"/.machines; do :; done\nexec {real} "$@"\n'
    )
    slow.chmod(0o755)
    _, answer = machine.run(start("echo begun >> begun", place=place))
    assert [each.believed(place, begun=False).state for each in answer.marks] == [MarkState.UNKNOWN]
    assert _begun(machine) == 0


@rows.of_targets
def first_questions_at_once_agree_on_the_place(machine: Machine) -> None:
    agents = [machine.agent(Request("look")) for _ in range(8)]
    places = {each.place for agent in agents for each in mark.read(agent.communicate(timeout=30)[0]).marks}
    assert len(places) == 1


@rows.of_targets
def machine_without_agent_id_has_an_identity(machine: Machine) -> None:
    machine.name = ""
    machine.env["KATAKEI_MACHINE_ID"] = "ec2 47-;$(x)"
    found = machine.look()
    assert (found.machine, found.place.partition("@")[0]) == ("", "ec247-x")


@rows.of_targets
def unwritable_state_folder_has_no_identity_and_is_refused(machine: Machine) -> None:
    (machine.folder / "file").write_text("")
    machine.env["KATAKEI_STATE"] = str(machine.folder / "file")
    place = machine.look().place
    assert place == "i-1@-"
    _, answer = machine.run(start("echo begun >> begun", place=place))
    assert [each.believed(place, begun=False).state for each in answer.marks] == [MarkState.REFUSED]


def test_mark_is_believed_by_what_is_known(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    absent = machine.look()
    assert absent.believed(absent.place, begun=False).state is MarkState.ABSENT
    assert absent.believed("", begun=False).state is MarkState.ABSENT
    assert absent.believed(absent.place, begun=True).state is MarkState.UNKNOWN
    assert absent.believed("", begun=True).why == "its work was begun, but its mark is no longer there"


def test_report_of_the_version_before_names_no_place() -> None:
    [told] = mark.read("katakei-mark r-1/1-update ended 0 1700000000 i-1 - -\nkatakei-end\n").marks
    assert (told.state, told.exit, told.place) == (MarkState.ENDED, 0, "")


@rows.each()
def test_it(case: Case, shown: Shown) -> None:
    shown.result(case)
