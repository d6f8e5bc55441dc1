"""Entry point of `python -m katakei.lab up`, which starts a lab without the rest of Katakei."""

import click

from katakei.lab.up import up

main = click.Group("lab", commands=[up], help="A local AWS for rehearsals.")

if __name__ == "__main__":
    main()
