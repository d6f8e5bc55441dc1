"""Tests of the live table: names are shown as they are."""

from dataclasses import replace

from rich.console import Console
from tests.unit.given import a_plan, given, later

from katakei.planning.forecast import forecast
from katakei.render.live_table import live


def test_live_table_shows_names_that_look_like_markup() -> None:
    plan = a_plan(2)
    first, second = plan.targets
    plan = replace(plan, targets=(replace(first, name="[prod] web"), replace(second, name="web [/x]")))
    console = Console(width=200)
    with console.capture() as screen:
        console.print(live(given(plan), "nothing is in progress", {}, forecast(plan), later(0)))
    assert "[prod] web" in screen.get()
    assert "web [/x]" in screen.get()
