"""The commands for the schema of a journal in PostgreSQL."""

import click

from katakei.cli.language import reader
from katakei.cli.messages import say, say_json
from katakei.cli.options import Context, NoOptions, takes
from katakei.render.json_data import output


@click.group("db")
def db_() -> None:
    """The tables of a journal in PostgreSQL: check their version, create or upgrade them."""


@db_.command("check")
@takes(NoOptions)
def check(context: Context, _options: NoOptions) -> None:
    """Whether the database can be reached and has the schema of this katakei; changes nothing.

    Ends with 5 and a sentence if it cannot, or has an older, a newer or no schema.
    """
    with context.drivers() as drivers:
        journal = drivers.journal_schema
        version = journal.check()
    _say(context, "ready", str(journal), version.found, version.newest)


@db_.command("upgrade")
@takes(NoOptions)
def upgrade(context: Context, _options: NoOptions) -> None:
    """Create the tables, or bring those of an older katakei to the newest schema.

    In one transaction: it is done as a whole or not at all. Several at once wait for each other. Stop workers and
    servers of the older version first; they end with a sentence otherwise. There is no way back: take a backup before.
    """
    with context.drivers() as drivers:
        journal = drivers.journal_schema
        before = journal.upgrade()
    _say(context, "upgraded" if before.found < before.newest else "ready", str(journal), before.found, before.newest)


def _say(context: Context, state: str, journal: str, found: int, newest: int) -> None:
    tr = reader()
    if context.as_json:
        say_json(output("db", journal=journal, state=state, schema_before=found, schema=newest))
    elif found == newest:
        say(tr("{journal}: schema {newest}, as this katakei needs it", journal=journal, newest=newest))
    elif found:
        say(tr("{journal}: upgraded from schema {found} to {newest}", journal=journal, found=found, newest=newest))
    else:
        say(tr("{journal}: tables created, schema {newest}", journal=journal, newest=newest))
