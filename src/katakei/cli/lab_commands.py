"""The commands of the lab and the demo: AWS on loopback, to rehearse on.

A module of its own, so that `katakei demo --help` does not import what only a running lab needs.
"""

import click

from katakei.lab.up import up


@click.command("demo")
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON object.")
def demo_(*, as_json: bool) -> int:
    """The main job on the lab, under load: two servers from v1 to v2, and the figures."""
    from katakei.cli.demo import demo

    return demo(as_json=as_json)


@click.group("lab")
def lab_() -> None:
    """AWS on loopback: an ALB that behaves like one, with real servers behind it."""


lab_.add_command(up)
