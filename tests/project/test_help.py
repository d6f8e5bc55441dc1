"""The help texts import no library that takes long to import."""

import subprocess
import sys

import pytest

HEAVY = ("boto3", "botocore", "pydantic", "rich", "ruamel", "sqlalchemy", "moto", "aiohttp", "flask", "asyncio")
WATCHED = """
import sys
from katakei.cli import run
code = run({argv!r})
heavy = sorted(name for name in {heavy!r} if name in sys.modules)
print("imported:", *heavy, file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize("argv", [["--help"], ["-h"], ["--version"]])
def test_help_imports_no_heavy_library(argv: list[str]) -> None:
    program = WATCHED.format(argv=argv, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=30)
    assert done.stderr.strip() == "imported:"
    assert done.returncode == 0
    assert "katakei" in done.stdout.lower()


def test_usage_error_imports_no_heavy_library() -> None:
    program = WATCHED.format(argv=["no-such-command"], heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2
    assert done.stderr.strip().endswith("imported:")
