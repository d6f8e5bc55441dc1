"""Tests of the report in a real browser with scripts turned off: its layout as the browser computes it."""

import json
import re
import shutil
import subprocess
from html import escape, unescape
from pathlib import Path
from typing import Any

import pytest
from tests.unit.given import a_plan, later
from tests.unit.render.test_report import RESTORE, told, way

from katakei.domain import events as e
from katakei.domain.replay import replay
from katakei.render import report

# The report is in a frame that cannot run scripts. The page around it may run them: it measures the report.
AROUND = """<!DOCTYPE html><meta charset="utf-8"><body><pre id="found"></pre>
<iframe sandbox="allow-same-origin" width="{width}" height="4000" srcdoc="{page}"></iframe>
<script>
document.querySelector("iframe").onload = function () {{
  const page = this.contentDocument, box = each => each.getBoundingClientRect();
  document.getElementById("found").textContent = JSON.stringify({{
    wide: page.documentElement.scrollWidth,
    bars: [...page.querySelector(".track").children].map(bar => box(bar).width),
    track: box(page.querySelector(".track")).width,
    colors: new Set([...page.querySelector(".track").children].map(bar => getComputedStyle(bar).backgroundColor)).size,
    serving: page.querySelector("path.serving").getBBox().width,
    lines: [...page.querySelectorAll("pre.line")].map(each => [each.innerText, getComputedStyle(each).userSelect,
      getComputedStyle(each).whiteSpace, box(each).height]),
    asked: this.contentWindow.performance.getEntriesByType("resource").length,
    title: page.title,
  }});
}};
</script>"""


@pytest.mark.parametrize("width", [400, 1100])
def test_report_fits_the_screen_and_bars_fit_phases(tmp_path: Path, width: int) -> None:
    plan = a_plan(service="shop")
    events = told(plan, way(plan), way(plan, 1, step=15), [e.Finished(later(105))])
    found = measured(tmp_path, report.page(replay(events), events, RESTORE, later(105)), width)
    assert found["title"] == "shop → v2"
    assert found["wide"] <= width
    assert len(found["bars"]) == 6
    assert all(bar == pytest.approx(found["track"] * 10 / 105, abs=0.5) for bar in found["bars"])
    assert found["colors"] == 6
    assert found["serving"] == pytest.approx(1000, abs=1)
    assert found["asked"] == 0
    (line,) = found["lines"]
    assert line[:3] == [RESTORE[0], "all", "pre"]
    assert line[3] < 60


def test_print_shows_what_the_screen_folds(tmp_path: Path) -> None:
    """Every event is in the folded part: several hundred of them fill pages of paper."""
    plan = a_plan(60, service="shop")
    events = told(plan, *(way(plan, number) for number in range(60)), [e.Finished(later(105))])
    (tmp_path / "report.html").write_text(report.page(replay(events), events, RESTORE, later(105)), encoding="utf-8")
    chromium(tmp_path, f"--print-to-pdf={tmp_path}/report.pdf", (tmp_path / "report.html").as_uri())
    pages = re.findall(rb"/Type /Page\b", (tmp_path / "report.pdf").read_bytes())
    assert len(pages) > 16


def measured(folder: Path, page: str, width: int) -> Any:
    """What Chromium measured."""
    around = folder / "around.html"
    around.write_text(AROUND.format(width=width, page=escape(page, quote=True)), encoding="utf-8")
    done = chromium(folder, "--virtual-time-budget=5000", "--dump-dom", around.as_uri())
    said = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    assert said, done.stderr
    return json.loads(unescape(said[1]))


def chromium(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    browser = shutil.which("chromium")
    assert browser, "the tests need chromium: make packages installs it"
    ours = (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        f"--user-data-dir={folder}/profile",
    )
    return subprocess.run([browser, *ours, *words], capture_output=True, text=True, timeout=90, check=True)
