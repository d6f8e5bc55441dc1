"""An IAM policy as the JSON document that AWS takes, and what a person must know beside it."""

import json
from collections.abc import Sequence

from katakei.domain.spec import Spec
from katakei.planning.iam import PolicyRole, Statement, limits_targets, parameters, uses_ssm
from katakei.render.json_data import Plain, output
from katakei.render.translation import ENGLISH, Translator


def policy_document(statements: Sequence[Statement]) -> str:
    """The policy document (IAM user guide, "IAM JSON policy elements reference")."""
    return json.dumps({"Version": "2012-10-17", "Statement": [_statement(each) for each in statements]}, indent=2)


def _statement(statement: Statement) -> dict[str, object]:
    said: dict[str, object] = {"Sid": statement.sid, "Effect": "Allow", "Action": _one(statement.actions)}
    said["Resource"] = _one(statement.resources)
    if statement.conditions:
        said["Condition"] = {
            operator: {key: _one(values) for key, values in keys.items()}
            for operator, keys in statement.conditions.items()
        }
    return said


def _one(values: Sequence[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else list(values)


def notes(role: PolicyRole, spec: Spec, tr: Translator) -> list[str]:
    """What the policy cannot say: one sentence each."""
    found: list[str] = []
    if role is PolicyRole.TARGETS and uses_ssm(spec):
        found.append(tr("instances with the policy AmazonSSMManagedInstanceCore have the first statement already"))
        if parameters(spec):
            found.append(tr("a parameter that is encrypted with a key of your own also needs kms:Decrypt on that key"))
    if role in {PolicyRole.CONTROLLER, PolicyRole.CI} and uses_ssm(spec) and not limits_targets(spec):
        found.append(
            tr(
                "commands may be sent to every instance of the account and region, because the configuration does not"
                " name its targets by tag, id or name: give targets a tag and write targets: {tag: …} to limit that"
            )
        )
    return found


def policy_data(role: PolicyRole, spec: Spec, statements: Sequence[Statement]) -> dict[str, Plain]:
    """The policy for programs; the document is text, as `aws iam create-policy` takes it."""
    said: list[Plain] = [*notes(role, spec, ENGLISH)]
    return output("iam", role=role.value, policy=policy_document(statements), notes=said)
