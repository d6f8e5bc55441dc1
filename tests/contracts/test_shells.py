"""The shell of the work: which one reads it, and whether it stops at the first command that fails."""

from dataclasses import replace

from tests.contracts.machine import NAME, Machine, start
from tests.contracts.rows import Case, Rows, Shown

from katakei.adapters.executors.mark import Mark, MarkState

LINES = "echo one\nfalse\necho three\n"
rows = Rows()


def _ran(machine: Machine, run: str, *, by: str = "sh", errexit: bool = False, argv: tuple[str, ...] = ()) -> Mark:
    _, answer = machine.run(replace(start(run, argv=argv), shell=by, errexit=errexit))
    found = answer.of(NAME)
    assert found
    return found


@rows
def work_stops_at_the_first_line_that_fails(machine: Machine) -> None:
    told = _ran(machine, LINES, errexit=True)
    assert (told.exit, told.out) == (1, "one\n")


@rows
def work_without_errexit_goes_on(machine: Machine) -> None:
    told = _ran(machine, LINES)
    assert (told.exit, told.out) == (0, "one\nthree\n")


@rows
def arguments_and_name_of_the_shell_stay(machine: Machine) -> None:
    told = _ran(machine, 'echo "$0 $# $1"', errexit=True, argv=("a b", "c"))
    assert (told.exit, told.out) == (0, "sh 2 a b\n")


@rows
def missing_bash_is_named_and_begins_nothing(machine: Machine) -> None:
    if machine.shell in {"dash", "bash"}:
        machine.env["PATH"] = str(machine.folder / "bin")
        for tool in (
            "base64",
            "date",
            "dd",
            "mkfifo",
            "setsid",
            "tail",
            "tr",
            "cat",
            "mkdir",
            "ln",
            "rm",
            "mv",
            "sleep",
        ):
            if not (machine.folder / "bin" / tool).exists():
                (machine.folder / "bin" / tool).symlink_to(f"/usr/bin/{tool}")
    told = _ran(machine, "echo begun > begun", by="bash")
    assert (told.state, told.why) == (MarkState.REFUSED, "bash is missing on this machine")
    assert not (machine.folder / "begun").exists()


@rows
def bash_reads_what_sh_does_not(machine: Machine) -> None:
    (machine.folder / "bin" / "bash").unlink(missing_ok=True)
    (machine.folder / "bin" / "bash").symlink_to("/usr/bin/bash")
    told = _ran(
        machine, 'words=(a b)\necho "${words[1]} ${BASH_VERSION:+bash}"\nfalse\necho c', by="bash", errexit=True
    )
    assert (told.exit, told.out) == (1, "b bash\n")


@rows.each()
def test_it(case: Case, shown: Shown) -> None:
    shown.result(case)
