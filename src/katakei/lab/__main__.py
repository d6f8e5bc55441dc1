"""`python -m katakei.lab up`: the lab without the rest of Katakei."""

import click

from katakei.lab.up import up

main = click.Group("lab", commands=[up], help="A local AWS to rehearse on.")

if __name__ == "__main__":
    main()
