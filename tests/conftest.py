"""What a run may be asked for beside pytest's own words."""

import os

import pytest

os.environ["KATAKEI_LANG"] = "en"  # the tests read English, whatever the locale of this machine


def pytest_addoption(parser: pytest.Parser) -> None:
    """For whoever has an account."""
    parser.addoption("--aws", metavar="GROUP", default="", help="try the balancer's contract on this real target group")
