"""The page begins with what a user asks: how many minutes, and how many failed requests."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from bench.chart import chart
from bench.design import CODEDEPLOY, COUNTER, IMPATIENT, PROOF, QUARTER, RUNBOOK, SERIAL, ClientLoad, Leg, Scenario
from bench.glance import GlanceRow, glance_table, rows
from bench.result import Results
from bench.table import Comparison
from tests.bench.test_tables import ran

from bench import result as results_module

SVG = "{http://www.w3.org/2000/svg}"
TWO = Scenario(2, 60, ClientLoad.IDLE, (RUNBOOK, SERIAL, CODEDEPLOY, PROOF, COUNTER, IMPATIENT))
WIDE = tuple(replace(each, window="25%") for each in (PROOF, COUNTER))
EIGHT = Scenario(8, 60, ClientLoad.IDLE, (RUNBOOK, PROOF, QUARTER, *WIDE))
RUNS = {RUNBOOK: [ran(150), ran(170)], SERIAL: [ran(130)], PROOF: [ran(190)], COUNTER: [ran(80, 3)]}


def test_rows_show_defaults_and_fastest_way() -> None:
    shown = rows([Comparison(TWO, {**RUNS, IMPATIENT: [ran(9)]})])
    assert [(row.way, row.seconds, row.failed, row.requests) for row in shown] == [
        ("runbook script (`aws`)", 160, 0, 200),
        ("Ansible, `serial: 1`", 130, 0, 100),
        ("Katakei, defaults (`proof`)", 190, 0, 100),
        ("Katakei, `counter`, `soak: 0s`", 80, 3, 100),
    ]


def test_rows_compare_equal_windows() -> None:
    runs = {RUNBOOK: [ran(600)], PROOF: [ran(300)], QUARTER: [ran(260)], WIDE[0]: [ran(380)], WIDE[1]: [ran(160)]}
    shown = rows([Comparison(EIGHT, runs)])
    assert [row.seconds for row in shown] == [600, 260, 380, 160]


def test_rows_leave_load_out_and_begin_with_few_targets() -> None:
    busy = replace(TWO, load=ClientLoad.BUSY)
    long = replace(TWO, delay=300)
    shown = rows([Comparison(each, {RUNBOOK: [ran(60)]}) for each in (EIGHT, TWO, busy, long)])
    assert [row.ground for row in shown] == [
        "2 servers, delay 300 s",
        "2 servers, delay 60 s",
        "8 servers, delay 60 s",
    ]


def test_glance_table_names_each_ground_once() -> None:
    lines = glance_table(rows([Comparison(TWO, RUNS)])).splitlines()[2:]
    assert lines[0] == "| 2 servers, delay 60 s | runbook script (`aws`) | 2.7 min | 1.0 | 0 of 200 |"
    assert lines[3] == "|  | **Katakei, `counter`, `soak: 0s`** | 1.3 min | 2.0 | 3 of 100 |"


def test_chart_has_a_bar_as_long_as_its_share() -> None:
    shown = rows([Comparison(TWO, RUNS)])
    root = ET.fromstring(chart(shown))  # noqa: S314 - drawn here
    bars = [one for one in root.iter(f"{SVG}rect") if one.get("class") in {"ours", "other"}]
    lengths = [float(bar.attrib["width"]) for bar in bars]
    assert [round(length / max(lengths), 2) for length in lengths] == [0.84, 0.68, 1.0, 0.42]
    assert [bar.get("class") for bar in bars] == ["other", "other", "ours", "ours"]
    texts = [one.text for one in root.iter(f"{SVG}text")]
    assert texts[0] == "2 servers, delay 60 s"
    assert "1.3 min, 3 requests failed" in texts


def test_chart_stays_within_its_picture() -> None:
    row = GlanceRow("8 servers, delay 300 s", "Katakei, `requests`, `soak: 30s`, window 25%", True, 2520, 12345, 99999)
    root = ET.fromstring(chart([row, replace(row, ours=False, failed=0)]))  # noqa: S314 - drawn here
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for one in root.iter(f"{SVG}text"):
        length = 7.2 * len(one.text or "")  # pixels, a wide guess for 13 px
        x = float(one.attrib["x"])
        assert (x - length >= 0) if one.get("text-anchor") else (x + length <= width)
        assert float(one.attrib["y"]) < height


def test_chart_is_readable_in_light_and_dark() -> None:
    text = chart(rows([Comparison(TWO, RUNS)]))
    assert "prefers-color-scheme: dark" in text
    assert "<desc>2 servers, delay 60 s, runbook script" in text


def test_results_are_read_as_they_were_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results_module, "FOLDER", tmp_path)
    results, leg = Results("abc"), Leg(TWO, RUNBOOK, 1)
    assert results.of(leg) is None
    results.keep(leg, ran(60, 1))
    assert results.of(leg) == ran(60, 1)
