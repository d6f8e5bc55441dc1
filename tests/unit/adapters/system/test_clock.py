"""The clock of one process never jumps, whatever is done to the clock on the wall."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta, tzinfo

import pytest

from katakei.adapters.system import clock

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Wall(datetime):
    """A clock on the wall that somebody turns."""

    turned = timedelta()

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # a plain moment will do
        return (NOON + cls.turned).astimezone(tz)


@pytest.mark.parametrize("by", [HOUR, -HOUR], ids=["forward", "back"])
def test_stepped_wall_clock_moves_no_time(by: timedelta, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "datetime", Wall)
    ours = clock.SystemClock()
    begun = ours.now()

    monkeypatch.setattr(Wall, "turned", by)

    assert begun - NOON < timedelta(seconds=1)
    assert timedelta() <= ours.now() - begun < timedelta(seconds=1)


@pytest.mark.parametrize("by", [HOUR, -HOUR, timedelta(seconds=6)], ids=["forward", "back", "six seconds"])
def test_stepped_wall_clock_is_seen_as_one_jump(by: timedelta, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "datetime", Wall)
    monkeypatch.setattr(Wall, "turned", timedelta())
    ours = clock.SystemClock()
    assert ours.last_jump() is None

    monkeypatch.setattr(Wall, "turned", by)
    before = ours.now()
    seen = ours.last_jump()

    assert seen is not None
    assert before <= seen <= ours.now()
    assert ours.last_jump() == seen


def test_small_corrections_of_the_wall_clock_are_no_jump(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "datetime", Wall)
    ours = clock.SystemClock()
    for seconds in range(0, 40, 4):
        monkeypatch.setattr(Wall, "turned", timedelta(seconds=seconds))
        assert ours.last_jump() is None


def test_wake_ends_the_sleep_that_comes_next() -> None:
    ours = clock.SystemClock()
    ours.wake()
    ours.wake()
    begun = ours.now()

    ours.sleep(HOUR)

    assert ours.now() - begun < timedelta(minutes=1)
    ours.sleep(timedelta())  # both wake-ups are spent: this returns at its own end


STORM = """
import signal
from datetime import timedelta
from katakei.adapters.system.clock import SystemClock

clock = SystemClock()
signal.signal(signal.SIGALRM, lambda *_: clock.wake())
signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
end = clock.now() + timedelta(seconds=2)
while clock.now() < end:
    clock.sleep(timedelta(milliseconds=1))
signal.setitimer(signal.ITIMER_REAL, 0)
print("done")
"""


def test_wake_from_a_signal_handler_never_blocks_a_sleep() -> None:
    done = subprocess.run([sys.executable, "-c", STORM], capture_output=True, text=True, timeout=30, check=False)

    assert done.stdout == "done\n", done.stderr
