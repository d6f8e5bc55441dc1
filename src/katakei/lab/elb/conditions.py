"""Validation of the conditions of rules, the form in which AWS shows them, and their form for the data plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from katakei.lab import desired_config
from katakei.lab.elb.errors import ElbError, invalid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from katakei.lab.elb.model import ApiStructure

CONFIGS = {
    "path-pattern": "PathPatternConfig",
    "host-header": "HostHeaderConfig",
    "http-header": "HttpHeaderConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "query-string": "QueryStringConfig",
    "source-ip": "SourceIpConfig",
}
PLAIN = ("path-pattern", "host-header")  # only these two may also be given as plain Values
MAX_VALUES = 5


def validated(conditions: list[dict[str, Any]]) -> tuple[ApiStructure, ...]:
    """Validate conditions.

    Returns:
        The conditions as AWS shows them.

    Raises:
        ElbError: AWS would reject them.
    """
    total = 0
    found = []
    for condition in conditions:
        field = condition.get("Field", "")
        if field not in CONFIGS:
            raise invalid(f"Condition field '{field}' must be one of '[{', '.join(CONFIGS)}]'")
        values = _values(field, condition)
        total += len(values)
        found.append(_read_back(field, condition, values))
    if not conditions:
        raise invalid("A condition must be specified")
    if total > MAX_VALUES:
        raise ElbError("TooManyRuleConditionValues", f"A rule can have at most '{MAX_VALUES}' condition values")
    return tuple(found)


def _values(field: str, condition: dict[str, Any]) -> list[Any]:
    bare, config = condition.get("Values"), condition.get(CONFIGS[field], {})
    if bare and config:
        raise invalid(f"You cannot provide both Values and '{CONFIGS[field]}' for a condition of type '{field}'")
    if bare and field not in PLAIN:
        raise invalid(f"The 'Values' field is not compatible with '{field}'")
    values: list[Any] = bare or config.get("Values") or []
    if not values:
        raise invalid("A condition value must be specified")
    return values


def _read_back(field: str, condition: dict[str, Any], values: list[Any]) -> ApiStructure:
    config = {**condition.get(CONFIGS[field], {}), "Values": values}
    both = {"Values": values} if field in PLAIN else {}
    return {"Field": field, **both, CONFIGS[field]: config}


def desired_conditions(conditions: Iterable[ApiStructure]) -> desired_config.Conditions:
    """Convert conditions to the data plane's form."""
    by: dict[str, list[Any]] = {field: [] for field in CONFIGS}
    for condition in conditions:
        by[condition["Field"]].append(condition[CONFIGS[condition["Field"]]])
    return desired_config.Conditions(
        paths=_flat(by["path-pattern"]),
        hosts=_flat(by["host-header"]),
        methods=_flat(by["http-request-method"]),
        headers=tuple((c["HttpHeaderName"], tuple(c["Values"])) for c in by["http-header"]),
        queries=tuple(
            tuple(desired_config.QueryPair(pair["Value"], pair.get("Key")) for pair in c["Values"])
            for c in by["query-string"]
        ),
        sources=_flat(by["source-ip"]),
    )


def _flat(configs: list[Any]) -> tuple[str, ...]:
    return tuple(value for config in configs for value in config["Values"])
