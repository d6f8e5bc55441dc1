"""What a run may be asked for beside pytest's own words."""

import os

import pytest
from hypothesis import settings
from tests import lab_forks

# Hypothesis fails an example that takes 0.2 s. On a loaded machine each can, and no test here shows speed by time.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

os.environ["KATAKEI_LANG"] = "en"  # the tests read English, whatever the locale of this machine

lab_forks.install()


def pytest_unconfigure() -> None:
    """The process that forks labs ends."""
    lab_forks.FORKS.close()


def pytest_addoption(parser: pytest.Parser) -> None:
    """For whoever has an account."""
    parser.addoption("--aws", metavar="GROUP", default="", help="try the balancer's contract on this real target group")
