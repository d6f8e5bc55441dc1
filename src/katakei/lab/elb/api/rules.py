"""Actions on rules and their priorities. A default rule changes only with its listener."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from katakei.lab import clock
from katakei.lab.elb import actions, conditions, lookup
from katakei.lab.elb.errors import ElbError, invalid, rule_not_found
from katakei.lab.elb.model import Listener, Rule

if TYPE_CHECKING:
    from datetime import datetime

    from katakei.lab.elb.query_protocol import Params
    from katakei.lab.elb.target_state import TargetState

MAX_RULES = 100


def create_rule(target_state: TargetState, params: Params, now: datetime) -> Params:
    """CreateRule. Its priority must be free."""
    listener = lookup.listener(target_state, params["ListenerArn"])
    own = _rules_of(target_state, listener)
    _check_free(own, params["Priority"])
    if len(own) >= MAX_RULES:
        raise ElbError("TooManyRules", f"The maximum number of rules per listener '{MAX_RULES}' has been reached")
    rule = Rule(
        listener.arn.replace(":listener/", ":listener-rule/") + f"/{clock.unique()[:16]}",
        listener.arn,
        params["Priority"],
        conditions.validated(params["Conditions"]),
        actions.validated(target_state, target_state.balancers[listener.balancer], params["Actions"]),
    )
    target_state.rules[rule.arn] = rule
    target_state.tags[rule.arn] = {tag["Key"]: tag.get("Value", "") for tag in params.get("Tags", [])}
    target_state.reroute(now)
    return {"Rules": [described(rule)]}


def describe_rules(target_state: TargetState, params: Params, _now: datetime) -> Params:
    """DescribeRules, of one listener by priority with the default rule last, or by ARN."""
    arns, listener_arn = params.get("RuleArns", []), params.get("ListenerArn")
    if arns and listener_arn:
        raise invalid("Listener rule ARNs and a listener ARN cannot be specified at the same time")
    if arns:
        return {"Rules": [_by_arn(target_state, arn) for arn in arns]}
    if listener_arn is None:
        raise invalid("You must specify either listener rule ARNs or a listener ARN")
    listener = lookup.listener(target_state, listener_arn)
    rules = [*(described(rule) for rule in _rules_of(target_state, listener)), _default(listener)]
    page, marker = lookup.page(rules, params, lambda rule: str(rule["RuleArn"]))
    return {"Rules": list(page), "NextMarker": marker}


def modify_rule(target_state: TargetState, params: Params, now: datetime) -> Params:
    """ModifyRule. A given list replaces the old list."""
    rule = lookup.rule(target_state, params["RuleArn"])
    if "Conditions" not in params and "Actions" not in params:
        raise invalid("Either conditions or actions must be specified")
    balancer = target_state.balancers[target_state.listeners[rule.listener].balancer]
    if "Conditions" in params:
        rule = replace(rule, conditions=conditions.validated(params["Conditions"]))
    if "Actions" in params:
        rule = replace(rule, actions=actions.validated(target_state, balancer, params["Actions"]))
    target_state.rules[rule.arn] = rule
    target_state.reroute(now)
    return {"Rules": [described(rule)]}


def delete_rule(target_state: TargetState, params: Params, now: datetime) -> Params:
    """DeleteRule. A default rule cannot be deleted."""
    rule = lookup.rule(target_state, params["RuleArn"])
    del target_state.rules[rule.arn]
    target_state.tags.pop(rule.arn, None)
    target_state.reroute(now)
    return {}


def set_rule_priorities(target_state: TargetState, params: Params, now: datetime) -> Params:
    """SetRulePriorities, all at once, so that priorities can be swapped."""
    requested = {pair["RuleArn"]: pair["Priority"] for pair in params["RulePriorities"]}
    changed = [replace(lookup.rule(target_state, arn), priority=priority) for arn, priority in requested.items()]
    if len(set(requested.values())) < len(requested):
        raise invalid("A priority was provided multiple times")
    for rule in changed:
        _check_free(
            [r for r in target_state.rules.values() if r.listener == rule.listener and r.arn not in requested],
            rule.priority,
        )
    target_state.rules |= {rule.arn: rule for rule in changed}
    target_state.reroute(now)
    return {"Rules": [described(rule) for rule in changed]}


def described(rule: Rule) -> Params:
    """Returns one Rule as AWS shows it. The priority is a string."""
    return {
        "RuleArn": rule.arn,
        "Priority": str(rule.priority),
        "Conditions": list(rule.conditions),
        "Actions": list(rule.actions),
        "IsDefault": False,
    }


def _default(listener: Listener) -> Params:
    actions_shown = list(listener.actions)
    return {
        "RuleArn": listener.default_rule,
        "Priority": "default",
        "Conditions": [],
        "Actions": actions_shown,
        "IsDefault": True,
    }


def _by_arn(target_state: TargetState, arn: str) -> Params:
    for listener in target_state.listeners.values():
        if listener.default_rule == arn:
            return _default(listener)
    if arn not in target_state.rules:
        raise rule_not_found()
    return described(target_state.rules[arn])


def _rules_of(target_state: TargetState, listener: Listener) -> list[Rule]:
    return sorted(
        (r for r in target_state.rules.values() if r.listener == listener.arn), key=lambda rule: rule.priority
    )


def _check_free(rules: list[Rule], priority: int) -> None:
    if any(rule.priority == priority for rule in rules):
        raise ElbError("PriorityInUse", f"Priority '{priority}' is currently in use")
