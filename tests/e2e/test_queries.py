"""What a rollout left behind, by the command: no AWS, no lab, nothing but its journal."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contracts.ledgers import ID, LEDGERS, begun
from tests.e2e.command import Katakei
from tests.unit.given import NOON

from katakei.domain import events as e
from katakei.domain.model import TargetId
from katakei.domain.phases import Intent, Phase

WHO = TargetId("i-1")
KEY = e.WorkKey(ID, WHO, 1, Intent.UPDATE)


@pytest.fixture
def katakei(tmp_path: Path) -> Iterator[Katakei]:
    """A journal with one rollout, whose only target was left out after its work failed."""
    with LEDGERS["sqlite"](tmp_path) as ledger:
        lease = begun(ledger)
        phases = (Phase.DRAINING, Phase.OUT, Phase.WORKING)
        moves = [e.PhaseChanged(NOON, WHO, phase) for phase in phases]
        ended = e.WorkEnded(NOON, KEY, 7, "no space left\x1b]0;evil\x07\n")
        ledger.journal().append(lease, ID, 1, [*moves, ended, e.PhaseChanged(NOON, WHO, Phase.LEFT_OUT, "exit code 7")])
        ledger.journal().append(lease, ID, 6, [e.Finished(NOON)])
        ledger.leases().release(lease)
        command = Katakei(tmp_path, {"KATAKEI_JOURNAL": ledger.url})
        yield command
        command.close()


def test_logs_shows_the_output_without_control_characters(katakei: Katakei) -> None:
    done = katakei("logs", ID)
    assert done.code == 0, done.all()
    assert (
        "== i-1 (web-1), attempt 1 (update), exit code 7, 2026-11-22 12:00:00 UTC\nno space left\\x1b]0;evil"
        in done.out
    )
    assert katakei("logs", ID, "web-1").out == done.out
    assert katakei("logs", ID, "--json").data["work"][0]["out"] == "no space left\x1b]0;evil\x07\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("logs", ID, "web-9"), f"'web-9' is no target of rollout {ID}; there are: i-1 (web-1)"),
        (("logs", "r-nosuch"), "no rollout r-nosuch in this journal"),
        (("report", "r-nosuch"), "no rollout r-nosuch in this journal"),
        (("report", ID, "-o", "no/such/folder.html"), "no/such/folder.html cannot be written"),
    ],
)
def test_queries_explain_what_is_missing(katakei: Katakei, words: tuple[str, ...], says: str) -> None:
    done = katakei(*words)
    assert (done.code, done.out) == (2, "")
    assert says in done.err
    assert done.err.count("\n") == 1


def test_report_is_one_file_with_restore_lines(katakei: Katakei) -> None:
    done = katakei("report", ID)
    file = katakei.folder / f"katakei-{ID}.html"
    assert (done.code, done.out) == (0, f"katakei-{ID}.html\n"), done.all()
    page = file.read_text()
    assert "aws elbv2 register-targets" in page
    assert ">FAILED<" in page
    assert "Targets are out of service. Exit code 3." in page
    assert file.stat().st_mode & 0o777 == 0o600
    assert katakei("report", ID, "-o", "-").out == f"{page}\n"
    assert not list(katakei.folder.glob(".katakei-*"))


def test_report_for_a_ticket_is_markdown(katakei: Katakei) -> None:
    assert katakei("report", ID, "--format", "markdown").out == f"katakei-{ID}.md\n"
    document = (katakei.folder / f"katakei-{ID}.md").read_text()
    assert document.startswith("## FAILED: ")
    assert katakei("report", ID, "-o", "ticket.md").out == "ticket.md\n"
    assert (katakei.folder / "ticket.md").read_text() == document
    assert katakei("report", ID, "--format", "html", "-o", "page.md").code == 0
    assert (katakei.folder / "page.md").read_text().startswith("<!DOCTYPE html>")


def test_report_replaces_an_older_one(katakei: Katakei) -> None:
    file = katakei.folder / "report.html"
    file.write_text("x" * 100_000)
    assert katakei("report", ID, "-o", "report.html").code == 0
    assert file.read_text().endswith("</html>\n")


def test_report_that_cannot_be_written_leaves_nothing(katakei: Katakei) -> None:
    done = katakei("report", ID, "-o", ".")
    assert (done.code, "cannot be written" in done.err) == (2, True), done.all()
    assert not list(katakei.folder.glob(".katakei-*"))
    assert not list(katakei.folder.parent.glob(".katakei-*"))


def test_report_prints_its_facts_as_json(katakei: Katakei) -> None:
    data = katakei("report", ID, "--json").data
    assert (data["exit"], data["left_out"], data["figures"]["late_requests"]) == (3, ["i-1"], 0)
    assert data["restore"][0].startswith("aws elbv2 register-targets")


@pytest.mark.parametrize("words", [(), (ID,), ("r-o",), ("last",), ("shop",), ("web",)])
def test_reading_commands_find_the_rollout(katakei: Katakei, words: tuple[str, ...]) -> None:
    assert katakei("show", *words, "--json").data["rollout"] == ID
    assert katakei("wait", *words).code == 3
    assert "no space left" in katakei("logs", *words).out


def test_logs_take_a_target_without_a_rollout(katakei: Katakei) -> None:
    assert katakei("logs", "web-1").out == katakei("logs", ID, "web-1").out
    assert katakei("logs", "web-9").code == 2


@pytest.mark.parametrize("command", ["abort", "pause", "resume", "revert", "approve"])
def test_telling_commands_never_guess(katakei: Katakei, command: str) -> None:
    done = katakei(command)
    assert (done.code, done.out) == (2, "")
    assert f"no rollout is unfinished: name one, or type last for the newest; there are {ID} (shop)" in done.err
    assert "is finished" in katakei("abort", "last").err
