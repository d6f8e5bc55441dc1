"""The command that prints the least IAM policy for a configuration."""

import re
from dataclasses import dataclass

import click

from katakei.cli.language import reader
from katakei.cli.messages import say, say_json
from katakei.cli.options import Context, option, takes
from katakei.cli.source import SourceOptions, configuration
from katakei.domain.errors import UsageError
from katakei.domain.spec import Spec
from katakei.planning.iam import Bucket, PolicyRole, Where, policy
from katakei.render import iam as view

ACCOUNT = re.compile(r"\d{12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class IamOptions(SourceOptions):
    """A configuration, and whose policy is asked for."""

    role: str = option(
        "--for",
        "role",
        type=click.Choice([role.value for role in PolicyRole]),
        default=PolicyRole.CONTROLLER.value,
        show_default=True,
        help="Whose policy: of the machine that runs rollouts, of a CI job that does, of a person who only reads, or of"
        " the targets.",
    )
    account: str | None = option(
        "--account", metavar="ID", help="The AWS account, with --region; AWS is then not asked for both."
    )


@click.command("iam")
@takes(IamOptions, remote=False)
def iam_(context: Context, options: IamOptions) -> None:
    """Print the least IAM policy to roll GROUP.

    It allows exactly the calls that the configuration needs, on the resources that IAM can name. A journal in S3
    (--journal) counts. Account and region come from the ARNs of the target groups, from --account and --region, or from
    the credentials.
    """
    spec, role = configuration(options.source).spec, PolicyRole(options.role)
    bucket = _bucket(context)
    if role is PolicyRole.CI and bucket is None:
        raise UsageError("a CI job needs a journal that outlives it: give --journal s3://bucket/prefix")
    statements = policy(role, spec, _where(context, spec, options.account), bucket)
    if not statements:
        raise UsageError("the targets need no right of AWS for this configuration: its work does not use Run Command")
    if context.as_json:
        say_json(view.policy_data(role, spec, statements))
        return
    say(view.policy_document(statements))
    for note in view.notes(role, spec, reader()):
        say(f"katakei: {note}", err=True)


def _bucket(context: Context) -> Bucket | None:
    from katakei.bootstrap import journal_bucket

    found = journal_bucket(context.journal)
    return Bucket(*found) if found else None


def _where(context: Context, spec: Spec, account: str | None) -> Where:
    """Account and region. AWS is asked only where neither the ARNs nor the options tell them."""
    region = context.place[1]
    if account is not None:
        if not ACCOUNT.fullmatch(account) or not region:
            raise UsageError("--account takes the 12 digits of an AWS account, together with --region")
        return Where(account, region)
    first = spec.groups[0].split(":")
    if all(group.startswith("arn:") for group in spec.groups):
        return Where(first[4], first[3])
    with context.drivers() as drivers:
        return Where(drivers.site.account, drivers.site.region)
