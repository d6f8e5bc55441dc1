"""The table of IAM actions agrees with the calls that the adapters make, and covers every kind of work."""

import ast
from collections.abc import Mapping
from pathlib import Path

import katakei
from katakei.adapters.aws.services import SERVICES
from katakei.config.work_schema import Work
from katakei.planning.iam import AGENT, CALLS, CODE_OF

ADAPTERS = Path(katakei.__file__).parent / "adapters"
ACTIONS: Mapping[str, str] = {action: f"{service.iam}:{action}" for service in SERVICES for action in service.actions}
OTHER_NAMES = {"s3:ListObjectsV2": "s3:ListBucket", "s3:HeadBucket": "s3:ListBucket"}
"""Actions that IAM names otherwise (Service Authorization Reference, Amazon S3)."""

NO_RIGHT = {"sts:GetCallerIdentity"}
OF_THE_SESSION = "aws"
"""The package of the session: it only lists actions, and assumes roles that trust policies allow."""

BY_ANOTHER_EXECUTOR = {"release"}
"""Kinds of work that ssm or ssh carries out."""


def called() -> Mapping[str, frozenset[str]]:
    """By package of the adapters, the IAM actions of the calls that stand in its code."""
    found: dict[str, set[str]] = {}
    for path in sorted(ADAPTERS.rglob("*.py")):
        parts = path.relative_to(ADAPTERS).parts[:-1]
        if parts[:1] == (OF_THE_SESSION,):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in ACTIONS:
                action = ACTIONS[node.value]
                found.setdefault("/".join(parts[:2]), set()).add(OTHER_NAMES.get(action, action))
    return {code: frozenset(actions - NO_RIGHT) for code, actions in found.items()}


def test_table_has_exactly_the_calls_that_are_made() -> None:
    assert called() == CALLS, "correct CALLS in planning/iam.py"


def test_every_kind_of_work_is_in_the_table() -> None:
    assert set(CODE_OF) == set(Work.model_fields) - BY_ANOTHER_EXECUTOR, (
        "add the executor to CODE_OF in planning/iam.py"
    )
    assert {code for codes in CODE_OF.values() for code in codes} <= set(CALLS)


def test_actions_of_the_agent_are_in_order_and_unique() -> None:
    assert list(AGENT) == sorted(set(AGENT))
