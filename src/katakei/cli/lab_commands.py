"""The commands of the lab and the demo: AWS on loopback, to rehearse on.

A module of its own, so that `katakei demo --help` does not import what only a running lab needs.
"""

import importlib.util
import sys
from collections.abc import Callable

import click

from katakei.domain.errors import RefusedError, UsageError
from katakei.lab.up import up

LAB_PACKAGE = "katakei[lab] @ git+https://github.com/katakei/katakei"
"""What to install for the lab, as long as there is no release."""

LAB_MODULES = ("moto", "flask", "flask_cors", "envoy", "cryptography")
"""What the extra `lab` of pyproject.toml brings."""


def require_extra(find: Callable[[str], object] = importlib.util.find_spec) -> None:
    """Raises UsageError without the packages of the lab. Nothing was started then."""
    missing = [name for name in LAB_MODULES if find(name) is None]
    if missing:
        raise UsageError(
            f"the lab needs packages that are not installed ({', '.join(missing)}): pip install '{LAB_PACKAGE}'"
        )


def require_linux(platform: str = sys.platform) -> None:
    """Raises RefusedError on a platform where the lab cannot run: it uses interfaces that only Linux has."""
    if platform != "linux":
        raise RefusedError(
            "the lab and the demo need Linux: run them in a Linux container or virtual machine. Every other command"
            " works on this machine"
        )


@click.command("demo")
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON object.")
def demo_(*, as_json: bool) -> int:
    """The main job on the lab, under load: two servers from v1 to v2, and the figures."""
    require_linux()
    require_extra()
    from katakei.cli.demo import demo

    return demo(as_json=as_json)


@click.group("lab")
def lab_() -> None:
    """AWS on loopback: an ALB that behaves like one, with real servers behind it."""
    require_linux()
    require_extra()


lab_.add_command(up)
