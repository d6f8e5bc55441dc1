"""`katakei roll` on a terminal: the confirmation, the live table, Enter, Ctrl-C, a closed window."""

import re
import signal
import subprocess

import pytest
from tests.e2e.command import PROGRAM, Katakei
from tests.e2e.ground import Ground
from tests.e2e.stage import Play, Plays, Stage
from tests.e2e.terminal import Terminal

from katakei.lab import clock

pytestmark = pytest.mark.lab
plays = Plays()

CONFIGURATION = """\
service: shop
balancer: {alb: {target_groups: [LaravelTargetGroup]}}
drain: {settle: 1s, until: delay}
work: {manual: }
check: {http: {path: /health}, within: 20s}
warm: {soak: 1s}
"""
RESTORE = "To restore every registration by hand at any time:"


@plays
def terminal_confirms_draws_and_takes_enter(katakei: Katakei, ground: Ground) -> None:
    katakei.file(CONFIGURATION)

    # given a person who is asked, and says no: nothing is changed
    with Terminal(katakei, "roll", "--only", ground.ids[0]) as terminal:
        terminal.until("[y/N]")
        assert "account 123456789012, region ap-northeast-1, LaravelTargetGroup" in terminal.screen
        terminal.type("n\n")
        assert terminal.end() == 4
    assert "not confirmed; nothing was changed" in terminal.screen
    assert terminal.screen.lstrip().startswith(RESTORE)
    assert ground.changes() == []
    assert katakei("list").out == "no rollouts in this journal\n"

    # nor is it by Ctrl-C at the question
    with Terminal(katakei, "deregister", ground.ids[0]) as terminal:
        terminal.until("[y/N]")
        clock.sleep(0.3)  # a person is never as quick as to come between the question and its reading
        terminal.type("\x03")
        assert terminal.end() == 130
    assert "Traceback" not in terminal.screen
    assert ground.changes() == []

    # nor is a lease let go by somebody who is not sure
    with Terminal(katakei, "unlock", "LaravelTargetGroup") as terminal:
        terminal.until("[y/N]")
        terminal.type("n\n")
        assert terminal.end() == 4
    assert "not confirmed; nothing was changed" in terminal.screen

    # when the answer is yes, a table is drawn; Enter says that the work is done
    with Terminal(katakei, "roll", "--only", ground.ids[0]) as terminal:
        terminal.until("[y/N]")
        terminal.type("y\n")
        terminal.until("1 draining")
        terminal.until("Ctrl-C finishes the targets in progress; twice stops at once")
        terminal.until("ready for manual work")
        assert "Press Enter when the work on the targets that are out is done." in terminal.screen
        assert "0 of 1 ended, 1 of 1 out at a time" in terminal.screen
        assert "Your turn: work on web-1 at 127." in terminal.screen
        terminal.type("\n")
        assert terminal.end() == 0, terminal.screen[-3000:]
    assert "DONE  shop on LaravelTargetGroup" in terminal.screen
    assert "web-1  done" in terminal.screen
    assert set(ground.states().values()) == {"healthy"}


@plays.slow
def terminal_ctrl_c_twice_stops_and_a_closed_window_finishes(katakei: Katakei, ground: Ground) -> None:
    katakei.file(CONFIGURATION)
    with Terminal(katakei, "roll", "--yes") as terminal:
        terminal.until("ready for manual work")
        terminal.type("\x03")
        terminal.until("finishing the targets in progress")
        terminal.type("\x03")
        assert terminal.end(20) == 130, terminal.screen[-3000:]
    assert re.search(r"bring every target back +katakei abort r-", terminal.screen)
    assert "Interrupted: finishing the targets in progress" in terminal.screen
    assert "Traceback" not in terminal.screen

    # and taken up again: what puts everything back is said first; then the window is closed
    with Terminal(katakei, "roll", "--yes") as terminal:
        terminal.until("ready for manual work")
        assert terminal.screen.lstrip().startswith(RESTORE)
        terminal.hang_up()
        (rollout,) = katakei("list", "--json").data["rollouts"]
        assert katakei("approve", rollout["rollout"]).code == 0
        assert terminal.end() == 130
    assert set(ground.states().values()) == {"healthy"}
    assert "interrupted (SIGHUP)" in katakei("show", rollout["rollout"]).out


@plays.slow
def terminal_one_signal_finishes_and_nohup_ignores_sighup(katakei: Katakei, ground: Ground) -> None:
    katakei.file(CONFIGURATION)

    # Ctrl-C once: the target in hand is finished, the other one not begun, and it is said how to go on
    with Terminal(katakei, "roll", "--yes") as terminal:
        terminal.until("ready for manual work")
        terminal.type("\x03")
        terminal.until("finishing the targets in progress; a second signal stops at once")
        terminal.type("\n")
        assert terminal.end() == 130, terminal.screen[-3000:]
    assert re.search(r"carry on +katakei roll", terminal.screen)
    assert set(ground.states().values()) == {"healthy"}

    # SIGTERM once, with nothing else to begin: the rollout is finished
    with Terminal(katakei, "roll", "--yes") as terminal:
        terminal.until("ready for manual work")
        terminal.process.send_signal(signal.SIGTERM)
        terminal.until("finishing the targets in progress")
        terminal.type("\n")
        assert terminal.end() == 0, terminal.screen[-3000:]

    # and with nohup a closed window is nothing at all
    words = ["nohup", *PROGRAM, "roll", "-f", "katakei.yml", "--only", ground.ids[0]]
    out = katakei.folder / "nohup.out"
    with out.open("wb") as file, subprocess.Popen(words, cwd=katakei.folder, env=katakei.env, stdout=file) as roll:
        assert clock.wait_for(lambda: "ready for manual work" in out.read_text(), 40, 0.1), out.read_text()
        roll.send_signal(signal.SIGHUP)
        name = katakei("list", "--json").data["rollouts"][0]["rollout"]
        assert katakei("approve", name).code == 0
        assert roll.wait(60) == 0, out.read_text()
    assert "SIGHUP" not in katakei("show", name).out


@plays.each()
def test_play(play: Play, stage: Stage) -> None:
    stage.show(play)
